"""Decimals, whole numbers and truth values."""

import re
from decimal import Decimal
from functools import lru_cache
from typing import Any

from mdm.standardise.style import Answer, Doubt, Style, Unreadable
from mdm.standardise.text import show

_MONEY = re.compile(r"^(?:USD|CAD|EUR|GBP|US\$|[$€£¥]) ?|(?<=[0-9]) ?(?:USD|CAD|EUR|GBP|[$€£¥])$")
_PLAIN = re.compile(r"-?\d{1,30}(?:\.\d{1,30})?", re.ASCII)
_SCIENTIFIC = re.compile(r"([+-]?\d(?:\.(\d{1,20}))?)[Ee]([+-]?\d{1,3})", re.ASCII)
_TRUE = frozenset({"Y", "YES", "T", "TRUE", "1", "X", "ON"})
_FALSE = frozenset({"N", "NO", "F", "FALSE", "0", "OFF"})
_SPREADSHEET_DIGITS = 15
_BIGGEST = 2**63 - 1


@lru_cache(maxsize=8)
def _grouped(mark: str) -> re.Pattern[str]:
    """Numbers with this decimal mark and thousands groups written in one of the usual ways."""
    groups = "[' \u00a0\u202f" + ("," if mark == "." else ".") + "]"
    point = re.escape(mark)
    whole = rf"(?:\d{{1,30}}|\d{{1,3}}(?P<g>{groups})\d{{3}}(?:(?P=g)\d{{3}}){{0,9}})"
    return re.compile(rf"(?P<w>{whole})?(?:{point}(?P<f>\d{{0,30}}))?", re.ASCII)


def normal(number: Decimal) -> str:
    """Plain notation without trailing zeros; never ``-0``."""
    plain = f"{number:f}"
    if "." in plain:
        plain = plain.rstrip("0").rstrip(".")
    return "0" if plain in {"-0", ""} else plain


def _without_float_noise(plain: str) -> str:
    """316.75800000000004 -> 316.758: a spreadsheet holds 15 digits, more are an artefact of its binary numbers."""
    digits = plain.replace(".", "").replace("-", "").lstrip("0")
    if len(digits) <= _SPREADSHEET_DIGITS or "." not in plain or repr(float(plain)) != plain:
        return plain
    return normal(Decimal(f"{float(plain):.{_SPREADSHEET_DIGITS}g}"))


def _sign(raw: str) -> tuple[str, str]:
    """Accountants write negative numbers in parentheses or with the sign behind."""
    if raw.startswith("(") and raw.endswith(")"):
        return "-", raw[1:-1].strip()
    if raw.endswith("-") or raw.startswith(("-", "\u2212")):
        return "-", raw.strip("-\u2212 ")
    return "", raw.removeprefix("+").lstrip()


@lru_cache(maxsize=8192)
def _decimal(raw: str, mark: str) -> str | Doubt | None:
    if mark == "." and _PLAIN.fullmatch(raw):
        return _without_float_noise(normal(Decimal(raw)))
    scientific = _SCIENTIFIC.fullmatch(raw if mark == "." else raw.replace(mark, "."))
    if scientific:
        if int(scientific[3]) > len(scientific[2] or ""):
            return Doubt(f"{show(raw)} is what a spreadsheet leaves of a long number: its last digits are lost.")
        return _without_float_noise(normal(Decimal(scientific[0])))
    sign, rest = _sign(_MONEY.sub("", raw).strip())
    sign2, rest = ("", rest) if sign else _sign(_MONEY.sub("", rest).strip())
    found = _grouped(mark).fullmatch(_MONEY.sub("", rest))
    if not found or not (found["w"] or found["f"]):
        return None
    whole = re.sub(r"\D", "", found["w"] or "0", flags=re.ASCII)
    return _without_float_noise(normal(Decimal(f"{sign or sign2}{whole}.{found['f'] or '0'}")))


def decimal(raw: str, style: Style, options: dict[str, Any]) -> Answer:
    """An exact decimal as text with a point, without trailing zeros. Option ``decimal`` replaces the feed's mark."""
    mark = str(options.get("decimal") or style.decimal)
    value = _decimal(raw, mark)
    if value is None:
        raise Unreadable(
            f'{show(raw)} is not a number; this feed\'s decimal mark is "{mark}".',
            "Correct the number, or the decimal mark of the feed.",
        )
    return value


def integer(raw: str, style: Style, options: dict[str, Any]) -> Answer:
    """A whole number; ``12.0`` is one, ``12.5`` is unreadable."""
    value = decimal(raw, style, options)
    if not isinstance(value, str):
        return value
    if "." in value or abs(int(value)) > _BIGGEST:
        raise Unreadable(f"{show(raw)} is not a whole number.", "Correct it at its source, or in quarantine.")
    return int(value)


def boolean(raw: str, _style: Style, options: dict[str, Any]) -> Answer:
    """True or False. Options ``true`` and ``false`` list this feed's own words, which then are the only ones."""
    word = raw.upper()
    own = "true" in options or "false" in options
    yes = frozenset(str(w).upper() for w in options.get("true", ())) if own else _TRUE
    no = frozenset(str(w).upper() for w in options.get("false", ())) if own else _FALSE
    if word in yes:
        return True
    if word in no:
        return False
    raise Unreadable(f"{show(raw)} is neither yes nor no.", "Write Y or N, or name the feed's own words for them.")
