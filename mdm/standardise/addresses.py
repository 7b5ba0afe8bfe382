"""Postcodes, regions and countries."""

import re
from functools import lru_cache
from typing import Any

from mdm.standardise.style import Answer, Doubt, Style
from mdm.standardise.tables import COUNTRY_CODES, SUBDIVISION_CODES, plain
from mdm.standardise.text import clean, show

_ZIP = re.compile(r"(\d{5})(?:[- ]?(\d{4})|-)?", re.ASCII)
_SHORT_ZIP = re.compile(r"(\d{3,4})(?:-(\d{4}))?", re.ASCII)
_CANADIAN = re.compile(r"([ABCEGHJ-NPRSTVXY]\d[ABCEGHJ-NPRSTV-Z])[ -]?(\d[ABCEGHJ-NPRSTV-Z]\d)", re.ASCII)
_LOWEST_ZIP = "00501"
_HIGHEST_ZIP = "99950"


def _zip(found: re.Match[str], fill: bool) -> str | None:
    code = found[1].zfill(5) if fill else found[1]
    if not _LOWEST_ZIP <= code <= _HIGHEST_ZIP:
        return None
    return f"{code}-{found[2]}" if found[2] and found[2] != "0000" else code


@lru_cache(maxsize=65536)
def _postcode(value: str, country: str, told: bool) -> str | None:
    """`told`: country or region of this very row says so, not only the feed's default."""
    zipped = _ZIP.fullmatch(value)
    if country == "US" and zipped:
        return _zip(zipped, fill=False)
    short = _SHORT_ZIP.fullmatch(value)
    if country == "US" and told:
        return _zip(short, fill=True) if short else None
    canadian = _CANADIAN.fullmatch(value) if not told or country == "CA" else None
    if canadian:
        return f"{canadian[1]} {canadian[2]}"
    return None if country == "CA" and told else value


def _country_told(options: dict[str, Any]) -> str | None:
    """The country this row itself names, by its country or, where that is blank, by its region."""
    named = COUNTRY_CODES.get(plain(str(options.get("country") or "")))
    if named:
        return named
    region = plain(str(options.get("region") or ""))
    return next((land for land in ("US", "CA") if region and (land, region) in SUBDIVISION_CODES), None)


def postcode(raw: str, style: Style, options: dict[str, Any]) -> Answer:
    """ZIP, ZIP+4 or Canadian code in normal form; others cleaned and in upper case.

    Options ``country`` and ``region`` are those of the row. Only where they say United States, a leading zero lost
    in a spreadsheet is restored and anything else than a ZIP doubted; the feed's country alone is no proof.
    """
    told = _country_told(options)
    value = clean(clean(raw).upper())
    code = _postcode(value, told or style.country, told is not None) if value else None
    return code if code else Doubt(f"{show(raw)} is not a postcode of {told or style.country}.")


@lru_cache(maxsize=8192)
def _region(raw: str, told: str, assumed: str) -> str | None:
    """A code or name of a subdivision. Without a country told, the assumed one is asked first, then US and Canada."""
    word = plain(raw)
    for land in (told,) if told else dict.fromkeys((assumed, "US", "CA")):
        if code := SUBDIVISION_CODES.get((land, word)):
            return code
    if (told or assumed) in {"US", "CA"}:
        return None
    value = clean(raw)
    return value.upper() if len(value) <= 3 else value


def region(raw: str, style: Style, options: dict[str, Any]) -> Answer:
    """State, province or territory: the ISO 3166-2 code without its country in the US and Canada, else the text."""
    told = COUNTRY_CODES.get(plain(str(options.get("country") or "")), "")
    code = _region(raw, told, style.country)
    return code if code else Doubt(f"{show(raw)} is not a state or province of {told or style.country}.")


@lru_cache(maxsize=2048)
def _country(raw: str) -> str | None:
    return COUNTRY_CODES.get(plain(raw))


def country(raw: str, _style: Style, _options: dict[str, Any]) -> Answer:
    """The ISO 3166 alpha-2 code from alpha-2, alpha-3 or an English name."""
    code = _country(raw)
    return code if code else Doubt(f"{show(raw)} is not a country.")
