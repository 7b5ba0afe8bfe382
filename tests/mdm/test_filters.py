"""Filters: every attribute of every domain has one, and a wrong one says what would have been right."""

import pytest

from mdm import filters
from mdm.domains import BY_NAME, DOMAINS
from mdm.errors import Invalid
from mdm.filters.common import common_filters
from mdm.models import ExtensionAttribute
from mdm.queries import list_records
from mdm.spec import Attribute, Domain, Kind
from tests.factories import golden, hospital, source, supplier, system

EVERY_ATTRIBUTE = [(domain, attribute) for domain in DOMAINS for attribute in domain.attributes]
EVERY_PART_ATTRIBUTE = [
    (domain, f"{part.name}.{attribute.name}", attribute)
    for domain in DOMAINS
    for part in domain.parts
    for attribute in part.attributes
]
SUFFIXES = {
    Kind.TEXT: {"", "__icontains"},
    Kind.CODE: {"", "__in"},
    Kind.DATE: {"", "__gte", "__lte"},
    Kind.DECIMAL: {"", "__gte", "__lte"},
    Kind.INTEGER: {"", "__gte", "__lte"},
    Kind.BOOLEAN: {""},
    Kind.REFERENCE: {""},
}
EXAMPLES = {
    Kind.TEXT: "x", Kind.CODE: "x", Kind.DATE: "2026-01-01", Kind.DECIMAL: "1.5", Kind.INTEGER: "3",
    Kind.BOOLEAN: "true",
}  # fmt: skip


def codes(domain: str, **params: str) -> list[str]:
    return [row.code for row in list_records(BY_NAME[domain], params).rows]


@pytest.mark.parametrize(("domain", "attribute"), EVERY_ATTRIBUTE, ids=lambda given: given.name)
def test_every_attribute_has_the_filters_of_its_kind(domain: Domain, attribute: Attribute) -> None:
    made = filters.filters_for(domain.name).base_filters
    if filters.withheld(attribute):
        assert attribute.name not in made
        return
    wanted = {""} if attribute.choices else SUFFIXES[attribute.kind]
    assert {name for name in made if name.partition("__")[0] == attribute.name} == {
        attribute.name + suffix for suffix in wanted
    }


@pytest.mark.parametrize(("domain", "name", "attribute"), EVERY_PART_ATTRIBUTE)
def test_every_part_attribute_has_a_filter_or_a_reason(domain: Domain, name: str, attribute: Attribute) -> None:
    assert (name in filters.filters_for(domain.name).base_filters) is (filters.withheld(attribute) == "")


@pytest.mark.parametrize("domain", DOMAINS, ids=lambda domain: domain.name)
def test_no_attribute_takes_a_common_name(domain: Domain) -> None:
    reserved = {*common_filters(domain), "cursor", "limit", "order", "fields", "as_of"}
    assert reserved.isdisjoint(attribute.name for attribute in domain.attributes)


@pytest.mark.django_db
@pytest.mark.parametrize("domain", DOMAINS, ids=lambda domain: domain.name)
def test_every_filter_is_valid_sql(domain: Domain) -> None:
    """An empty answer is fine: this proves that PostgreSQL accepts each condition."""
    other = hospital("H1", "Reno General")
    for attribute in domain.attributes:
        if attribute.kind is Kind.REFERENCE or filters.withheld(attribute):
            continue
        value = attribute.choices[0][0] if attribute.choices else EXAMPLES[attribute.kind]
        for suffix in SUFFIXES[attribute.kind] if not attribute.choices else {""}:
            list_records(domain, {attribute.name + suffix: value})
    for name in ("record", "identifier", "q"):
        list_records(domain, {name: other.code})
    list_records(domain, {"missing": domain.attributes[0].name, "source": "erp", "updated_since": "2026-01-01"})


@pytest.mark.django_db
def test_equality_is_blind_to_spelling_and_case() -> None:
    record = supplier("V1", "Acme Inc", tax_id="841368850")
    supplier("V2", "Other Co", tax_id="123456789")
    assert codes("supplier", tax_id="84-1368850") == [record.code]
    assert codes("supplier", name="ACME INC") == [record.code]
    assert codes("supplier", name__icontains="cme") == [record.code]
    assert codes("supplier", tax_id__in="84-1368850, 999999999") == [record.code]


@pytest.mark.django_db
def test_ranges_of_dates_and_numbers() -> None:
    small = hospital("H1", "Small", beds=20, valid_from="2020-01-01")
    large = hospital("H2", "Large", beds=900, valid_from="2024-06-30")
    assert codes("facility", beds__gte="21") == [large.code]
    assert codes("facility", beds__lte="20") == [small.code]
    assert codes("facility", valid_from__gte="2024-06-30") == [large.code]
    assert codes("facility", valid_from="2020-01-01") == [small.code]


@pytest.mark.django_db
def test_yes_and_no_and_unsaid_are_three_answers() -> None:
    yes = golden(source("erp", "item", "I1", description="Screw", implant=True))
    no = golden(source("erp", "item", "I2", description="Glove", implant=False))
    unsaid = golden(source("erp", "item", "I3", description="Tape"))
    assert codes("item", implant="true") == [yes.code]
    assert codes("item", implant="false") == [no.code]
    assert codes("item", missing="implant") == [unsaid.code]


@pytest.mark.django_db
def test_references_are_asked_by_code_or_id_in_attributes_and_parts() -> None:
    maker = supplier("V1", "Acme")
    item = golden(
        source("erp", "item", "I1", description="Screw",
               manufacturer={"system": "erp", "domain": "supplier", "key": "V1"})
    )  # fmt: skip
    golden(source("erp", "item", "I2", description="Tape"))
    line = {"number": "1", "item": {"system": "erp", "domain": "item", "key": "I1"}}
    contract = golden(
        source("erp", "contract", "C1", number="C1", parts={"lines": [line]},
               supplier={"system": "erp", "domain": "supplier", "key": "V1"})
    )  # fmt: skip
    assert codes("item", manufacturer=maker.code.lower()) == [item.code]
    assert codes("item", manufacturer=str(maker.pk)) == [item.code]
    assert codes("contract", **{"lines.item": item.code}) == [contract.code]


@pytest.mark.django_db
def test_common_filters() -> None:
    system("ap")
    first = supplier("V1", "Acme Medical", tax_id="841368850")
    held = supplier("V2", "Acme Medical Supply", state="pending", system_code="ap")
    assert codes("supplier") == [first.code]
    assert codes("supplier", state="pending") == [held.code]
    assert codes("supplier", state="all") == [first.code, held.code]
    assert codes("supplier", source="ap", state="all") == [held.code]
    assert codes("supplier", identifier="84-1368850") == [first.code]
    assert codes("supplier", identifier="tax_id:841368850") == [first.code]
    assert codes("supplier", record=f"{first.code},{held.pk}", state="all") == [first.code, held.code]
    assert codes("supplier", q="medical acme") == [first.code]
    assert codes("supplier", updated_since="2999-01-01") == []


@pytest.mark.django_db
def test_attributes_an_administrator_added() -> None:
    ExtensionAttribute.objects.create(domain="supplier", name="rating", label="Rating", kind="integer")
    good = supplier("V1", "Acme", **{"ext.rating": 9})
    supplier("V2", "Other", **{"ext.rating": 2})
    supplier("V3", "Silent")
    assert codes("supplier", **{"ext.rating__gte": "5"}) == [good.code]
    assert codes("supplier", **{"ext.rating": "9"}) == [good.code]


@pytest.mark.django_db
def test_every_wrong_parameter_is_named_at_once_with_what_is_right() -> None:
    system("erp")
    asked = {
        "nmae": "x",
        "beds": "many",
        "level": "castle",
        "valid_from": "03/04/2026",
        "parent": "FAC-9",
        "source": "sap",
    }
    with pytest.raises(Invalid) as refused:
        list_records(BY_NAME["facility"], asked)
    problems = dict(refused.value.problems)
    assert problems.keys() == asked.keys()
    assert "There is no filter nmae" in problems["nmae"]
    assert "group, hospital" in problems["level"]
    assert "2026-11-21" in problems["valid_from"]
    assert "FAC-9" in problems["parent"]
    assert "erp" in problems["source"]


def test_a_wrong_suffix_names_the_right_ones() -> None:
    asked = filters.filters_for("facility")({"beds__icontains": "1"}, queryset=BY_NAME["facility"].model.objects.none())
    assert asked.problems == (
        ("beds__icontains", "There is no filter beds__icontains on facilities. Known are: beds, beds__gte, beds__lte."),
    )
