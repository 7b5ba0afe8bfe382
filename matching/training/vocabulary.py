"""The words synthetic organisations are named by and live at: our own lists, in words.json."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_LISTS: Mapping[str, Any] = json.loads((Path(__file__).parent / "words.json").read_text(encoding="utf-8"))

FAMILIES: Sequence[str] = _LISTS["families"]
BRANDS: Sequence[str] = _LISTS["brands"]
SYLLABLES: Sequence[str] = _LISTS["syllables"]
TRADES: Sequence[str] = _LISTS["trades"]
ENDINGS: Sequence[str] = _LISTS["endings"]
SHORT: Mapping[str, Sequence[str]] = _LISTS["short"]  # how a word is abbreviated, or written otherwise
FORMS: Mapping[str, Sequence[tuple[str, ...]]] = _LISTS["forms"]  # by country: the ways to write each legal form
LANDS: Mapping[str, Sequence[str]] = _LISTS["lands"]  # the ways to write a country
TOWNS: Mapping[str, Sequence[tuple[str, str, str]]] = _LISTS["towns"]  # by country: name, region, how postcodes begin
STREETS: Sequence[str] = _LISTS["streets"]
WAYS: Mapping[str, Sequence[str]] = _LISTS["ways"]
SAINTS: Sequence[str] = _LISTS["saints"]
KINDS: Sequence[Sequence[str]] = _LISTS["kinds"]  # of facilities
UNITS: Sequence[str] = _LISTS["units"]  # departments and tenants of a facility
NOTES: Sequence[str] = _LISTS["notes"]  # what clerks add to a name
