"""What people do about drift: each verb heals what it says, and says why where it cannot."""

from typing import Any

import pytest

from mdm.errors import Invalid
from mdm.models import ChangeEvent, GoldenRecord
from publishing.adopting import NotAdoptable, meant_by
from publishing.drift import adopt, leave, send_again
from publishing.models import Delivery, Difference, DriftCheck, Endpoint, Intervention
from tests.factories import publish, reload
from tests.publishing.holding import Kept, compare, hold_digests, kept_by, of
from tests.publishing.making import OWNER, Target, rename, rest, run, states, suppliers, webhook

pytestmark = pytest.mark.django_db


@pytest.fixture
def records() -> list[GoldenRecord]:
    return suppliers(3)


@pytest.fixture
def endpoint(records: list[GoldenRecord], target: Target) -> Endpoint:
    endpoint = rest(target.url)
    run(endpoint)
    hold_digests(endpoint, kept_by(target))
    return endpoint


def alter(endpoint: Endpoint, target: Target, record: GoldenRecord, **values: Any) -> Kept:
    """The target changes a record behind the hub's back, and a check finds it."""
    held = kept_by(target)
    held[of(record)]["attributes"].update(values)
    compare(endpoint, held)
    return held


def open_ids(**given: Any) -> list[int]:
    return list(Difference.objects.filter(state="open", **given).values_list("pk", flat=True))


def test_what_is_sent_again_is_the_same_message_marked_as_a_replay(
    endpoint: Endpoint, target: Target, records: list[GoldenRecord]
) -> None:
    right = kept_by(target)
    alter(endpoint, target, records[0], name="Theirs")
    first = next(call for call in target.calls if of(records[0]) in call.path)
    target.calls.clear()
    done = send_again(differences=open_ids(), by=OWNER, reason="ours is right")
    assert (done.count, done.refused) == (1, [])
    run(endpoint)
    [call] = target.calls
    assert (call.body, call.headers["idempotency-key"]) == (first.body, first.headers["idempotency-key"])
    assert call.headers["webhook-replay"]
    assert Difference.objects.get().state == "sent_again"
    assert Intervention.objects.get(verb="send again").reason == "ours is right"
    compare(endpoint, right | kept_by(target))
    assert Difference.objects.get().state == "gone"


def test_a_record_whose_delivery_is_no_longer_kept_is_made_from_its_event(
    endpoint: Endpoint, target: Target, records: list[GoldenRecord]
) -> None:
    alter(endpoint, target, records[0], name="Theirs")
    Delivery.objects.filter(record=records[0]).update(record=records[1])  # stands for a purge
    Delivery.objects.filter(record=records[1]).exclude(event__record=records[1]).update(event=_spare(records[2]))
    target.calls.clear()
    send_again(differences=open_ids(), by=OWNER)
    run(endpoint)
    assert [call.json["id"] for call in target.calls] == [of(records[0])]


def _spare(record: GoldenRecord) -> ChangeEvent:
    rename(record, "Spare Ltd")
    return ChangeEvent.objects.get(record=record, version=2)


def test_what_the_hub_does_not_know_cannot_be_sent(endpoint: Endpoint, target: Target) -> None:
    held = kept_by(target)
    held["X-1"] = {"id": "X-1", "version": 1}
    compare(endpoint, held)
    done = send_again(differences=open_ids(), by=OWNER)
    assert done.count == 0
    assert list(done.reasons.values()) == [1]
    assert "no such record" in next(iter(done.reasons))


def test_what_is_on_its_way_anyway_is_left_alone(
    endpoint: Endpoint, target: Target, records: list[GoldenRecord]
) -> None:
    alter(endpoint, target, records[0], name="Theirs")
    Delivery.objects.filter(record=records[0]).update(state="waiting", settled_at=None)
    assert send_again(differences=open_ids(), by=OWNER).count == 1
    assert not Delivery.objects.get(record=records[0]).replayed
    assert states(endpoint).count("waiting") == 1


def test_an_adopted_value_is_the_hubs_and_goes_to_everybody(
    endpoint: Endpoint, target: Target, records: list[GoldenRecord]
) -> None:
    alter(endpoint, target, records[0], name="Theirs", currency="EUR")
    done = adopt(differences=open_ids(), by=OWNER, reason="they know it better")
    assert done.count == 2
    record = reload(records[0].pk)
    assert (record.title, record.version) == ("Theirs", 2)
    publish()
    event = ChangeEvent.objects.get(record=record, version=2)
    assert '"Adopted from Push: they know it better"' in event.body
    assert '"Olga Owner"' in event.body
    run(endpoint)
    assert kept_by(target)[of(record)]["attributes"]["currency"] == "EUR"


def test_a_record_that_moved_on_is_not_overwritten(
    endpoint: Endpoint, target: Target, records: list[GoldenRecord]
) -> None:
    alter(endpoint, target, records[0], name="Theirs")
    rename(records[0], "Newer Ltd")
    done = adopt(differences=open_ids(), by=OWNER, reason="theirs")
    assert (done.count, reload(records[0].pk).title) == (0, "Newer Ltd")
    assert "changed" in next(iter(done.reasons))
    assert Difference.objects.get().state == "open"


def test_a_value_that_breaks_the_rules_is_refused_with_them(
    endpoint: Endpoint, target: Target, records: list[GoldenRecord]
) -> None:
    alter(endpoint, target, records[0], currency="N" * 90)
    done = adopt(differences=open_ids(), by=OWNER, reason="theirs")
    assert done.count == 0
    assert reload(records[0].pk).version == 1


def test_only_a_field_with_one_way_back_is_adopted(endpoint: Endpoint, records: list[GoldenRecord]) -> None:
    check = DriftCheck.objects.create(endpoint=endpoint, by="x", via="sent", started_at=endpoint.created_at)
    row = Difference(check_run=check, endpoint=endpoint, record=records[0], kind="altered", found_at=check.started_at)
    for field, theirs in (("", None), ("parts.addresses", []), ("code", "X"), ("extension.unknown", "1"),
                          ("attributes.parent.title", "Hold"), ("attributes.name", ["a"])):  # fmt: skip
        row.field, row.theirs = field, theirs
        with pytest.raises(NotAdoptable):
            meant_by(row)
    row.field, row.theirs = "attributes.parent.code", "SUP-9"
    assert meant_by(row).attribute == "parent"
    endpoint.mapping = {"supplier": [
        {"to": "Name1", "from": "attributes.name"},
        {"to": "Both", "join": ["code", "title"]},
        {"to": "NAME", "from": "attributes.name", "case": "upper"},
    ]}  # fmt: skip
    row.field, row.theirs = "Name1", "Acme"
    assert (meant_by(row).attribute, meant_by(row).value) == ("name", "Acme")
    for field in ("Both", "NAME", "Unknown"):
        row.field = field
        with pytest.raises(NotAdoptable):
            meant_by(row)


def test_leaving_needs_a_reason_and_is_done_once(
    endpoint: Endpoint, target: Target, records: list[GoldenRecord]
) -> None:
    alter(endpoint, target, records[0], name="Theirs")
    with pytest.raises(Invalid):
        leave(differences=open_ids(), by=OWNER, reason=" ")
    ids = open_ids()
    assert leave(differences=ids, by=OWNER, reason="agreed with them").count == 1
    assert leave(differences=ids, by=OWNER, reason="again").count == 0
    row = Difference.objects.get()
    assert (row.state, row.settled_by, row.reason) == ("left", "Olga Owner", "agreed with them")


def test_a_webhook_heals_as_well(records: list[GoldenRecord], target: Target) -> None:
    endpoint = webhook(target.url)
    run(endpoint)
    held = kept_by(target)
    del held[of(records[1])]
    compare(endpoint, held)
    target.calls.clear()
    send_again(differences=open_ids(kind="missing"), by=OWNER)
    run(endpoint)
    assert [call.json["subject"] for call in target.calls] == [of(records[1])]
