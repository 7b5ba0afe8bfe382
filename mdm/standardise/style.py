"""What a standardiser is given, and the three things it may answer."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

# JSON-safe. Decimals and dates travel as text so that nothing is lost to binary floats.
Value = str | int | bool


@dataclass(frozen=True, slots=True)
class Style:
    """How one feed writes its values.

    `date_formats` are strptime patterns or words such as ``DD-MON-YY`` and ``MM/DD/YYYY``; ISO dates are always
    read. `blanks` are texts this feed writes where it has no value, compared without regard to case and
    surrounding space. `country` is the ISO alpha-2 code assumed where a value names none.
    `casing` is ``as_sent``, ``upper`` or ``lower`` and concerns free text only.
    """

    decimal: str = "."
    date_formats: tuple[str, ...] = ()
    blanks: tuple[str, ...] = ()
    country: str = "US"
    casing: str = "as_sent"


@dataclass(frozen=True, slots=True)
class Doubt:
    """The value cannot be trusted, the row can: keep the row, use `value` (nearly always None), keep the message."""

    message: str
    value: Value | None = None


class Unreadable(ValueError):
    """A value that is not blank and cannot be read: the row waits in quarantine. Both texts are for people."""

    def __init__(self, message: str, way_out: str) -> None:
        super().__init__(message)
        self.message = message
        self.way_out = way_out

    def __str__(self) -> str:
        return f"{self.message} {self.way_out}"


Answer = Value | Doubt | None
# Given the trimmed, never blank raw text, the feed's style and the mapping's options for this column.
Standardiser = Callable[[str, Style, dict[str, Any]], Answer]
