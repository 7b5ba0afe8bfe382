"""What item descriptions say in numbers: measures, pack counts, model codes, drug forms. For comparison only."""

import re
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from mdm.standardise.drugs import FORM_WORDS
from mdm.standardise.numbers import normal

# Unit as written -> base unit and factor, so that 0.4 mg meets 400 mcg and 1 g meets 1000 mg.
_UNITS = {
    "mg": ("mg", "1"), "mgs": ("mg", "1"), "gm": ("mg", "1000"), "g": ("mg", "1000"), "gms": ("mg", "1000"),
    "gram": ("mg", "1000"), "grams": ("mg", "1000"), "mcg": ("mg", "0.001"), "ug": ("mg", "0.001"),
    "kg": ("mg", "1000000"), "lb": ("lb", "1"), "oz": ("oz", "1"), "ml": ("ml", "1"), "mls": ("ml", "1"),
    "cc": ("ml", "1"), "l": ("ml", "1000"), "liter": ("ml", "1000"), "mm": ("mm", "1"), "cm": ("mm", "10"),
    "mtr": ("mm", "1000"), "in": ("in", "1"), "inch": ("in", "1"), "inches": ("in", "1"), '"': ("in", "1"),
    "ft": ("in", "12"), "yd": ("in", "36"), "yds": ("in", "36"), "fr": ("fr", "1"), "ga": ("ga", "1"),
    "gauge": ("ga", "1"), "deg": ("deg", "1"), "meq": ("meq", "1"), "mmol": ("mmol", "1"), "unit": ("unit", "1"),
    "units": ("unit", "1"), "unt": ("unit", "1"), "iu": ("unit", "1"), "%": ("%", "1"), "hr": ("h", "1"),
    "hour": ("h", "1"), "hrs": ("h", "1"), "mci": ("mci", "1"), "mcl": ("ml", "0.001"), "ply": ("ply", "1"),
    "hz": ("hz", "1"), "khz": ("hz", "1000"), "mhz": ("hz", "1000000"), "ghz": ("hz", "1000000000"),
    "kb": ("mb", "0.001"), "mb": ("mb", "1"), "gb": ("mb", "1000"), "tb": ("mb", "1000000"), "rpm": ("rpm", "1"),
    "watt": ("w", "1"), "watts": ("w", "1"), "kw": ("w", "1000"), "volt": ("v", "1"), "volts": ("v", "1"),
    "vac": ("v", "1"), "vdc": ("v", "1"), "mah": ("mah", "1"), "amp": ("amp", "1"), "amps": ("amp", "1"),
    "btu": ("btu", "1"), "dpi": ("dpi", "1"), "megapixel": ("mp", "1"), "megapixels": ("mp", "1"), "mp": ("mp", "1"),
    "feet": ("in", "12"), "foot": ("in", "12"), "yard": ("in", "36"), "yards": ("in", "36"), "meter": ("mm", "1000"),
    "meters": ("mm", "1000"), "french": ("fr", "1"), "milliliter": ("ml", "1"), "port": ("port", "1"),
    "ports": ("port", "1"), "channel": ("channel", "1"), "sheet": ("sheet", "1"), "sheets": ("sheet", "1"),
    "user": ("user", "1"), "users": ("user", "1"), "core": ("core", "1"), "pound": ("lb", "1"), "pounds": ("lb", "1"),
}  # fmt: skip
UNITS = frozenset(_UNITS)
_LENGTHS = frozenset({"mm", "in"})
_NUMBER = r"\d{1,3}(?:,\d{3})+|\d{1,7}(?:\.\d{1,5})?|\.\d{1,5}"
# A litre or gram inside a part number (AR-8835L-14) is none.
_NAMES = "|".join(
    re.escape(u) + (r"(?!-\d)" if len(u) == 1 and u.isalpha() else "") for u in sorted(_UNITS, key=len, reverse=True)
)
_MEASURE = re.compile(
    rf"(?<![\w.])((?:(?:{_NUMBER})\s?(?:mm|cm|in|\")?\s?[x*]\s?)*)({_NUMBER})(?:\s?-\s?|\s?)({_NAMES})(?![a-z])", re.I
)
_CHAIN = re.compile(rf"({_NUMBER})\s?(mm|cm|in|\")?\s?[x*]", re.I)
_PACK_UNIT = (
    r"(?:bx|box|pk|pkg|pack|ca|cs|case|ct|ctn|carton|bg|bag|ea|each|ud|kt|kit|pr|dz|rl|roll|st|set|count|tabs?|caps?)"
)
_PACK = re.compile(
    rf"\b{_PACK_UNIT}\s?(?:/|of\s)\s?(\d{{1,5}})\b|\b(\d{{1,5}})\s?(?:/|per\s)\s?{_PACK_UNIT}\b"
    r"|\b(\d{1,5})\s?(?:ud|ct|count|pack|pk|ea)\b",
    re.I,
)
_CODE = re.compile(r"(?<![\w.-])(?=[\w./-]*\d)[A-Z\d][A-Z\d./-]{3,24}(?![\w-])", re.I)
_WORD = re.compile(r"[a-z]+")


class Measures(NamedTuple):
    """`amounts` as text in base units (``400mg``, ``5ml``), `packs` as counts; both without order."""

    amounts: frozenset[str]
    packs: frozenset[int]


def _amount(number: str, unit: str) -> str:
    base, factor = _UNITS[unit.lower()]
    return normal(Decimal(number.replace(",", "")) * Decimal(factor)) + base


def _chain(text: str, unit: str) -> tuple[list[str], list[int]]:
    """The numbers before the last of ``3.5 X 14MM`` (lengths) or ``24X89ML`` (a count of packs)."""
    amounts, packs = [], []
    for number, own in _CHAIN.findall(text):
        if own or _UNITS[unit.lower()][0] in _LENGTHS:
            amounts.append(_amount(number, own or unit))
        elif number.isdigit():
            packs.append(int(number))
    return amounts, packs


@lru_cache(maxsize=32768)
def measures(text: str) -> Measures:
    """Every number with a unit, and every pack count (``BX/5``, ``3/PK``, ``100UD``, ``24X89ML``) in `text`."""
    amounts: set[str] = set()
    packs: set[int] = set()
    for chain, number, unit in _MEASURE.findall(text):
        amounts.add(_amount(number, unit))
        if chain:
            more, counts = _chain(chain, unit)
            amounts.update(more)
            packs.update(counts)
    for groups in _PACK.findall(text):
        packs.add(int(next(g for g in groups if g)))
    return Measures(frozenset(amounts), frozenset(packs))


@lru_cache(maxsize=32768)
def without_packs(text: str) -> str:
    """`text` without what it says of its packs."""
    return _PACK.sub(" ", text)


@lru_cache(maxsize=32768)
def model_codes(text: str) -> frozenset[str]:
    """Part and model numbers: words of 5 to 25 characters with digits that are no measure, without separators."""
    rest = _PACK.sub(" ", _MEASURE.sub(" ", text))
    plain = (re.sub(r"[^A-Z0-9]", "", found.upper()) for found in _CODE.findall(rest))
    return frozenset(code for code in plain if len(code) >= 5)


@lru_cache(maxsize=32768)
def form_words(text: str) -> frozenset[str]:
    """The dosage forms a description names, spelled out: ``TAB,ORAL`` -> tablet, oral."""
    found = (FORM_WORDS.get(word, word) for word in _WORD.findall(text.lower()))
    return frozenset(w for phrase in found for w in phrase.split() if w in _KNOWN_FORMS)


_KNOWN_FORMS = frozenset({w for phrase in FORM_WORDS.values() for w in phrase.split()}) | {
    "tablet", "capsule", "solution", "suspension", "injection", "cream", "ointment", "gel", "patch", "powder", "spray",
    "lotion", "foam", "kit", "film", "granules", "vial", "syringe", "pen", "inhaler", "drops", "shampoo", "oil",
}  # fmt: skip
