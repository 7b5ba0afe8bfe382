"""Delimited text -> records, each with the line it starts on and its text verbatim."""

import csv
import io
import re
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from mdm.intake.readers.reading import UnreadableFile

LONGEST_LINE = 4 * 1024 * 1024
# A quoted value that is still open after so much is taken for a stray quote.
OPEN_LINES = 200
OPEN_CHARACTERS = 100_000
UNTERMINATED = "A quotation mark is opened and never closed."


class Record(NamedTuple):
    """Cells as written; `problem` is empty or says why they cannot be trusted."""

    line: int
    raw: str
    cells: list[str]
    problem: str = ""


def _closed(delimiter: str, quote: str, strict: bool) -> re.Pattern[str]:
    """A record whose quoted values are all closed. Possessive throughout: linear on any input.

    `strict`: behind a closing mark comes a separator or the end. Demanded of values over several lines, or else a
    stray mark would swallow the rows up to the next one that has marks.
    """
    d, q = re.escape(delimiter), re.escape(quote)
    behind = "" if strict else f"[^{d}]*+"
    cell = rf"(?:{q}(?:[^{q}]++|{q}{q})*+{q}(?!{q}){behind}|[^{q}{d}][^{d}]*+|)"
    return re.compile(rf"{cell}(?:{d}{cell})*+", re.DOTALL)


class _Splitter:
    """One csv reader for all records with marks: making one for each costs more than reading."""

    def __init__(self, delimiter: str, quote: str) -> None:
        self.delimiter = delimiter
        self.quote = quote
        self.closed = _closed(delimiter, quote, strict=False).fullmatch
        self.closed_strictly = _closed(delimiter, quote, strict=True).fullmatch
        self._pending: list[str] = []
        self._reader = self._fresh()

    def _fresh(self) -> Iterator[list[str]]:
        return csv.reader(iter(self._pending.pop, None), delimiter=self.delimiter, quotechar=self.quote)

    def split(self, raw: str) -> list[str]:
        """The cells of one whole record. Raises csv.Error, after which the next record is read afresh."""
        self._pending.append(raw)
        try:
            return next(self._reader)
        except csv.Error:
            self._reader = self._fresh()
            raise


class Lines:
    """Physical lines with their numbers, which can be given back."""

    def __init__(self, text: io.TextIOBase) -> None:
        self._text = text
        self._back: deque[str] = deque()
        self.number = 0

    def take(self) -> str:
        """The next line with its end; empty at the end of the file."""
        line = self._back.popleft() if self._back else self._text.readline(LONGEST_LINE)
        if len(line) >= LONGEST_LINE:
            raise UnreadableFile(
                f"Line {self.number + 1} is longer than {LONGEST_LINE // 1024 // 1024} million characters.",
                "Check that the file is a table with one row a line.",
            )
        if line:
            self.number += 1
        return line

    def give_back(self, lines: list[str]) -> None:
        self._back.extendleft(reversed(lines))
        self.number -= len(lines)


def records(text: io.TextIOBase, delimiter: str, quote: str) -> Iterator[Record]:
    """Every record of `text`; lines that are blank or hold separators only are none."""
    lines = Lines(text)
    take = lines.take
    splitter = _Splitter(delimiter, quote) if quote else None
    nothing = delimiter + quote + " \t\r\n\ufeff"
    while line := take():
        if not line.strip(nothing):
            continue
        start = lines.number
        raw = line.rstrip("\r\n")
        if splitter is None or quote not in raw:
            yield Record(start, raw, raw.split(delimiter))
        else:
            yield _quoted(lines, start, line, splitter)


def _quoted(lines: Lines, start: int, line: str, splitter: "_Splitter") -> Record:
    """A record with quotation marks, drawn over as many lines as its values are open."""
    taken = [line]
    text = line
    whole = splitter.closed(line.rstrip("\r\n"))
    while not whole:
        more = lines.take() if len(taken) < OPEN_LINES and len(text) < OPEN_CHARACTERS else ""
        if not more:
            # Give up on this line alone: the rows behind a stray mark are good.
            lines.give_back(taken[1:])
            raw = line.rstrip("\r\n")
            return Record(start, raw, raw.split(splitter.delimiter), UNTERMINATED)
        taken.append(more)
        text += more
        # Only a line with a mark can close what is open.
        whole = splitter.closed_strictly(text.rstrip("\r\n")) if splitter.quote in more else None
    raw = text.rstrip("\r\n")
    try:
        cells = splitter.split(raw)
    except csv.Error as error:
        return Record(start, raw, raw.split(splitter.delimiter), f"The row cannot be taken apart ({error}).")
    return Record(start, raw, cells)
