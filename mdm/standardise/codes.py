"""Codes: of a source's own, of a list of choices, of currencies."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from mdm.standardise.style import Answer, Style, Unreadable
from mdm.standardise.tables import CURRENCY_CODES
from mdm.standardise.text import clean, show

_CURRENCY_SIGNS = {"US$": "USD", "\u20ac": "EUR", "\u00a3": "GBP", "CA$": "CAD", "C$": "CAD", "A$": "AUD"}


def code(raw: str, _style: Style, _options: dict[str, Any]) -> Answer:
    """A source's own code, cleaned and in upper case. Leading zeros, dots and dashes stay."""
    return clean(clean(raw).upper()) or None


def cost_center_code(raw: str, style: Style, options: dict[str, Any]) -> Answer:
    """As `code`. What a spreadsheet did to it (10.471 for 10.47100) stays: only matching may look past that."""
    return code(raw, style, options)


def reference(raw: str, _style: Style, _options: dict[str, Any]) -> Answer:
    """The key another record has in the same source, cleaned, letter for letter: keys may differ by case alone."""
    return clean(raw) or None


def _choices(given: Any) -> dict[str, str]:
    """What may be written (case-folded) -> the value it stands for; a value also stands for itself."""
    pairs = [(str(v), str(w)) for w, v in given.items()] if isinstance(given, Mapping) else []
    for one in () if isinstance(given, Mapping) else given:
        value, label = (one, one) if isinstance(one, str) else one
        pairs.append((str(value), str(label)))
    written = {word.casefold(): value for value, word in pairs}
    return written | {value.casefold(): value for value, _word in pairs}


def choice(raw: str, _style: Style, options: dict[str, Any]) -> Answer:
    """One of option ``choices``: a list of values, of (value, label) pairs, or a table of written text -> value."""
    choices = _choices(options.get("choices", ()))
    value = choices.get(clean(raw).casefold())
    if value is None:
        known = ", ".join(dict.fromkeys(choices.values())) or "none"
        raise Unreadable(f"{show(raw)} is not among the known values: {known}.", "Use one of them, or map this text.")
    return value


@lru_cache(maxsize=1024)
def _currency(raw: str) -> str | None:
    value = clean(raw).upper()
    value = _CURRENCY_SIGNS.get(value, value)
    return value if value in CURRENCY_CODES else None


def currency(raw: str, _style: Style, _options: dict[str, Any]) -> Answer:
    """The ISO 4217 code in use. A bare $ names many currencies and is unreadable, as is a price in none."""
    value = _currency(raw)
    if value:
        return value
    raise Unreadable(f"{show(raw)} is not a currency.", "Write its three-letter code, such as USD.")
