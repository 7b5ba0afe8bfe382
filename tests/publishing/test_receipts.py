"""Receipts settle, park and name: each in one transaction, once, and never against what the target said since."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, transaction

from mdm.models import ChangeEvent, GoldenRecord
from publishing.models import Delivery, Endpoint, Holding, Mode, Receipt
from publishing.receipts import Given, Taken, take
from tests.publishing.making import Answer, Target, rename, rest, run, states, suppliers, webhook

pytestmark = pytest.mark.django_db


@pytest.fixture
def endpoint(target: Target) -> Endpoint:
    return webhook(target.url, retry_seconds=())


def give(endpoint: Endpoint, key: str = "r1", **given: Any) -> Taken:
    receipt = {"accepted": True, **given}
    return take(endpoint=endpoint, receipt=Given(key=key, **receipt), by="erp")


def about(record: GoldenRecord, version: int = 1, **given: Any) -> dict[str, Any]:
    return {"record": str(record.pk), "version": version, **given}


def event_of(record: GoldenRecord, version: int = 1) -> UUID:
    return ChangeEvent.objects.get(record=record, version=version).uid


def test_an_id_of_the_targets_own_comes_later(endpoint: Endpoint, target: Target) -> None:
    [record] = suppliers(1)
    target.answer = Answer(202, body=b"")
    run(endpoint)
    assert Holding.objects.get().local_id == ""
    assert give(endpoint, event_id=event_of(record), local_id="V-77").state == "taken"
    assert Holding.objects.get().local_id == "V-77"
    receipt = Receipt.objects.get()
    assert (receipt.version, receipt.accepted, receipt.by, receipt.outcome_code) == (1, True, "erp", "ACCEPTED")


def test_a_refusal_parks_what_was_taken_and_says_why(endpoint: Endpoint) -> None:
    [record] = suppliers(1)
    run(endpoint)
    give(endpoint, **about(record, accepted=False, code="NO_TAX_ID", reason="The tax id is missing"))
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.outcome_code) == ("parked", "REJECTED_VALIDATION")
    assert delivery.outcome == "The target rejects the content of the record: The tax id is missing"
    assert not Holding.objects.exists()


def test_what_was_held_before_is_held_again(endpoint: Endpoint, target: Target) -> None:
    [record] = suppliers(1)
    run(endpoint)
    rename(record, "Renamed Ltd")
    run(endpoint)
    give(endpoint, **about(record, 2, accepted=False, code="UNKNOWN_REFERENCE", reason="No such parent"))
    holding = Holding.objects.get()
    assert (holding.version, holding.local_id) == (1, "V-1")
    assert states(endpoint) == ["delivered", "parked"]
    assert Delivery.objects.get(version=2).outcome_code == "REJECTED_UNKNOWN_REFERENCE"


def test_a_refusal_of_an_old_version_changes_nothing(endpoint: Endpoint) -> None:
    [record] = suppliers(1)
    run(endpoint)
    rename(record, "Renamed Ltd")
    run(endpoint)
    assert give(endpoint, **about(record, 1, accepted=False)).state == "taken"
    assert states(endpoint) == ["delivered", "delivered"]
    assert Holding.objects.get().version == 2


def test_in_latest_state_a_refused_version_gives_way_to_the_newer_one(target: Target) -> None:
    endpoint = rest(target.url, mode=Mode.LATEST_STATE)
    [record] = suppliers(1)
    run(endpoint)
    rename(record, "Renamed Ltd")
    target.answer = Answer(503)
    run(endpoint)
    give(endpoint, **about(record, 1, accepted=False))
    assert states(endpoint) == ["superseded", "waiting"]


def test_a_later_yes_settles_what_was_parked(endpoint: Endpoint, target: Target) -> None:
    [record] = suppliers(1)
    target.answer = Answer(422)
    run(endpoint)
    assert states(endpoint) == ["parked"]
    give(endpoint, **about(record, local_id="V-5"))
    assert states(endpoint) == ["delivered"]
    holding = Holding.objects.get()
    assert (holding.version, holding.local_id) == (1, "V-5")
    assert len(holding.digest) == 64


def test_the_same_receipt_twice_is_one_and_a_key_says_one_thing(endpoint: Endpoint) -> None:
    [record] = suppliers(1)
    run(endpoint)
    given = about(record, accepted=False, reason="no")
    assert give(endpoint, **given).state == "taken"
    assert give(endpoint, **given).state == "known"
    other = give(endpoint, **(given | {"reason": "other"}))
    assert (other.state, other.problems[0][0]) == ("refused", "key")
    assert Receipt.objects.count() == 1


def test_what_was_never_sent_is_refused_in_words(endpoint: Endpoint, target: Target) -> None:
    record, _ = suppliers(2)
    never = give(endpoint, **about(record))
    assert never.problems == (("version", f"Hook was never sent version 1 of {record.code}."),)
    run(endpoint)
    assert give(endpoint, **about(record, 7)).state == "refused"
    stranger = uuid4()
    assert give(endpoint, record=str(stranger), version=1).problems == (("record", f"There is no record {stranger}."),)
    both = give(endpoint, event_id=stranger, record="SUP-9", version=1)
    assert [field for field, _ in both.problems] == ["event_id", "record"]
    assert not Receipt.objects.exists()


def test_event_record_and_version_must_agree(endpoint: Endpoint) -> None:
    first, second = suppliers(2)
    run(endpoint)
    answer = give(endpoint, event_id=event_of(first), record=second.code, version=3)
    assert [field for field, _ in answer.problems] == ["record", "version"]
    assert give(endpoint, key="r2", event_id=event_of(first), record=first.code, version=1).state == "taken"


def test_what_is_on_its_way_is_answered_with_later(endpoint: Endpoint, target: Target) -> None:
    [record] = suppliers(1)
    run(endpoint)
    Delivery.objects.update(state="in_flight", claim_id=uuid4())
    answer = give(endpoint, **about(record, accepted=False))
    assert (answer.state, Receipt.objects.count()) == ("later", 0)


def test_receipts_are_append_only(endpoint: Endpoint) -> None:
    [record] = suppliers(1)
    run(endpoint)
    give(endpoint, **about(record))
    with pytest.raises(IntegrityError), transaction.atomic():
        Receipt.objects.update(accepted=False)


def test_a_200_that_says_no_is_a_refusal(target: Target) -> None:
    suppliers(1)
    endpoint = webhook(target.url, retry_seconds=())
    target.answer = Answer(200, body=b'{"accepted": false, "code": "X", "reason": "Vendor is blocked"}')
    run(endpoint)
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.outcome_code) == ("parked", "REJECTED_VALIDATION")
    assert "Vendor is blocked" in delivery.outcome
    assert not Holding.objects.exists()
