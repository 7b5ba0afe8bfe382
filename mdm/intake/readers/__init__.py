"""A file of any supported dialect -> a stream of rows."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from mdm.intake.readers import csv_rows, header, jsonl_rows, xlsx_rows
from mdm.intake.readers.reading import Dialect, RawRow, Reading, UnreadableFile
from mdm.intake.readers.source import format_of, opened, rewound

__all__ = ["Dialect", "RawRow", "Reading", "UnreadableFile", "read", "sniff"]

UNKNOWN = Dialect()
_RESOLVERS = {"csv": csv_rows.resolve, "xlsx": xlsx_rows.resolve, "jsonl": jsonl_rows.resolve}


def sniff(file: Path | str | BinaryIO, expected_columns: Sequence[str] = ()) -> Dialect:
    """The dialect of `file`, fully resolved; the file's position is put back.

    Raises `UnreadableFile` where there is none.
    """
    with _held(file) as source, rewound(source):
        return _resolved(source, UNKNOWN, expected_columns)[0]


def read(file: Path | str | BinaryIO, dialect: Dialect = UNKNOWN, *, expected_columns: Sequence[str] = ()) -> Reading:
    """Open `file` (a path, or a seekable binary file, which the caller closes) for one pass.

    `expected_columns` (names the feed maps) find the header line below title lines; where one of them is missing
    the file is refused. What `dialect` leaves open is found out. Raises `UnreadableFile` at once for failures of the
    whole file.
    """
    source, ours = opened(file)
    try:
        full, cells = _resolved(source, dialect, expected_columns)
    except BaseException:
        if ours:
            source.close()
        raise
    names = [name for name in header.names(cells, expected_columns) if name]
    return Reading(names, full, _rows(source, full, cells, expected_columns), source.close if ours else _keep_open)


def _keep_open() -> None:
    """A file the caller opened is the caller's to close."""


@contextmanager
def _held(file: Path | str | BinaryIO) -> Iterator[BinaryIO]:
    source, ours = opened(file)
    try:
        yield source
    finally:
        if ours:
            source.close()


def _resolved(source: BinaryIO, dialect: Dialect, expected: Sequence[str]) -> tuple[Dialect, list[str]]:
    found = format_of(source)
    # Bytes that are a workbook are never text, whatever the feed declares; text may be either.
    wanted = found if dialect.format == "auto" or "xlsx" in (found, dialect.format) else dialect.format
    if dialect.format == "xlsx" and found != "xlsx":
        raise UnreadableFile("The file is not an XLSX workbook.", "Save it as .xlsx, or correct the feed's format.")
    if wanted not in _RESOLVERS:
        raise UnreadableFile(f"The feed names an unknown format: {dialect.format}.", "Use csv, xlsx or jsonl.")
    return _RESOLVERS[wanted](source, replace(dialect, format=wanted), expected)


def _rows(source: BinaryIO, full: Dialect, cells: Sequence[str], expected: Sequence[str]) -> Iterator[RawRow]:
    if full.format == "jsonl":
        return jsonl_rows.rows(source, full, expected)
    reader = xlsx_rows.rows if full.format == "xlsx" else csv_rows.rows
    return reader(source, full, cells, expected)
