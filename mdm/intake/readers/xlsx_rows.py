"""XLSX workbooks, streamed."""

import json
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import Any, BinaryIO

from openpyxl import load_workbook
from openpyxl.workbook import Workbook

from mdm.intake.readers import header
from mdm.intake.readers.csv_rows import shown
from mdm.intake.readers.reading import Dialect, RawRow, UnreadableFile

_MOST_MEMBERS = 5_000
_MOST_BYTES = 4 * 1024**3
# Texts are held in memory while a workbook is read, its rows are not.
_MOST_TEXT_BYTES = 256 * 1024**2
# Spreadsheet XML packs 10 to 40 times smaller; bombs a thousand times.
_MOST_RATIO = 200
_SMALL = 20 * 1024**2
_BOMB = "Open it in a spreadsheet, copy the table into a new workbook and send that, or send CSV."


def check(file: BinaryIO) -> None:
    """Refuse, by the zip directory alone, what is no workbook or would unpack to an unreasonable size."""
    file.seek(0)
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, EOFError) as error:
        raise UnreadableFile("The workbook is damaged.", "Save it again and send it once more.") from error
    if not any(member.filename == "xl/workbook.xml" for member in members):
        raise UnreadableFile(
            "The file is a zip archive, not a workbook.", "Unpack it and send the table inside, or save it as .xlsx."
        )
    if any(member.flag_bits & 1 for member in members):
        raise UnreadableFile("The workbook is protected with a password.", "Save it without a password.")
    texts = sum(m.file_size for m in members if m.filename.endswith("sharedStrings.xml"))
    if len(members) > _MOST_MEMBERS or sum(m.file_size for m in members) > _MOST_BYTES or texts > _MOST_TEXT_BYTES:
        raise UnreadableFile("The workbook is too big to be read safely.", "Split it, or send CSV.")
    for member in members:
        if member.file_size > _SMALL and member.file_size > _MOST_RATIO * max(member.compress_size, 1):
            raise UnreadableFile(f"The workbook unpacks to {member.file_size // 1024**2:,} MB.", _BOMB)


@contextmanager
def _workbook(file: BinaryIO) -> Iterator[Workbook]:
    check(file)
    file.seek(0)
    try:
        book = load_workbook(file, read_only=True, data_only=True, keep_links=False)
    except Exception as error:  # openpyxl lets through whatever its parsers meet
        raise UnreadableFile("The workbook is damaged.", "Save it again and send it once more.") from error
    try:
        yield book
    finally:
        book.close()


def _cell(cell: Any) -> str:
    """A cell as people see it but with all digits: dates in ISO form, with the zeros a format such as 00000 adds."""
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int):
        pattern = cell.number_format
        return str(value).zfill(len(pattern)) if value >= 0 and pattern.strip("0") == "" else str(value)
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(sep=" ")
    if isinstance(value, (date, time)):
        return value.isoformat()
    return str(value) if isinstance(value, timedelta) else repr(value).removesuffix(".0")


def _records(sheet: Any) -> Iterator[tuple[int, list[str]]]:
    """Sheet rows that are not blank with their numbers, without the empty cells at their end."""
    # Some programs write a wrong extent, and reading would stop at it.
    sheet.reset_dimensions()
    for number, row in enumerate(sheet.iter_rows(), 1):
        cells = [_cell(cell) for cell in row]
        while cells and not cells[-1].strip():
            cells.pop()
        if cells:
            yield number, cells


def _sheets(book: Workbook, dialect: Dialect) -> list[Any]:
    sheets: list[Any] = list(book.worksheets)
    named = [s for s in sheets if not dialect.sheet or s.title == dialect.sheet]
    if not named:
        known = ", ".join(f'"{s.title}"' for s in sheets)
        raise UnreadableFile(f'The workbook has no sheet "{dialect.sheet}", only {known}.', "Correct the feed.")
    return named


def resolve(file: BinaryIO, dialect: Dialect, expected: Sequence[str]) -> tuple[Dialect, list[str]]:
    """The full dialect and the header of the first sheet that has one."""
    refusal: UnreadableFile | None = None
    with _workbook(file) as book, _understood():
        for sheet in _sheets(book, dialect):
            searched = max(header.SEARCHED, dialect.header_line or 0)
            candidates = [header.Candidate(*record) for record in islice(_records(sheet), searched)]
            try:
                found = _header(candidates, dialect, expected)
            except UnreadableFile as error:
                refusal = refusal or error
                continue
            return replace(dialect, format="xlsx", sheet=sheet.title, header_line=found.line), found.cells
    raise refusal or UnreadableFile("The workbook has no sheets.", "Save it again and send it once more.")


def _header(candidates: list[header.Candidate], dialect: Dialect, expected: Sequence[str]) -> header.Candidate:
    if dialect.header_line is not None:
        return header.at_line(candidates, dialect.header_line, expected)
    if found := header.find(candidates, expected):
        return found
    if expected and candidates:
        raise header.not_found(candidates, expected)
    raise UnreadableFile("The workbook has no rows.", "Export it again and check that it has rows.")


@contextmanager
def _understood() -> Iterator[None]:
    """Whatever breaks inside a sheet is a damaged workbook to a person."""
    try:
        yield
    except UnreadableFile:
        raise
    except Exception as error:
        raise UnreadableFile(
            "The workbook breaks off or is damaged.", "Save it again and send it once more."
        ) from error


def rows(file: BinaryIO, dialect: Dialect, cells: Sequence[str], expected: Sequence[str]) -> Iterator[RawRow]:
    """The rows below the header. `raw` is a JSON array of the cells; a row's trailing blanks are not missing cells."""
    names = header.names(cells, expected)
    with _workbook(file) as book:
        records = _records(_sheets(book, dialect)[0])
        while True:
            with _understood():
                number, found = next(records, (0, []))
            if not number:
                return
            if number > (dialect.header_line or 0):
                yield _row(number, found, names)


def _row(number: int, found: list[str], names: list[str]) -> RawRow:
    problems = []
    if len(found) > len(names):
        problems.append(f"The row has {len(found)} cells, the header names {len(names)} columns.")
    if errors := [cell for cell in found if cell.startswith("#") and cell in _ERRORS]:
        problems.append(f"The row has cells that show an error of the spreadsheet: {', '.join(dict.fromkeys(errors))}.")
    raw = json.dumps(found, ensure_ascii=False)
    if shown(raw) != raw:
        raw, found = shown(raw), [shown(cell) for cell in found]
        problems.append("The row has characters that are halves of letters (shown as \\xNN).")
    padded = found + [""] * (len(names) - len(found))
    return RawRow(number, raw, {name: padded[at] for at, name in enumerate(names) if name}, problems)


_ERRORS = frozenset({"#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!", "#SPILL!", "#CALC!"})
