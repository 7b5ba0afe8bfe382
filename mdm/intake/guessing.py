"""How a source writes, guessed from its values: decimal mark, order of day and month, words for nothing, the key. Pure.

A guess is only ever proposed to a person, with its reason; reading itself never guesses.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mdm.intake.naming import words

Columns = Mapping[str, Sequence[str]]

_COMMA = re.compile(r"-?(\d{1,3}(\.\d{3})+|\d+),\d{1,4}")
_POINT = re.compile(r"-?(\d{1,3}(,\d{3})+|\d+)\.\d{1,4}")
_NUMERIC_DAY = re.compile(r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4}|\d{2})")
_NAMED_DAY = re.compile(r"\d{1,2}-[A-Za-z]{3}-(\d{4}|\d{2})")
_NOTHING = frozenset(
    {"n/a", "na", "#n/a", "null", "none", "not available", "unknown", "nil", "-", "--", "-999", "-9999", "tbd", "?"}
)
_IDENTIFYING = frozenset({"id", "number", "code", "sku", "entity", "reference", "ref", "key"})
_UPDATED = frozenset({"updated", "update"})
MOSTLY = 0.6  # of the rows a key that is named so has to tell apart
DAYS = 4  # values that must look like a day before a column is taken for one


@dataclass(frozen=True)
class Guess:
    """One setting with the reason for it."""

    value: str
    reason: str


def decimal_mark(columns: Columns) -> Guess:
    """The decimal mark most numbers with a fraction are written with."""
    commas = points = 0
    example = ""
    for value in _values(columns):
        if _COMMA.fullmatch(value):
            commas, example = commas + 1, example or value
        points += bool(_POINT.fullmatch(value))
    if commas > points:
        return Guess(",", f"{commas} numbers are written like {example}.")
    return Guess(".", f"{points} numbers are written with a point." if points else "No number has a fraction.")


def date_formats(columns: Columns) -> tuple[list[str], str]:
    """The formats days are written in besides ISO, and what speaks for them, also where it is a coin toss."""
    formats: list[str] = []
    reasons = []
    for name, values in columns.items():
        found = _format(values)
        if found and found[0] not in formats:
            formats.append(found[0])
            reasons.append(f"{name}: {found[1]}")
    return formats, " ".join(reasons)


def _format(values: Sequence[str]) -> tuple[str, str] | None:
    filled = [value.strip() for value in values if value.strip()]
    named = [value for value in filled if _NAMED_DAY.fullmatch(value)]
    if len(named) >= min(DAYS, len(filled)) and len(named) * 2 > len(filled) > 0:
        year = "YYYY" if len(named[0].rpartition("-")[2]) == 4 else "YY"
        return f"DD-MON-{year}", f"days are written like {named[0]}."
    days = [match for value in filled if (match := _NUMERIC_DAY.fullmatch(value))]
    if len(days) < min(DAYS, len(filled)) or len(days) * 2 <= len(filled):
        return None
    mark, year = days[0][2], "YYYY" if len(days[0][4]) == 4 else "YY"
    first, second = max(int(day[1]) for day in days), max(int(day[3]) for day in days)
    if first > 12 >= second:
        return f"DD{mark}MM{mark}{year}", f"{days[0][0]} begins with the day, as some first numbers are above 12."
    if second > 12 >= first:
        return f"MM{mark}DD{mark}{year}", f"{days[0][0]} begins with the month, as some second numbers are above 12."
    order = ("DD", "MM") if mark == "." else ("MM", "DD")
    return f"{order[0]}{mark}{order[1]}{mark}{year}", f"{days[0][0]} may be either way round: look at it."


def blanks(columns: Columns) -> list[str]:
    """Words this source writes where it has no value: known ones that stand in many rows."""
    counted = Counter(value for value in _values(columns) if value.casefold() in _NOTHING)
    return [word for word, times in counted.most_common(8) if times > 1]


def key_columns(header: Sequence[str], columns: Columns, rows: int) -> tuple[list[str], str]:
    """The column that identifies a row: filled and different in every row, best one that is named like a key.

    A few rows that lack or repeat it do not speak against one that is named so: they are what quarantine is for.
    """
    found = []
    for place, name in enumerate(header):
        values = [value.strip() for value in columns.get(name, ()) if value.strip()]
        share = len(set(values)) / rows if rows else 0.0
        named = bool(_IDENTIFYING & set(words(name)))
        if share == 1.0 or (named and share >= MOSTLY):
            short = sum(map(len, values)) / rows <= 24
            found.append((share == 1.0 and named, share == 1.0, share, short, -place, name))
    if not found:
        return [], "No column is filled and different in every row: choose two or more that together are."
    _, whole, share, _, _, name = max(found)
    told = f"each of the {rows} rows" if whole else f"{round(share * rows)} of the {rows} rows"
    return [name], f"{name} is filled and different in {told} looked at."


def changed_column(header: Sequence[str], columns: Columns) -> str:
    """The column that holds the day the source last changed a row; blank where none is named so."""
    for name in header:
        found = set(words(name))
        if found & _UPDATED and any(re.search(r"\d{2}", value) for value in columns.get(name, ())):
            return name
    return ""


def _values(columns: Columns) -> Iterable[str]:
    return (value.strip() for values in columns.values() for value in values if value.strip())
