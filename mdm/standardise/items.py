"""Identifiers, units and drug words of items."""

import re
from functools import lru_cache
from typing import Any

from stdnum.ean import calc_check_digit

from mdm.standardise.digits import all_alike, compact, identifier
from mdm.standardise.style import Answer, Doubt, Style
from mdm.standardise.tables import UOM_CODES
from mdm.standardise.text import clean, show

# Hyphenated forms -> widths of labeler, product, package that each part is zero-filled to.
_NDC_SEGMENTS = re.compile(r"(\d{4,5})-(\d{3,4})-(\d{1,2})", re.ASCII)
_NDC_TWO_PARTS = re.compile(r"(\d{5})-(\d{5,6})|(\d{4})-(\d{6})", re.ASCII)
_HCPCS = re.compile(r"(\d{5}|[A-Z]\d{4}|\d{4}[A-Z])(?:[ -]?[A-Z0-9]{2})?", re.ASCII)
_GTIN_LENGTHS = frozenset({8, 12, 13, 14})


def _check_digit_holds(digits: str) -> bool:
    return bool(calc_check_digit(digits[:-1]) == digits[-1])


@identifier("GTIN")
def gtin(value: str, options: dict[str, Any]) -> str | None:
    """14 digits from a GTIN-8, -12, -13 or -14 whose check digit holds.

    Option ``pad`` = 12, 13 or 14 restores leading zeros for a feed known to have lost them.
    """
    digits = compact(value).removeprefix("(01)").zfill(int(options.get("pad", 0)))
    if not (digits.isascii() and digits.isdigit() and len(digits) in _GTIN_LENGTHS) or all_alike(digits):
        return None
    return digits.zfill(14) if _check_digit_holds(digits) else None


@identifier("global location number (GLN)")
def gln(value: str, _options: dict[str, Any]) -> str | None:
    """13 digits whose check digit holds."""
    digits = compact(value)
    if re.fullmatch(r"\d{13}", digits, re.ASCII) and not all_alike(digits) and _check_digit_holds(digits):
        return digits
    return None


def _ndc_by_hyphens(value: str) -> str | None:
    """Each segment zero-filled to 5, 4, 2; only 4-4-2, 5-3-2, 5-4-1 and 5-4-2 are ever issued.

    Two parts are health-related item codes (4-6, 5-5), or an NDC with its last hyphen left out (5-6).
    """
    found = _NDC_SEGMENTS.fullmatch(value)
    if found:
        labeler, product, package = found.groups()
        if len(value) - 2 >= 10:
            return labeler.zfill(5) + product.zfill(4) + package.zfill(2)
        return None
    found = _NDC_TWO_PARTS.fullmatch(value)
    return (found[1] or found[3]).zfill(5) + (found[2] or found[4]).zfill(6) if found else None


@identifier("national drug code (NDC)")
def ndc(value: str, options: dict[str, Any]) -> str | None:
    """The 11-digit form 5-4-2 without hyphens, from 11 digits or a hyphenated form.

    10 digits without hyphens may be any of three forms and are doubted. Option ``pad`` = 11 says that the feed
    writes the 11-digit form and lost leading zeros: then 7 to 10 digits are zero-filled. A code with a local suffix
    (``0574-0150-04-99-005``) is the hospital's own package, not the labeler's, and is doubted.
    """
    plain = value.replace(" ", "")
    found = _ndc_by_hyphens(plain)
    if found is None and plain.isascii() and plain.isdigit():
        padded = plain.zfill(int(options.get("pad", 0))) if len(plain) >= 7 else plain
        found = padded if len(padded) == 11 else None
    return found if found and not all_alike(found) and int(found[:9]) else None


@identifier("HCPCS or CPT code")
def hcpcs(value: str, _options: dict[str, Any]) -> str | None:
    """5 characters in upper case; a two-character modifier behind it is left out."""
    found = _HCPCS.fullmatch(value.upper())
    return found[1] if found else None


@identifier("UNSPSC code")
def unspsc(value: str, _options: dict[str, Any]) -> str | None:
    """8 digits of four pairs (segment, family, class, commodity); a business function behind them is left out."""
    digits = compact(value)
    if re.fullmatch(r"[1-9]\d{7}(?:\d{2})?", digits, re.ASCII):
        return digits[:8]
    return None


@lru_cache(maxsize=4096)
def _uom(raw: str) -> str | None:
    word = clean(raw).lstrip("*").strip().rstrip(".")
    return word.upper() if word.upper() in UOM_CODES.values() else UOM_CODES.get(word.lower())


def uom(raw: str, _style: Style, _options: dict[str, Any]) -> Answer:
    """The common code of UNECE Recommendation 20, package codes included (BX, CS, VI, ...).

    ``CA`` is a case, as in hospital supply (Recommendation 20 would read a can). A leading ``*`` is left out.
    """
    code = _uom(raw)
    return code if code else Doubt(f"{show(raw)} is not a known unit of measure.")
