"""One row as received -> what the hub would keep of it, with every reason why it cannot."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from mdm.canonical import dumps
from mdm.intake.plan import Cell, Place, Plan
from mdm.intake.readers import RawRow
from mdm.quality import failed, misfit, part_of, rounded, unlisted
from mdm.spec import Kind, Severity, Validation
from mdm.standardise import Doubt, Unreadable, standardise
from mdm.standardise.text import clean

LONGEST_KEY = 300
AT_SOURCE = "Correct it at its source, or mend the row here."

Target = tuple[str, str, str]  # source system, domain, key


@dataclass(slots=True)
class Mapped:
    """One row after mapping. With ``problems`` it waits in quarantine and nothing else of it counts.

    ``problems`` and ``warnings`` are [{column, value, message, way_out, severity}]. ``references`` are (attribute,
    target); ``stubs`` are those of them given by name, with the attribute that takes the name.
    """

    line: int
    raw: str
    cells: dict[str, str]
    key: str = ""
    parent_key: str = ""
    values: dict[str, Any] = field(default_factory=dict)
    parts: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    references: list[tuple[str, Target]] = field(default_factory=list)
    stubs: list[tuple[Target, str]] = field(default_factory=list)
    warnings: list[dict[str, str]] = field(default_factory=list)
    problems: list[dict[str, str]] = field(default_factory=list)
    as_of: datetime | None = None
    content_hash: str = ""

    def refuse(self, message: str, way_out: str = AT_SOURCE, column: str = "", value: str = "") -> None:
        """Add one reason why the row cannot be taken."""
        self.problems.append(_note(Severity.REFUSE, message, way_out, column, value))

    def warn(self, message: str, column: str = "", value: str = "", severity: Severity = Severity.WARN) -> None:
        """Add one thing people should know; the row goes on."""
        self.warnings.append(_note(severity, message, "", column, value))


def _note(severity: Severity, message: str, way_out: str, column: str, value: str) -> dict[str, str]:
    return {
        "column": column,
        "value": value[:500],
        "message": message,
        "way_out": way_out,
        "severity": severity.value,
    }


def map_row(plan: Plan, row: RawRow) -> Mapped:
    """What the plan makes of one row, all problems at once. Pure; raises nothing for any content."""
    mapped = Mapped(row.line, row.raw, row.cells)
    for problem in row.problems:
        mapped.refuse(problem)
    if row.problems:
        mapped.key = _key(plan, plan.key.columns, row.cells)[:LONGEST_KEY]
        return mapped
    _identify(plan, mapped)
    mapped.values = _values(plan, plan.cells, plan.place, mapped, "")
    for part in plan.parts:
        values = _values(plan, part.cells, part.place, mapped, part.part + ".")
        if any(cell.attribute in values for cell in part.cells if cell.constant is None):
            mapped.parts.setdefault(part.part, []).append(values)
    _validate(plan, mapped)
    mapped.content_hash = content_hash(mapped)
    return mapped


def content_hash(mapped: Mapped) -> str:
    """Equal for equal content: values, parts, parent, and the source's own date of change."""
    as_of = mapped.as_of.isoformat() if mapped.as_of else ""
    return hashlib.sha256(dumps([mapped.values, mapped.parts, mapped.parent_key, as_of]).encode()).hexdigest()


def _key(plan: Plan, columns: Sequence[str], cells: Mapping[str, str]) -> str:
    """The key's columns joined; blank when one of them is."""
    texts = [clean(cells.get(column) or "") for column in columns]
    blanks = {blank.casefold() for blank in plan.style.blanks}
    if any(not text or text.casefold() in blanks for text in texts):
        return ""
    return plan.key.joined_by.join(texts)


def _identify(plan: Plan, mapped: Mapped) -> None:
    mapped.key = _required_key(plan, mapped, plan.key.columns, "key")
    if plan.key.parent:
        mapped.parent_key = _required_key(plan, mapped, plan.key.parent, "key of the record it belongs to")
    written = (mapped.cells.get(plan.key.updated) or "").strip() if plan.key.updated else ""
    if not written:
        return
    try:
        day = standardise("date", written, plan.style)
    except Unreadable as error:
        mapped.warn(error.message, plan.key.updated, written)
        return
    if isinstance(day, str):
        mapped.as_of = datetime.fromisoformat(day).replace(tzinfo=UTC)


def _required_key(plan: Plan, mapped: Mapped, columns: Sequence[str], what: str) -> str:
    key = _key(plan, columns, mapped.cells)
    named = " and ".join(columns)
    if not key:
        mapped.refuse(f"The row has no {what}: {named} must be filled in.", column=columns[0])
    elif len(key) > LONGEST_KEY:
        mapped.refuse(f"The {what} has {len(key)} characters; at most {LONGEST_KEY} are kept.", column=columns[0])
        return key[:LONGEST_KEY]
    return key


def _values(plan: Plan, cells: Sequence[Cell], place: Place, mapped: Mapped, prefix: str) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for cell in cells:
        if cell.constant is not None:
            values[cell.attribute] = cell.constant
            continue
        raw = _raw(cell, mapped.cells, plan)
        if not raw:
            continue
        value = _value(plan, cell, raw, place, mapped)
        if value is None:
            continue
        if cell.reference:
            target = (cell.reference.system, cell.reference.domain, str(value))
            mapped.references.append((prefix + cell.attribute, target))
            if cell.reference.by_name:
                mapped.stubs.append((target, cell.reference.title))
            value = {"system": target[0], "domain": target[1], "key": target[2]}
        values[cell.attribute] = value
    return values


def _raw(cell: Cell, cells: Mapping[str, str], plan: Plan) -> str:
    if len(cell.columns) == 1:
        return (cells.get(cell.columns[0]) or "").strip()
    texts = ((cells.get(column) or "").strip() for column in cell.columns)
    blanks = plan.style.blanks
    return cell.joined_by.join(text for text in texts if text and text not in blanks)


def _value(plan: Plan, cell: Cell, raw: str, place: Place, mapped: Mapped) -> Any:
    column = cell.columns[0]
    options = cell.options if not cell.placed else {**cell.options, **_located(place, mapped.cells)}
    try:
        answer = standardise(cell.word, raw, plan.style, **options)
    except Unreadable as error:
        mapped.refuse(f"{cell.label}: {error.message}", error.way_out, column, raw)
        return None
    if isinstance(answer, Doubt):
        mapped.warn(f"{cell.label}: {answer.message}", column, raw)
        answer = answer.value
    if answer is None:
        return None
    if cell.kind is Kind.DECIMAL and isinstance(answer, str):
        answer = rounded(answer, cell.limit)
    if problem := misfit(answer, cell.limit):
        mapped.refuse(f"{cell.label}: {problem}", column=column, value=raw)
        return None
    if unlisted(answer, cell.limit):
        mapped.warn(f'{cell.label}: "{answer}" is not in the list of codes the hub keeps.', column, raw)
    return answer


def _located(place: Place, cells: Mapping[str, str]) -> dict[str, str]:
    country = (cells.get(place.country_column) or "").strip() if place.country_column else place.country
    region = (cells.get(place.region_column) or "").strip() if place.region_column else ""
    located = {}
    if country:
        located["country"] = country
    if region:
        located["region"] = region
    return located


def _validate(plan: Plan, mapped: Mapped) -> None:
    for rule in failed(plan.validations, mapped.values, parts=mapped.parts):
        column = _column(plan, rule)
        value = mapped.cells.get(column, "")
        if rule.severity is not Severity.REFUSE:
            mapped.warn(rule.message, column, value, rule.severity)
        elif not any(problem["column"] == column for problem in mapped.problems):  # unreadable is not also blank
            mapped.refuse(rule.message, column=column, value=value)


def _column(plan: Plan, rule: Validation) -> str:
    """The column the first attribute of a rule comes from."""
    part = "" if plan.part else part_of(rule)
    cells = [cell for one in plan.parts if one.part == part for cell in one.cells] if part else plan.cells
    name = rule.attributes[0].rpartition(".")[2]
    return next((cell.columns[0] for cell in cells if cell.attribute == name and cell.columns), "")
