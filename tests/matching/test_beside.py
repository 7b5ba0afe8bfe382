"""Many workers on one domain: what one has in hand is left alone by the others, and in the end nothing is missed."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from django.db import connection

from matching.models import NameWord, Prepared
from matching.preparing import prepare
from matching.run import Outcome, _once_beside, match
from mdm.cause import HUB, Cause
from mdm.domains import BY_NAME
from mdm.mastering import give_back_codes, refer_within, take_codes
from mdm.models import GoldenRecord, Link, SourceRecord, SourceReference
from mdm.planning import keep_statistics
from mdm.verify import verify
from tests.factories import database_url
from tests.matching.conftest import golden_of
from tests.mdm.making import golden, source

pytestmark = pytest.mark.django_db(transaction=True)

SUPPLIER = BY_NAME["supplier"]
CAUSE = Cause(by=HUB, reason="test")


def beside() -> Outcome | None:
    """One batch as it is decided while others write."""
    return _once_beside(SUPPLIER, CAUSE, take_codes(SUPPLIER, 10))


def in_hand(table: str, pk: object) -> psycopg.Connection[tuple[object, ...]]:
    """Another session that works on this row until it is closed."""
    other = psycopg.connect(database_url())
    other.execute(f"SELECT FROM {table} WHERE id = %s FOR NO KEY UPDATE", [pk])
    return other


def free() -> list[tuple[object, ...]]:
    """What nobody has in hand, and who else is there: told where a test fails."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, state FROM mdm_sourcerecord FOR NO KEY UPDATE SKIP LOCKED")
        rows = cursor.fetchall()
        cursor.execute(
            "SELECT pid, state, left(query, 200) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return [*rows, *cursor.fetchall(), *Prepared.objects.values_list("source_record_id", "words")]


def in_a_worker(_: int) -> Outcome:
    try:
        return match(SUPPLIER, CAUSE)
    finally:
        connection.close()


def test_whoever_resembles_a_record_in_other_hands_waits_and_others_do_not() -> None:
    held = source("erp", "supplier", "1", name="Waters Corp", tax_id="133668640")
    alike = source("ap", "supplier", "1", name="Waters Corporation", tax_id="133668640")
    further = source("hr", "supplier", "1", name="WATERS CORP.", tax_id="133668640")
    stranger = source("ap", "supplier", "2", name="Zimmer Biomet", tax_id="135555555")
    prepare(SUPPLIER)
    with in_hand("mdm_sourcerecord", held.pk):
        done = beside()
        assert done is not None, free()
    assert (done.decided, done.created) == (1, 1)
    assert golden_of(stranger)
    assert not Link.objects.filter(source_record__in=[held, alike, further]).exists()
    match(SUPPLIER, CAUSE)
    assert golden_of(held) == golden_of(alike) == golden_of(further)


def test_whoever_resembles_a_golden_record_in_other_hands_waits() -> None:
    there = golden(source("erp", "supplier", "1", name="Waters Corp", tax_id="133668640"))
    alike = source("ap", "supplier", "1", name="Waters Corporation", tax_id="133668640")
    prepare(SUPPLIER)
    with in_hand("mdm_goldenrecord", there.pk):
        assert beside() is None
    assert golden_of(alike) is None
    assert beside() == Outcome(decided=1, linked=1)
    assert golden_of(alike) == there.pk


def test_changed_records_are_had_alone() -> None:
    record = source("erp", "supplier", "1", name="Waters Corp")
    golden(record)
    SourceRecord.objects.filter(pk=record.pk).update(state="waiting", content_hash="changed")
    prepare(SUPPLIER)
    assert beside() is None
    assert match(SUPPLIER, CAUSE).refreshed == 1


def test_records_of_one_domain_that_refer_to_it_are_told_from_others() -> None:
    branch = source("erp", "supplier", "1", name="Waters Branch")
    other = source("erp", "supplier", "2", name="Zimmer")
    SourceReference.objects.create(
        source_record=branch, attribute="parent", system=branch.system, domain="supplier", key="2"
    )
    assert refer_within(SUPPLIER, [branch.pk, other.pk])
    assert not refer_within(SUPPLIER, [other.pk])


def test_codes_nobody_bears_are_taken_back_unless_later_ones_were_given() -> None:
    codes = take_codes(SUPPLIER, 5)
    give_back_codes(SUPPLIER, codes[2:])
    assert take_codes(SUPPLIER, 1) == codes[2:3]
    give_back_codes(SUPPLIER, codes[:2])
    assert take_codes(SUPPLIER, 1) == codes[3:4]


def test_two_who_prepare_at_once_both_return_when_all_is_prepared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("matching.preparing.BATCH", 3)
    for n in range(40):
        source("erp", "supplier", str(n), name=f"Company{n} Therapeutics")

    def in_a_preparer(_: int) -> int:
        try:
            done = prepare(SUPPLIER, everything=False)
            assert prepare(SUPPLIER, everything=False) == 0
            return done
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(in_a_preparer, range(2)))
    # Whoever looked just before the other committed does the same piece once more, to the same effect.
    assert sum(done) >= 40
    assert Prepared.objects.count() == 40


def test_preparing_does_not_wait_for_a_record_somebody_else_changes() -> None:
    held, free = (source("erp", "supplier", key, name=f"Company {key}") for key in "12")
    with in_hand("mdm_sourcerecord", held.pk):
        assert prepare(SUPPLIER) == 1
    assert prepare(SUPPLIER) == 1
    assert SourceRecord.objects.filter(pk=free.pk, prepared__isnull=False).exists()


def test_many_workers_make_what_one_makes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Records of one supplier are far from each other in the order they are claimed in, and help is called once."""
    monkeypatch.setattr("matching.run.BATCH", 6)
    for code in ("erp", "ap", "hr", "crm"):
        for n in range(25):
            source(code, "supplier", f"{code}{n}", name=f"Company{n} Therapeutics", tax_id=f"1336686{n:02}")
    with ThreadPoolExecutor(3) as pool:
        done = list(pool.map(in_a_worker, range(3)))
    assert sum(one.decided for one in done) == 100
    groups = Counter(Link.objects.filter(ended_at__isnull=True).values_list("record_id", flat=True))
    assert sorted(groups.values()) == [4] * 25
    assert len(set(GoldenRecord.objects.values_list("code", flat=True))) == 25
    assert verify().is_green


def test_help_is_called_once_where_much_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    call: Callable[[], None] = lambda: calls.append("help")  # noqa: E731
    source("erp", "supplier", "0", name="Waters Corp")
    match(SUPPLIER, CAUSE, call_help=call)
    assert calls == []
    monkeypatch.setattr("matching.preparing.BATCH", 5)
    for n in range(1, 12):
        source("erp", "supplier", str(n), name=f"Company{n} Therapeutics")
    match(SUPPLIER, CAUSE, call_help=call)
    assert calls == ["help"]


def test_tables_that_grow_are_analysed_once_until_they_are_four_times_as_large() -> None:
    def fill(first: int, last: int) -> None:
        NameWord.objects.bulk_create(NameWord(domain="supplier", word=f"word{n}") for n in range(first, last))

    assert keep_statistics([NameWord]) == 0
    fill(0, 4000)
    assert keep_statistics([NameWord, Prepared]) == 1
    assert keep_statistics([NameWord]) == 0
    fill(4000, 5000)
    assert keep_statistics([NameWord]) == 0
    fill(5000, 24000)
    assert keep_statistics([NameWord]) == 1
