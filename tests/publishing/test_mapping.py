"""A mapping gives a record in the target's own fields and codes, or says everything that is wrong with it."""

from typing import Any

import pytest

from mdm.models import CodeSet, CodeTranslation, CodeValue, ExtensionAttribute
from publishing import payloads
from publishing.mapping import NoTranslation, Unfit, fields_of, parse, problems_of, shape
from publishing.models import Attempt, Holding
from tests.factories import golden, publish, source, supplier, system
from tests.publishing.making import Answer, Target, rename, rest, run, states, webhook

RECORD: dict[str, Any] = {
    "id": "0190-a", "code": "SUP-0000001", "domain": "supplier", "title": "Acme", "version": 3, "state": "active",
    "merged_into": None, "digest": "d",
    "attributes": {
        "name": "Acme Surgical Supplies of North America Limited", "payment_terms": "N30", "tax_id": "94-1",
        "parent": {"record": "0190-b", "code": "SUP-0000009", "title": "Acme Group"},
    },
    "parts": {
        "addresses": [
            {"role": "order", "line1": "1 Main St", "city": "Reno", "country": "US"},
            {"role": "remit", "line1": "PO Box 9", "city": "Dallas", "country": "CA"},
        ],
        "bank_accounts": [{"bank": "••••", "account_tail": "••••4411"}],
    },
    "extension": {"diversity": "small business"},
    "crosswalk": [{"system": "ap", "key": "000013"}, {"system": "erp", "key": "V100002"}],
}  # fmt: skip
WORDS = {("payment_terms", "N30"): "ZB30", ("countries", "US"): "USA", ("countries", "CA"): "CAN"}


def made(*fields: dict[str, Any], bare: bool = False, **attributes: Any) -> dict[str, Any]:
    record = RECORD | {"attributes": RECORD["attributes"] | attributes}
    words = parse({"supplier": list(fields)})["supplier"]
    return shape(words, record, word=lambda code_set, code: WORDS.get((code_set, code)), bare=bare)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ({"from": "code"}, "SUP-0000001"),
        ({"from": "version"}, 3),
        ({"from": "attributes.tax_id"}, "94-1"),
        ({"from": "attributes.parent.code"}, "SUP-0000009"),
        ({"from": "parts.addresses.city"}, "Reno"),
        ({"from": "parts.addresses[role=remit].city"}, "Dallas"),
        ({"from": "parts.addresses[role=remit][country=US].city"}, None),
        ({"from": "parts.contacts.email"}, None),
        ({"from": "crosswalk[system=erp].key"}, "V100002"),
        ({"from": "extension.diversity"}, "small business"),
        ({"constant": "1000"}, "1000"),
        ({"join": ["code", "attributes.website", "title"], "by": " / "}, "SUP-0000001 / Acme"),
        ({"from": "attributes.payment_terms", "translate": "payment_terms"}, "ZB30"),
        ({"from": "state", "words": {"active": "N"}, "default": "Y"}, "N"),
        ({"from": "attributes.website", "default": "none"}, "none"),
        ({"from": "attributes.name", "longest": 35, "too_long": "cut"}, "Acme Surgical Supplies of North Ame"),
        ({"from": "title", "case": "upper"}, "ACME"),
        ({"from": "parts.bank_accounts.account_tail", "longest": 8}, "••••4411"),
        (
            {"each": "parts.addresses", "fields": [
                {"to": "Land", "from": "country", "translate": "countries"}, {"to": "Vendor", "from": "record.code"},
            ]},
            [{"Land": "USA", "Vendor": "SUP-0000001"}, {"Land": "CAN", "Vendor": "SUP-0000001"}],
        ),
        (
            {"each": "crosswalk[system=erp]", "fields": [{"to": "Key", "from": "key"}]}, [{"Key": "V100002"}],
        ),
    ],
)  # fmt: skip
def test_each_way_to_give_a_value(field: dict[str, Any], value: Any) -> None:
    assert made({"to": "F", **field}) == {"F": value}


def test_dots_nest_and_blanks_may_be_left_out() -> None:
    fields = (
        {"to": "Remit.City", "from": "parts.addresses[role=remit].city"},
        {"to": "Remit.Street", "from": "parts.addresses[role=remit].line1"},
        {"to": "Web", "from": "attributes.website", "omit_blank": True},
        {"to": "Phone", "from": "attributes.phone"},
    )
    assert made(*fields) == {"Remit": {"City": "Dallas", "Street": "PO Box 9"}, "Phone": None}


def test_dates_numbers_and_yes_are_written_as_the_target_wants() -> None:
    mapping = {
        "contract": [
            {"to": "From", "from": "attributes.valid_from", "date": "DD.MM.YYYY"},
            {"to": "Value", "from": "parts.lines.price", "decimals": 2},
        ]
    }
    record = {
        **RECORD, "domain": "contract", "attributes": {"valid_from": "2026-03-05"},
        "parts": {"lines": [{"price": "12.345"}]},
    }  # fmt: skip
    assert shape(parse(mapping)["contract"], record, word=lambda *_: None) == {"From": "05.03.2026", "Value": "12.35"}


def test_every_fault_of_a_record_is_told_at_once() -> None:
    with pytest.raises(NoTranslation) as missing:
        made(
            {"to": "Terms", "from": "attributes.payment_terms", "translate": "payment_terms"},
            {"to": "Name", "from": "attributes.name", "longest": 10},
            {"to": "Web", "from": "attributes.website", "required": True},
            payment_terms="N45",
        )
    assert missing.value.missing == (("payment_terms", "N45"),)
    assert [field for field, _ in missing.value.faults] == ["Terms", "Name", "Web"]
    assert "The code N45 of payment terms has no word" in str(missing.value)
    assert "has 47 characters, the target takes 10" in str(missing.value)
    with pytest.raises(Unfit) as unfit:
        made({"to": "Web", "from": "attributes.website", "required": True})
    assert not isinstance(unfit.value, NoTranslation)


def test_a_record_that_is_only_named_gives_what_is_known_of_it() -> None:
    fields = (
        {"to": "Number", "from": "code"},
        {"to": "Name", "from": "attributes.name", "required": True},
        {"to": "Blocked", "from": "state", "words": {"active": "N"}, "default": "Y"},
        {"to": "Key", "from": "crosswalk[system=erp].key"},
    )
    assert made(*fields, bare=True) == {"Number": "SUP-0000001", "Blocked": "N", "Key": "V100002"}


FAULTY: list[tuple[Any, str]] = [
    ([], "A mapping is a table"),
    ({"suplier": []}, "Did you mean supplier?"),
    ({"supplier": []}, "Give a list of fields"),
    ({"supplier": ["code"]}, "Describe a field by a table"),
    ({"supplier": [{"from": "code"}]}, "Say how the target calls the field"),
    ({"supplier": [{"to": "A"}]}, "exactly one of from, join, constant and each"),
    ({"supplier": [{"to": "A", "from": "code", "constant": 1}]}, "exactly one of"),
    ({"supplier": [{"to": "A", "from": "attributes.nmae"}]}, "Did you mean name?"),
    ({"supplier": [{"to": "A", "from": "atributes.name"}]}, "Did you mean attributes?"),
    ({"supplier": [{"to": "A", "from": "parts.adresses.city"}]}, "Did you mean addresses?"),
    ({"supplier": [{"to": "A", "from": "parts.addresses.town"}]}, "no value of addresses town"),
    ({"supplier": [{"to": "A", "from": "parts.addresses[role=remitt].city"}]}, "Did you mean remit?"),
    ({"supplier": [{"to": "A", "from": "parts.addresses[rule=remit].city"}]}, "Did you mean role?"),
    ({"supplier": [{"to": "A", "from": "parts.addresses"}]}, "does not end in one value"),
    ({"supplier": [{"to": "A", "from": "attributes.parent"}]}, "end it with .code"),
    ({"supplier": [{"to": "A", "from": "attributes.name.code"}]}, "is one value"),
    ({"supplier": [{"to": "A", "from": "extension.nothing"}]}, "There is no extension.nothing"),
    ({"supplier": [{"to": "A", "from": "a b"}]}, "cannot be read"),
    ({"supplier": [{"to": "A", "from": 3}]}, "Name a path"),
    ({"supplier": [{"to": "A", "from": "code", "longst": 3}]}, "Did you mean longest?"),
    ({"supplier": [{"to": "A", "from": "code", "longest": "3"}]}, "whole number"),
    ({"supplier": [{"to": "A", "from": "code", "longest": True}]}, "whole number"),
    ({"supplier": [{"to": "A", "from": "code", "too_long": "cut"}]}, "give that as well"),
    ({"supplier": [{"to": "A", "from": "code", "case": "title"}]}, "upper or lower"),
    ({"supplier": [{"to": "A", "from": "code", "required": "yes"}]}, "true or false"),
    ({"supplier": [{"to": "A", "from": "attributes.name", "date": "YYYYMMDD"}]}, "Name is no date"),
    ({"supplier": [{"to": "A", "from": "attributes.name", "decimals": 2}]}, "Name is no number"),
    ({"supplier": [{"to": "A", "from": "attributes.currency", "translate": "units"}]}, "a code of currencies"),
    ({"supplier": [{"to": "A", "from": "attributes.name", "translate": "curencies"}]}, "Did you mean currencies?"),
    ({"supplier": [{"to": "A", "from": "code", "date": "%Y"}]}, "Write a date with YYYY"),
    ({"supplier": [{"to": "A", "from": "code", "words": {"x": 1}}]}, "words is a table"),
    ({"supplier": [{"to": "A", "from": "state", "words": {"active": "A"}}]}, "word for pending, retired, merged, left"),
    ({"supplier": [{"to": "A", "from": "code", "words": {"a": "b"}, "translate": "units"}]}, "at most one of"),
    ({"supplier": [{"to": "A", "from": "code"}, {"to": "A", "from": "id"}]}, "has the same place"),
    ({"supplier": [{"to": "A.B", "from": "code"}, {"to": "A", "from": "id"}]}, "has the same place"),
    ({"supplier": [{"to": "A", "each": "attributes.name", "fields": []}]}, "has no rows"),
    ({"supplier": [{"to": "A", "each": "parts.names"}]}, "Give a list of fields"),
    ({"supplier": [{"to": "A", "each": "parts.names", "fields": [{"to": "N", "from": "nam"}]}]}, "Did you mean name?"),
    ({"supplier": [{"to": "A", "from": "code", "fields": []}]}, "fields belong to each"),
    ({"supplier": [{"to": "A", "constant": {"a": 1}}]}, "A constant is a text"),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("mapping", "words"), FAULTY)
def test_what_leads_nowhere_is_refused_with_what_may_be_meant(mapping: Any, words: str) -> None:
    assert any(words in sentence for _, sentence in problems_of(mapping)), problems_of(mapping)


@pytest.mark.django_db
def test_all_faults_of_a_mapping_come_at_once_with_their_place() -> None:
    mapping = {
        "supplier": [{"to": "A", "from": "attributes.nmae"}, {"to": "B", "from": "nothing"}],
        "item": [{"to": "C", "each": "parts.packs", "fields": [{"to": "D", "from": "gtn"}]}],
    }
    assert [place for place, _ in problems_of(mapping)] == ["supplier.A", "supplier.B", "item.C.D"]


@pytest.mark.django_db
def test_added_attributes_are_known_where_they_exist() -> None:
    mapping = {"supplier": [{"to": "A", "from": "extension.diversity"}]}
    assert problems_of(mapping)
    ExtensionAttribute.objects.create(domain="supplier", name="diversity", label="Diversity")
    assert problems_of(mapping) == []


def test_the_fields_of_a_file_come_in_their_order() -> None:
    mapping = {"supplier": [{"to": "Z", "from": "code"}, {"to": "A", "from": "attributes.name"}]}
    assert [(name, attribute and attribute.name) for name, attribute in fields_of(mapping, "supplier")] == [
        ("Z", None), ("A", "name"),
    ]  # fmt: skip


ERP = {
    "supplier": [
        {"to": "VendorNumber", "from": "code"},
        {"to": "Name1", "from": "attributes.name", "longest": 12, "too_long": "cut"},
        {"to": "Currency", "from": "attributes.currency", "translate": "currencies"},
        {"to": "Blocked", "from": "state", "words": {"active": "N"}, "default": "Y"},
    ]
}


def currency(code: str, party: str = "", theirs: str = "") -> CodeValue:
    made_set, _ = CodeSet.objects.get_or_create(code="currencies", defaults={"title": "Currencies"})
    value, _ = CodeValue.objects.get_or_create(code_set=made_set, code=code, defaults={"label": code})
    if party:
        CodeTranslation.objects.create(code_value=value, party=party, theirs=theirs)
    return value


@pytest.mark.django_db
def test_a_rest_target_and_a_webhook_are_given_their_own_fields(target: Target) -> None:
    currency("USD", "push", "840")
    currency("USD", "hook", "US Dollar")
    record = supplier("K1", "Acme Surgical Supplies", currency="USD")
    publish()
    push, hook = rest(target.url, mapping=ERP), webhook(target.url, mapping=ERP)
    run(push)
    run(hook)
    body, message = (call.json for call in target.calls)
    assert body == {"VendorNumber": record.code, "Name1": "Acme Surgica", "Currency": "840", "Blocked": "N"}
    assert message["data"] == body | {"Currency": "US Dollar"}
    assert message["type"] == "assay.supplier.created.v1"
    assert "dataschema" not in message
    for endpoint in (push, hook):
        held = Holding.objects.get(endpoint=endpoint)
        event = payloads.read(endpoint.deliveries.get().event.body)
        assert held.digest == payloads.content_digest(payloads.content(endpoint, event))


@pytest.mark.django_db
def test_a_code_without_a_word_parks_its_record_and_says_where_to_add_it(target: Target) -> None:
    currency("USD", "push", "840")
    currency("EUR")
    supplier("K1", "Acme", currency="EUR")
    other = supplier("K2", "Bravo", currency="USD")
    publish()
    endpoint = rest(target.url, mapping=ERP)
    run(endpoint)
    assert states(endpoint) == ["parked", "delivered"]
    parked = endpoint.deliveries.get(state="parked")
    assert parked.outcome_code == "NO_TRANSLATION"
    assert "Currency: The code EUR of currencies has no word at this target" in parked.outcome
    assert [call.json["VendorNumber"] for call in target.calls] == [other.code]
    assert Attempt.objects.filter(delivery=parked).count() == 0


@pytest.mark.django_db
def test_a_value_the_target_cannot_take_parks_its_record(target: Target) -> None:
    record = supplier("K1", "Acme", currency="USD")
    currency("USD", "push", "840")
    publish()
    fields = [{"to": "Name", "from": "attributes.name", "longest": 3}]
    endpoint = rest(target.url, mapping={"supplier": fields})
    run(endpoint)
    [parked] = endpoint.deliveries.all()
    assert (parked.state, parked.outcome_code) == ("parked", "NOT_RENDERED")
    assert "Acme has 4 characters, the target takes 3" in parked.outcome
    rename(record, "Ace")
    run(endpoint)
    assert target.calls == []  # the newer version waits behind the parked one


@pytest.mark.django_db
def test_a_record_too_large_to_send_is_sent_without_its_largest_lists_and_says_so(target: Target) -> None:
    target.answer = Answer()
    names = [{"kind": "former", "name": f"Former name {number} {'x' * 60}"} for number in range(900)]
    system("erp")
    record = golden(source("erp", "supplier", "K1", name="Acme", parts={"names": names}))
    publish()
    push, hook = rest(target.url), webhook(target.url)
    run(push)
    run(hook)
    for call, data in zip(target.calls, (target.calls[0].json, target.calls[1].json["data"]), strict=True):
        assert len(call.body) <= 64_000
        assert data["truncated"] is True
        assert "parts.names" in data["left_out"]
        assert data["href"].endswith(f"/api/v1/suppliers/{record.pk}")
        assert data["attributes"]["name"] == "Acme"
    assert {"part": "names"} in target.calls[1].json["data"]["changed"]
