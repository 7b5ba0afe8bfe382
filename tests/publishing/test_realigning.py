"""What changes sides with the tree of facilities: told when it leaves and when it comes back, each time anew."""

from uuid import UUID

import pytest

from mdm.domains.facilities import Facility
from mdm.mastering import contribute
from mdm.models import GoldenRecord
from publishing.clock import now
from publishing.filling import fill
from publishing.lanes import claim, let_go
from publishing.models import Delivery, Endpoint, Holding, Mode
from publishing.outcomes import ACCEPTED
from publishing.receipts import Given, take
from publishing.sending import Result
from publishing.settling import settle
from publishing.window import take as take_next
from tests.factories import golden, publish, source, why
from tests.publishing.making import Answer, Target, run, webhook
from tests.publishing.test_selection import at, tree

pytestmark = pytest.mark.django_db


def north_of_a_ward(target: Target) -> tuple[Endpoint, GoldenRecord, GoldenRecord, GoldenRecord]:
    """An endpoint told of the north alone, a cost center in a ward there, the ward, and a hospital of the south."""
    made = tree()
    desk = golden(source("erp", "cost_center", "C1", code="100", name="Desk", facility=at("NW")))
    publish()
    north = webhook(target.url, code="north", mode=Mode.EVERY_VERSION)
    north.selection = {"legal_entities": [made["north"].code]}
    north.save(update_fields=["selection"])
    return north, desk, made["NW"], made["SH"]


def move(ward: GoldenRecord, to: GoldenRecord) -> None:
    contribute(record_id=ward.pk, values={"parent": str(to.pk)}, expected=None, cause=why("moved"))
    publish()


def told_of(target: Target, record: GoldenRecord) -> list[str]:
    return [call.json["type"].split(".")[2] for call in target.calls if call.json["subject"] == str(record.pk)]


def test_what_leaves_and_comes_back_comes_with_ids_no_target_has_seen(target: Target) -> None:
    """P4, P18: a target that takes each id once must not miss that a record left, or is meant for it again."""
    north, desk, ward, south = north_of_a_ward(target)
    back = Facility.objects.get(pk=ward.pk).parent
    assert back is not None
    run(north)
    for place in (south, back, south, back):
        move(ward, place)
        run(north)
    assert told_of(target, desk) == ["created", "left", "created", "left", "created"]
    ids = [call.headers["webhook-id"] for call in target.calls]
    assert len(ids) == len(set(ids))
    assert all(call.json["id"] == call.headers["webhook-id"] for call in target.calls)
    numbers = [call.json["lanenumber"] for call in target.calls]
    assert sorted(numbers) == list(range(1, len(numbers) + 1))
    last_word = [call.json for call in target.calls if call.json["type"] == "assay.cost_center.left.v1"][-1]
    receipt = Given("r1", accepted=True, event_id=UUID(last_word["id"]))
    assert take(endpoint=north, receipt=receipt, by="erp").state == "refused", "that is not what it was told last"
    newest = target.calls[-1].json
    assert (
        take(endpoint=north, receipt=Given("r2", accepted=True, event_id=UUID(newest["id"])), by="erp").state == "taken"
    )


def test_what_waits_when_its_facility_moves_away_is_never_told_in_full(target: Target) -> None:
    """P29: it was refused at first, and the ward was sold before it was offered again."""
    north, desk, ward, south = north_of_a_ward(target)
    target.answer = lambda call: Answer(404) if "cost_center" in call.json["type"] else Answer()
    run(north)
    assert told_of(target, desk) == ["created"]
    target.calls.clear()
    target.answer = Answer()
    move(ward, south)
    run(north)
    Delivery.objects.filter(state="waiting").update(due_at=now())
    run(north)
    assert "created" not in told_of(target, desk)
    assert not Holding.objects.filter(record=desk, left=False).exists()


def test_the_log_is_read_on_when_what_changes_sides_has_arrived(target: Target) -> None:
    north, desk, ward, south = north_of_a_ward(target)
    accepted = Result(ACCEPTED, north.url, "POST", http_code=200)
    working = claim(north.pk)
    assert working is not None
    fill(working)
    taken = take_next(working, 50)
    while desk.pk not in {one.record_id for one in taken}:
        settle(working, [(one, accepted) for one in taken], resting=False)
        taken = take_next(working, 50)
    move(ward, south)
    assert fill(working) == 0
    settle(working, [(one, accepted) for one in taken], resting=False)
    let_go(working)
    run(north)
    assert told_of(target, desk) == ["left"]


def test_what_comes_in_is_told_after_what_it_names(target: Target) -> None:
    """The desk changed long before the ward that took it along, and names it."""
    north, desk, ward, south = north_of_a_ward(target)
    back = Facility.objects.get(pk=ward.pk).parent
    assert back is not None
    run(north)
    move(ward, south)
    run(north)
    target.calls.clear()
    move(ward, back)
    run(north)
    assert [call.json["subject"] for call in target.calls] == [str(ward.pk), str(desk.pk)]
