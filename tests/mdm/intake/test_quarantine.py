"""Rows in quarantine: mended, sent again, dismissed, downloaded."""

import csv
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdm.errors import Invalid, NotFound, WrongState
from mdm.intake.quarantine import as_csv, dismiss, harmless, mend, mend_alike, send_again
from mdm.models import Batch, RowState, SourceRow, SourceState
from tests.mdm.intake.making import CENTERS, VENDORS, counts, send, stored, taken, text, without

HEADER = "ID,CODE,NAME,FACILITY,FROM,TO"


def waiting(*lines: str) -> tuple[Batch, list[SourceRow]]:
    """A batch of cost centers and its rows in quarantine."""
    batch = send(stored(CENTERS), text(*lines, header=HEADER), "centers.csv")
    return batch, list(batch.rows.filter(state=RowState.QUARANTINED).order_by("line"))


@pytest.mark.django_db
def test_a_mended_row_is_taken_and_keeps_what_it_was() -> None:
    batch, (row,) = waiting("C1,100,A,,31/02/2026,", "C2,200,B,,,")
    mended = mend(row_id=row.pk, cells={"FROM": "28/02/2026"}, by="stella")
    assert (mended.state, mended.settled_by) == (RowState.MENDED, "stella")
    assert (mended.cells["FROM"], mended.mended_cells["FROM"]) == ("31/02/2026", "28/02/2026")
    assert mended.problems[0]["column"] == "FROM"
    record = taken("cost_center")["C1"]
    assert (record.values["valid_from"], record.row_id, record.state) == ("2026-02-28", row.pk, SourceState.WAITING)
    batch.refresh_from_db()
    assert counts(batch) == (2, 2, 0, 0, 0)
    with pytest.raises(WrongState):
        mend(row_id=row.pk, cells={"FROM": "01/02/2026"}, by="stella")


@pytest.mark.django_db
def test_a_row_still_wrong_stays_with_all_its_reasons() -> None:
    _batch, (row,) = waiting("C1,100,A,,31/02/2026,soon")
    still = mend(row_id=row.pk, cells={"FROM": "28/02/2026", "CODE": "9" * 40}, by="stella")
    assert still.state == RowState.QUARANTINED
    assert {problem["column"] for problem in still.problems} == {"TO", "CODE"}
    assert taken("cost_center") == {}
    done = mend(row_id=row.pk, cells={"TO": "", "CODE": "9"}, by="stella")
    assert (done.state, taken("cost_center")["C1"].values["valid_from"]) == (RowState.MENDED, "2026-02-28")


@pytest.mark.django_db
def test_only_columns_of_the_file_can_be_mended() -> None:
    _batch, (row,) = waiting("C1,100,A,,x,")
    with pytest.raises(Invalid) as refused:
        mend(row_id=row.pk, cells={"FORM": "28/02/2026"}, by="stella")
    assert refused.value.problems[0][0] == "FORM"
    with pytest.raises(NotFound):
        mend(row_id=row.pk + 1000, cells={}, by="stella")


@pytest.mark.django_db
def test_a_mended_repetition_replaces_what_was_taken_because_a_person_says_so() -> None:
    _batch, (row,) = waiting("C1,100,A,,,", "C1,100,B,,,")
    assert mend(row_id=row.pk, cells={}, by="stella").state == RowState.MENDED
    assert taken("cost_center")["C1"].values["name"] == "B"


@pytest.mark.django_db
def test_after_a_correction_of_the_feed_rows_are_sent_again() -> None:
    batch, rows = waiting("C1,100,A,,2026.02.28,", "C2,200,B,,soon,", "C3,300,C,,,", "C3,300,D,,,")
    assert len(rows) == 3
    stored(without(CENTERS, values={"dates": ["YYYY.MM.DD"]}))
    assert send_again(batch_id=batch.pk, by="stella") == (1, 2)
    batch.refresh_from_db()
    assert counts(batch) == (4, 2, 0, 0, 2)
    assert taken("cost_center")["C3"].values["name"] == "C"
    assert send_again(batch_id=batch.pk, by="stella") == (0, 2)


@pytest.mark.django_db
def test_rows_that_share_a_mistake_are_mended_together() -> None:
    batch, rows = waiting("C1,100,A,,x,", "C2,200,B,,x,", "C3,300,C,,x,y")
    ids = [row.pk for row in rows]
    assert mend_alike(batch_id=batch.pk, row_ids=ids, cells={"FROM": "01/02/2026"}, by="stella") == (2, 1)
    assert set(taken("cost_center")) == {"C1", "C2"}


@pytest.mark.django_db
def test_a_dismissal_needs_a_reason_and_is_kept() -> None:
    _batch, (row,) = waiting("C1,100,A,,x,")
    with pytest.raises(Invalid):
        dismiss(row_ids=[row.pk], by="stella", reason=" ")
    assert dismiss(row_ids=[row.pk], by="stella", reason="closed years ago") == 1
    row.refresh_from_db()
    assert (row.state, row.settled_by) == (RowState.DISMISSED, "stella")
    assert "closed years ago" in row.problems[-1]["message"]
    assert dismiss(row_ids=[row.pk], by="stella", reason="again") == 0


@pytest.mark.django_db
def test_rows_are_downloaded_with_every_reason_and_without_formulas() -> None:
    batch, _rows = waiting('C1,100,"=HYPERLINK(""http://x"")",,x,y', "C2,200,-5,,z,")
    lines = list(csv.reader(StringIO("".join(as_csv(batch)))))
    assert lines[0] == ["Line", "Reasons", "ID", "CODE", "NAME", "FACILITY", "FROM", "TO"]
    assert (lines[1][0], lines[1][4], lines[2][4]) == ("2", '\'=HYPERLINK("http://x")', "-5")
    assert lines[1][1].count("is not a date") == 2


@given(st.text())
def test_no_cell_starts_a_formula(cell: str) -> None:
    safe = harmless(cell)
    assert safe in (cell, "'" + cell)
    assert not safe[:1] or safe[0] not in "=@\t\r\n"
    assert safe[:1] not in ("+", "-") or all(c.isdigit() or c in "+-., %" for c in safe)


@pytest.mark.django_db
def test_a_row_without_a_key_waits_too() -> None:
    batch = send(stored(VENDORS), text(",ACME INC,,RENO,NV,89501,"))
    row = batch.rows.get()
    assert (row.state, row.key) == (RowState.QUARANTINED, "")
    assert mend(row_id=row.pk, cells={"NO": "V9"}, by="stella").key == "V9"
    assert list(taken()) == ["V9"]
