"""What each row of a list would change of the record it names, and what keeps it from being proposed. Reads only."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from mdm.domains import BY_NAME
from mdm.intake.lists import Targets, read_row, resolve
from mdm.intake.mapping import Mapped
from mdm.intake.plan import Plan
from mdm.intake.readers import RawRow
from mdm.models import GoldenRecord
from mdm.spec import Domain
from stewardship.lists.judging import notes
from stewardship.lists.naming import Named, named
from stewardship.models import ChangeRequest, CheckedList, CheckedRow, Outcome, RequestState
from stewardship.previewing import consequences
from stewardship.rebasing import held_by
from stewardship.requests import person
from stewardship.tabular import plain

CLEAR = "(empty)"  # a cell that says so empties the value; a blank one leaves it as it is


@dataclass(frozen=True)
class _There:
    """What the hub holds of the records a piece of the list names."""

    records: Mapping[UUID, GoldenRecord]
    values: Mapping[UUID, Mapping[str, Any]]
    waiting: Mapping[UUID, Sequence[ChangeRequest]]


def judge(one: CheckedList, plan: Plan, rows: Sequence[RawRow], known: Targets) -> list[CheckedRow]:
    """What each row would change, in order. A few queries for all of them."""
    domain, plan = BY_NAME[plan.domain], replace(plan, validations=())
    cells = [{name: plain(text.strip()) for name, text in row.cells.items()} for row in rows]
    gone = [{name for name, text in listed.items() if text.casefold() == CLEAR} for listed in cells]
    read = [
        read_row(plan, replace(row, cells={**listed, **dict.fromkeys(empty, "")}))
        for row, listed, empty in zip(rows, cells, gone, strict=True)
    ]
    resolve(plan, read, known)
    whom = named(domain, plan.source, {listed.get(one.naming, "") for listed in cells})
    there = _there(domain, {found.record for found in whom.values() if found.record})
    return [
        _judged(domain, plan, mapped, empty, listed.get(one.naming, ""), whom, there)
        for mapped, empty, listed in zip(read, gone, cells, strict=True)
    ]


def _there(domain: Domain, ids: Collection[UUID]) -> _There:
    waiting: dict[UUID, list[ChangeRequest]] = defaultdict(list)
    open_now = ChangeRequest.objects.filter(record__in=ids, state=RequestState.OPEN).select_related("requested_by")
    for request in open_now.order_by("requested_at"):
        assert request.record_id is not None  # noqa: S101 - asked for by its record
        waiting[request.record_id].append(request)
    return _There(GoldenRecord.objects.in_bulk(list(ids)), held_by(domain, ids), waiting)


def _judged(
    domain: Domain,
    plan: Plan,
    mapped: Mapped,
    gone: Collection[str],
    text: str,
    whom: Mapping[str, Named],
    there: _There,
) -> CheckedRow:
    row = CheckedRow(line=mapped.line, title=text[:200], outcome=Outcome.WRONG)
    found = whom.get(text) or Named(problem="The row names no record.")
    values = _values(plan, mapped, gone)
    row.problems, row.warnings = notes(mapped.problems), notes(mapped.warnings)
    record = there.records.get(found.record) if found.record else None
    if record is None:
        row.problems = [["", found.problem], *row.problems]
        return row
    now = there.values[record.pk]
    row.record, row.version, row.title = record, record.version, (record.title or record.code)[:200]
    row.values = {name: value for name, value in values.items() if value != now.get(name)}
    row.before = {name: now.get(name) for name in row.values}
    if str(record.pk) in row.values.values():
        row.problems = [*row.problems, ["", "A record cannot refer to itself."]]
    if row.problems:
        return row
    rivals = [one for one in there.waiting.get(record.pk, ()) if not {*one.values, *one.unpins}.isdisjoint(row.values)]
    row.outcome = Outcome.BESIDE if rivals else Outcome.CHANGED if row.values else Outcome.SAME
    row.rivals = [str(one.pk) for one in rivals]
    after = {name: value for name, value in {**now, **row.values}.items() if value not in (None, "")}
    broken, _ = consequences(domain, now, after)
    said = [f"{person(one.requested_by).name} proposed a value already." for one in rivals]
    row.warnings = [*row.warnings, *(["", text] for text in (*said, *broken))]
    return row


def _values(plan: Plan, mapped: Mapped, gone: Collection[str]) -> dict[str, Any]:
    """{attribute: proposed JSON value}, None where it is to be emptied; a cell left out in silence is a problem."""
    found: dict[str, Any] = {}
    for cell in plan.cells:
        said = [column for column in cell.columns if mapped.cells.get(column)]
        empty = [column for column in cell.columns if column in gone]
        if empty and said:
            mapped.refuse(f"{cell.label}: one of its columns says {CLEAR}, another does not.", column=empty[0])
        elif empty:
            found[cell.attribute] = None
        elif cell.attribute in mapped.values:
            value = mapped.values[cell.attribute]
            found[cell.attribute] = value["record"] if isinstance(value, Mapping) else value
        elif said and not any(note["column"] in cell.columns for note in mapped.problems):
            doubt = next((note["message"] for note in mapped.warnings if note["column"] in cell.columns), "")
            mapped.refuse(doubt or f"{cell.label}: this says nothing. To empty it, write {CLEAR}.", column=said[0])
    return found
