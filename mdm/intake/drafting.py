"""A feed document as choices a person makes column by column, and back. Pure.

What a document says beyond these choices (a table of translations, padding, a second standardiser) is kept as it is.
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from mdm.intake.readers import Dialect
from mdm.intake.surroundings import EXTENSION_PREFIX
from mdm.intake.targets import BY_NAME_MARK, Records
from mdm.spec import Severity

Document = dict[str, Any]
JOINED = {
    "postcode": "-"
}  # columns that fill one attribute together are joined by a space, but for these standardisers


@dataclass(frozen=True)
class Choices:
    """``columns`` are {column: target}, in file order; several columns of one target are joined. ``constants`` are
    {target: text}."""

    columns: Mapping[str, str]
    key: Sequence[str]
    parent: Sequence[str] = ()
    updated: str = ""
    constants: Mapping[str, str] = field(default_factory=dict)


def choices_of(document: Mapping[str, Any]) -> Choices:
    """What a document says about columns. A column that fills several attributes counts for the first."""
    columns: dict[str, str] = {}
    constants: dict[str, str] = {}
    for target, given in _given(document):
        table = {"column": given} if isinstance(given, str) else given
        if "constant" in table:
            constants[target] = str(table["constant"])
        named = target + (BY_NAME_MARK if table.get("by") == "name" else "")
        for column in table.get("columns", [table["column"]] if "column" in table else []):
            columns.setdefault(column, named)
    key = document.get("key", {})
    return Choices(
        columns, _listed(key.get("columns", [])), _listed(key.get("parent", [])), str(key.get("updated", "")), constants
    )


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _given(document: Mapping[str, Any]) -> list[tuple[str, Any]]:
    found = list(document.get("attributes", {}).items())
    found += [(EXTENSION_PREFIX + name, given) for name, given in document.get("extension", {}).items()]
    for part, rows in document.get("parts", {}).items():
        for number, row in enumerate(rows, 1):
            found += [(f"parts.{part}.{number}.{name}", given) for name, given in row.items()]
    return found


def part_rows(targets: Sequence[str]) -> dict[str, int]:
    """{part: how many rows of it these targets fill}."""
    found: dict[str, int] = {}
    for target in targets:
        if target.startswith("parts."):
            _, part, number, _ = target.split(".", 3)
            found[part] = max(found.get(part, 0), int(number))
    return found


def with_choices(document: Mapping[str, Any], choices: Choices, joins: Mapping[str, str] | None = None) -> Document:
    """The document with these choices in place of its own; ``joins`` says by what columns of a target are joined."""
    before = {target: given for target, given in _given(document) if isinstance(given, Mapping)}
    made = {
        name: deepcopy(value) for name, value in document.items() if name not in ("attributes", "extension", "parts")
    }
    chosen: dict[str, list[str]] = {}
    for column, target in choices.columns.items():
        if target:
            chosen.setdefault(target, []).append(column)
    rows: dict[tuple[str, int], dict[str, Any]] = {}
    for target, columns in chosen.items():
        plain = target.removesuffix(BY_NAME_MARK)
        given = _source(columns, plain, target != plain, before.get(plain, {}), joins or {})
        _put(made, rows, plain, given)
    for target, given in _also_filled(document, choices):
        if target not in {one.removesuffix(BY_NAME_MARK) for one in chosen}:
            _put(made, rows, target, deepcopy(given))
    for target, text in choices.constants.items():
        if text and not any(one.removesuffix(BY_NAME_MARK) == target for one in chosen):
            kept = {name: value for name, value in before.get(target, {}).items() if name not in ("column", "columns")}
            _put(made, rows, target, {**kept, "constant": text})
    parts: dict[str, list[dict[str, Any]]] = {}
    for (part, _number), row in sorted(rows.items()):
        if any("constant" not in given for given in row.values() if isinstance(given, dict)) or any(
            isinstance(given, str) for given in row.values()
        ):
            parts.setdefault(part, []).append(row)
    if parts:
        made["parts"] = parts
    made["key"] = _key(document.get("key", {}), choices)
    return made


def _also_filled(document: Mapping[str, Any], choices: Choices) -> list[tuple[str, Any]]:
    """What a column fills besides its choice: kept as long as the choice is."""
    first = choices_of(document).columns
    found = []
    for target, given in _given(document):
        table = {"column": given} if isinstance(given, str) else given
        columns = table.get("columns", [table["column"]] if "column" in table else [])
        plain = [first[column].removesuffix(BY_NAME_MARK) for column in columns]
        if columns and target not in plain and all(choices.columns.get(one) == first[one] for one in columns):
            found.append((target, given))
    return found


def _source(
    columns: Sequence[str], target: str, by_name: bool, before: Mapping[str, Any], joins: Mapping[str, str]
) -> Any:
    kept = {
        name: value
        for name, value in before.items()
        if name not in ("column", "columns", "constant", "by", "joined_by")
    }
    if by_name:
        kept["by"] = "name"
    if len(columns) == 1:
        return {"column": columns[0], **kept} if kept else columns[0]
    joined = before.get("joined_by") or joins.get(target)
    return {"columns": list(columns), **({"joined_by": joined} if joined else {}), **kept}


def _put(made: Document, rows: dict[tuple[str, int], dict[str, Any]], target: str, given: Any) -> None:
    if target.startswith("parts."):
        _, part, number, name = target.split(".", 3)
        rows.setdefault((part, int(number)), {})[name] = given
    elif target.startswith(EXTENSION_PREFIX):
        made.setdefault("extension", {})[target.removeprefix(EXTENSION_PREFIX)] = given
    else:
        made.setdefault("attributes", {})[target] = given


def _key(before: Mapping[str, Any], choices: Choices) -> dict[str, Any]:
    key = {name: value for name, value in before.items() if name == "joined_by"}
    key["columns"] = list(choices.key)
    if choices.parent:
        key["parent"] = list(choices.parent)
    if choices.updated:
        key["updated"] = choices.updated
    return key


def dialect_table(dialect: Dialect) -> dict[str, Any]:
    """The ``dialect`` table of a document: what was found, so that the next file is read the same way.

    The header line is left to be found by its columns: title lines come and go.
    """
    table: dict[str, Any] = {"format": dialect.format}
    if dialect.format == "csv":
        names = {"\t": "tab", ",": "comma", ";": "semicolon", "|": "pipe"}
        table |= {"encoding": dialect.encoding, "delimiter": names.get(dialect.delimiter, dialect.delimiter)}
        table |= {"quote": dialect.quote} if dialect.quote != '"' else {}
    if dialect.format == "xlsx" and dialect.sheet:
        table["sheet"] = dialect.sheet
    return table


def unmapped_requirements(records: Records, targets: Sequence[str]) -> list[tuple[str, str, bool]]:
    """(attribute, message, whether every row would wait in quarantine) of each rule that no mapped column can meet."""
    filled = {target.removesuffix(BY_NAME_MARK) for target in targets}
    found = []
    for rule in records.domain.validations:
        if rule.check not in ("required", "at_least_one"):
            continue
        names = [name.partition(".") for name in rule.attributes]
        if records.part:
            wanted = [name for part, dot, name in names if dot and part == records.part.name]
        else:
            wanted = [name for name, dot, _ in names if not dot]
        if not wanted:
            continue
        lacking = [name for name in wanted if name not in filled]
        if lacking and (rule.check == "required" or len(lacking) == len(wanted)):
            found.append((lacking[0], rule.message, rule.severity is Severity.REFUSE))
    return found
