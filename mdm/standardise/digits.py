"""What identifiers share: undoing what spreadsheets do, and saying what cannot be undone."""

import re
from collections.abc import Callable
from functools import wraps
from typing import Any

from mdm.standardise.style import Answer, Doubt, Standardiser, Style
from mdm.standardise.text import clean, show

_SCIENTIFIC = re.compile(r"\d(?:[.,]\d+)?E\+?\d{1,3}", re.ASCII | re.IGNORECASE)
_FLOAT = re.compile(r"(\d+)\.0+", re.ASCII)
_FILLER = re.compile(r"[\s.\-/_\u2010-\u2015]+")


def compact(raw: str) -> str:
    """Upper case without spaces, dots, hyphens, slashes and underscores."""
    return _FILLER.sub("", raw).upper()


def all_alike(value: str) -> bool:
    """000000000 and 999999999 fill a field, they name nobody."""
    return len(set(value)) <= 1


def mask_tail(value: str, shown: int = 4) -> str:
    """All but the last `shown` characters as dots; a short value shows at most its last half."""
    kept = min(shown, len(value) // 2)
    return "\u2022" * (len(value) - kept) + (value[-kept:] if kept else "")


def identifier(label: str) -> Callable[[Callable[[str, dict[str, Any]], str | None]], Standardiser]:
    """Turn a reader (raw text, options -> identifier or None) into a standardiser that doubts what it cannot read.

    Numbers in scientific notation have lost digits and are never read; ``841368850.0`` is read without its fraction.
    """

    def decorate(reader: Callable[[str, dict[str, Any]], str | None]) -> Standardiser:
        @wraps(reader)
        def standardiser(raw: str, style: Style, options: dict[str, Any]) -> Answer:
            value = clean(raw)
            if not value:
                return None
            if _SCIENTIFIC.fullmatch(value):
                return Doubt(f"{show(raw)} is what a spreadsheet left of a {label}: its last digits are lost.")
            whole = _FLOAT.fullmatch(value)
            found = reader(whole[1] if whole else value, {"country": style.country, **options})
            return found if found else Doubt(f"{show(raw)} is not a {label}.")

        return standardiser

    return decorate
