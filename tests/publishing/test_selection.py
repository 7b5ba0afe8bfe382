"""Selections: what an endpoint wants, the last word about what it wants no more, and faults named all at once."""

from typing import Any

import pytest

from mdm.mastering import contribute, merge, retire
from mdm.models import ChangeEvent, CodeSet, CodeValue, ExtensionAttribute, GoldenRecord
from publishing import payloads
from publishing.models import Endpoint, Holding, Mode
from publishing.owing import left_id, owed
from publishing.selection import Chosen, chosen, problems_of, subtree
from tests.factories import golden, hospital, publish, reload, source, supplier, why
from tests.publishing.making import Target, rename, run, webhook

pytestmark = pytest.mark.django_db
NOWHERE = "http://127.0.0.1:8899"


def selecting(**selection: Any) -> Endpoint:
    """An endpoint with this selection."""
    endpoint = webhook(NOWHERE)
    endpoint.selection = selection
    endpoint.save(update_fields=["selection"])
    return endpoint


def events(record: GoldenRecord) -> list[ChangeEvent]:
    return list(ChangeEvent.objects.filter(record=record).order_by("seq"))


def body_of(event: ChangeEvent) -> dict[str, Any]:
    return payloads.read(event.body)


def wants(endpoint: Endpoint, record: GoldenRecord) -> bool:
    return chosen(endpoint).wants(body_of(events(record)[-1]))


def told(endpoint: Endpoint, record: GoldenRecord) -> list[str]:
    """How the endpoint hears of each event of the record: in full, as its last word, or not."""
    seen = events(record)
    found = owed(endpoint, seen, body_of)
    return [{None: "not", False: "full", True: "left"}[found.get(event.pk)] for event in seen]


def holds(endpoint: Endpoint, record: GoldenRecord) -> None:
    """The endpoint acknowledged the record's first version."""
    moment = events(record)[0].occurred_at
    Holding.objects.create(endpoint=endpoint, record=record, version=1, seq=1, acknowledged_at=moment)


def tree() -> dict[str, GoldenRecord]:
    """Two groups: north with a hospital and its ward, south with a hospital."""
    made = {"north": hospital("N", "North", level="group"), "south": hospital("S", "South", level="group")}
    for key, name, parent in (("NH", "North Hospital", "N"), ("NW", "North Ward", "NH"), ("SH", "South Hospital", "S")):
        made[key] = hospital(key, name, parent={"system": "erp", "domain": "facility", "key": parent})
    return made


def at(key: str) -> dict[str, str]:
    return {"system": "erp", "domain": "facility", "key": key}


def test_without_a_selection_everything_outward_of_its_domains_is_owed() -> None:
    one = supplier("1", "Acme")
    publish()
    endpoint = webhook(NOWHERE)
    assert told(endpoint, one) == ["full"]
    Endpoint.objects.update(domains=["facility"])
    endpoint.refresh_from_db()
    assert told(endpoint, one) == ["not"]
    assert not wants(endpoint, one)


def test_conditions_on_attributes_parts_and_extension() -> None:
    ExtensionAttribute.objects.create(domain="supplier", name="diverse", label="Diverse supplier")
    site = {"addresses": [{"role": "remit", "line1": "1 Main St", "city": "Reno", "country": "US"}]}
    acme = golden(source("erp", "supplier", "1", name="Acme", currency="USD", parts=site, **{"ext.diverse": "yes"}))
    bolt = supplier("2", "Bolt", currency="EUR")
    publish()
    questions: list[tuple[dict[str, Any], bool, bool]] = [
        ({"attribute": "addresses.country", "is": ["US", "CA"]}, True, False),
        ({"attribute": "addresses.country", "is not": ["US"]}, False, True),
        ({"attribute": "currency", "is": "eur"}, False, True),
        ({"attribute": "currency", "is not": ["EUR"]}, True, False),
        ({"attribute": "addresses.city", "present": True}, True, False),
        ({"attribute": "addresses.city", "present": False}, False, True),
        ({"attribute": "name", "begins with": ["AC", "zz"]}, True, False),
        ({"attribute": "ext.diverse", "is": ["yes"]}, True, False),
    ]
    for question, acme_fits, bolt_fits in questions:
        endpoint = Endpoint(selection={"attributes": {"supplier": [question]}}, domains=[])
        assert problems_of(endpoint.selection) == []
        assert (wants(endpoint, acme), wants(endpoint, bolt)) == (acme_fits, bolt_fits), question


def test_numbers_and_dates_are_compared_as_such() -> None:
    ward = hospital("H", "Ward", beds=90, valid_from="2024-05-01")
    publish()
    for question, fits in (
        ({"attribute": "beds", "at least": 100}, False),
        ({"attribute": "beds", "at least": "90"}, True),
        ({"attribute": "beds", "at most": 9}, False),
        ({"attribute": "valid_from", "at most": "2024-12-31"}, True),
        ({"attribute": "valid_from", "at least": "2024-12-31"}, False),
        ({"attribute": "valid_to", "at least": "1900-01-01"}, False),
    ):
        endpoint = Endpoint(selection={"attributes": {"facility": [question]}}, domains=[])
        assert problems_of(endpoint.selection) == []
        assert wants(endpoint, ward) is fits, question


def test_a_facility_subtree_takes_what_lies_in_it_and_what_refers_to_it() -> None:
    made = tree()
    inside = golden(source("erp", "cost_center", "C1", code="100", name="A", facility=at("NW")))
    outside = golden(source("erp", "cost_center", "C2", code="200", name="B", facility=at("SH")))
    nowhere = golden(source("erp", "cost_center", "C3", code="300", name="C"))
    acme = supplier("V", "Acme")
    named = {"supplier": {"system": "erp", "domain": "supplier", "key": "V"}}
    theirs = golden(
        source("erp", "contract", "K1", number="1", parts={"facilities": [{"facility": at("SH")}]}, **named)
    )
    ours = golden(
        source(
            "erp", "contract", "K2", number="2",
            parts={"facilities": [{"facility": at("SH")}, {"facility": at("NW")}]}, **named,
        )
    )  # fmt: skip
    everybodys = golden(source("erp", "contract", "K3", number="3", **named))
    publish()
    endpoint = selecting(facilities=[made["NH"].code])
    assert problems_of(endpoint.selection) == []
    passing = [inside, acme, ours, everybodys, made["NH"], made["NW"]]
    stopped = [outside, nowhere, theirs, made["north"], made["SH"], made["south"]]
    assert [record.title for record in passing if not wants(endpoint, record)] == []
    assert [record.title for record in stopped if wants(endpoint, record)] == []
    whole = selecting_again(endpoint, legal_entities=[made["north"].code])
    assert wants(whole, made["north"])
    assert wants(whole, inside)
    assert not wants(whole, outside)


def selecting_again(endpoint: Endpoint, **selection: Any) -> Endpoint:
    endpoint.selection = selection
    return endpoint


def test_a_merged_facility_keeps_its_subtree_under_the_one_that_answers_for_it() -> None:
    made = tree()
    merge(winner_id=made["SH"].pk, loser_ids=[made["NH"].pk], expected={}, cause=why())
    below = subtree([made["NH"].code])
    assert below == {str(made[key].pk) for key in ("NH", "SH", "NW")}


def test_the_last_word_about_a_record_that_no_longer_matches_is_said_once() -> None:
    one = supplier("1", "Acme", currency="USD")
    contribute(record_id=one.pk, values={"currency": "EUR"}, expected=None, cause=why())
    contribute(record_id=one.pk, values={"name": "Acme Europe"}, expected=None, cause=why())
    contribute(record_id=one.pk, values={"currency": "USD"}, expected=None, cause=why())
    publish()
    endpoint = selecting(attributes={"supplier": [{"attribute": "currency", "is": ["USD"]}]})
    assert told(endpoint, one) == ["full", "left", "not", "full"]
    euro = selecting_again(endpoint, attributes={"supplier": [{"attribute": "currency", "is": ["EUR"]}]})
    assert told(euro, one) == ["not", "full", "full", "left"]
    assert left_id(events(one)[0].uid) != events(one)[0].uid


def test_retirement_and_merge_are_told_in_full_to_whoever_holds_the_record() -> None:
    held, unheld, winner = supplier("1", "Acme"), supplier("2", "Bolt"), supplier("3", "Cask")
    publish()
    endpoint = selecting(states=["active"])
    holds(endpoint, held)
    for record in (held, unheld):
        retire(record_id=record.pk, expected=None, cause=why())
    merge(winner_id=winner.pk, loser_ids=[reload(held.pk).pk], expected={}, cause=why())
    publish()
    only_last = [events(held)[1], events(unheld)[1]]
    found = owed(endpoint, only_last, body_of)
    assert found == {events(held)[1].pk: False}
    assert told(endpoint, held) == ["full", "full", "full"]


def test_types_that_are_not_subscribed_are_never_told_not_even_as_the_last_word() -> None:
    one = supplier("1", "Acme", currency="USD")
    contribute(record_id=one.pk, values={"name": "Acme 2"}, expected=None, cause=why())
    contribute(record_id=one.pk, values={"currency": "EUR"}, expected=None, cause=why())
    publish()
    only_usd = {"supplier": [{"attribute": "currency", "is": ["USD"]}]}
    endpoint = selecting(types=["created"], attributes=only_usd)
    assert told(endpoint, one) == ["full", "not", "not"]
    assert told(selecting_again(endpoint, types=["created", "left"], attributes=only_usd), one) == [
        "full", "not", "left",
    ]  # fmt: skip


def test_every_fault_of_a_selection_is_named_at_once_in_business_words() -> None:
    ward = hospital("W", "Ward", level="department")
    countries = CodeSet.objects.create(code="countries", title="Countries")
    CodeValue.objects.create(code_set=countries, code="US", label="United States")
    problems = problems_of(
        {
            "state": ["active"],
            "states": ["alive"],
            "types": "created",
            "legal_entities": [ward.code],
            "facilities": ["FAC-9999999"],
            "attributes": {
                "vendor": [],
                "supplier": [
                    {"attribute": "colour", "is": ["red"]},
                    {"attribute": "name", "at least": 5},
                    {"attribute": "name", "resembles": "x"},
                    {"attribute": "name"},
                    {"attribute": "name", "is": []},
                    {"attribute": "addresses.country", "is": ["XX"]},
                    {"attribute": "addresses.role", "is": ["palace"]},
                    "name",
                ],
                "facility": [{"attribute": "beds", "at least": "many"}, {"attribute": "beds", "present": "yes"}],
            },
        }
    )
    assert len(problems) == 16
    said = "\n".join(f"{field}: {sentence}" for field, sentence in problems)
    for words in (
        "selection: A selection knows no state",
        "selection.states: There is no state alive",
        "selection.types: The types are not a list of words.",
        f"selection.legal_entities: {ward.code} is no legal entity",
        "selection.facilities: There is no facility FAC-9999999.",
        "selection.attributes.vendor: There is no domain vendor.",
        "Suppliers have no attribute colour.",
        "Name is no number or date: at least cannot be asked of it.",
        "name cannot be asked 'resembles'",
        "addresses.country is never XX.",
        "addresses.role is never palace.",
        "beds is compared with a number, not with 'many'.",
    ):
        assert words in said, words
    assert problems_of([]) != []


def test_a_stored_condition_whose_attribute_is_gone_lets_nothing_pass() -> None:
    added = ExtensionAttribute.objects.create(domain="supplier", name="diverse", label="Diverse supplier")
    one, ward = supplier("1", "Acme", **{"ext.diverse": "yes"}), hospital("H", "Ward")
    publish()
    endpoint = selecting(attributes={"supplier": [{"attribute": "ext.diverse", "is": ["yes"]}]})
    assert wants(endpoint, one)
    added.delete()
    assert not wants(endpoint, one)
    assert wants(endpoint, ward)


def test_deciding_needs_no_database() -> None:
    one = supplier("1", "Acme")
    publish()
    body = body_of(events(one)[0])
    assert Chosen().wants(body)
    assert not Chosen(domains=frozenset(["item"])).wants(body)


def test_a_target_is_never_sent_what_it_did_not_subscribe_to(target: Target) -> None:
    """P29: kinds, types, states and values, judged in the lane of the endpoint."""
    dollars, euros = supplier("1", "Acme", currency="USD"), supplier("2", "Bolt", currency="EUR")
    hospital("H", "Ward")
    publish()
    endpoint = webhook(target.url, domains=("supplier",))
    endpoint.selection = {
        "types": ["created", "changed", "left"],
        "states": ["active"],
        "attributes": {"supplier": [{"attribute": "currency", "is": ["USD"]}]},
    }
    endpoint.save(update_fields=["selection"])
    rename(dollars, "Acme Inc")
    contribute(record_id=euros.pk, values={"currency": "USD"}, expected=None, cause=why())
    contribute(record_id=dollars.pk, values={"currency": "EUR"}, expected=None, cause=why())
    retire(record_id=euros.pk, expected=None, cause=why())
    publish()
    run(endpoint)
    told = {str(record.pk): [call.json for call in target.calls if call.json["subject"] == str(record.pk)]
            for record in (dollars, euros)}  # fmt: skip
    assert [message["type"] for message in told[str(dollars.pk)]] == [
        "assay.supplier.created.v1", "assay.supplier.changed.v1", "assay.supplier.left.v1",
    ]  # fmt: skip
    assert [message["type"] for message in told[str(euros.pk)]] == ["assay.supplier.changed.v1"]
    assert "EUR" not in str(told[str(dollars.pk)])
    assert len(target.calls) == 4
    assert Holding.objects.get(record=dollars).left
    assert not Holding.objects.get(record=euros).left


def test_a_record_that_left_before_the_target_ever_held_it_is_not_mentioned(target: Target) -> None:
    one = supplier("1", "Acme", currency="USD")
    publish()
    endpoint = webhook(target.url, mode=Mode.LATEST_STATE)
    endpoint.selection = {"attributes": {"supplier": [{"attribute": "currency", "is": ["USD"]}]}}
    endpoint.save(update_fields=["selection"])
    contribute(record_id=one.pk, values={"currency": "EUR"}, expected=None, cause=why())
    publish()
    run(endpoint)
    assert target.calls == []


def test_what_moves_with_its_facility_is_told_where_it_comes_and_where_it_goes(target: Target) -> None:
    made = tree()
    desk = golden(source("erp", "cost_center", "C1", code="100", name="Desk", facility=at("NW")))
    stays = golden(source("erp", "cost_center", "C2", code="200", name="Stays", facility=at("NH")))
    publish()
    north, south = webhook(target.url, code="north"), webhook(target.url, code="south")
    for endpoint, entity in ((north, "north"), (south, "south")):
        endpoint.selection = {"legal_entities": [made[entity].code]}
        endpoint.save(update_fields=["selection"])
        run(endpoint)
    target.calls.clear()
    contribute(record_id=made["NW"].pk, values={"parent": str(made["SH"].pk)}, expected=None, cause=why("sold"))
    publish()
    run(north)
    assert sorted((call.json["subject"], call.json["type"]) for call in target.calls) == sorted(
        [(str(made["NW"].pk), "assay.facility.left.v1"), (str(desk.pk), "assay.cost_center.left.v1")]
    )
    target.calls.clear()
    run(south)
    assert sorted((call.json["subject"], call.json["type"]) for call in target.calls) == sorted(
        [(str(made["NW"].pk), "assay.facility.changed.v1"), (str(desk.pk), "assay.cost_center.created.v1")]
    )
    target.calls.clear()
    for endpoint in (north, south):
        run(endpoint)
    assert target.calls == []
    assert not Holding.objects.get(endpoint=north, record=stays).left
