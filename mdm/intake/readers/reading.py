"""What a reader is told, and what it hands out."""

from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Self


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a file is written. Empty text or None means: find out.

    `format` is ``csv``, ``xlsx``, ``jsonl`` or ``auto``. `header_line` counts physical lines (XLSX: sheet rows)
    from 1. `sheet` is a sheet name; empty means the first sheet that has the expected columns.
    """

    format: str = "auto"
    encoding: str = ""
    delimiter: str = ""
    quote: str = '"'
    header_line: int | None = None
    sheet: str = ""


@dataclass(slots=True)
class RawRow:
    """One record as received.

    `line` is the physical line (XLSX: sheet row) it starts on, from 1. `raw` is its text verbatim without the line
    end, quoted line breaks included; for XLSX a JSON array, for JSON lines the line itself. A NUL, which
    PostgreSQL cannot store, is shown as U+2400 in `raw` and reported. `cells` are the values by column name.
    A row with `problems` (business words) is not fit to be mapped and belongs in quarantine.
    """

    line: int
    raw: str
    cells: dict[str, str]
    problems: list[str] = field(default_factory=list)


class UnreadableFile(ValueError):
    """The file as a whole cannot be read. Both texts are for people."""

    def __init__(self, message: str, way_out: str) -> None:
        super().__init__(message)
        self.message = message
        self.way_out = way_out

    def __str__(self) -> str:
        return f"{self.message} {self.way_out}"


class Reading:
    """A file opened for reading: iterate once for `RawRow`s, in file order, in flat memory.

    `header` holds the column names (nameless columns left out, repeats numbered ``Name (2)``); where the feed names a
    column, in the feed's spelling. `dialect` is fully resolved. Iterating may raise `UnreadableFile` where a file
    breaks off in the middle. Use it in a ``with`` statement, or iterate to the end: either closes a file that was
    given by its path; a file the caller opened stays open.
    """

    def __init__(
        self, header: list[str], dialect: Dialect, rows: Iterable[RawRow], close: Callable[[], object] = lambda: None
    ) -> None:
        self.header = header
        self.dialect = dialect
        self._rows = rows
        self._close = close

    def __iter__(self) -> Iterator[RawRow]:
        try:
            yield from self._rows
        finally:
            self.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file, however far it was read; a second time does nothing."""
        if isinstance(self._rows, Generator):  # it still holds the file where it was not read to its end
            self._rows.close()
        self._close()
