"""Sending files in the browser, and what a person sees of them afterwards."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from matching import leaving
from matching.run import match_all
from mdm import log
from mdm.domains import BY_NAME
from mdm.models import Batch, Feed, FeedDraft, SourceRecord
from mdm.people import VIEWER
from stewardship import arrivals
from tests.factories import why
from tests.stewardship import sending
from tests.stewardship.pages import client_of, outsider, text_of
from tests.stewardship.questions import someone

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _folder(settings: Any, tmp_path: Path) -> None:
    sending.in_folder(settings, tmp_path)


@pytest.fixture
def stella() -> Client:
    return client_of(someone("Stella Steward"))


def test_a_file_finds_its_feed_by_its_name_and_is_kept(stella: Client, tmp_path: Path) -> None:
    feed = sending.feed()
    answer = stella.post("/imports/send/", {"file": sending.file(name="vendors-may.csv")})
    batch = Batch.objects.get()
    assert answer.headers["Location"] == f"/imports/{batch.pk}/"
    assert (batch.feed, batch.file_name, batch.submitted_by) == (feed, "vendors-may.csv", "Stella Steward")
    assert (tmp_path / batch.stored_at).read_text() == sending.TWO


def test_a_large_file_goes_through_the_disk(stella: Client, settings: Any) -> None:
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 10
    sending.feed()
    stella.post("/imports/send/", {"file": sending.file()})
    assert Batch.objects.get().size == len(sending.TWO)


def test_everything_wrong_with_an_upload_is_said_at_once(stella: Client) -> None:
    answer = stella.post("/imports/send/", {"feed": "nonsense"})
    assert answer.status_code == 422
    said = text_of(answer)
    assert "2 things need your attention" in said
    assert "Choose a file first." in said
    assert "There is no such feed any more." in said


def test_a_file_no_pattern_names_is_looked_at_first(stella: Client) -> None:
    sending.feed()
    answer = stella.post("/imports/send/", {"file": sending.file(name="list.csv")})
    assert FeedDraft.objects.get().feed == Feed.objects.get()
    assert answer["Location"] == f"/imports/drafts/{FeedDraft.objects.get().pk}/"
    assert not Batch.objects.exists()
    stella.post("/imports/send/", {"file": sending.file(name="list.csv"), "feed": "vendors"})
    assert Batch.objects.get().file_name == "list.csv"


def test_an_empty_file_is_refused(stella: Client) -> None:
    sending.feed()
    answer = stella.post("/imports/send/", {"file": SimpleUploadedFile("vendors.csv", b"")})
    assert answer.status_code == 422
    assert "This file is empty" in text_of(answer)


def test_a_file_for_several_feeds_goes_to_each(stella: Client) -> None:
    sending.feed()
    sending.feed(sending.SUPPLIERS.replace('feed = "vendors"', 'feed = "second"'))
    answer = stella.post("/imports/send/", {"file": sending.file()}, follow=True)
    assert {batch.feed.code for batch in Batch.objects.all()} == {"vendors", "second"}
    assert "was received for 2 feeds" in text_of(answer)


def test_a_file_nobody_reads_says_that_it_waits_for_a_worker(stella: Client) -> None:
    batch = sending.arrived(sending.feed(), readily=False)
    assert "Waiting for a worker" not in text_of(stella.get(f"/imports/{batch.pk}/"))
    Batch.objects.update(received_at=timezone.now() - timedelta(seconds=10))
    page = stella.get(f"/imports/{batch.pk}/")
    assert "Waiting for a worker" in text_of(page)
    assert f'hx-get="/imports/{batch.pk}/progress/"' in page.content.decode()


def test_a_file_behind_another_of_its_feed_says_which_is_read_first(stella: Client) -> None:
    feed = sending.feed()
    sending.arrived(feed, readily=False, name="vendors-1.csv")
    second = sending.arrived(feed, sending.BROKEN, readily=False, name="vendors-2.csv")
    assert "vendors-1.csv is read first" in text_of(stella.get(f"/imports/{second.pk}/"))


def test_progress_goes_from_read_to_published_and_then_stops_asking(stella: Client) -> None:
    batch = sending.arrived(sending.feed())
    address = f"/imports/{batch.pk}/progress/"
    waiting = stella.get(address)
    assert waiting.context["standing"].stage == "matching"
    assert "0 of 2 records matched" in text_of(waiting)
    match_all(why())
    assert stella.get(address).context["standing"].stage == "publishing"
    log.sequence_all()
    done = stella.get(address)
    assert done.context["standing"].stage == "done"
    assert "hx-trigger" not in done.content.decode()
    assert done.headers["HX-Refresh"] == "true"


def test_the_page_shows_numbers_rows_and_what_came_of_them(stella: Client) -> None:
    batch = sending.arrived(sending.feed(), sending.BROKEN)
    match_all(why())
    page = stella.get(f"/imports/{batch.pk}/")
    figures = {one["label"]: one["value"] for one in page.context["figures"]}
    assert figures == {"Rows read": 4, "New": 1, "Changed": 0, "Unchanged": 0, "In quarantine": 3}
    assert "Acme Medical" in text_of(page)
    rows = stella.get(f"/imports/{batch.pk}/rows/?show=new").context["lines"]
    assert [(line["row"].line, line["record"].title) for line in rows] == [(2, "Acme Medical")]
    [record] = stella.get(f"/imports/{batch.pk}/records/").context["records"]
    assert (record["record"].title, record["how"]) == ("Acme Medical", "New record")


def test_a_row_taken_without_a_value_says_which_and_why(stella: Client) -> None:
    batch = sending.arrived(sending.feed(), sending.TWO + "V3,Coyle Inc,123-45-6789,12\n")
    match_all(why())
    page = stella.get(f"/imports/{batch.pk}/")
    assert "Taken without a value that cannot be trusted 1" in text_of(page)
    assert f'href="/imports/{batch.pk}/rows/?show=doubted"' in page.content.decode()
    rows = stella.get(f"/imports/{batch.pk}/rows/?show=doubted")
    [line] = rows.context["lines"]
    assert (line["name"], len(line["source"].warnings)) == ("Coyle Inc", 2)
    assert line["source"].warnings[0]["message"] in text_of(rows)
    assert "And 1 more." in text_of(rows)


def test_changed_and_unchanged_rows_are_told_apart(stella: Client) -> None:
    feed = sending.feed()
    sending.arrived(feed)
    second = sending.arrived(feed, sending.TWO.replace("Bolton Ltd", "Bolton GmbH"), name="vendors-2.csv")
    for show, key in (("changed", "V2"), ("unchanged", "V1")):
        lines = stella.get(f"/imports/{second.pk}/rows/?show={show}").context["lines"]
        assert [line["row"].key for line in lines] == [key]
    assert not stella.get(f"/imports/{second.pk}/rows/?show=new").context["lines"]


def test_the_same_file_again_is_explained_with_a_link_to_the_first_time(stella: Client) -> None:
    feed = sending.feed()
    first = sending.arrived(feed)
    second = sending.arrived(feed, name="vendors-again.csv")
    page = stella.get(f"/imports/{second.pk}/")
    assert "The same content came before as vendors.csv" in text_of(page)
    assert f'href="/imports/{first.pk}/"' in page.content.decode()
    assert f'href="/imports/{second.pk}/"' in stella.get(f"/imports/{first.pk}/").content.decode()


def test_a_file_that_cannot_be_read_says_why_and_the_way_out(stella: Client) -> None:
    batch = sending.arrived(sending.feed(), "a;b\n1;2\n")
    said = text_of(stella.get(f"/imports/{batch.pk}/"))
    assert "None of the first 50 lines names the columns" in said or '"No"' in said
    assert "Nothing was taken" in said
    assert not SourceRecord.objects.exists()


def test_the_list_leads_to_rows_and_quarantine_and_moves_by_itself(stella: Client) -> None:
    batch = sending.arrived(sending.feed(), sending.BROKEN)
    page = stella.get("/imports/").content.decode()
    assert f'href="/imports/{batch.pk}/rows/?show=new"' in page
    assert f'href="/imports/{batch.pk}/quarantine/"' in page
    assert f'hx-get="/imports/{batch.pk}/line/"' in page
    match_all(why())
    assert "hx-trigger" not in stella.get(f"/imports/{batch.pk}/line/").content.decode()


def test_the_list_is_filtered_and_paged(stella: Client) -> None:
    feed = sending.feed()
    for number in range(22):
        sending.arrived(feed, sending.TWO + f"X{number},Name {number},,\n", name=f"vendors-{number}.csv", readily=False)
    first = stella.get("/imports/")
    assert len(first.context["lines"]) == 20
    assert first.context["lines"][0]["batch"].file_name == "vendors-21.csv"
    second = stella.get("/imports/" + first.context["next_href"])
    assert [line["batch"].file_name for line in second.context["lines"]] == ["vendors-1.csv", "vendors-0.csv"]
    assert not stella.get("/imports/?state=failed").context["lines"]
    assert "No import fits these filters" in text_of(stella.get("/imports/?state=failed"))


def test_the_number_of_queries_does_not_grow(stella: Client) -> None:
    feed = sending.feed()
    sending.arrived(feed)
    numbers = []
    for _ in range(2):
        with CaptureQueriesContext(
            connection,
        ) as caught:
            stella.get("/imports/")
        numbers.append(len(caught))
        for number in range(5):
            sending.arrived(feed, sending.TWO + f"X{number},Name {number},,\n", name=f"vendors-{number}.csv")
    assert numbers[0] == numbers[1]


def test_an_import_that_never_was_is_not_found(stella: Client) -> None:
    answer = stella.get(f"/imports/{uuid4()}/")
    assert answer.status_code == 404
    assert "There is no such import" in text_of(answer)


def test_before_the_first_file_the_page_says_what_to_do(stella: Client) -> None:
    assert "No file has arrived yet" in text_of(stella.get("/imports/"))


def test_a_viewer_sees_imports_and_sends_none() -> None:
    sending.feed()
    vera = client_of(someone("Vera Viewer", VIEWER))
    assert "data-drop" not in vera.get("/imports/").content.decode()
    assert vera.post("/imports/send/", {"file": sending.file()}).status_code == 403
    assert not Batch.objects.exists()


def test_the_outsider_sees_nothing_and_sends_nothing() -> None:
    batch = sending.arrived(sending.feed())
    otto = outsider()
    for address in ("", f"{batch.pk}/", f"{batch.pk}/rows/", f"{batch.pk}/records/", f"{batch.pk}/progress/"):
        assert otto.get(f"/imports/{address}").status_code == 403
    assert otto.post("/imports/send/", {"file": sending.file("No,Name,Tax,Tel\nZ,Z,,\n")}).status_code == 403
    assert Batch.objects.count() == 1


@pytest.mark.parametrize(
    ("stage", "states"),
    [
        ("received", ["done", "now", "later", "later"]),
        ("reading", ["done", "now", "later", "later"]),
        ("matching", ["done", "done", "now", "later"]),
        ("publishing", ["done", "done", "done", "now"]),
        ("done", ["done"] * 4),
        ("failed", ["done", "failed", "later", "later"]),
        ("repeated", ["done"] * 4),
    ],
)
def test_the_steps_follow_the_stage(stage: str, states: list[str]) -> None:
    now = arrivals.Standing(Batch(), arrivals.Matched(), 0, stage, idle=False)
    assert [step["state"] for step in arrivals.steps(now)] == states


def test_the_page_says_what_records_were_not_compared_by_and_why(
    stella: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = "".join(f"V{number},Name{number} Surgical,,+15084782000\n" for number in range(8))
    batch = sending.arrived(sending.feed(), sending.HEAD + rows)
    supplier = BY_NAME["supplier"]
    narrow = replace(supplier, matching=replace(supplier.matching, block_cap=5))
    match_all(why())
    assert "What was left out" not in text_of(stella.get(f"/imports/{batch.pk}/"))
    monkeypatch.setattr(leaving, "in_force", lambda _: narrow)
    shown = text_of(stella.get(f"/imports/{batch.pk}/"))
    assert "8 records share phone with more than 5 others and were not compared by it" in shown
