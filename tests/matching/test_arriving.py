"""What arrives alone: prepared, matched and mastered in one transaction; whatever it says, the work is bounded."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.db.models import AutoField
from django.test.utils import CaptureQueriesContext

from matching import arriving, lookup, run, searching
from matching.models import MatchKey, Prepared
from matching.run import Outcome, match
from matching.searching import search
from mdm.cause import HUB, Cause
from mdm.domains import BY_NAME
from mdm.errors import Invalid
from mdm.intake.given import read_given
from mdm.models import GoldenRecord, Link, SourceRecord
from tests.matching.conftest import change, golden_of
from tests.mdm.making import source

pytestmark = pytest.mark.django_db
SUPPLIER = BY_NAME["supplier"]


def arrive() -> Outcome:
    """What the nudge after a file does."""
    return match(SUPPLIER, Cause(by=HUB, reason="test"), everything=False)


def supplier(key: str, name: str, system: str = "erp", **values: object) -> SourceRecord:
    return source(system, "supplier", key, name=name, **values)


@contextmanager
def no_turns(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fails where batches are needed."""

    def never(*_: object) -> None:
        raise AssertionError("taken turn by turn")

    with monkeypatch.context() as patch:
        patch.setattr(run, "_take_turn", never)
        yield


def test_one_record_is_prepared_matched_and_mastered_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    first = supplier("V1", "Waters Corp", tax_id="133668640")
    with no_turns(monkeypatch):
        assert arrive() == Outcome(decided=1, created=1)
        second = supplier("1", "WATERS CORPORATION", "ap", tax_id="133668640")
        assert arrive() == Outcome(decided=1, linked=1)
        assert arrive().nothing
    assert golden_of(first) == golden_of(second) is not None
    kept = Prepared.objects.get(source_record=second)
    assert (kept.features["tax"], kept.words) == (["133668640"], ["waters"])
    keys = set(MatchKey.objects.filter(source_record=second).values_list("key", flat=True))
    Prepared.objects.all().update(declaration="old")
    run.prepare(SUPPLIER)
    assert keys == set(MatchKey.objects.filter(source_record=second).values_list("key", flat=True))
    assert Prepared.objects.get(source_record=second).features == kept.features


def test_a_change_replaces_what_was_prepared(monkeypatch: pytest.MonkeyPatch) -> None:
    record = supplier("V1", "Waters Corp", tax_id="133668640")
    with no_turns(monkeypatch):
        arrive()
        change(record, name="Zimmer Biomet")
        assert arrive() == Outcome(refreshed=1)
    assert Prepared.objects.get(source_record=record).words == ["biomet", "zimmer"]
    assert searching.search(SUPPLIER, {"name": "Zimmer Biomet"}, {}).found[0].source_record == record.pk


def test_more_than_a_few_and_another_declaration_go_batch_by_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(arriving.MOST + 1):
        supplier(f"V{number}", f"Name{number} Surgical", tax_id=f"1336686{number:02d}")
    assert arrive().decided == arriving.MOST + 1
    Prepared.objects.filter(source_record__key="V1").update(declaration="old")
    supplier("V99", "Amberley Dental")
    assert arrive().created == 1
    assert not Prepared.objects.filter(declaration="old").exists()


def test_what_cannot_be_mastered_is_turned_back_and_the_others_are_in() -> None:
    poison, good = supplier("1", "Zimmer Biomet", currency="DOLLARS"), supplier("2", "Waters Corp")
    done = arrive()
    assert (done.created, done.turned_back) == (1, 1)
    assert (golden_of(poison) is None, golden_of(good) is None) == (True, False)


def test_the_number_of_statements_does_not_grow_with_what_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = []
    for number in range(12):
        supplier(f"V{number}", "Waters Corp", f"s{number}", tax_id="133668640")
        with no_turns(monkeypatch), CaptureQueriesContext(connection) as asked:
            assert arrive().decided == 1
        counts.append(len(asked))
    assert max(counts[2:]) == min(counts[2:]) <= 45


# ---- what nobody would wish for -------------------------------------------------------------------

MANY = 3_000
SAME: dict[str, Any] = {"tax_id": "133668640", "duns": "060704780", "phone": "+15084782000", "name": "Waters Corp"}


def repeat(model: Any, row: Any, beside: str, **instead: str) -> None:
    """A copy of a row for everything that stands beside it, with other values in some columns."""
    columns = [f.column for f in model._meta.concrete_fields if f.column in instead or not isinstance(f, AutoField)]
    named = ", ".join(f'"{column}"' for column in columns)
    table = model._meta.db_table
    chosen = ", ".join(instead.get(column, f'own."{column}"') for column in columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({named}) SELECT {chosen} FROM {table} own, {beside} "  # noqa: S608 - our own names
            f"WHERE own.{model._meta.pk.column} = %s",
            [row.pk],
        )


@pytest.fixture
def crowd() -> None:
    """Thousands of records with the same values in everything, matched long ago."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE mdm_goldenrecord DISABLE TRIGGER USER")  # a history is not looked at here
    first = supplier("V0", **SAME)
    arrive()
    link = Link.objects.get(source_record=first)
    repeat(SourceRecord, first, f"generate_series(1, {MANY}) n", key="'C' || n", state="'linked'")
    others = f"(SELECT id AS other FROM mdm_sourcerecord WHERE id <> {first.pk}) s"  # noqa: S608
    its_own = "md5(other::text)::uuid"
    repeat(Prepared, Prepared.objects.get(), others, source_record_id="other")
    for key in MatchKey.objects.all():
        repeat(MatchKey, key, others, source_record_id="other")
    repeat(GoldenRecord, link.record, others, id=its_own, code="'C' || other")
    repeat(Link, link, others, source_record_id="other", record_id=its_own)


def test_an_arrival_among_thousands_alike_reads_few_of_them(crowd: None, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    whole = lookup.load
    monkeypatch.setattr(lookup, "load", lambda ids, *more: read.append(len(ids)) or whole(ids, *more))  # type: ignore[func-returns-value]
    supplier("new", system="ap", **SAME)
    with no_turns(monkeypatch):
        assert arrive().decided == 1
    passes = len(SUPPLIER.matching.blocking)
    assert sum(read) <= passes * SUPPLIER.matching.block_cap


def test_of_what_thousands_share_no_more_is_counted_than_tells(crowd: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookup, "COUNTED", 100)
    record = SourceRecord.objects.latest("pk")
    counted = lookup.shared_texts(SUPPLIER, lookup.load([record.pk]).values())
    assert set(counted.values()) == {100}


def test_a_search_among_thousands_alike_reads_few_of_them_and_says_so(crowd: None) -> None:
    found = search(SUPPLIER, SAME, {})
    assert 0 < found.compared <= 200
    assert found.found
    told = " ".join(text for _, text in found.left_out)
    assert f"More than {SUPPLIER.matching.block_cap} records share its tax id" in told


ODD: dict[str, dict[str, Any]] = {
    "empty": {"name": ""},
    "letter": {"name": "A"},
    "Chinese": {"name": "\u533b\u7597\u5668\u68b0\u682a\u5f0f\u4f1a\u793e"},
    "Hebrew": {"name": "\u05e8\u05d7\u05d5\u05d1 \u202e\u05d4\u05e8\u05e6\u05dc"},
    "long": {"name": " ".join(f"word{number}" for number in range(6_000))},
    "spaces": {"name": "a" + " " * 40_000 + "b"},
    "names": {"name": " dba ".join(f"acme {number}" for number in range(4_000))},
    "digits": {"name": "Acme", "phone": "1" * 40_000},
}


@pytest.mark.parametrize("values", ODD.values(), ids=ODD)
def test_odd_values_arrive_and_are_searched_for(values: dict[str, Any]) -> None:
    records = [supplier("1", **{"name": "", **values}), supplier("2", "Zimmer Biomet"), supplier("3", **values)]
    done = arrive()
    assert done.decided + done.turned_back == len(records)
    assert golden_of(records[1]) is not None
    assert MatchKey.objects.filter(source_record=records[0]).count() <= 200
    if too_long(values):
        with pytest.raises(Invalid, match="does not fit"):
            read_given(SUPPLIER, values, None)
        return
    given = read_given(SUPPLIER, values, None)
    assert search(SUPPLIER, given.values, given.parts).compared <= 3


def too_long(values: dict[str, Any]) -> bool:
    return any(len(value) > 10_000 for value in values.values())


def test_a_rule_set_without_few_holders_still_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    wide = replace(SUPPLIER, matching=replace(SUPPLIER.matching, block_cap=10_000))
    monkeypatch.setattr(run, "in_force", lambda _: wide)
    for _ in range(5):
        supplier(str(uuid4()), **SAME)
    assert arrive().decided == 5
