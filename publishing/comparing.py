"""What differs between what a target was given and what it says it holds. Pure: no database, no clock.

The recipes a target has to repeat are here, and in docs/guides/receipts-and-drift.md in its own words.
"""

import hashlib
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from mdm import canonical
from mdm.masking import MASK
from publishing.outcomes import clean

Json = dict[str, Any]
Flat = dict[str, Any]
DEEPEST = 12
# What a bare name may stand for in the form records are given in without a mapping.
PLACES = ("attributes", "extension", "parts")
# A number as one writes it: no leading zeros, so that a postcode is never taken for one.
NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?\Z")


@dataclass(frozen=True)
class FieldDifference:
    """One field the target has otherwise than it was given."""

    field: str
    ours: Any
    theirs: Any


@dataclass(frozen=True)
class FieldsCompared:
    """What came of comparing fields: those that differ, names nobody knows, and whether all of ours were told."""

    differing: tuple[FieldDifference, ...]
    unknown: tuple[str, ...]
    complete: bool


def bucket_digest(lines: Iterable[tuple[str, int, str]]) -> str:
    """The digest of one bucket: SHA-256 over ``id:version:digest`` and a line feed for each record, by id."""
    text = "".join(f"{record_id}:{version}:{digest}\n" for record_id, version, digest in sorted(lines))
    return hashlib.sha256(text.encode()).hexdigest()


def compare_fields(ours: Mapping[str, Any], theirs: Mapping[str, Any], known: Iterable[str] = ()) -> FieldsCompared:
    """Compare the fields a target tells with those it was given; what it does not tell is not judged.

    Nothing, blank and empty are the same; so are a number and its text. Values it was given as dots are passed over:
    what stands behind them is its own. ``known`` names fields that may be absent from ``ours`` because they are blank.
    """
    mine, told = flat(ours), flat(theirs)
    allowed = set(known)
    differing, unknown, covered, seen = [], [], set(), set()
    for name, value in told.items():
        field = _resolved(name, ours, allowed)
        if field is None:
            unknown.append(name)
            continue
        if field in seen:  # told twice, bare and in its place
            continue
        seen.add(field)
        covered |= {one for one in mine if one == field or one.startswith(f"{field}.")}
        own = mine[field] if field in mine else _nested(ours, field)
        if not _hidden(own) and _plain(own) != _plain(value):
            differing.append(FieldDifference(field, own, value))
    told_of = {one for one, value in mine.items() if _plain(value) is not None and not _hidden(value)}
    return FieldsCompared(tuple(differing), tuple(unknown), told_of <= covered)


def flat(content: Mapping[str, Any], prefix: str = "") -> Flat:
    """The leaves by dotted name; lists stay whole, because their order and number are part of the value."""
    leaves: Flat = {}
    for name, value in content.items():
        if isinstance(value, Mapping) and value:
            leaves |= flat(value, f"{prefix}{name}.")
        else:
            leaves[f"{prefix}{name}"] = value
    return leaves


def _resolved(name: str, ours: Mapping[str, Any], known: set[str]) -> str | None:
    """The dotted name meant: as it stands, or a bare one inside attributes, extension or parts."""
    head = name.partition(".")[0]
    if head in ours or head in known:
        return name
    for place in PLACES:
        inside = ours.get(place)
        if isinstance(inside, Mapping) and (f"{place}.{head}" in known or head in inside):
            return f"{place}.{name}"
    return None


def _nested(content: Mapping[str, Any], field: str) -> Any:
    found: Any = content
    for name in field.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _hidden(value: Any) -> bool:
    """Whether the value, or any in a list of rows, was given as dots."""
    if isinstance(value, str):
        return value.startswith(MASK)
    if isinstance(value, Mapping):
        return any(_hidden(one) for one in value.values())
    return isinstance(value, list) and any(_hidden(one) for one in value)


def _plain(value: Any) -> Any:
    """A value as it is compared: blanks are None, numbers one text, lists of rows without order."""
    if value is None or value == "" or value == [] or value == {}:
        return None
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float | Decimal):
        return canonical.decimal_text(Decimal(str(value)))
    if isinstance(value, str):
        text = value.strip()
        return canonical.decimal_text(Decimal(text)) if NUMBER.match(text) else text or None
    if isinstance(value, Mapping):
        kept = {name: plain for name, one in value.items() if (plain := _plain(one)) is not None}
        return kept or None
    if isinstance(value, list):
        return sorted((_plain(one) for one in value), key=canonical.dumps)
    return value


def keepable(value: Any, depth: int = 0) -> Any:
    """The value as PostgreSQL can keep it in a document; what is nested beyond all use is left out."""
    if isinstance(value, str):
        return clean(value)
    if depth > DEEPEST:
        return None
    if isinstance(value, Mapping):
        return {clean(str(name)): keepable(one, depth + 1) for name, one in value.items()}
    if isinstance(value, list):
        return [keepable(one, depth + 1) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
