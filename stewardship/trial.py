"""A dry run of a feed: what would become of a few rows. Nothing is stored."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from mdm.domains import BY_NAME
from mdm.errors import Invalid
from mdm.intake.feeds import plan_of
from mdm.intake.mapping import Mapped, map_row
from mdm.intake.plan import Cell, Plan
from mdm.intake.readers import Dialect, UnreadableFile
from mdm.intake.readers import read as open_file
from mdm.models import Feed, SourceRecord
from mdm.queries import masked
from mdm.spec import Attribute
from stewardship import showing

MOST = 25


@dataclass(frozen=True)
class Tried:
    """One attribute of one row: what the file says, what the hub would keep."""

    label: str
    sent: str
    kept: str


@dataclass(frozen=True)
class TriedRow:
    """One row: its key, ``outcome`` (new, changed, unchanged, quarantined) and everything that would be said of it."""

    line: int
    key: str
    outcome: str
    values: Sequence[Tried]
    warnings: Sequence[Mapping[str, str]]
    problems: Sequence[Mapping[str, str]]


def try_text(feed: Feed, text: str) -> list[TriedRow]:
    """Rows pasted with their header line; separator and header are found out."""
    plan = plan_of(feed)
    dialect = Dialect(quote=plan.dialect.quote, encoding="utf-8")
    return try_rows(plan, feed.system_id, io.BytesIO(text.encode()), dialect)


def try_file(feed: Feed, file: BinaryIO) -> list[TriedRow]:
    """The first rows of a file, read the way the feed says."""
    plan = plan_of(feed)
    return try_rows(plan, feed.system_id, file, replace(plan.dialect))


def try_rows(plan: Plan, system_id: int, file: BinaryIO | Path, dialect: Dialect) -> list[TriedRow]:
    """The first rows of a file, read by a plan. Raises Invalid where the rows cannot be read at all."""
    try:
        with open_file(file, dialect, expected_columns=plan.columns) as reading:
            raw = list(islice(reading, MOST))
    except UnreadableFile as error:
        raise Invalid(error.message, error.way_out, [("rows", f"{error.message} {error.way_out}")]) from error
    if not raw:
        problem = "There is a header line but no row below it."
        raise Invalid(problem, "Give at least one row.", [("rows", problem)])
    mapped = [map_row(plan, row) for row in raw]
    keys = [one.key for one in mapped if not one.problems]
    records = SourceRecord.objects.filter(system=system_id, domain=plan.domain, part=plan.part, key__in=keys)
    known = dict(records.values_list("key", "content_hash"))
    return [_tried(plan, one, known) for one in mapped]


def _tried(plan: Plan, mapped: Mapped, known: Mapping[str, str]) -> TriedRow:
    if mapped.problems:
        outcome = "quarantined"
    elif mapped.key not in known:
        outcome = "new"
    else:
        outcome = "unchanged" if known[mapped.key] == mapped.content_hash else "changed"
    return TriedRow(mapped.line, mapped.key, outcome, _values(plan, mapped), mapped.warnings, mapped.problems)


def _values(plan: Plan, mapped: Mapped) -> list[Tried]:
    domain = BY_NAME[plan.domain]
    parts = {part.name: part for part in domain.parts}
    own = parts[plan.part].attributes if plan.part else domain.attributes
    values = [_value(cell, own, mapped, mapped.values, "") for cell in plan.cells]
    taken: dict[str, int] = {}
    for part in plan.parts:
        declared, rows = parts[part.part], mapped.parts.get(part.part, [])
        place = taken.get(part.part, 0)
        row = rows[place] if place < len(rows) and _is_of(part.cells, mapped, rows[place]) else {}
        taken[part.part] = place + bool(row)
        values += [_value(cell, declared.attributes, mapped, row, f"{declared.one}: ") for cell in part.cells]
    return [value for value in values if value.sent or value.kept]


def _is_of(cells: Sequence[Cell], mapped: Mapped, row: Mapping[str, Any]) -> bool:
    """Whether a kept row of a part came from these cells: the part is kept only where one of its columns speaks."""
    return any(_sent(cell, mapped) and cell.attribute in row for cell in cells if cell.constant is None)


def _sent(cell: Cell, mapped: Mapped) -> str:
    return " ".join(text for column in cell.columns if (text := (mapped.cells.get(column) or "").strip()))


def _value(cell: Cell, attributes: Sequence[Attribute], mapped: Mapped, row: Mapping[str, Any], prefix: str) -> Tried:
    found = next((one for one in attributes if one.name == cell.attribute), None)
    attribute = found or Attribute(name=cell.attribute, label=cell.label)
    sent, kept = _sent(cell, mapped), row.get(cell.attribute)
    if isinstance(kept, Mapping):
        kept = f"{kept.get('domain', '').replace('_', ' ')} {kept.get('key', '')} of {kept.get('system', '')}"
    stored = showing.shown(attribute, masked(attribute, kept), parted=False)
    return Tried(prefix + cell.label, masked(attribute, sent) or "", stored)
