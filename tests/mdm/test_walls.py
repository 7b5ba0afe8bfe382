"""PostgreSQL refuses what must not be, whatever road the write takes."""

from collections.abc import Callable

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from mdm.domains import DOMAINS
from mdm.models import GoldenRecord, Link, Merge
from mdm.spec import Domain
from tests.mdm.making import golden, source

pytestmark = pytest.mark.django_db


def commit_checks() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def run(sql: str, *params: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)


def in_a_new_transaction(sql: str, *params: object) -> None:
    """Run a write whose transaction wrote no version: the id the versions carry is made another one first."""
    run("SET LOCAL session_replication_role = replica")
    run("ALTER TABLE mdm_supplier_version DISABLE TRIGGER USER")
    run("UPDATE mdm_supplier_version SET written_in = 1")
    run("ALTER TABLE mdm_supplier_version ENABLE TRIGGER USER")
    run("SET LOCAL session_replication_role = origin")
    run(sql, *params)


def _save(record: GoldenRecord) -> None:
    supplier = record.supplier
    supplier.name = "x"
    supplier.save()


def _bulk_update(record: GoldenRecord) -> None:
    supplier = record.supplier
    supplier.name = "x"
    type(supplier).objects.bulk_update([supplier], ["name"])


WRITES: dict[str, Callable[[GoldenRecord], None]] = {
    "save": _save,
    "queryset update": lambda record: type(record.supplier).objects.filter(pk=record.pk).update(name="x") and None,
    "bulk update": _bulk_update,
    "raw sql": lambda record: run("UPDATE mdm_supplier SET name = 'x' WHERE record_id = %s", record.pk),
    "identity update": lambda record: GoldenRecord.objects.filter(pk=record.pk).update(state="retired") and None,
    "part insert": lambda record: run(
        "INSERT INTO mdm_suppliername (record_id, source_record_id, part_key, kind, name) "
        "SELECT %s, source_record_id, 'k', 'legal', 'x' FROM mdm_link LIMIT 1",
        record.pk,
    ),
}


@pytest.mark.parametrize("road", WRITES)
def test_a_golden_write_without_a_version_is_refused_at_commit(road: str) -> None:
    record = golden(source("erp", "supplier", "V1", name="Acme"))
    commit_checks()
    run("SET CONSTRAINTS ALL DEFERRED")
    in_a_new_transaction("SELECT 1")
    WRITES[road](record)
    with pytest.raises(IntegrityError, match="without a version"):
        commit_checks()


@pytest.mark.parametrize("table", [*(f"mdm_{d.name}_version" for d in DOMAINS), "mdm_changeevent"])
@pytest.mark.parametrize("statement", ["UPDATE {0} SET {1} = {1}", "DELETE FROM {0}"])
def test_history_and_log_refuse_change_and_removal(table: str, statement: str) -> None:
    for domain, values in (
        ("supplier", {"name": "Acme"}),
        ("facility", {"name": "Mercy", "city": "Reno"}),
        ("item", {"description": "Glove"}),
        ("cost_center", {"code": "1"}),
        ("contract", {"number": "C"}),
    ):
        golden(source("erp", domain, "1", **values))
    column = "actor"
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        run(statement.format(table, column))


def test_history_refuses_truncate() -> None:
    run("SET LOCAL assay.allow_truncate = 'off'")
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        run("TRUNCATE mdm_supplier_version")


def test_an_event_is_numbered_once_and_never_again() -> None:
    golden(source("erp", "supplier", "V1", name="Acme"))
    run("UPDATE mdm_changeevent SET seq = 1, hash = 'a'")
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        run("UPDATE mdm_changeevent SET seq = 2, hash = 'b'")


def test_numbering_may_not_change_anything_else() -> None:
    golden(source("erp", "supplier", "V1", name="Acme"))
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        run("UPDATE mdm_changeevent SET seq = 1, hash = 'a', actor = 'somebody else'")


def test_a_source_record_belongs_to_one_golden_record() -> None:
    record = golden(source("erp", "supplier", "V1", name="Acme"))
    other = golden(source("erp", "supplier", "V2", name="Zeta"))
    held = Link.objects.get(record=record)
    held.pk, held.record = None, other
    with pytest.raises(IntegrityError, match="one_golden_record"), transaction.atomic():
        held.save()


def test_a_record_is_merged_exactly_when_it_points_on() -> None:
    record = golden(source("erp", "supplier", "V1", name="Acme"))
    with pytest.raises(IntegrityError, match="merged_exactly"), transaction.atomic():
        GoldenRecord.objects.filter(pk=record.pk).update(state="merged")


def test_a_record_is_lost_in_one_merge_at_a_time() -> None:
    winner, loser = (golden(source("erp", "supplier", key, name=key)) for key in ("A", "B"))
    made = {"winner": winner, "loser": loser, "correlation_id": winner.pk, "merged_at": winner.created_at}
    Merge.objects.create(**made)
    with pytest.raises(IntegrityError, match="lost_once"), transaction.atomic():
        Merge.objects.create(**made)


@pytest.mark.parametrize("domain", DOMAINS, ids=lambda domain: domain.name)
def test_the_walls_know_the_version_table_of_every_domain(domain: Domain) -> None:
    """A domain added later is learnt where its own walls are made; here nothing was written, so nothing stands."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT assay_version_stands(%s, gen_random_uuid(), 1)", [domain.name])
        assert cursor.fetchone() == (False,)


def test_an_unknown_domain_is_no_way_round_the_walls() -> None:
    with pytest.raises(DatabaseError, match="no versions are kept of nothing"), transaction.atomic():
        run("SELECT assay_version_stands('nothing', gen_random_uuid(), 1)")
