"""Names of columns as people write them, taken apart into words and compared. Pure."""

import re
from collections.abc import Collection
from difflib import SequenceMatcher
from functools import lru_cache

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_]+")
# How exports shorten words; each says what it stands for.
_SHORT = {
    "no": "number", "nr": "number", "num": "number", "nbr": "number", "addr": "address", "adr": "address",
    "desc": "description", "descr": "description", "dsc": "description", "tel": "phone", "telephone": "phone",
    "ph": "phone", "fon": "phone", "zip": "postcode", "zipcode": "postcode", "postal": "postcode", "post": "postcode",
    "plz": "postcode", "st": "region", "state": "region", "prov": "region", "province": "region", "cty": "county",
    "mfr": "manufacturer", "mfg": "manufacturer", "manuf": "manufacturer", "fac": "facility", "dept": "department",
    "uom": "unit", "um": "unit", "cntry": "country", "ctry": "country", "cur": "currency", "curr": "currency",
    "ein": "tax", "fein": "tax", "tin": "tax", "web": "website", "url": "website", "www": "website",
    "mail": "email", "identifier": "id", "ident": "id", "key": "id", "nm": "name", "title": "name", "typ": "type",
    "eff": "valid", "amt": "amount", "qty": "quantity", "pkg": "package", "pack": "package", "upd": "updated",
    "changed": "updated", "modified": "updated", "mod": "updated", "chg": "updated", "lvl": "level", "town": "city",
    "cls": "class", "category": "class", "cat": "class", "grp": "group", "acct": "account", "acc": "account",
    "terms": "terms", "ccy": "currency", "labeler": "manufacturer", "maker": "manufacturer", "cc": "center",
    "centre": "center", "cost": "cost", "begin": "from", "start": "from", "end": "to", "expiry": "to", "expires": "to",
    "until": "to", "phys": "address", "street": "street", "str": "street", "ctr": "center", "resp": "responsible",
}  # fmt: skip
_EMPTY = frozenset({"the", "of", "a", "an", "id", "number", "code", "cd", "value", "master", "current"})


@lru_cache(maxsize=4096)
def words(name: str) -> tuple[str, ...]:
    """``VENDOR_NO`` and ``vendorNo`` alike: vendor, number. ``UoM`` is one short word, not two."""
    if (whole := name.strip().casefold()) in _SHORT:
        return (_SHORT[whole],)
    found = (word.casefold() for word in _WORD.findall(name))
    return tuple(_SHORT.get(word, word) for word in found)


@lru_cache(maxsize=65536)
def _near(one: str, other: str) -> float:
    """How alike two words are: the same, one cut short, or a slip apart."""
    if one == other:
        return 1.0
    short, long = sorted((one, other), key=len)
    if len(short) >= 3 and long.startswith(short):
        return 0.8
    if len(short) < 4 or len(long) - len(short) > 2 or one[0] != other[0]:
        return 0.0
    ratio = SequenceMatcher(None, one, other, autojunk=False).ratio()
    return ratio if ratio >= 0.8 else 0.0


def likeness(name: str, phrase: str, noise: Collection[str] = ()) -> float:
    """How far a column's name means the phrase, 0 to 1. ``noise`` are words that say nothing in this place: in a list
    of vendors every column may begin with the word vendor."""
    wanted = words(phrase)
    found = tuple(word for word in words(name) if word not in noise or word in wanted) or words(name)
    if not found or not wanted:
        return 0.0
    if found == wanted:
        return 1.0
    return max(_overlap(found, wanted), _overlap(_telling(found), _telling(wanted)) * 0.93)


def _telling(found: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(word for word in found if word not in _EMPTY) or found


def _overlap(found: tuple[str, ...], wanted: tuple[str, ...]) -> float:
    if set(found) == set(wanted):
        return 1.0
    there = sum(max(_near(word, other) for other in wanted) for word in found)
    back = sum(max(_near(word, other) for other in found) for word in wanted)
    return (there + back) / (len(found) + len(wanted))
