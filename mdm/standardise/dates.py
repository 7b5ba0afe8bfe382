"""Dates, by the formats a feed declares and ISO 8601 always."""

import re
from datetime import date
from functools import lru_cache
from typing import Any

from mdm.standardise.style import Answer, Style, Unreadable
from mdm.standardise.text import show

MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_LONG_MONTHS = (
    *("JANUARY", "FEBRUARY", "MARCH", "APRIL", "MAY", "JUNE", "JULY"),
    *("AUGUST", "SEPTEMBER", "OCTOBER", "NOVEMBER", "DECEMBER"),
)
_NUMBERS = {name: n for names in (MONTHS, _LONG_MONTHS) for n, name in enumerate(names, 1)} | {"SEPT": 9}
_TIME = r"(?:[T ]\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?: ?[AP]M)?(?: ?(?:Z|[+-]\d{2}:?\d{2}))?)?"
_ISO = re.compile(r"(?P<y>\d{4})-(?P<m>\d{2})-(?P<d>\d{2})" + _TIME, re.ASCII | re.IGNORECASE)
# Longest first: the alternation must see MONTH before MON before MM.
_PARTS = {
    "MONTH": r"(?P<name>[A-Z]{3,9})\.?",
    "YYYY": r"(?P<y>\d{4})",
    "MON": r"(?P<name>[A-Z]{3,9})\.?",
    "YY": r"(?P<short>\d{2})",
    "MM": r"(?P<m>\d{1,2})",
    "DD": r"(?P<d>\d{1,2})",
}
_WORD = re.compile("|".join(_PARTS))
_STRPTIME = {"%Y": "YYYY", "%y": "YY", "%m": "MM", "%d": "DD", "%b": "MON", "%B": "MONTH"}
_SAMPLE = {"MONTH": "June", "YYYY": "2019", "MON": "JUN", "YY": "19", "MM": "06", "DD": "30"}
# Day 1 of a spreadsheet is 1900-01-01, but it believes in 29 February 1900; serials after that count from here.
_SHEET_ZERO = date(1899, 12, 30).toordinal()
SERIAL = "EXCEL"


@lru_cache(maxsize=256)
def _words(wanted: str) -> str:
    """A format in words such as DD-MON-YY, from itself or from a strptime pattern (whose time part is dropped)."""
    if "%" not in wanted:
        return wanted.upper()
    for pattern, word in _STRPTIME.items():
        wanted = wanted.replace(pattern, word)
    return re.split(r"[T ]?%", wanted)[0]


@lru_cache(maxsize=256)
def _pattern(wanted: str) -> re.Pattern[str]:
    words = _words(wanted)
    pieces, at = [], 0
    for found in _WORD.finditer(words):
        pieces += [re.escape(words[at : found.start()]), _fixed_width(_PARTS[found[0]], words)]
        at = found.end()
    pieces.append(re.escape(words[at:]))
    return re.compile("".join(pieces) + _TIME, re.ASCII | re.IGNORECASE)


def _fixed_width(part: str, words: str) -> str:
    """Without a separator (YYYYMMDD) only two digits tell day from month."""
    return part.replace("{1,2}", "{2}") if words.isalpha() else part


def like(formats: tuple[str, ...]) -> str:
    """What dates of these formats look like, for messages: ``30-JUN-19 or 2019-06-30``."""
    samples = ["43646" if f.upper() == SERIAL else _WORD.sub(lambda m: _SAMPLE[m[0]], _words(f)) for f in formats]
    return " or ".join(dict.fromkeys([*samples, "2019-06-30"]))


def _day(found: re.Match[str]) -> date | None:
    parts = found.groupdict()
    month = _NUMBERS.get(parts["name"].upper()) if parts.get("name") else int(parts.get("m") or 1)
    year = int(parts["y"]) if parts.get("y") else int(parts.get("short") or 0)
    if parts.get("short"):
        year += 1900 if year >= 69 else 2000  # the POSIX rule
    try:
        return date(year, month or 0, int(parts.get("d") or 1))
    except ValueError:
        return None


@lru_cache(maxsize=8192)
def _read(raw: str, formats: tuple[str, ...]) -> str | None:
    found = _ISO.fullmatch(raw)
    day = _day(found) if found else None
    if found:
        return day.isoformat() if day else None
    for wanted in formats:
        if wanted.upper() == SERIAL:
            serial = re.fullmatch(r"(\d{1,6})(?:\.\d+)?", raw, re.ASCII)
            if serial and 61 <= int(serial[1]) <= 200_000:
                return date.fromordinal(_SHEET_ZERO + int(serial[1])).isoformat()
            continue
        found = _pattern(wanted).fullmatch(raw)
        day = _day(found) if found else None
        if day:
            return day.isoformat()
    return None


def to_date(raw: str, style: Style, options: dict[str, Any]) -> Answer:
    """The day as ISO text; a time of day is dropped. Option ``formats`` replaces the feed's date formats.

    Two-digit years 69-99 are 1969-1999, 00-68 are 2000-2068.
    """
    formats = tuple(options.get("formats") or style.date_formats)
    day = _read(" ".join(raw.split()), formats)
    if day:
        return day
    raise Unreadable(
        f"{show(raw)} is not a date; this feed writes dates like {like(formats)}.",
        "Correct the date, or add its format to the feed.",
    )
