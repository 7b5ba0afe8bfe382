"""What befalls golden records at the edges: parts, references of edits, records without sources, states given back."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from matching.run import match
from mdm import log, mastering
from mdm.cause import HUB, Cause
from mdm.domains import BY_NAME
from mdm.errors import Refused
from mdm.mastering import contribute, differences, merge, unlink, unmerge
from mdm.models import ChangeEvent, GoldenRecord, Link, SourceRecord
from mdm.verify import verify
from tests.mdm.making import MARCH, golden, reload, source, why

pytestmark = pytest.mark.django_db

LATER = datetime(2026, 4, 1, tzinfo=UTC)


def line(parent: SourceRecord, key: str, **values: Any) -> SourceRecord:
    return SourceRecord.objects.create(
        system=parent.system, domain="contract", part="lines", key=key, parent_key=parent.key,
        values={"number": key, **values}, content_hash=key, as_of=MARCH, first_seen_at=MARCH, last_seen_at=MARCH,
    )  # fmt: skip


def home(record: SourceRecord) -> UUID:
    return Link.objects.get(source_record=record, ended_at__isnull=True).record_id


def run(domain: str = "contract") -> None:
    match(BY_NAME[domain], Cause(by=HUB, reason="test"))


def in_order() -> None:
    log.sequence_all()
    assert verify().findings == []
    assert list(differences()) == []


def merged(winner: GoldenRecord, loser: GoldenRecord) -> UUID:
    return merge(winner_id=winner.pk, loser_ids=[loser.pk], expected={}, cause=why())[0]


def test_part_rows_leave_with_the_source_record_they_are_part_of() -> None:
    ours, theirs = source("erp", "contract", "C1", number="C1"), source("ap", "contract", "C1", number="C1")
    record = golden(ours, theirs)
    mine = line(theirs, "1", price="2.5")
    run()
    (made,) = unlink(source_record_ids=[theirs.pk], cause=why())
    assert home(mine) == home(theirs) == made != record.pk
    assert reload(made).contractline_rows.count() == 1
    assert not reload(record.pk).contractline_rows.exists()
    in_order()


def test_part_rows_that_came_after_a_merge_leave_with_the_loser() -> None:
    kept, lost = source("erp", "contract", "C1", number="C1"), source("ap", "contract", "C1", number="C1")
    winner, loser = golden(kept), golden(lost)
    made = merged(winner, loser)
    late = line(lost, "1", price="2.5")
    run()
    assert home(late) == winner.pk
    unmerge(merge_ids=[made], cause=why())
    assert home(late) == loser.pk
    in_order()


def test_a_part_row_that_names_another_parent_moves_even_when_its_record_was_written_meanwhile() -> None:
    first, second = source("erp", "contract", "C1", number="C1"), source("erp", "contract", "C2", number="C2")
    one, two = golden(first), golden(second)
    moving = line(first, "1", price="2.5")
    run()
    SourceRecord.objects.filter(pk=moving.pk).update(parent_key="C2", state="waiting", content_hash="moved")
    mastering.refresh(record_ids=[one.pk], cause=why())
    run()
    assert home(moving) == two.pk
    assert not reload(one.pk).contractline_rows.exists()
    in_order()


def test_a_reference_in_an_approved_edit_follows_merges_and_returns() -> None:
    child = golden(source("erp", "facility", "F1", name="Annex"))
    parent = golden(source("erp", "facility", "F2", name="Main"))
    other = golden(source("erp", "facility", "F3", name="Mayne"))
    last = golden(source("erp", "facility", "F4", name="Main Hospital"))
    contribute(record_id=child.pk, values={"parent": parent.code}, expected=None, cause=why())
    first = merged(other, parent)
    second = merged(last, other)
    assert reload(child.pk).facility.parent_id == last.pk
    in_order()
    unmerge(merge_ids=[second], cause=why())
    assert reload(child.pk).facility.parent_id == other.pk
    unmerge(merge_ids=[first], cause=why())
    assert reload(child.pk).facility.parent_id == parent.pk
    in_order()


def test_a_record_merged_with_its_parent_is_not_its_own_parent() -> None:
    parent = golden(source("erp", "facility", "F2", name="Main"))
    child = golden(
        source("erp", "facility", "F1", name="Main", parent={"system": "erp", "domain": "facility", "key": "F2"})
    )
    made = merged(parent, child)
    assert reload(parent.pk).facility.parent_id is None
    unmerge(merge_ids=[made], cause=why())
    assert reload(child.pk).facility.parent_id == parent.pk
    in_order()


def test_parents_in_a_circle_are_kept_as_the_sources_say() -> None:
    one = source("erp", "facility", "F1", name="A", parent={"system": "erp", "domain": "facility", "key": "F2"})
    two = source("erp", "facility", "F2", name="B", parent={"system": "erp", "domain": "facility", "key": "F1"})
    first, second = golden(one), golden(two)
    assert (reload(first.pk).facility.parent_id, reload(second.pk).facility.parent_id) == (second.pk, first.pk)
    in_order()


def test_the_only_source_record_cannot_be_taken_out() -> None:
    only = source("erp", "supplier", "V1", name="Acme")
    record = golden(only)
    contribute(record_id=record.pk, values={"name": "ACME"}, expected=None, cause=why())
    with pytest.raises(Refused, match="without any source record"):
        unlink(source_record_ids=[only.pk], cause=why())
    assert home(only) == record.pk


def test_an_unmerge_that_would_leave_the_winner_empty_is_refused() -> None:
    own, came = source("erp", "supplier", "V1", name="Acme"), source("ap", "supplier", "1", name="Acme")
    winner, loser = golden(own), golden(came)
    made = merged(winner, loser)
    unlink(source_record_ids=[own.pk], cause=why())
    with pytest.raises(Refused, match="without any source record"):
        unmerge(merge_ids=[made], cause=why())


def test_a_loser_whose_source_changed_while_merged_returns_as_its_source_is_now() -> None:
    winner = golden(source("erp", "supplier", "V1", name="Acme"))
    lost = source("ap", "supplier", "1", name="Acme Inc")
    loser = golden(lost)
    made = merged(winner, loser)
    SourceRecord.objects.filter(pk=lost.pk).update(
        values={"name": "Acme Holdings"}, content_hash="new", state="waiting", as_of=LATER
    )
    unmerge(merge_ids=[made], cause=why())
    assert reload(loser.pk).title == "Acme Holdings"
    run("supplier")
    assert not SourceRecord.objects.filter(state="waiting").exists()
    in_order()


@pytest.mark.parametrize("before", ["retired", "pending"])
def test_a_winner_that_only_the_merge_brought_into_use_goes_back(before: str) -> None:
    winner = golden(source("erp", "supplier", "V1", name="Acme"), state="pending" if before == "pending" else "active")
    if before == "retired":
        mastering.retire(record_id=winner.pk, expected=None, cause=why())
    loser = golden(source("ap", "supplier", "1", name="Acme"))
    made = merged(winner, loser)
    assert reload(winner.pk).state == "active"
    unmerge(merge_ids=[made], cause=why())
    assert (reload(winner.pk).state, reload(loser.pk).state) == (before, "active")


def test_a_suspected_record_is_not_let_out_by_retiring_and_reinstating_it() -> None:
    record = golden(source("erp", "supplier", "V1", name="Acme"), state="pending")
    mastering.retire(record_id=record.pk, expected=None, cause=why())
    mastering.reinstate(record_id=record.pk, expected=None, cause=why())
    assert reload(record.pk).state == "pending"
    mastering.activate(record_ids=[record.pk], cause=why())
    assert reload(record.pk).state == "active"
    assert mastering.activate(record_ids=[record.pk], cause=why()) == []
    assert ChangeEvent.objects.filter(record=record).order_by("version").last().verb == "activated"  # type: ignore[union-attr]
