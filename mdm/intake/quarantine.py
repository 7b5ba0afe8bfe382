"""Rows that could not be taken: mended and sent again, dismissed, or downloaded with all their reasons."""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from mdm.errors import Invalid, NotFound, WrongState
from mdm.intake import storing
from mdm.intake.batches import wake_matching
from mdm.intake.feeds import plan_of
from mdm.intake.mapping import map_row
from mdm.intake.plan import Plan
from mdm.intake.readers import RawRow
from mdm.intake.repetition import Keys, Seen, compare
from mdm.intake.storing import Destination
from mdm.models import Batch, RowState, SourceRow

AT_ONCE = 500
NUMBER = re.compile(r"[+-]?\d[\d., ]*%?")


@transaction.atomic
def mend(*, row_id: int, cells: Mapping[str, str], by: str) -> SourceRow:
    """Send one row again with these cells in place of its own; the row as it then stands.

    Taken: state *mended*, its source record waits to be matched. Still wrong: it stays in quarantine with all the
    reasons there are now and keeps what was typed. Locks the row. Raises NotFound, WrongState where somebody settled
    it before, Invalid for cells of columns the file does not have.
    """
    row = _lock(row_id)
    _put(row, row.batch, cells)
    plan = plan_of(row.batch.feed)
    _send(storing.destination(row.batch_id, row.batch.feed.system_id, plan), plan, [row], by)
    return row


@transaction.atomic
def mend_alike(*, batch_id: UUID | str, row_ids: Sequence[int], cells: Mapping[str, str], by: str) -> tuple[int, int]:
    """Send several rows of a batch again, all with these cells in place of their own: (taken, still in quarantine).

    Locks the rows; those settled meanwhile are left as they are, so repeating it is harmless. A key of which another
    row was taken stays in quarantine, as in `send_again`. Raises NotFound, Invalid for columns the file does not have.
    """
    batch = Batch.objects.select_related("feed__system").filter(pk=batch_id).first()
    if batch is None:
        raise NotFound("There is no such batch.", "Look at the list of imports.")
    waiting = batch.rows.filter(pk__in=row_ids, state=RowState.QUARANTINED)
    rows = list(waiting.select_for_update().order_by("line"))
    for row in rows:
        _put(row, batch, cells)
    plan = plan_of(batch.feed)
    to = storing.destination(batch.pk, batch.feed.system_id, plan)
    keys = Keys(batch_id=batch.pk, system_id=to.system_id, domain=to.domain, part=to.part)
    taken = _send(to, plan, rows, by, keys)
    return taken, len(rows) - taken


def _put(row: SourceRow, batch: Batch, cells: Mapping[str, str]) -> None:
    """Replace cells of the row. Raises Invalid, naming all columns the file does not have."""
    known = {*(row.cells or {}), *batch.header}
    unknown = [column for column in cells if column not in known]
    if unknown:
        raise Invalid(
            "The file has no such column.",
            "Give cells of the columns the file has.",
            [(column, f'There is no column "{column}" in this file.') for column in unknown],
        )
    row.mended_cells = {**(row.cells or {}), **(row.mended_cells or {}), **cells}


def send_again(*, batch_id: UUID | str, by: str) -> tuple[int, int]:
    """Send every row in quarantine of a batch again, by the feed as it is now: (taken, still in quarantine).

    For after a correction of the feed or of the reference lists. Commits in groups; repeating it is harmless. A key
    of which another row was taken stays in quarantine: only `mend`, a person's decision, replaces that.
    """
    batch = Batch.objects.select_related("feed__system").filter(pk=batch_id).first()
    if batch is None:
        raise NotFound("There is no such batch.", "Look at the list of imports.")
    plan = plan_of(batch.feed)
    to = storing.destination(batch.pk, batch.feed.system_id, plan)
    keys = Keys(batch_id=batch.pk, system_id=to.system_id, domain=to.domain, part=to.part)
    taken = still = last = 0
    while True:
        with transaction.atomic():
            waiting = batch.rows.filter(state=RowState.QUARANTINED, line__gt=last).order_by("line")
            rows = list(waiting.select_for_update()[:AT_ONCE])
            if not rows:
                return taken, still
            accepted = _send(to, plan, rows, by, keys)
        taken, still, last = taken + accepted, still + len(rows) - accepted, rows[-1].line


@transaction.atomic
def dismiss(*, row_ids: Sequence[int], by: str, reason: str) -> int:
    """A person decided that these rows are not wanted; how many were dismissed.

    They are kept with the reason and never sent again. Locks the rows; rows already settled are left as they are.
    Raises Invalid without a reason.
    """
    if not reason.strip():
        raise Invalid("A dismissal needs a reason.", "Say why the rows are not wanted.", [("reason", "Give a reason.")])
    rows = list(SourceRow.objects.select_for_update().filter(pk__in=row_ids, state=RowState.QUARANTINED).order_by("pk"))
    for row in rows:
        row.problems = [*row.problems, {"column": "", "value": "", "message": f"Dismissed by {by}: {reason.strip()}",
                                        "way_out": "", "severity": "note"}]  # fmt: skip
        row.state, row.settled_by, row.settled_at = RowState.DISMISSED, by, timezone.now()
    SourceRow.objects.bulk_update(rows, ["problems", "state", "settled_by", "settled_at"])
    return len(rows)


def as_csv(batch: Batch) -> Iterator[str]:
    """The batch's rows in quarantine as CSV text, a line at a time: line number, every reason, the cells.

    Cells a spreadsheet would take for a formula are made harmless by a leading apostrophe.
    """
    columns = [str(column) for column in batch.header]
    yield csv_line(["Line", "Reasons", *columns])
    rows = batch.rows.filter(state=RowState.QUARANTINED).order_by("line")
    for row in rows.iterator(chunk_size=AT_ONCE):
        cells = _cells(row)
        reasons = "; ".join(f"{p['message']} {p.get('way_out', '')}".strip() for p in row.problems)
        yield csv_line([str(row.line), reasons, *(str(cells.get(column, "")) for column in columns)])


@transaction.atomic
def mend_by_file(*, batch_id: UUID | str, rows: Mapping[int, Mapping[str, str]], by: str) -> tuple[int, int, int]:
    """Send rows of a batch again with the cells of a corrected file, {line: cells}: (taken, still wrong, not waiting).

    Lines that do not wait in quarantine are left as they are, so repeating it is harmless. Locks the rows. Raises
    NotFound, Invalid for columns the file does not have; nothing is changed then.
    """
    batch = Batch.objects.select_related("feed__system").filter(pk=batch_id).first()
    if batch is None:
        raise NotFound("There is no such batch.", "Look at the list of imports.")
    waiting = batch.rows.filter(line__in=list(rows), state=RowState.QUARANTINED)
    found = list(waiting.select_for_update().order_by("line"))
    for row in found:
        _put(row, batch, rows[row.line])
    plan = plan_of(batch.feed)
    to = storing.destination(batch.pk, batch.feed.system_id, plan)
    keys = Keys(batch_id=batch.pk, system_id=to.system_id, domain=to.domain, part=to.part)
    taken = _send(to, plan, found, by, keys)
    return taken, len(found) - taken, len(rows) - len(found)


def mended_as_csv(batch: Batch) -> Iterator[str]:
    """What people mended in the batch, a changed cell a line, for its source: line, key, column, as sent, mended, who,
    when. A row taken by a corrected feed alone has no changed cell and is left out."""
    yield csv_line(["Line", "Key", "Column", "As sent", "Mended", "By", "At"])
    for row in batch.rows.filter(state=RowState.MENDED).order_by("line").iterator(chunk_size=AT_ONCE):
        sent = row.cells or {}
        when = f"{row.settled_at:%Y-%m-%d %H:%M}" if row.settled_at else ""
        for column, text in (row.mended_cells or {}).items():
            if text != sent.get(column, ""):
                yield csv_line([str(row.line), row.key, column, sent.get(column) or "", text, row.settled_by, when])


def csv_line(cells: Sequence[str]) -> str:
    """One line of CSV, made harmless for spreadsheets, line end included."""
    line = io.StringIO()
    csv.writer(line).writerow([harmless(cell) for cell in cells])
    return line.getvalue()


def harmless(cell: str) -> str:
    """The text, so written that no spreadsheet runs it; numbers stay numbers."""
    if cell[:1] in {"=", "+", "-", "@", "\t", "\r", "\n"} and not NUMBER.fullmatch(cell):
        return "'" + cell
    return cell


def _lock(row_id: int) -> SourceRow:
    row = (
        SourceRow.objects.select_for_update(of=("self",))
        .select_related("batch__feed__system")
        .filter(pk=row_id)
        .first()
    )
    if row is None:
        raise NotFound("There is no such row.", "Look at the quarantine of the import.")
    if row.state != RowState.QUARANTINED:
        raise WrongState(
            f"Line {row.line} is no longer in quarantine: {row.get_state_display().lower()} by {row.settled_by}.",
            "Look at the quarantine again.",
        )
    return row


def _send(to: Destination, plan: Plan, rows: Sequence[SourceRow], by: str, keys: Keys | None = None) -> int:
    """Map the rows again and take those without problems; how many were taken. Only a person's mending (no ``keys``)
    replaces a row of the same key."""
    mapped = [
        map_row(plan, RawRow(row.line, row.raw, {**(row.cells or {}), **(row.mended_cells or {})})) for row in rows
    ]
    good = [one.key for one in mapped if not one.problems]
    earlier = keys.seen(good) if keys else {}
    known = storing.known_hashes(to, good)
    fresh: dict[str, Seen] = {}
    changed, accepted, now = [], 0, timezone.now()
    for one, row in zip(mapped, rows, strict=True):
        state = RowState.QUARANTINED if one.problems else compare(one, earlier.get(one.key) or fresh.get(one.key))
        if one.problems:
            row.problems = one.problems
            continue
        if state == RowState.ACCEPTED:
            fresh[one.key] = (one.line, one.content_hash)
            changed += [(one, row.pk)] if known.get(one.key, (0, ""))[1] != one.content_hash else []
        row.state, row.key, row.settled_by, row.settled_at = RowState.MENDED, one.key, by, now
        accepted += 1
    storing.write_records(to, changed)
    if keys:
        keys.remember(fresh)
    SourceRow.objects.bulk_update(rows, ["problems", "state", "key", "mended_cells", "settled_by", "settled_at"])
    _count(to, accepted, len(changed), sum(one.key not in known for one, _row in changed))
    if changed:
        wake_matching(plan)
    return accepted


def _cells(row: SourceRow) -> dict[str, str]:
    return {**(row.cells or {}), **(row.mended_cells or {})}


def _count(to: Destination, accepted: int, changed: int, new: int) -> None:
    """The batch's counts follow: a mended row is no longer among those in quarantine."""
    Batch.objects.filter(pk=to.batch_id).update(
        rows_quarantined=F("rows_quarantined") - accepted,
        rows_new=F("rows_new") + new,
        rows_changed=F("rows_changed") + changed - new,
        rows_unchanged=F("rows_unchanged") + accepted - changed,
    )
