"""Statements put into SQL once and prepared once a session."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection

from mdm.compiled import FEW, Compiled, found_by, prepared
from mdm.models import GoldenRecord, SourceSystem
from tests.factories import supplier, system

pytestmark = pytest.mark.django_db


def kept(text: str) -> int:
    """How many statements that hold this text PostgreSQL has prepared in this session."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE %s", [f"%{text}%"])
        return int(cursor.fetchone()[0])


def test_a_statement_about_few_rows_is_prepared_once_whatever_its_values() -> None:
    for number in range(3):
        with prepared() as cursor:
            cursor.execute("SELECT %s::int AS told_apart", [number])
            assert cursor.fetchall() == [(number,)]
    assert kept("AS told_apart") == 1


def test_a_statement_about_many_rows_is_planned_anew() -> None:
    with prepared(FEW + 1) as cursor:
        cursor.execute("SELECT %s::int AS planned_anew", [1])
        assert cursor.fetchall() == [(1,)]
    assert kept("SELECT $1::int AS planned_anew") == 0


def test_a_question_is_prepared_and_its_answer_is_what_django_reads() -> None:
    system("erp")
    asked = Compiled(lambda code: SourceSystem.objects.filter(code=code), code="stands for a code")
    (found,) = asked.records(code="erp")
    one = SourceSystem.objects.get(code="erp")
    assert vars(found) | {"_state": ""} == vars(one) | {"_state": ""}
    assert not asked.records(code="crm")
    assert kept('FROM "mdm_sourcesystem"') == 1


def test_what_is_found_by_a_column_is_what_django_reads() -> None:
    made = [supplier("V1", "Acme"), supplier("V2", "Waters")]
    found = {one.pk: one for one in found_by(GoldenRecord, "id", [one.pk for one in made], "ORDER BY id")}
    for one in GoldenRecord.objects.all():
        told = {name: value for name, value in vars(found[one.pk]).items() if name != "_state"}
        assert told == {name: value for name, value in vars(one).items() if name != "_state"}
    row = next(iter(found_by(type(made[0].supplier), "record_id", [made[0].pk])))
    assert (row.name, row.provenance) == (made[0].supplier.name, made[0].supplier.provenance)


def test_a_question_about_any_number_is_prepared_once_and_answers_what_django_reads() -> None:
    made = [supplier(f"V{number}", name) for number, name in enumerate(("Acme", "Waters", "Bolton"))]

    def ask(records: list[UUID]) -> Any:
        held = type(made[0].supplier).objects.filter(record__in=records, record__state="active")
        return held.order_by("name").values("record_id", "provenance", "parent__code", "record__title")

    asked = Compiled(ask, records=[uuid4()])
    for many in (made[:1], made, []):
        wanted = [one.pk for one in many]
        assert asked.values(records=wanted) == list(ask(wanted))
    titles = [row["record__title"] for row in asked.values(records=[one.pk for one in made])]
    assert titles == ["Acme", "Bolton", "Waters"]
    assert kept('ORDER BY "mdm_supplier"') == 1


def test_a_list_is_refused_where_the_question_asks_for_one() -> None:
    with pytest.raises(TypeError, match="__in"):
        Compiled(lambda codes: SourceSystem.objects.filter(code=codes[0]), codes=["any"]).rows(codes=["erp"])


def test_an_empty_list_that_belongs_to_the_question_is_no_reason_to_ask_nothing() -> None:
    system("erp")

    def ask(code: str) -> Any:
        return SourceSystem.objects.filter(code=code).extra(where=["code <> ALL(%s::text[])"], params=[[]])

    assert [one.code for one in Compiled(ask, code="stands for a code").records(code="erp")] == ["erp"]
