"""The change feed: nothing missing, nothing never published, and a cursor that is what it says."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from django.db import OperationalError, connection
from django.test import Client

from api import cursors, waiting
from api.problems import CursorExpired, FeedReset
from mdm.mastering import activate, contribute, merge
from mdm.models import LogHead
from mdm.queries import FeedHead, FeedPage, feed, read_feed
from tests.api.problems import problem
from tests.factories import golden, hospital, publish, source, supplier, why

pytestmark = pytest.mark.django_db


def follow(get: Any, **question: Any) -> list[dict[str, Any]]:
    """Every event of the feed, page by page to its end."""
    events, cursor = [], {}
    while True:
        page = get("/changes", **question, **cursor)
        events += page["items"]
        cursor = {"cursor": page["next_cursor"]}
        if not page["has_more"]:
            return events


def test_events_come_in_the_order_of_their_numbers_with_everything_in_them(get: Any) -> None:
    record = supplier("V1", "Acme")
    contribute(record_id=record.pk, values={"name": "Acme Medical"}, expected=1, cause=why("renamed"))
    publish()
    first, second = get("/changes")["items"]
    assert (first["sequence"], first["verb"], second["sequence"], second["verb"]) == (1, "created", 2, "changed")
    assert (second["attributes"]["name"], second["previous_version"], second["reason"]) == (
        "Acme Medical",
        1,
        "renamed",
    )
    assert second["changed"][0]["before"] == "Acme"


def test_what_has_no_number_yet_is_not_shown(get: Any) -> None:
    supplier("V1", "Acme")
    page = get("/changes")
    assert (page["items"], page["through_sequence"], page["has_more"]) == ([], 0, False)


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_pages_join_without_gap(get: Any, limit: int) -> None:
    for number in range(6):
        supplier(f"V{number}", f"Supplier {number}")
    head = publish()
    assert [event["sequence"] for event in follow(get, limit=limit)] == list(range(1, head + 1))


def test_the_same_cursor_gives_the_same_page_again(get: Any) -> None:
    for number in range(4):
        supplier(f"V{number}", f"Supplier {number}")
    publish()
    cursor = get("/changes", limit=1)["next_cursor"]
    first = get("/changes", limit=2, cursor=cursor)
    supplier("V9", "Later")
    publish()
    again = get("/changes", limit=2, cursor=cursor)
    assert (again["items"], again["next_cursor"]) == (first["items"], first["next_cursor"])


def test_a_reader_knows_it_has_everything_though_numbers_are_missing(get: Any) -> None:
    supplier("V1", "Acme")
    supplier("V2", "Held", state="pending")
    hospital("H1", "Reno General")
    head = publish()
    page = get("/changes", domain="supplier")
    assert [event["sequence"] for event in page["items"]] == [1]
    assert (page["through_sequence"], page["head_sequence"], page["has_more"]) == (head, head, False)
    later = supplier("V3", "Later")
    publish()
    page = get("/changes", domain="supplier", cursor=page["next_cursor"])
    assert [event["code"] for event in page["items"]] == [later.code]


def test_a_record_is_heard_of_only_once_it_is_published(get: Any) -> None:
    held, lost = supplier("V1", "Held", state="pending"), supplier("V2", "Lost", state="pending")
    winner = supplier("V3", "Winner")
    merge(winner_id=winner.pk, loser_ids=[lost.pk], expected={}, cause=why())
    publish()
    shown = {event["code"]: event for event in get("/changes")["items"]}
    assert shown.keys() == {winner.code, lost.code}
    assert (shown[lost.code]["merged_into"], shown[lost.code]["attributes"]) == (str(winner.pk), {})
    activate(record_ids=[held.pk], cause=why())
    publish()
    (event,) = [event for event in get("/changes")["items"] if event["code"] == held.code]
    assert (event["verb"], event["attributes"]["name"]) == ("activated", "Held")


def test_the_end_of_a_published_record_is_told(get: Any) -> None:
    winner, loser = supplier("V1", "A"), supplier("V2", "B")
    merge(winner_id=winner.pk, loser_ids=[loser.pk], expected={}, cause=why())
    publish()
    (event,) = get("/changes", verb="merged")["items"]
    assert (event["code"], event["merged_into"]) == (loser.code, str(winner.pk))


def test_a_page_of_a_rare_domain_looks_at_a_window_only(get: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "WINDOW", 3)
    for number in range(7):
        supplier(f"V{number}", f"Supplier {number}")
    site = hospital("H1", "Reno General")
    head = publish()
    page = get("/changes", domain="facility")
    assert (page["items"], page["through_sequence"], page["has_more"]) == ([], 3, True)
    events = follow(get, domain="facility")
    assert [(event["code"], event["sequence"]) for event in events] == [(site.code, head)]


def test_restricted_values_are_masked(api: Client) -> None:
    account = {"bank": "First National", "country": "US", "account_tail": "••••4821"}
    golden(source("erp", "supplier", "V1", name="Acme", parts={"bank_accounts": [account]}))
    publish()
    text = api.get("/api/v1/changes").content.decode()
    assert "••••4821" in text
    assert "First National" not in text


def test_a_client_hears_of_the_domains_it_may_read(client_with: Any) -> None:
    supplier("V1", "Acme")
    site = hospital("H1", "Reno General")
    head = publish()
    page = client_with("feed:read", "facility:read").get("/api/v1/changes").json()
    assert [event["code"] for event in page["items"]] == [site.code]
    assert page["through_sequence"] == head
    problem(client_with("feed:read", name="blind").get("/api/v1/changes"), 403, "permission-denied")


def test_a_cursor_grants_nothing(get: Any, client_with: Any) -> None:
    supplier("V1", "Acme")
    cursor = get("/changes", limit=1)["next_cursor"]
    publish()
    other = client_with("feed:read", "item:read")
    assert other.get("/api/v1/changes", {"cursor": cursor}).json()["items"] == []


def test_a_cursor_of_another_question_is_refused(get: Any, api: Client) -> None:
    cursor = get("/changes", domain="supplier,item")["next_cursor"]
    assert get("/changes", domain="item,supplier", cursor=cursor)["items"] == []
    problem(api.get("/api/v1/changes", {"cursor": cursor, "domain": "item"}), 400, "cursor-filter-mismatch")
    problem(api.get("/api/v1/changes", {"cursor": "x"}), 400, "cursor-invalid")
    problem(api.get("/api/v1/changes", {"cursor": cursor, "domain": "planet"}), 400, "invalid")
    problem(api.get("/api/v1/changes", {"after_sequence": 1, "cursor": get("/changes")["next_cursor"]}), 400, "invalid")


def test_all_mistakes_of_a_question_are_named_at_once(api: Client) -> None:
    asked = "limit=no&wait=-1&domain=planet&verb=eaten&latest_only=perhaps&after_sequence=x&cursor=y&since=1"
    body = problem(api.get(f"/api/v1/changes?{asked}"), 400, "invalid")
    named = {"limit", "wait", "domain", "verb", "latest_only", "after_sequence", "cursor", "since"}
    assert {error["pointer"] for error in body["errors"]} == named


def test_a_filter_given_twice_counts_twice(get: Any, api: Client) -> None:
    supplier("V1", "Acme")
    hospital("H1", "Reno General")
    publish()
    page = api.get("/api/v1/changes?domain=supplier&domain=facility").json()
    assert [event["domain"] for event in page["items"]] == ["supplier", "facility"]
    assert get("/changes", domain="facility,supplier", cursor=page["next_cursor"])["items"] == []


def test_another_life_of_the_log_is_told(get: Any, api: Client) -> None:
    supplier("V1", "Acme")
    publish()
    cursor = get("/changes")["next_cursor"]
    LogHead.objects.update(epoch=uuid4())
    body = problem(api.get("/api/v1/changes", {"cursor": cursor}), 409, "feed-reset")
    assert "/api/v1/suppliers/" in body["snapshot"]
    assert get("/changes", cursor=body["oldest_cursor"])["items"][0]["sequence"] == 1
    problem(api.get("/api/v1/changes", {"after_sequence": 99}), 409, "feed-reset")


def test_a_place_before_what_is_kept_is_told_with_the_way_forward() -> None:
    head = FeedHead(uuid4(), seq=500, oldest=101)
    assert cursors.read_feed_cursor(cursors.feed_cursor(head.epoch, 100, {}), {}, head) == 100
    with pytest.raises(CursorExpired) as refused:
        cursors.read_feed_cursor(cursors.feed_cursor(head.epoch, 99, {}), {}, head)
    assert cursors.read_feed_cursor(refused.value.oldest_cursor, {}, head) == 100
    with pytest.raises(FeedReset):
        cursors.read_feed_cursor(cursors.feed_cursor(head.epoch, 501, {}), {}, head)


def test_what_is_past_the_retention_is_told_no_more(get: Any, api: Client, settings: Any) -> None:
    for number in range(3):
        supplier(f"V{number}", f"Supplier {number}")
    publish()
    cursor = get("/changes", limit=1)["next_cursor"]
    with connection.cursor() as database:
        database.execute("SET LOCAL session_replication_role = replica")
        database.execute("UPDATE mdm_changeevent SET occurred_at = now() - interval '401 days' WHERE seq <= 2")
        database.execute("SET LOCAL session_replication_role = origin")
    assert (settings.FEED_RETENTION_DAYS, get("/changes")["oldest_sequence"]) == (400, 3)
    assert [event["sequence"] for event in get("/changes")["items"]] == [3]
    body = problem(api.get("/api/v1/changes", {"cursor": cursor}), 410, "cursor-expired")
    assert [event["sequence"] for event in get("/changes", cursor=body["oldest_cursor"])["items"]] == [3]
    problem(api.get("/api/v1/changes", {"after_sequence": 0}), 410, "cursor-expired")
    assert get("/changes", after_sequence=2)["items"] != []
    settings.FEED_RETENTION_DAYS = 402
    assert get("/changes", cursor=cursor)["items"][0]["sequence"] == 2
    settings.FEED_RETENTION_DAYS = 0
    assert get("/changes", after_sequence=0)["oldest_sequence"] == 1


@pytest.mark.django_db(transaction=True)
def test_a_waiting_reader_is_woken_by_the_next_number(api: Client) -> None:
    supplier("V1", "Acme")
    head = publish()

    def later() -> None:
        time.sleep(0.3)
        try:
            supplier("V2", "Later")
            publish()
        finally:
            connection.close()

    writer = threading.Thread(target=later)
    begun = time.monotonic()
    writer.start()
    page = api.get("/api/v1/changes", {"after_sequence": head, "wait": 20}).json()
    writer.join()
    assert [event["title"] for event in page["items"]] == ["Later"]
    assert time.monotonic() - begun < 15


@pytest.mark.django_db(transaction=True)
def test_a_reader_who_waits_in_vain_gets_an_empty_page(api: Client) -> None:
    page = api.get("/api/v1/changes", {"wait": 1}).json()
    assert (page["items"], page["has_more"]) == ([], False)


def test_where_all_seats_are_taken_nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = threading.BoundedSemaphore(1)
    taken.acquire()
    monkeypatch.setattr(waiting, "SEATS", taken)
    monkeypatch.setattr(waiting.LISTENER, "wait_beyond", lambda *_: pytest.fail("waited without a seat"))
    monkeypatch.setattr(waiting, "connection", SimpleNamespace(in_atomic_block=False))
    waiting.wait_beyond(0, 25)


@pytest.mark.django_db(transaction=True)
def test_many_waiting_readers_share_one_connection_and_one_look(
    client_with: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are woken together, and while they wait only the listener is connected."""
    client = client_with("feed:read", "supplier:read")
    looks: list[tuple[int, int]] = []

    def look(head: FeedHead, *, after: int, **asked: Any) -> FeedPage:
        if head.seq > after:
            looks.append((head.seq, after))
        return read_feed(head, after=after, **asked)

    monkeypatch.setattr("api.views.changes.read_feed", look)
    supplier("V1", "Acme")
    head = publish()
    heard: list[list[str]] = []

    def follow_one() -> None:
        try:
            page = client.get("/api/v1/changes", {"after_sequence": head, "wait": 20}).json()
            heard.append([event["title"] for event in page["items"]])
        finally:
            connection.close()

    readers = [threading.Thread(target=follow_one) for _ in range(12)]
    for reader in readers:
        reader.start()
    until = time.monotonic() + 10
    while waiting.LISTENER._waiting < len(readers) and time.monotonic() < until:
        time.sleep(0.02)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        assert cursor.fetchone()[0] <= 3  # this test's, the listener's, and one that is closing
    supplier("V2", "Later")
    publish()
    for reader in readers:
        reader.join(15)
    assert heard == [["Later"]] * len(readers)
    assert looks == [(head + 1, head)]


def test_what_is_shared_is_found_once_by_question_and_a_failure_is_not_kept() -> None:
    shared, looks = waiting.Shared(), []

    def look() -> int:
        time.sleep(0.1)
        looks.append(1)
        if len(looks) == 1:
            raise OperationalError("away")
        return len(looks)

    with ThreadPoolExecutor(5) as readers:
        for asked in [readers.submit(shared.of, "one", look) for _ in range(5)]:
            with pytest.raises(OperationalError):
                asked.result()
        assert [asked.result() for asked in [readers.submit(shared.of, "one", look) for _ in range(5)]] == [2] * 5
    assert shared.of("other", look) == 3
    shared.forget()
    assert shared.of("one", look) == 4


@pytest.mark.django_db(transaction=True)
def test_news_of_other_domains_does_not_end_the_wait(api: Client) -> None:
    head = publish()

    def later() -> None:
        try:
            hospital("H1", "Reno General")
            publish()
            time.sleep(0.3)
            supplier("V2", "Later")
            publish()
        finally:
            connection.close()

    writer = threading.Thread(target=later)
    writer.start()
    page = api.get("/api/v1/changes", {"after_sequence": head, "wait": 20, "domain": "supplier"}).json()
    writer.join()
    assert [event["title"] for event in page["items"]] == ["Later"]


def test_only_the_latest_of_each_record_where_that_is_asked(get: Any) -> None:
    record = supplier("V1", "Acme")
    supplier("V2", "Beta Medical")
    contribute(record_id=record.pk, values={"name": "Acme Medical"}, expected=1, cause=why("renamed"))
    head = publish()
    page = get("/changes", latest_only="true")
    assert [event["title"] for event in page["items"]] == ["Beta Medical", "Acme Medical"]
    assert page["through_sequence"] == head
