"""Fields in each other's place put right before anything is compared: what exports and clerks mix up.

Only what cannot be meant otherwise is touched: a street in the name's place beside a name in the street's, a whole
address in the street where town and postcode are blank, a state in the town's place beside a town in the state's.
"""

import re
from collections.abc import Mapping, Sequence
from itertools import islice

from matching.engine.texts import AT_ONCE, Texts
from mdm.standardise.tables import SUBDIVISION_CODES, plain

_HOUSE = re.compile(r"(?:#?\d+[A-Za-z]?(?:-\d+)?\s+\S*[^\W\d_]{2}|(?:p\.?\s?o\.?\s+)?box\s+\d).*", re.IGNORECASE)
_TAIL = re.compile(
    r"(?P<street>.*\d.*?),\s*(?P<city>[^,\d]{3,}?)(?:,?\s+(?P<region>[A-Z]{2}))?,?\s+(?P<postcode>\d{4,5}(?:-\d{4})?"
    r"|[A-Z]{1,2}\d[A-Z\d]?\s*\d[A-Z]{2}|[A-Z]\d[A-Z]\s*\d[A-Z]\d|\d{4}\s?[A-Z]{2})\s*"
)
_STATES = frozenset(code for named, code in SUBDIVISION_CODES.items() if named[0] in {"US", "CA"})


def mended(rows: Mapping[str, Sequence[str]]) -> Mapping[str, Sequence[str]]:
    """The same records, each value in its own place."""
    there = [attribute for attribute in ("name", "street", "city", "region", "postcode") if rows.get(attribute)]
    found = {attribute: Texts() for attribute in there}
    remaining = [iter(rows[attribute]) for attribute in there]
    while any(some := [list(islice(texts, AT_ONCE)) for texts in remaining]):
        part = dict(zip(there, some, strict=True))
        _mend(part)
        for attribute, texts in part.items():
            found.setdefault(attribute, Texts()).extend(texts)
    return {**rows, **found}


def _mend(found: dict[str, list[str]]) -> None:
    if "street" in found:
        _streets_among_names(found["name"], found["street"])
        if "city" in found or "postcode" in found:
            _whole_addresses(found)
    if "city" in found and "region" in found:
        _states_among_towns(found["city"], found["region"])


def _streets_among_names(names: list[str], streets: list[str]) -> None:
    for at, (name, street) in enumerate(zip(names, streets, strict=True)):
        if street and _may_be_street(name) and not any(c.isdigit() for c in street) and _HOUSE.fullmatch(name.strip()):
            names[at], streets[at] = street, name


def _may_be_street(name: str) -> bool:
    """No only where ``_HOUSE`` finds nothing."""
    return name[:1].isdigit() or name[:1] in {"p", "P", "b", "B"}


def _whole_addresses(found: dict[str, list[str]]) -> None:
    blank = [""] * len(found["street"])
    city, postcode = found.setdefault("city", blank[:]), found.setdefault("postcode", blank[:])
    region = found.setdefault("region", blank[:])
    for at, street in enumerate(found["street"]):
        if "," in street and not city[at].strip() and not postcode[at].strip():
            taken = _TAIL.fullmatch(street.upper())
            if taken:
                city[at], postcode[at] = taken["city"], taken["postcode"]
                region[at] = region[at] or taken["region"] or ""
                found["street"][at] = street[: taken.end("street")]


def _states_among_towns(cities: list[str], regions: list[str]) -> None:
    for at, (city, region) in enumerate(zip(cities, regions, strict=True)):
        if (
            len(city) == 2
            and len(region) > 2
            and plain(city).upper() in _STATES
            and plain(region).upper() not in _STATES
        ):
            cities[at], regions[at] = region, city
