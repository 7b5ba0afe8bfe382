"""JSON lines: one JSON object a line."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, BinaryIO

from mdm.intake.readers import header
from mdm.intake.readers.csv_rows import shown
from mdm.intake.readers.reading import Dialect, RawRow, UnreadableFile
from mdm.intake.readers.records import Lines
from mdm.intake.readers.source import as_text, encoding_of, rewound


class _Repeated(ValueError):
    """One name twice in one row: which of the two is meant cannot be known."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Repeated
    return found


def _refuse(constant: str) -> Any:
    raise ValueError(constant)


def _text(value: Any) -> str:
    """Numbers as written, true and false in words, null as blank, what is nested as JSON text."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    return json.dumps(value, ensure_ascii=False)


def _row(line: int, raw: str, spelled: dict[str, str]) -> RawRow:
    problems: list[str] = []
    cells: dict[str, str] = {}
    if raw != shown(raw):
        problems.append("The row has characters that are no text in the encoding of the feed.")
    try:
        found = json.loads(raw, parse_int=str, parse_float=str, parse_constant=_refuse, object_pairs_hook=_unique)
    except _Repeated:
        problems.append("The row names a column twice.")
    except (ValueError, RecursionError):
        problems.append("The row is not JSON.")
    else:
        if isinstance(found, dict):
            values: dict[str, Any] = found
            cells = {spelled.get(header.key(name), name): _text(value) for name, value in values.items()}
        else:
            problems.append("The row is JSON, but has no named values.")
    if any(shown(value) != value for value in cells.values()):
        problems.append("The row has NUL characters (shown as \u2400) or halves of letters.")
        cells = {name: shown(value) for name, value in cells.items()}
    return RawRow(line, shown(raw), cells, problems)


def resolve(file: BinaryIO, dialect: Dialect, expected: Sequence[str]) -> tuple[Dialect, list[str]]:
    """The full dialect, and the columns: the expected ones, else those of the first readable row.

    A row may leave out what it has no value for, so only a file whose first rows name no expected column is refused.
    """
    full = replace(dialect, format="jsonl", encoding=dialect.encoding or encoding_of(file), header_line=None)
    named: dict[str, None] = {}
    with rewound(file):
        for count, row in enumerate(rows(file, full, expected)):
            named.update(dict.fromkeys(row.cells))
            if count >= header.SEARCHED:
                break
    if not named:
        raise UnreadableFile(
            "None of the first lines is a JSON object.", "Send one JSON object a line, or declare the feed's format."
        )
    if expected and len(header.missing(named, expected)) == len(expected):
        raise header.not_found([], expected)
    return full, list(dict.fromkeys([*expected, *named])) if expected else list(named)


def rows(file: BinaryIO, dialect: Dialect, expected: Sequence[str]) -> Iterator[RawRow]:
    """One row a line that is not blank."""
    spelled = {header.key(name): name for name in expected}
    text = as_text(file, dialect.encoding)
    try:
        lines = Lines(text)
        while line := lines.take():
            raw = line.rstrip("\r\n")
            if raw.strip(" \t\ufeff"):
                yield _row(lines.number, raw.removeprefix("\ufeff"), spelled)
    finally:
        text.detach()
