"""A feed document -> a plan, or every reason why it is none."""

from collections.abc import Mapping, Sequence
from typing import Any

from mdm.domains import BY_NAME
from mdm.errors import Invalid
from mdm.intake.columns import compile_cell, place_of
from mdm.intake.plan import Cell, Key, PartPlan, Plan
from mdm.intake.readers import Dialect
from mdm.intake.reasons import Ground, Reasons
from mdm.intake.surroundings import Surroundings
from mdm.quality import of_rows, part_of
from mdm.spec import Domain, Part, Validation
from mdm.standardise import Style

TOP = (
    "feed",
    "title",
    "source",
    "domain",
    "part",
    "file",
    "dialect",
    "values",
    "key",
    "attributes",
    "extension",
    "parts",
)
DELIMITERS = {"tab": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}


def compile_feed(document: Mapping[str, Any], around: Surroundings) -> Plan:
    """The plan of a feed document (docs/guides/feeds.md). Pure.

    Raises Invalid, whose ``problems`` are all (place, message) pairs found, when the document is no feed.
    """
    reasons = Reasons()
    _words(reasons, "", document, TOP)
    domain = BY_NAME.get(str(document.get("domain", "")))
    if domain is None:
        reasons.unknown("domain", "domain", str(document.get("domain", "")), BY_NAME)
    source = _required(reasons, document, "source")
    if source and source not in around.systems:
        reasons.unknown("source", "source system", source, around.systems)
    plan = _plan(reasons, document, domain, source, around) if domain else None
    if reasons.found or plan is None:
        code = str(document.get("feed", "")) or "without a name"
        raise Invalid(
            f"The feed {code} is not usable: {len(reasons.found)} "
            + ("reason." if len(reasons.found) == 1 else "reasons."),
            "Correct the document and load it again.",
            reasons.found,
        )
    return plan


def _plan(
    reasons: Reasons, document: Mapping[str, Any], domain: Domain, source: str, around: Surroundings
) -> Plan | None:
    part = _part_of(reasons, document, domain)
    attributes = {a.name: a for a in (part.attributes if part else domain.attributes)}
    model = part.model if part else domain.model
    ground = Ground(reasons, _style(reasons, document), source, around)
    cells: list[Cell] = []
    for name, given in _table(reasons, document, "attributes").items():
        cell = compile_cell(ground, f"attributes.{name}", given, attributes.get(name), model)
        cells += [cell] if cell else []
        if name not in attributes:
            reasons.unknown(f"attributes.{name}", f"attribute of {domain.label.lower()}", name, attributes)
    cells += _extension_cells(ground, document, domain)
    parts = _parts(ground, document, domain, part)
    if not cells and not parts:
        reasons.add("attributes", "The feed fills no attribute.")
    key = _key(reasons, document, part)
    place = place_of(cells, fallback=[cell for one in parts for cell in one.cells])
    columns = [*key.columns, *key.parent, *((key.updated,) if key.updated else ())]
    columns += [c for cell in (*cells, *(c for one in parts for c in one.cells)) for c in cell.columns]
    file = _table(reasons, document, "file")
    _words(reasons, "file", file, ("pattern",))
    return Plan(
        feed=_required(reasons, document, "feed"),
        title=str(document.get("title", "")) or str(document.get("feed", "")),
        source=source,
        domain=domain.name,
        part=part.name if part else "",
        pattern=str(file.get("pattern", "")),
        dialect=_dialect(reasons, document),
        style=ground.style,
        key=key,
        cells=tuple(cells),
        place=place,
        parts=tuple(parts),
        validations=_validations(domain, part),
        columns=tuple(dict.fromkeys(columns)),
    )


def _validations(domain: Domain, part: Part | None) -> tuple[Validation, ...]:
    if part is None:
        return domain.validations
    return tuple(of_rows(rule) for rule in domain.validations if part_of(rule) == part.name)


def _required(reasons: Reasons, table: Mapping[str, Any], name: str) -> str:
    value = table.get(name, "")
    if not isinstance(value, str) or not value.strip():
        reasons.add(name, f'"{name}" must be given.')
        return ""
    return value.strip()


def _table(reasons: Reasons, document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = document.get(name, {})
    if isinstance(value, Mapping):
        return value
    reasons.add(name, f"[{name}] must be a table.")
    return {}


def _words(reasons: Reasons, place: str, table: Mapping[str, Any], known: Sequence[str]) -> None:
    for word in table:
        if word not in known:
            reasons.unknown(f"{place}.{word}".lstrip("."), "setting", word, known)


def _texts(reasons: Reasons, place: str, value: Any) -> tuple[str, ...]:
    given = [value] if isinstance(value, str) else value
    if isinstance(given, Sequence) and all(isinstance(one, str) for one in given):
        return tuple(given)
    reasons.add(place, "Give a text or a list of texts.")
    return ()


def _part_of(reasons: Reasons, document: Mapping[str, Any], domain: Domain) -> Part | None:
    name = str(document.get("part", ""))
    part = next((part for part in domain.parts if part.name == name), None)
    if name and part is None:
        reasons.unknown("part", f"part of {domain.label.lower()}", name, [part.name for part in domain.parts])
    if name and (document.get("parts") or document.get("extension")):
        reasons.add("part", "Rows of a part have neither parts nor extension attributes of their own.")
    return part


def _style(reasons: Reasons, document: Mapping[str, Any]) -> Style:
    table = _table(reasons, document, "values")
    _words(reasons, "values", table, ("blanks", "decimal", "dates", "country", "casing"))
    decimal = str(table.get("decimal", "."))
    if decimal not in (".", ","):
        reasons.add("values.decimal", 'The decimal mark is "." or ",".')
    casing = str(table.get("casing", "as_sent"))
    if casing not in ("as_sent", "upper", "lower"):
        reasons.unknown("values.casing", "casing", casing, ("as_sent", "upper", "lower"))
    return Style(
        decimal=decimal,
        date_formats=_texts(reasons, "values.dates", table.get("dates", ())),
        blanks=_texts(reasons, "values.blanks", table.get("blanks", ())),
        country=str(table.get("country", "US")),
        casing=casing,
    )


def _dialect(reasons: Reasons, document: Mapping[str, Any]) -> Dialect:
    table = _table(reasons, document, "dialect")
    _words(reasons, "dialect", table, ("format", "encoding", "delimiter", "quote", "header_line", "sheet"))
    wanted = str(table.get("format", "auto"))
    if wanted not in ("auto", "csv", "xlsx", "jsonl"):
        reasons.unknown("dialect.format", "format", wanted, ("auto", "csv", "xlsx", "jsonl"))
    line = table.get("header_line")
    if line is not None and (not isinstance(line, int) or isinstance(line, bool) or line < 1):
        reasons.add("dialect.header_line", "The header line is a whole number from 1.")
        line = None
    delimiter = str(table.get("delimiter", ""))
    return Dialect(
        format=wanted,
        encoding=str(table.get("encoding", "")),
        delimiter=DELIMITERS.get(delimiter, delimiter),
        quote=str(table.get("quote", '"')),
        header_line=line,
        sheet=str(table.get("sheet", "")),
    )


def _key(reasons: Reasons, document: Mapping[str, Any], part: Part | None) -> Key:
    table = _table(reasons, document, "key")
    _words(reasons, "key", table, ("columns", "joined_by", "parent", "updated"))
    columns = _texts(reasons, "key.columns", table.get("columns", ()))
    parent = _texts(reasons, "key.parent", table.get("parent", ()))
    if not columns:
        reasons.add("key.columns", "Name the columns that identify a row.")
    if part and not parent:
        reasons.add("key.parent", f"Name the columns that hold the key of the record a {part.one.lower()} belongs to.")
    if parent and not part:
        reasons.add("key.parent", 'Only the rows of a part have a parent; give "part" as well.')
    return Key(
        columns=columns,
        joined_by=str(table.get("joined_by", "|")),
        parent=parent,
        updated=str(table.get("updated", "")),
    )


def _extension_cells(ground: Ground, document: Mapping[str, Any], domain: Domain) -> list[Cell]:
    known = ground.around.extension.get(domain.name, {})
    cells = []
    for name, given in _table(ground.reasons, document, "extension").items():
        place = f"extension.{name}"
        if name not in known:
            ground.reasons.unknown(place, f"added attribute of {domain.label.lower()}", name, known)
        cell = compile_cell(ground, place, given, known.get(name), None)
        cells += [cell] if cell else []
    return cells


def _parts(ground: Ground, document: Mapping[str, Any], domain: Domain, part: Part | None) -> list[PartPlan]:
    by_name = {one.name: one for one in domain.parts} if part is None else {}
    plans = []
    for name, rows in _table(ground.reasons, document, "parts").items():
        declared = by_name.get(name)
        if declared is None:
            ground.reasons.unknown(f"parts.{name}", f"part of {domain.label.lower()}", name, by_name)
        elif not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
            ground.reasons.add(f"parts.{name}", f"Write [[parts.{name}]], once for each row.")
        else:
            plans += [_part_row(ground, f"parts.{name}[{n}]", row, declared) for n, row in enumerate(rows, 1)]
    return plans


def _part_row(ground: Ground, place: str, row: Mapping[str, Any], part: Part) -> PartPlan:
    attributes = {attribute.name: attribute for attribute in part.attributes}
    cells = []
    for name, given in row.items():
        where = f"{place}.{name}"
        if name not in attributes:
            ground.reasons.unknown(where, f"attribute of {part.one.lower()}", name, attributes)
        cell = compile_cell(ground, where, given, attributes.get(name), part.model)
        cells += [cell] if cell else []
    if not any(cell.columns for cell in cells):
        ground.reasons.add(place, "At least one attribute must come from a column.")
    return PartPlan(part=part.name, cells=tuple(cells), place=place_of(cells))
