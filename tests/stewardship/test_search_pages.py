"""Search over all domains: why something was found, where Enter leads, what is suggested."""

import pytest
from django.test import Client

from mdm.mastering import merge
from tests.factories import golden, hospital, source, supplier, system, why
from tests.stewardship.pages import client_of, outsider, text_of
from tests.stewardship.questions import someone

pytestmark = pytest.mark.django_db


@pytest.fixture
def stella() -> Client:
    return client_of(someone("Stella Steward"))


def find(client: Client, text: str, **more: str):
    return client.get("/search/", {"q": text, **more})


def test_hits_stand_by_domain_with_the_name_that_was_found(stella: Client) -> None:
    golden(
        source("erp", "supplier", "V1", name="Acme", parts={"names": [{"kind": "former", "name": "Zenith Medical"}]})
    )
    hospital("H1", "Zenith Clinic")
    page = find(stella, "zenith")
    groups = {group["domain"].name: [row["title"] for row in group["rows"]] for group in page.context["groups"]}
    assert groups == {"supplier": ["Acme"], "facility": ["Zenith Clinic"]}
    assert "also ZENITH MEDICAL" in text_of(page)
    assert stella.get(page.context["groups"][0]["href"] + "zenith").context["rows"][0]["title"] == "Acme"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("00378-6605-01", "NDC 00378-6605-01"),
        ("00378660501", "NDC 00378-6605-01"),
        ("I-77", "key I-77 in ERP"),
    ],
)
def test_exact_hits_say_what_they_were_found_by(stella: Client, text: str, reason: str) -> None:
    golden(source("erp", "item", "I-77", description="Acetaminophen", ndc="00378660501"))
    page = find(stella, text)
    assert [row["reason"] for row in page.context["exact"]] == [reason]
    assert f"found by {reason}" in text_of(page)


def test_an_identifier_only_a_part_bears_is_named_by_its_scheme(stella: Client) -> None:
    golden(
        source("erp", "item", "I1", description="Screw",
               parts={"identifiers": [{"scheme": "charge_code", "value": "CC4711"}]})
    )  # fmt: skip
    assert [row["reason"] for row in find(stella, "CC4711").context["exact"]] == ["Charge code CC4711"]


def test_enter_jumps_to_the_one_record_meant_and_says_why(stella: Client) -> None:
    record = supplier("V1", "Acme", tax_id="841368850")
    answer = find(stella, "84-1368850", jump="1")
    assert answer["Location"] == f"/records/suppliers/{record.code}/"
    assert "Found by Tax id 84-1368850." in text_of(stella.get(answer["Location"]))
    assert find(stella, "84-1368850").status_code == 200


def test_enter_follows_a_merge_and_stays_where_several_are_meant(stella: Client) -> None:
    kept, gone = supplier("V1", "Acme", tax_id="841368850"), supplier("V2", "Acme", tax_id="841368850")
    assert find(stella, "841368850", jump="1").status_code == 200
    merge(winner_id=kept.pk, loser_ids=[gone.pk], expected={kept.pk: 1, gone.pk: 1}, cause=why())
    assert find(stella, "841368850", jump="1")["Location"] == f"/records/suppliers/{kept.code}/"
    page = find(stella, gone.code)
    assert "merged into Acme" in text_of(page)


def test_spelled_much_alike_is_said_so_and_nothing_leaves_no_dead_end(stella: Client) -> None:
    supplier("V1", "Becton Dickinson")
    assert "spelled much alike" in text_of(find(stella, "Bekton Dickinsen"))
    assert "Nothing bears “qqqqqq”" in text_of(find(stella, "qqqqqq"))


def test_before_anything_is_typed_examples_that_find_something_are_shown(stella: Client) -> None:
    system("erp")
    supplier("V1", "Acme", tax_id="841368850")
    examples = stella.get("/search/").context["examples"]
    assert len(examples) == 4
    for text, _ in examples:
        page = find(stella, text)
        assert page.context["found"], text


def test_suggestions_are_few_and_lead_straight_to_the_record(stella: Client) -> None:
    for number in range(12):
        supplier(f"V{number}", f"Acme {number}")
    part = stella.get("/search/suggestions/", {"q": "acme"})
    assert len(part.context["rows"]) == 8
    assert b"<html" not in part.content
    assert 'role="option"' in part.content.decode()
    assert stella.get("/search/suggestions/", {"q": "a"}).context["rows"] == []


def test_a_field_for_a_reference_offers_living_records_of_its_domain(stella: Client) -> None:
    kept, gone = supplier("V1", "Acme One"), supplier("V2", "Acme Two")
    hospital("H1", "Acme Hospital")
    merge(winner_id=kept.pk, loser_ids=[gone.pk], expected={kept.pk: 1, gone.pk: 1}, cause=why())
    part = stella.get("/search/choose/", {"domain": "supplier", "field": "parent", "parent": "acme"})
    assert [hit.code for hit in part.context["hits"]] == [kept.code]
    assert list(stella.get("/search/choose/", {"domain": "horse", "q": "acme"}).context["hits"]) == []


def test_what_was_typed_is_shown_as_text(stella: Client) -> None:
    assert b"<script>x" not in find(stella, "<script>x</script>").content


def test_an_outsider_finds_nothing() -> None:
    supplier("V1", "Acme")
    nobody = outsider()
    for address in ("/search/", "/search/suggestions/", "/search/choose/"):
        answer = nobody.get(address, {"q": "acme", "domain": "supplier"})
        assert answer.status_code == 403
        assert b"Acme" not in answer.content
