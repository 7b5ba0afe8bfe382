"""Lines: values become text, text becomes a line, lines become a file with its totals. Touches no database."""

import csv
import hashlib
import io
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Literal, Self

from mdm.intake.quarantine import harmless
from publishing.files.layout import DATES, LINE_ENDINGS, NUMERIC, TRAILER_PLACE, Column, Layout

CONTROLS = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]+")
TRUTHS = {True: "yes", False: "no", "true": "yes", "false": "no"}
SHOWN_CHARACTERS = 8


class Unwritable(Exception):
    """The record does not fit the layout; the message says which column and why."""


def value_at(content: Mapping[str, Any], field: str) -> Any:
    """What stands at the dotted place; None where nothing does."""
    found: Any = content
    for name in field.split("."):
        if not isinstance(found, Mapping):
            return None
        found = found.get(name)
    return found


def text_of(column: Column, value: Any, layout: Layout) -> str:
    """The value as this column writes it. Raises Unwritable."""
    if value is None or value == "":
        return ""
    if isinstance(value, Mapping):
        value = value.get("code") or value.get("record") or ""
    if isinstance(value, list):
        raise Unwritable(f"{column.name} holds several values; a column takes one.")
    if column.kind == "date":
        return _date(column, str(value), layout)
    if column.kind in NUMERIC:
        return _number(column, value, layout)
    if column.kind == "boolean" and (truth := TRUTHS.get(value)):
        return layout.yes if truth == "yes" else layout.no
    return str(value).lower() if isinstance(value, bool) else str(value)


def _date(column: Column, text: str, layout: Layout) -> str:
    try:
        day = date.fromisoformat(text[:10])
    except ValueError:
        raise Unwritable(f"{column.name} is no date: {text[:40]}.") from None
    return day.strftime(DATES[layout.date_format]) if day.year >= 1000 else _refuse_year(column)


def _refuse_year(column: Column) -> str:
    raise Unwritable(f"{column.name} has a year before 1000.")


def as_decimal(value: Any) -> Decimal | None:
    """The number a value is, or None."""
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _number(column: Column, value: Any, layout: Layout) -> str:
    number = as_decimal(value)
    if number is None:
        raise Unwritable(f"{column.name} is no number: {str(value)[:40]}.")
    if column.decimals is not None:
        try:
            rounded = number.quantize(Decimal(1).scaleb(-column.decimals))
        except InvalidOperation:
            raise Unwritable(f"{column.name} is too large a number: {number}.") from None
        if rounded != number and not column.cut:
            raise Unwritable(f"{column.name} has more than {column.decimals} decimals: {number}.")
        number = rounded
    return f"{number:f}".replace(".", layout.decimal_mark)


class CsvLines:
    """Rows as CSV. Texts a spreadsheet would run as formulas begin with an apostrophe, unless switched off."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.ending = LINE_ENDINGS[layout.line_ending]

    def heading(self, columns: Sequence[Column]) -> str:
        """The names of the columns."""
        return self._line([column.name for column in columns])

    def line(self, columns: Sequence[Column], texts: Sequence[str]) -> str:
        """One row. Raises Unwritable."""
        if self.layout.quoting == "none":
            self._check_plain(columns, texts)
        if not self.layout.formulas:
            texts = [
                text if column.kind in NUMERIC else harmless(text) for column, text in zip(columns, texts, strict=True)
            ]
        return self._line(texts)

    def _check_plain(self, columns: Sequence[Column], texts: Sequence[str]) -> None:
        for column, text in zip(columns, texts, strict=True):
            if self.layout.delimiter in text or "\n" in text or "\r" in text:
                raise Unwritable(f"{column.name} holds a delimiter or a line break, and this file has no quotes.")

    def _line(self, texts: Sequence[str]) -> str:
        if self.layout.quoting == "none":
            return self.layout.delimiter.join(texts) + self.ending
        line = io.StringIO()
        quoting: Literal[0, 1] = csv.QUOTE_ALL if self.layout.quoting == "all" else csv.QUOTE_MINIMAL
        csv.writer(line, delimiter=self.layout.delimiter, quoting=quoting, lineterminator=self.ending).writerow(texts)
        return line.getvalue()


class FixedLines:
    """Rows in columns of fixed width. Line breaks and tabs become one blank: the format has no other way."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.ending = LINE_ENDINGS[layout.line_ending]

    def heading(self, columns: Sequence[Column]) -> str:
        """The names of the columns, cut to their width."""
        return (
            "".join(self._fit(replace(column, kind="text"), column.name, cut=True) for column in columns) + self.ending
        )

    def line(self, columns: Sequence[Column], texts: Sequence[str]) -> str:
        """One row, as long as every other. Raises Unwritable."""
        fitted = [self._fit(column, text, cut=column.cut) for column, text in zip(columns, texts, strict=True)]
        return "".join(fitted) + self.ending

    def _fit(self, column: Column, text: str, *, cut: bool) -> str:
        text = CONTROLS.sub(" ", text)
        if (length := self._length(text)) > column.width:
            # A number that lost digits would be another number.
            if not cut or column.kind in NUMERIC:
                raise Unwritable(f"{column.name} takes {column.width} {self.layout.count} and the value has {length}.")
            while self._length(text) > column.width:
                text = text[:-1]
        filling = column.pad * (column.width - self._length(text))
        if column.align == "left":
            return text + filling
        if text[:1] == "-" and column.pad == "0":
            return "-" + filling + text[1:]
        return filling + text

    def _length(self, text: str) -> int:
        return len(text) if self.layout.count == "characters" else len(text.encode(self.layout.encoding, "replace"))


@dataclass
class Totals:
    """What a file adds up to."""

    rows: int = 0
    bytes: int = 0
    sha256: str = ""
    sums: dict[str, str] = field(default_factory=dict)


class TableFile:
    """One file being written: a line at a time, hashed and added up on the way, readable by this account alone.

    ``write`` writes the lines of one record together or, raising Unwritable, none of them.
    """

    def __init__(self, path: Path, columns: Sequence[Column], layout: Layout, *, fixed: bool) -> None:
        self.path, self.columns, self.layout = path, columns, layout
        self.lines = FixedLines(layout) if fixed else CsvLines(layout)
        self.rows = 0
        self.size = 0
        self.hash = hashlib.sha256()
        self.sums = {column.name: Decimal(0) for column in columns if column.total}
        heading = self._encoded(self.lines.heading(columns)) if layout.header else b""
        self.stream: BinaryIO = path.open("wb")
        path.chmod(0o600)
        self._put((b"\xef\xbb\xbf" if layout.encoding == "utf-8-sig" else b"") + heading)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stream.close()

    def prepared(self, content: Mapping[str, Any]) -> "Line":
        """The line of one row, not written yet. Raises Unwritable."""
        values = [value_at(content, column.field) for column in self.columns]
        texts = [text_of(column, value, self.layout) for column, value in zip(self.columns, values, strict=True)]
        raw = self._encoded(self.lines.line(self.columns, texts))
        sums = {
            column.name: as_decimal(value) or Decimal(0)
            for column, value in zip(self.columns, values, strict=True)
            if column.total and value not in (None, "")
        }
        return Line(raw, sums)

    def write(self, line: "Line") -> None:
        """Put a prepared line into the file."""
        self._put(line.raw)
        self.rows += 1
        for name, value in line.sums.items():
            self.sums[name] += value

    def end(self, facts: Mapping[str, Any]) -> Totals:
        """Write the trailer, close the file durably and say what it adds up to."""
        sums = {name: f"{value:f}" for name, value in self.sums.items()}
        if self.layout.trailer:
            text = trailer(self.layout.trailer, {**facts, "rows": self.rows}, sums)
            self._put(self._encoded(text + LINE_ENDINGS[self.layout.line_ending]))
        self.stream.flush()
        os.fsync(self.stream.fileno())
        self.stream.close()
        return Totals(self.rows, self.size, self.hash.hexdigest(), sums)

    def _encoded(self, text: str) -> bytes:
        encoding = "utf-8" if self.layout.encoding == "utf-8-sig" else self.layout.encoding
        try:
            return text.encode(encoding)
        except UnicodeEncodeError:
            raise Unwritable(_strangers(text, encoding)) from None

    def _put(self, raw: bytes) -> None:
        self.stream.write(raw)
        self.hash.update(raw)
        self.size += len(raw)


@dataclass(frozen=True)
class Line:
    """A line that fits, and what it adds to the totals."""

    raw: bytes
    sums: Mapping[str, Decimal]


def _strangers(text: str, encoding: str) -> str:
    """Which characters the encoding does not have, in words."""
    strange = [character for character in dict.fromkeys(text) if not _encodable(character, encoding)]
    named = ", ".join(f"{character} (U+{ord(character):04X})" for character in strange[:SHOWN_CHARACTERS])
    more = f" and {len(strange) - SHOWN_CHARACTERS} more" if len(strange) > SHOWN_CHARACTERS else ""
    return f"The encoding {encoding} does not have {named}{more}."


def _encodable(character: str, encoding: str) -> bool:
    try:
        character.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def trailer(pattern: str, facts: Mapping[str, Any], sums: Mapping[str, str]) -> str:
    """The last line of a file; numbers are filled up with zeros to the width asked for."""

    def filled(found: re.Match[str]) -> str:
        name, width = found[1], int(found[2] or 0)
        text = sums.get(name.removeprefix("sum."), "0") if name.startswith("sum.") else str(facts[name])
        return text.rjust(width, "0")

    return TRAILER_PLACE.sub(filled, pattern)


def trailer_facts(*, number: int, kind: str, moment: datetime, from_seq: int, through: int) -> dict[str, Any]:
    """What a trailer may name."""
    return {
        "number": number,
        "kind": kind,
        "date": f"{moment:%Y%m%d}",
        "time": f"{moment:%H%M%S}",
        "from": from_seq,
        "through": through,
    }
