"""Rows written without instances are the rows instances would have written."""

import pytest
from django.db import transaction

from matching.models import Prepared
from mdm import bulk
from mdm.domains import BY_NAME, DOMAINS
from mdm.identity import uuid7
from mdm.models import GoldenRecord, GoldenState, SourceSystem, SourceTrust
from mdm.spec import Attribute, Kind
from mdm.values import column, columns, layout, plain, typed
from tests.mdm.making import source, system

PLAIN = {
    Kind.TEXT: "Acme", Kind.CODE: "A1", Kind.DATE: "2026-03-01", Kind.DECIMAL: "12.5", Kind.INTEGER: 7,
    Kind.REFERENCE: "0197c0de-0000-7000-8000-000000000001",
}  # fmt: skip


def said(attribute: Attribute) -> object:
    return PLAIN.get(attribute.kind, True)


@pytest.mark.parametrize("domain", DOMAINS, ids=lambda domain: domain.name)
def test_columns_hold_what_the_typed_value_is_as_json(domain: object) -> None:
    attributes = BY_NAME[domain.name].attributes  # type: ignore[attr-defined]
    full = columns(layout(attributes), {a.name: said(a) for a in attributes})
    assert full == {column(a): plain(typed(a, said(a))) for a in attributes}
    for silence in ({}, {a.name: None for a in attributes}, {a.name: "" for a in attributes}):
        assert columns(layout(attributes), silence) == {column(a): typed(a, None) for a in attributes}


@pytest.mark.django_db
def test_plain_rows_are_inserted_and_updated_by_the_columns_that_name_them() -> None:
    erp, ap = system("erp"), system("ap")
    rows = [{"system_id": one.pk, "domain": "supplier", "rank": rank} for one, rank in ((erp, 3), (ap, 4))]
    bulk.insert_plain(SourceTrust, rows)
    bulk.update(SourceTrust, [{"system_id": ap.pk, "domain": "supplier", "rank": 1}], by=["system_id", "domain"])
    assert dict(SourceTrust.objects.values_list("system__code", "rank")) == {"erp": 3, "ap": 1}


@pytest.mark.django_db
def test_the_row_of_an_instance_names_the_fields_asked_for() -> None:
    made = SourceSystem(pk=5, code="erp", name="ERP")
    assert bulk.plain([made], ["id", "name"]) == [{"id": 5, "name": "ERP"}]
    assert "id" not in bulk.plain([made])[0]
    assert bulk.plain([]) == []
    bulk.insert([])
    bulk.update(SourceSystem, [], by=["id"])
    assert not SourceSystem.objects.filter(code="erp").exists()


ODD = [
    "",
    "a\tb",
    "a\nb\r",
    "\\N",
    "\\",
    'say "a, {b}"',
    "NULL",
    "\\.",
    "\u2028",
    "\u00a0",
    "日本語",
    "\\t",
    "'",
    "\x01",
]


@pytest.mark.django_db
@pytest.mark.parametrize("times", [1, 2], ids=["as JSON", "copied in"])
def test_any_text_arrives_as_it_was_however_many_rows_there_are(times: int) -> None:
    texts = ODD * times
    assert (len(texts) > bulk.FEW) is (times == 2)
    records = [source("erp", "supplier", str(n), name="x") for n in range(len(texts))]
    rows = [
        {
            "source_record_id": record.pk, "domain": "supplier", "declaration": "x", "content_hash": text,
            "features": {"core": [text], text: None}, "words": [text, "NULL"],
        }
        for record, text in zip(records, texts, strict=True)
    ]  # fmt: skip
    bulk.insert_plain(Prepared, rows)
    kept = Prepared.objects.order_by("source_record_id").values_list("content_hash", "features", "words")
    assert list(kept) == [(text, {"core": [text], text: None}, [text, "NULL"]) for text in texts]


@pytest.mark.django_db
def test_numbers_truths_times_and_blanks_arrive_as_they_were_when_copied_in() -> None:
    known = [source("erp", "supplier", str(n), name="x") for n in range(bulk.FEW + 1)]
    told = [
        {
            "id": uuid7(), "code": f"X-{n}", "domain": "supplier", "state": GoldenState.ACTIVE, "version": 1 + n,
            "merged_into_id": None, "title": "", "suspected": n % 2 == 0, "held_by": ["no \\name"],
            "known_outside": True, "search_text": "", "identifiers": [],
            "created_at": one.as_of, "updated_at": one.as_of,
        }
        for n, one in enumerate(known)
    ]  # fmt: skip
    with transaction.atomic():
        bulk.insert_plain(GoldenRecord, told)
        kept = GoldenRecord.objects.order_by("version").values(*told[0])
        assert list(kept) == told
        transaction.set_rollback(True)  # without versions they would be refused
