"""No record is told before those it names, none waits in a circle, and numbers tell a target that it missed one."""

from uuid import uuid4

import pytest

from mdm.domains import DOMAINS
from mdm.mastering import retire
from mdm.models import GoldenRecord
from mdm.spec import Kind
from publishing.filling import fill
from publishing.lanes import claim, due, let_go
from publishing.models import Delivery, Endpoint, Holding, Lane, Mode
from publishing.references import named_in
from publishing.turns import waits_for
from publishing.verbs import release
from publishing.window import take
from tests.factories import golden, publish, source, supplier, why
from tests.publishing.making import (
    OWNER,
    Answer,
    Call,
    Target,
    pass_time,
    rename,
    rest,
    run,
    states,
    suppliers,
    webhook,
)

pytestmark = pytest.mark.django_db


def contract(key: str, of: str) -> GoldenRecord:
    """A contract with the supplier known to the ERP under that key."""
    named = {"system": "erp", "domain": "supplier", "key": of}
    return golden(source("erp", "contract", key, number=key, name=f"Contract {key}", supplier=named))


def told(target: Target) -> list[str]:
    """What was taken, by domain and version, in the order it came."""
    return [f"{call.json['type'].split('.')[1]} {call.json['recordversion']}" for call in target.calls]


def refusing(record: GoldenRecord, code: int = 422) -> object:
    def answer(call: Call) -> Answer:
        return Answer(code) if call.json.get("subject") == str(record.pk) else Answer()

    return answer


def test_domains_refer_to_each_other_in_one_direction() -> None:
    known: set[str] = set()
    for domain in DOMAINS:
        attributes = [*domain.attributes, *(one for part in domain.parts for one in part.attributes)]
        named = {one.references for one in attributes if one.kind is Kind.REFERENCE} - {domain.name}
        assert named <= known, f"{domain.name} would wait for what waits for it"
        known.add(domain.name)


def test_the_records_a_body_names_are_those_of_attributes_and_parts() -> None:
    seller, item, other = uuid4(), uuid4(), uuid4()
    body = {
        "domain": "contract", "record": str(other),
        "attributes": {"supplier": {"record": str(seller), "code": "", "title": ""}, "name": "x"},
        "parts": {"lines": [{"item": {"record": str(item)}}, {"item": None}, {"item": {"record": str(other)}}]},
    }  # fmt: skip
    assert set(named_in(body)) == {seller, item}


def test_a_contract_waits_for_its_supplier_and_says_so(target: Target, clock: None) -> None:
    seller = supplier("K1", "Company Ltd")
    other = supplier("K2", "Other Ltd")
    publish()
    late, free = contract("C1", "K1"), contract("C2", "K2")
    publish()
    target.answer = refusing(seller)  # type: ignore[assignment]
    endpoint = webhook(target.url, retry_seconds=(5,))
    run(endpoint)
    assert told(target).count("contract 1") == 1
    waiting = Delivery.objects.get(endpoint=endpoint, record=late)
    assert waiting.state == "waiting"
    assert [record.pk for record in waits_for(waiting)] == [seller.pk]
    assert waits_for(Delivery.objects.get(endpoint=endpoint, record=free)) == []
    pass_time(10)
    run(endpoint)
    assert Delivery.objects.get(endpoint=endpoint, record=seller).state == "parked"
    assert Delivery.objects.get(endpoint=endpoint, record=late).attempts == 0, "the parked supplier holds it back"
    assert due() == []
    target.answer = Answer()
    release(deliveries=[Delivery.objects.get(endpoint=endpoint, record=seller).pk], by=OWNER)
    run(endpoint)
    assert states(endpoint) == ["delivered"] * 4
    assert [call.json["subject"] for call in target.calls][-2:] == [str(seller.pk), str(late.pk)]
    assert told(target).count("supplier 1") == 4, other.code


def test_a_target_that_holds_the_supplier_is_told_the_contract_beside_its_change(target: Target) -> None:
    seller = supplier("K1", "Company Ltd")
    publish()
    endpoint = webhook(target.url)
    run(endpoint)
    target.answer = refusing(seller)  # type: ignore[assignment]
    rename(seller, "Renamed Ltd")
    contract("C1", "K1")
    publish()
    run(endpoint)
    first, *beside = told(target)
    assert first == "supplier 1"
    assert sorted(beside) == ["contract 1", "supplier 2"], "side by side: either may arrive first"


def test_who_takes_no_suppliers_is_told_contracts_at_once(target: Target) -> None:
    supplier("K1", "Company Ltd")
    publish()
    contract("C1", "K1")
    publish()
    run(webhook(target.url, domains=("contract",)))
    assert told(target) == ["contract 1"]


def test_a_newer_version_takes_the_place_of_those_it_supersedes(target: Target) -> None:
    first, _ = suppliers(2)
    contract("C1", "K0")
    publish()
    rename(first, "Second Ltd")
    endpoint = webhook(target.url, mode=Mode.LATEST_STATE, max_in_flight=1)
    run(endpoint)
    assert told(target) == ["supplier 2", "supplier 1", "contract 1"]
    newest = Delivery.objects.get(endpoint=endpoint, record=first, version=2)
    assert newest.rank == 1


def test_a_superseding_version_waits_for_what_only_it_names(target: Target) -> None:
    supplier("K1", "Company Ltd")
    publish()
    deal = contract("C1", "K1")
    publish()
    other = supplier("K2", "Other Ltd")
    publish()
    endpoint = webhook(target.url, mode=Mode.LATEST_STATE, max_in_flight=1)
    from_events(endpoint)
    Delivery.objects.filter(record=deal).update(refers=[other.pk], seq=100)
    run(endpoint)
    assert [call.json["subject"] for call in target.calls][-1] == str(deal.pk)


def from_events(endpoint: Endpoint) -> None:
    """Fill the window without sending."""
    held = claim(endpoint.pk)
    assert held is not None
    fill(held)
    let_go(held)


def test_a_version_that_failed_gives_way_to_a_newer_one_that_came_meanwhile(target: Target) -> None:
    [record] = suppliers(1)
    endpoint = webhook(target.url, mode=Mode.LATEST_STATE, retry_seconds=())

    def overtaken(call: Call) -> Answer:
        return Answer(422) if call.json["recordversion"] == 1 else Answer()

    target.answer = overtaken
    held = claim(endpoint.pk)
    assert held is not None
    fill(held)
    [first] = take(held, 1)
    rename(record, "Second Ltd")
    fill(held)
    assert states(endpoint) == ["in_flight", "waiting"]
    Delivery.objects.filter(pk=first.delivery_id).update(state="waiting", claim_id=None)
    let_go(held)
    run(endpoint)
    assert states(endpoint)[1] == "delivered"


def test_messages_are_numbered_without_gaps_and_keep_their_number(target: Target, clock: None) -> None:
    made = suppliers(4)
    endpoint = webhook(target.url, mode=Mode.LATEST_STATE, max_in_flight=1)
    run(endpoint)
    assert [call.json["lanenumber"] for call in target.calls] == [1, 2, 3, 4]
    target.answer = Answer(503)
    rename(made[0], "Second Ltd")
    run(endpoint)
    rename(made[0], "Third Ltd")
    target.answer = Answer()
    pass_time(60)
    run(endpoint)
    assert [call.json["lanenumber"] for call in target.calls[4:]] == [5, 5], "what takes its place takes its number"
    rename(made[1], "Fourth Ltd")
    run(endpoint)
    assert target.calls[-1].json["lanenumber"] == 6
    assert Lane.objects.get(endpoint=endpoint).numbered == 6


def test_a_push_says_its_number_beside_the_body(target: Target) -> None:
    suppliers(2)
    run(rest(target.url, max_in_flight=1))
    assert [call.headers["webhook-number"] for call in target.calls] == ["1", "2"]


def test_what_is_held_is_known_by_version_and_digest(target: Target) -> None:
    [record] = suppliers(1)
    endpoint = webhook(target.url)
    run(endpoint)
    first = Holding.objects.get(endpoint=endpoint).digest
    assert len(first) == 64
    retire(record_id=record.pk, expected=None, cause=why("closed"))
    publish()
    run(endpoint)
    held = Holding.objects.get(endpoint=endpoint)
    assert (held.version, held.left) == (2, False)
    assert held.digest not in ("", first)
