"""Code tables standardisers look values up in, read once at import."""

import csv
import unicodedata
from collections.abc import Mapping
from pathlib import Path

_HERE = Path(__file__).parent

# What people write for countries beside the names of ISO 3166.
_COUNTRY_ALIASES = {
    "usa": "US", "us of a": "US", "united states of america": "US", "america": "US",
    "uk": "GB", "great britain": "GB", "england": "GB", "scotland": "GB", "wales": "GB", "northern ireland": "GB",
    "britain": "GB", "korea": "KR", "south korea": "KR", "russia": "RU", "holland": "NL", "the netherlands": "NL",
    "czech republic": "CZ", "turkey": "TR", "taiwan": "TW", "vietnam": "VN", "iran": "IR", "bolivia": "BO",
    "venezuela": "VE", "tanzania": "TZ", "moldova": "MD", "macedonia": "MK", "ivory coast": "CI",
    "virgin islands": "VI", "us virgin islands": "VI", "british virgin islands": "VG", "macau": "MO", "uae": "AE",
    "peoples republic of china": "CN", "prc": "CN", "republic of ireland": "IE", "swaziland": "SZ",
}  # fmt: skip
# The state field also carries territories, military mail and, in old files, GPO abbreviations.
_STATE_ALIASES = {
    ("US", "armed forces americas"): "AA", ("US", "armed forces europe"): "AE", ("US", "armed forces pacific"): "AP",
    ("US", "washington dc"): "DC", ("US", "d c"): "DC", ("US", "calif"): "CA", ("US", "virgin islands"): "VI",
    ("CA", "quebec"): "QC", ("CA", "pq"): "QC", ("CA", "newfoundland"): "NL",
}  # fmt: skip


def plain(name: str) -> str:
    """The key names are looked up by: lower case, no marks, no punctuation, single spaces."""
    apart = unicodedata.normalize("NFKD", name).lower()
    kept = "".join(c if c.isalnum() else " " for c in apart if c not in ".'\u2019" and not unicodedata.combining(c))
    return " ".join(kept.split())


def _rows(file: str) -> list[dict[str, str]]:
    with (_HERE / file).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def _countries() -> dict[str, str]:
    found = dict(_COUNTRY_ALIASES)
    for row in _rows("countries.csv"):
        for name in (row["name"], row["official_name"], row["name"].split(",")[0], row["alpha2"], row["alpha3"]):
            # "Korea, Republic of" and its northern neighbour share a first part: aliases and first come win.
            if name:
                found.setdefault(plain(name), row["alpha2"])
    for row in _rows("countries.csv"):
        found[row["alpha2"].lower()] = found[row["alpha3"].lower()] = row["alpha2"]
    return found


def _subdivisions() -> dict[tuple[str, str], str]:
    found = dict(_STATE_ALIASES)
    for row in _rows("subdivisions.csv"):
        for name in (row["code"], row["name"]):
            found[row["country"], plain(name)] = row["code"]
    for code in ("AA", "AE", "AP"):
        found["US", code.lower()] = code
    return found


def _uom_codes() -> dict[str, str]:
    return {alias: row["code"] for row in _rows("uom.csv") for alias in row["aliases"].split("|")}


COUNTRY_CODES: Mapping[str, str] = _countries()
SUBDIVISION_CODES: Mapping[tuple[str, str], str] = _subdivisions()
UOM_CODES: Mapping[str, str] = _uom_codes()
CURRENCY_CODES: frozenset[str] = frozenset((_HERE / "currencies.txt").read_text(encoding="ascii").split())
