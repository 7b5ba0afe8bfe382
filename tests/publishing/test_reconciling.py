"""A target and the hub compare what they hold: exactly what differs is found, and nothing that is on its way."""

from copy import deepcopy
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from mdm.mastering import merge
from publishing.models import Compared, Difference, Endpoint, Holding
from publishing.reconciling import Theirs, begin, give_up_old, tell
from tests.factories import publish, why
from tests.publishing.holding import Kept, bucket, buckets_of, compare, hold_digests, kept_by, of, theirs
from tests.publishing.making import Answer, Target, pass_time, rename, rest, run, suppliers, webhook

pytestmark = pytest.mark.django_db


@pytest.fixture
def endpoint(target: Target) -> Endpoint:
    suppliers(6)
    endpoint = rest(target.url)
    run(endpoint)
    hold_digests(endpoint, kept_by(target))
    return endpoint


@pytest.fixture
def held(endpoint: Endpoint, target: Target) -> Kept:
    return kept_by(target)


def listed(endpoint: Endpoint, state: str = "open") -> list[tuple[str, str, object, object]]:
    rows = Difference.objects.filter(endpoint=endpoint, state=state).order_by("record__code", "their_id", "field")
    return [(row.kind, row.field, row.ours, row.theirs) for row in rows]


def test_a_target_that_holds_what_it_was_given_has_no_difference(endpoint: Endpoint, held: Kept) -> None:
    for way in (Compared.CONTENT, Compared.VERSION):
        begun = begin(
            endpoint=endpoint, by="erp", compares=way, buckets=buckets_of(held, content=way == Compared.CONTENT)
        )
        assert begun.differing == []
        assert (begun.check.state, begun.check.compared) == ("done", 6)


def test_a_webhook_is_compared_by_its_data(target: Target) -> None:
    suppliers(3)
    endpoint = webhook(target.url)
    run(endpoint)
    hold_digests(endpoint, kept_by(target))
    assert begin(endpoint=endpoint, by="erp", buckets=buckets_of(kept_by(target))).differing == []


def test_exactly_what_was_altered_lost_or_added_is_found(endpoint: Endpoint, held: Kept) -> None:
    altered, lost, behind, *_ = sorted(held)
    stranger = str(uuid4())
    held[altered]["attributes"]["name"] = "Changed there"
    del held[lost]
    held[behind]["version"] = 0
    held[stranger] = {"id": stranger, "version": 1}
    heard = compare(endpoint, held)
    found = {(one.kind, str(one.record_id or one.their_id), one.field) for one in heard.found}
    assert found == {
        ("altered", altered, "attributes.name"),
        ("missing", lost, ""),
        ("behind", behind, ""),
        ("extra", stranger, ""),
    }
    assert (heard.check.state, heard.check.differing) == ("done", 4)
    assert ("altered", "attributes.name", "Company 0 Ltd", "Changed there") in listed(endpoint)


def test_a_record_altered_somewhere_is_asked_for_with_its_fields(endpoint: Endpoint, held: Kept) -> None:
    altered = min(held)
    held[altered]["attributes"]["name"] = "Changed there"
    heard = compare(endpoint, held, fields=False)
    assert list(heard.ask) == [altered]
    assert [row[:2] for row in listed(endpoint)] == [("altered", "")]
    told = [Theirs(altered, 1, fields={"name": "Changed there", "colour": "red"})]
    again = tell(check=heard.check, records=told)
    assert list(again.unknown_fields) == ["colour"]
    assert [row[:2] for row in listed(endpoint)] == [("altered", "attributes.name")]
    assert [row[:2] for row in listed(endpoint, "gone")] == [("altered", "")]


def test_what_is_still_on_its_way_is_no_difference(endpoint: Endpoint, held: Kept, target: Target) -> None:
    changed = Holding.objects.filter(endpoint=endpoint).order_by("record__code")[0].record
    rename(changed, "On its way Ltd")
    target.answer = Answer(503)
    run(endpoint)
    held[of(changed)]["attributes"]["name"] = "Half applied"
    heard = compare(endpoint, held)
    assert (list(heard.found), list(heard.left_out), heard.check.left_out) == ([], [of(changed)], 1)


def test_what_is_acknowledged_while_the_target_reads_is_no_difference(endpoint: Endpoint, held: Kept) -> None:
    changed = Holding.objects.filter(endpoint=endpoint).order_by("record__code")[0].record
    before = deepcopy(held)
    before[of(changed)]["version"] = 0
    begun = begin(endpoint=endpoint, by="erp", buckets=buckets_of(before))
    rename(changed, "Quicker Ltd")
    run(endpoint)
    told = theirs({of(changed): held[of(changed)]})
    heard = tell(check=begun.check, records=told, buckets=[bucket(of(changed))])
    assert (list(heard.found), list(heard.left_out)) == ([], [of(changed)])


def test_a_difference_ends_when_the_next_check_finds_none(endpoint: Endpoint, held: Kept) -> None:
    altered = min(held)
    right = deepcopy(held)
    held[altered]["attributes"]["name"] = "Changed there"
    compare(endpoint, held)
    first = Difference.objects.get()
    compare(endpoint, held)
    assert Difference.objects.get().pk == first.pk
    compare(endpoint, right)
    first.refresh_from_db()
    assert (first.state, first.settled_at is not None) == ("gone", True)


def test_what_somebody_left_stays_left_until_it_changes(endpoint: Endpoint, held: Kept) -> None:
    altered = min(held)
    held[altered]["attributes"]["name"] = "Theirs"
    compare(endpoint, held)
    Difference.objects.update(state="left")
    compare(endpoint, held)
    assert listed(endpoint) == []
    held[altered]["attributes"]["name"] = "Theirs again"
    compare(endpoint, held)
    assert [row[3] for row in listed(endpoint)] == ["Theirs again"]


def test_what_was_sent_again_and_is_still_there_is_open_again(endpoint: Endpoint, held: Kept) -> None:
    held[min(held)]["attributes"]["name"] = "Theirs"
    compare(endpoint, held)
    Difference.objects.update(state="sent_again", settled_by="Stella")
    compare(endpoint, held)
    assert [(row.state, row.settled_by) for row in Difference.objects.all()] == [("open", "")]


def test_redirects_and_what_left_may_be_kept_or_dropped(target: Target) -> None:
    winner, loser, out = suppliers(3)
    endpoint = webhook(target.url)
    run(endpoint)
    merge(winner_id=winner.pk, loser_ids=[loser.pk], expected={}, cause=why("the same"))
    publish()
    run(endpoint)
    Holding.objects.filter(record=out).update(left=True)
    held = kept_by(target)
    hold_digests(endpoint, held)
    assert list(compare(endpoint, held).found) == []
    del held[of(loser)], held[of(out)]
    assert list(compare(endpoint, held).found) == []


def test_a_target_without_buckets_tells_everything_page_by_page(endpoint: Endpoint, held: Kept) -> None:
    lost, *others = sorted(held)
    begun = begin(endpoint=endpoint, by="erp")
    for key in others:
        assert list(tell(check=begun.check, records=[Theirs(key, 1)]).found) == []
    heard = tell(check=begun.check, records=[], buckets=None)
    assert [(one.kind, str(one.record_id)) for one in heard.found] == [("missing", lost)]
    assert heard.check.state == "done"


def test_a_target_may_name_records_by_its_own_ids(endpoint: Endpoint) -> None:
    keys = {}
    for number, holding in enumerate(Holding.objects.filter(endpoint=endpoint)):
        holding.local_id = f"V-{number}"
        holding.save(update_fields=["local_id"])
        keys[holding.local_id] = holding.record_id
    begun = begin(endpoint=endpoint, by="erp", compares=Compared.VERSION)
    told = [Theirs("", 1, local_id=key) for key in keys] + [Theirs("", 1, local_id="V-99")]
    heard = tell(check=begun.check, records=told, buckets=None)
    assert [(one.kind, one.their_id) for one in heard.found] == [("extra", "V-99")]


def test_values_only_this_target_is_given_are_not_shown_to_readers(target: Target) -> None:
    [record] = suppliers(1)
    endpoint = rest(target.url)
    run(endpoint)
    Endpoint.objects.filter(pk=endpoint.pk).update(reveals=["supplier.tax_id"])
    held = kept_by(target)
    held[of(record)]["attributes"]["name"] = "Canary"
    with connection.cursor() as cursor:  # as if the event were purged: nobody can tell which fields are restricted
        cursor.execute("UPDATE publishing_holding SET seq = 99")
        cursor.execute("UPDATE publishing_delivery SET seq = 99")
    compare(endpoint, held)
    assert [(row[2], row[3]) for row in listed(endpoint)] == [("••••", "••••")]


def test_a_check_the_target_leaves_unfinished_is_given_up(endpoint: Endpoint, clock: None) -> None:
    check = begin(endpoint=endpoint, by="erp").check
    assert give_up_old() == 0
    pass_time(90_000)
    assert give_up_old() == 1
    check.refresh_from_db()
    assert (check.state, check.error) == ("failed", "The target told no more for a day.")


def test_comparing_costs_the_same_for_few_and_for_many(endpoint: Endpoint, held: Kept) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            begin(endpoint=endpoint, by="erp", buckets=buckets_of(held))
        return len(queries)

    few = cost()
    assert cost() == few
    assert {bucket(key) for key in held} == set(buckets_of(held))
