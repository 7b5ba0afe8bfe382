"""Finding records by any name, code, identifier or source key."""

import pytest

from mdm.errors import Invalid
from mdm.mastering import merge
from mdm.models import SourceRecord
from mdm.queries import lookup, record_detail, search
from tests.factories import golden, hospital, source, supplier, system, why

pytestmark = pytest.mark.django_db


def found(text: str, *domains: str) -> list[tuple[str, str]]:
    return [(hit.title, hit.why) for hit in search(text, domains or None).hits]


def test_codes_identifiers_and_keys_come_before_names() -> None:
    acme = supplier("V100001", "Acme Medical", tax_id="841368850", duns="078326578")
    supplier("V2", "84-1368850 Holdings")
    assert found(acme.code.lower()) == [("Acme Medical", "code")]
    assert found(str(acme.pk)) == [("Acme Medical", "identifier")]
    assert found("84-1368850") == [("Acme Medical", "identifier"), ("84-1368850 Holdings", "name")]
    assert found("07-832-6578") == [("Acme Medical", "identifier")]
    assert found("v100001") == [("Acme Medical", "key")]


def test_an_ndc_is_found_however_it_is_written() -> None:
    golden(source("erp", "item", "I1", description="Prozac 20 mg", ndc="00777310502"))
    for written in ("0777-3105-02", "00777310502", "00777-3105-02"):
        assert found(written) == [("Prozac 20 mg", "identifier")], written


def test_names_are_found_by_any_of_their_words_in_any_order_and_spelling() -> None:
    supplier("V1", "O'Neil & Sons, Inc.")
    supplier("V2", "Neil Young Ltd")
    assert found("sons o'neil") == [("O'Neil & Sons, Inc.", "name")]
    assert found("O NEIL SONS INC") == [("O'Neil & Sons, Inc.", "name")]
    assert [title for title, _ in found("neil")] == ["Neil Young Ltd", "O'Neil & Sons, Inc."]


def test_all_names_of_a_record_are_searched_and_the_one_that_matched_is_shown() -> None:
    supplier("V1", "Solventum", parts={"names": [{"kind": "former", "name": "3M Health Care"}]})
    (hit,) = search("health care").hits
    assert (hit.title, hit.matched) == ("Solventum", "3M HEALTH CARE")


def test_a_slip_of_the_pen_still_finds_something_and_says_so() -> None:
    supplier("V1", "Medtronic")
    result = search("Medtornic")
    assert ([hit.title for hit in result.hits], result.near) == (["Medtronic"], True)
    nothing = search("xyzzy")
    assert (list(nothing.hits), nothing.near) == ([], False)


@pytest.mark.parametrize("text", ["", "   ", "&-'", "\x00"])
def test_nothing_asked_finds_nothing(text: str) -> None:
    supplier("V1", "Acme")
    assert found(text) == []


def test_search_covers_all_domains_or_those_asked_for() -> None:
    supplier("V1", "Mercy Supplies")
    hospital("H1", "Mercy Hospital")
    assert {title for title, _ in found("mercy")} == {"Mercy Supplies", "Mercy Hospital"}
    assert found("mercy", "facility") == [("Mercy Hospital", "name")]
    with pytest.raises(Invalid):
        search("mercy", ["planet"])


def test_merged_records_come_last_and_say_where_they_went() -> None:
    winner, loser = supplier("V1", "Acme Medical"), supplier("V2", "Acme")
    merge(winner_id=winner.pk, loser_ids=[loser.pk], expected={}, cause=why())
    hits = search("acme").hits
    assert [(hit.code, hit.redirect.code if hit.redirect else "") for hit in hits] == [
        (winner.code, ""), (loser.code, winner.code),
    ]  # fmt: skip
    (by_code,) = search(loser.code).hits
    assert by_code.redirect.record == winner.pk


def test_a_limit_says_whether_there_is_more() -> None:
    for number in range(4):
        supplier(f"V{number}", f"Acme {number}")
    assert (len(search("acme", limit=3).hits), search("acme", limit=3).more) == (3, True)
    assert (len(search("acme", limit=4).hits), search("acme", limit=4).more) == (4, False)


def test_a_source_key_is_looked_up_through_merges() -> None:
    winner, loser = supplier("V1", "Acme Medical"), supplier("V2", "Acme")
    merge(winner_id=winner.pk, loser_ids=[loser.pk], expected={}, cause=why())
    for key in ("V1", "V2"):
        (hit,) = lookup(system="erp", key=key)
        assert (hit.id, hit.matched) == (winner.pk, key)
    assert list(lookup(system="erp", key="V9")) == []
    assert list(lookup(system="sap", key="V1")) == []


def test_one_key_in_two_domains_finds_both_or_the_one_asked_for() -> None:
    one, other = supplier("100", "Acme"), hospital("100", "Reno General")
    assert {hit.id for hit in lookup(system="erp", key="100")} == {one.pk, other.pk}
    assert [hit.id for hit in lookup(system="erp", key="100", domains=["facility"])] == [other.pk]


def test_a_source_record_that_waits_is_not_answered_for() -> None:
    source("erp", "supplier", "V1", name="Acme")
    assert SourceRecord.objects.count() == 1
    assert list(lookup(system="erp", key="V1")) == []


def test_an_identifier_is_looked_up_with_and_without_its_scheme() -> None:
    record = supplier("V1", "Acme", tax_id="841368850")
    for asked in ("tax_id:84-1368850", "TAX_ID:841368850", "84-1368850", "841368850"):
        assert [hit.id for hit in lookup(identifier=asked)] == [record.pk], asked
    assert list(lookup(identifier="duns:841368850")) == []


def test_an_identifier_of_a_scheme_only_its_source_knows_is_found_by_its_value() -> None:
    parts = {"identifiers": [{"scheme": "charge_code", "value": "CC-4711"}]}
    item = golden(source("erp", "item", "I1", description="Screw", parts=parts))
    for asked in ("charge_code:CC4711", "cc-4711", "CC 4711"):
        assert [hit.id for hit in lookup(identifier=asked)] == [item.pk], asked
    assert found("CC-4711") == [("Screw", "identifier")]
    assert record_detail(item.pk).identifiers == ["charge_code:CC4711"]


def test_names_are_found_though_punctuation_joined_their_letters() -> None:
    supplier("V1", "O'Neil Surgical")
    assert found("oneil") == [("O'Neil Surgical", "name")]


@pytest.mark.parametrize(
    "asked", [{}, {"system": "erp"}, {"key": "V1"}, {"system": "erp", "key": "V1", "identifier": "npi:1"}]
)
def test_an_unclear_look_up_is_refused(asked: dict[str, str]) -> None:
    with pytest.raises(Invalid):
        lookup(**asked)


def test_a_search_costs_the_same_however_much_it_finds(django_assert_max_num_queries) -> None:
    system("ap")
    for number in range(12):
        supplier(f"V{number}", f"Acme {number}")
    with django_assert_max_num_queries(5):
        assert len(search("acme").hits) == 12
    with django_assert_max_num_queries(8):
        assert list(search("nothing like it").hits) == []
