"""Suppliers and facilities: names, places, telephone numbers, identifiers."""

import re
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from matching.comparisons import slip_shares, sorted_words, spelling_shares, text_shares
from matching.engine import telling
from matching.engine.candidates import Pairs
from matching.engine.columns import Column, Making, Numbers, Shares, batched, compare
from matching.engine.evidence import (
    WORDED,
    Blend,
    Compare,
    Group,
    Pass,
    Prepared,
    identifiers,
    slips_of,
    texts_by,
    through,
    worded,
)  # fmt: skip
from matching.engine.mending import mended
from matching.engine.spelling import Spelling
from matching.engine.words import Words
from mdm.standardise.companies import company_name, without_form
from mdm.standardise.folding import fold, telling_words
from mdm.standardise.streets import parse_street

Rows = Mapping[str, Sequence[str]]

MOST_NAMES = 6  # of one record: each is compared with each of another
NAMES = Blend(0.35, 0.15, 0.2, 0.15, 0.15)
_NOT_ALNUM = re.compile(r"[^0-9A-Z]+")
_EXTENSION = re.compile(r"\s*(?:x|ext)\b.*", re.IGNORECASE)
_PREFIX = re.compile(r"[A-Z]{2}(?=\d)")
_PLACEHOLDER = re.compile(r"|(.)\1+|NA|NONE|NULL|TBD|TBA|UNKNOWN|X+|123456789\d*|0*|9+|N")


def _of_name(raw: str) -> tuple[tuple[str, ...], tuple[str], tuple[str]]:
    """Names, legal form, and what part of a place is spoken of."""
    words = telling.plainly(raw)
    if words is None:
        return *_names(raw), (telling.units(raw),)
    units = telling.units_of(telling_words(words), raw)
    core, form = without_form(words)
    name = " ".join(telling_words(core))
    return (name,) if name else (), (" ".join(form),), (units,)


def _names(raw: str) -> tuple[tuple[str, ...], tuple[str]]:
    """Telling words without the legal form, of the name and of those it trades or traded under; and that form."""
    taken = company_name(telling.bare(raw))
    core = " ".join(telling_words(taken.core.split()))
    if not taken.trading and not taken.former:
        return (core,) if core else (), (taken.legal_form,)
    found = [core, *(" ".join(telling_words(other.split())) for other in (*taken.trading, *taken.former))]
    return tuple(dict.fromkeys(filter(None, found)))[:MOST_NAMES], (taken.legal_form,)


def _identifier(raw: str) -> str:
    compact = _PREFIX.sub("", _NOT_ALNUM.sub("", raw.upper()))
    return "" if _PLACEHOLDER.fullmatch(compact) else compact


def _phone(raw: str) -> str:
    digits = "".join(c for c in _EXTENSION.sub("", raw) if c.isdigit())[-9:]
    return digits if len(digits) >= 7 and len(set(digits)) > 2 else ""


def _postcode(raw: str) -> str:
    compact = _NOT_ALNUM.sub("", raw.upper())
    if compact.isdigit():
        return compact[:5] if len(compact) == 9 else compact.zfill(5) if len(compact) == 4 else compact
    return compact


def _site(raw: str) -> str:
    bare = re.sub(r"^(?:https?://)?(?:www\.)?", "", raw.strip().lower().rpartition("@")[2])
    return bare.partition("/")[0]


def _column(rows: Rows, attribute: str, make: Callable[[str], str]) -> Column:
    return Column.single(rows.get(attribute, ()), make)


def _address(number: Column, street: Column, unit: Column) -> Compare:
    """House and street as one: the same door 1, the same street another door less than half, the street alone .6.

    Parts: door, street, unit.
    """
    doors, streets = texts_by(number, slip_shares), texts_by(street, text_shares, sorted_words)
    units = texts_by(unit, _equal)

    def of(pairs: Pairs) -> Shares:
        door, way, room = doors(pairs), streets(pairs), units(pairs)
        both = np.where(np.isnan(door), 0.6 * way, 0.55 * door + 0.45 * way)
        return np.stack([both, both, door, way, room], axis=1).astype(np.float32)

    return of


def _near(column: Column, beginning: Callable[[str], str], share: float) -> Compare:
    """As identifiers, and that share at least where both begin alike."""
    slips, begins = slips_of(column), Column.single(column.texts, beginning).codes

    def measure(one: Numbers, other: Numbers) -> Shares:
        found: Shares = np.maximum(slips(one, other), np.where(begins[one] == begins[other], np.float32(share), 0))
        return found

    return lambda pairs: compare(column, pairs.left, pairs.right, measure)


def _equal(left: Sequence[str], right: Sequence[str]) -> Shares:
    return np.array([a == b for a, b in zip(left, right, strict=True)], dtype=np.float32)


def _words_shared(left: Sequence[str], right: Sequence[str]) -> Shares:
    """1 the same words, from .5 where one side only says more, down to 0 where nothing is shared."""

    def one(a: set[str], b: set[str]) -> float:
        share = len(a & b) / len(a | b)
        return share if share == 1 else 0.5 + share / 2 if a < b or b < a else share / 2

    return np.array([one({*a.split()}, {*b.split()}) for a, b in zip(left, right, strict=True)], dtype=np.float32)


def _same_part(left: Sequence[str], right: Sequence[str]) -> Shares:
    """1 the same parts of a place or the whole on both sides, .5 where one side only says more, 0 for others and for
    houses of different numbers."""

    def one(a: set[str], b: set[str]) -> float:
        ours, theirs = ({word for word in words if word[0] == telling.NUMBERED} for words in (a, b))
        if ours - theirs and theirs - ours:
            return 0.0
        a, b = a - ours, b - theirs
        return 1.0 if a == b else 0.5 if a == {telling.NONE} or b == {telling.NONE} or a < b or b < a else 0.0

    return np.array([one({*a.split()}, {*b.split()}) for a, b in zip(left, right, strict=True)], dtype=np.float32)


_TELLING = {
    "form": ("Legal form", 1.5, 0.8, _words_shared),
    "part": ("Part of the place", 7.0, 1.0, _same_part),
    "country": ("Country", 1.0, 0.8, _equal),
}


def _place(postcode: Column, city: Column, region: Column) -> Compare:
    codes, towns = _near(postcode, lambda code: code[:3], 0.5), texts_by(city, spelling_shares)
    regions = texts_by(region, _equal)

    def of(pairs: Pairs) -> Shares:
        code, town = codes(pairs), towns(pairs)
        both = np.where(np.isnan(code), town, np.where(np.isnan(town), code, (code + town) / 2))
        return np.stack([both, both, code, town, regions(pairs)], axis=1).astype(np.float32)

    return of


IDENTIFIERS = {
    "tax_id": "Tax id", "lei": "LEI", "uei": "UEI", "npi": "NPI", "ccn": "CCN", "gln": "GLN", "duns": "DUNS",
    "identifier": "Identifier",
}  # fmt: skip
HARD = frozenset({"tax_id", "lei", "uei", "gln", "npi", "ccn", "identifier"})


def prepare(rows: Rows) -> Prepared:
    """Columns, passes and evidence of records whose attributes come as lists of raw texts, all equally long."""
    rows = mended(rows)
    columns = (
        _of_names(rows["name"])
        | _of_streets(rows.get("street", ()))
        | {
            "city": _column(rows, "city", fold),
            "postcode": _column(rows, "postcode", _postcode),
            "phone": _column(rows, "phone", _phone),
            "site": _column(rows, "website", _site),
            "region": _column(rows, "region", telling.region),
            "country": _column(rows, "country", telling.country),
        }
        | {code: _column(rows, code, _identifier) for code in IDENTIFIERS}
    )
    columns = {code: column for code, column in columns.items() if column.share_filled() > 0}
    name = columns.setdefault("name", Column.of([()] * len(rows["name"])))
    words = Words(name.texts, name.bearers)
    columns["rare words"] = name.made(words.rare(2))
    columns["word pairs"] = name.made(words.rare_pairs(3))
    columns["beginning"] = through(name, [[text[:4]] for text in name.texts])
    spelling = Spelling(name.texts)
    groups = _groups(columns, worded(name, words, spelling, NAMES))
    return Prepared(
        size=len(name),
        columns=columns,
        passes=_passes(columns),
        groups=groups,
        spelt=[("name", 5 if "street" in columns else 10, 0.3)],
        spellings={"name": spelling},
        must=("part", 1.0),  # a department is not its house, at whatever door
    )


def _of_names(raws: Sequence[str]) -> dict[str, Column]:
    """What names tell, each different one taken apart once."""
    raw = Column.single(raws, str)
    made = {code: Making() for code in ("name", "form", "part")}
    for some in batched(raw.texts):
        told = [_of_name(text) for text in some]
        for making, lists in zip(made.values(), zip(*told, strict=True), strict=True):
            making.add(lists)
    return {code: raw.made(making.column()) for code, making in made.items()}


def _of_streets(raws: Sequence[str]) -> dict[str, Column]:
    """What streets tell, each different one taken apart once."""
    raw = Column.single(raws, str)
    made = {code: Making() for code in ("house", "street", "unit")}
    for some in batched(raw.texts):
        told = [_of_street(text) for text in some]
        for making, lists in zip(made.values(), zip(*told, strict=True), strict=True):
            making.add(lists)
    return {code: raw.made(making.column()) for code, making in made.items()}


def _of_street(text: str) -> tuple[tuple[str], tuple[str], tuple[str]]:
    """House, street and unit."""
    found = parse_street(text)
    return (found.number or (f"box {found.po_box}" if found.po_box else ""),), (found.street,), (found.unit,)


_PASSES = (
    *(Pass((code,), 60) for code in IDENTIFIERS),
    Pass(("name",), 60),
    Pass(("phone",)),
    Pass(("site",)),
    Pass(("house", "street")),
    Pass(("house", "postcode")),
    Pass(("postcode", "beginning")),
    Pass(("postcode", "rare words")),
)
# Of records without a street more pairs are compared by their words: little else finds them.
_BY_WORDS = (
    Pass(("city", "rare words"), 5, budget=0.3),
    Pass(("rare words",), 5, budget=2),
    Pass(("word pairs",), 5, budget=1.5),
)
_BY_WORDS_ALONE = (Pass(("city", "rare words")), Pass(("rare words",), budget=5), Pass(("word pairs",), budget=4))


def _passes(columns: Mapping[str, Column]) -> list[Pass]:
    told = (*_PASSES, *(_BY_WORDS if "street" in columns else _BY_WORDS_ALONE))
    return [one for one in told if all(column in columns for column in one.columns)]


def _groups(columns: Mapping[str, Column], name: Compare) -> dict[str, Group]:
    silent = Column.of([[] for _ in range(len(columns["name"]))])
    told = ("house", "street", "unit", "postcode", "city", "region", "phone", "site")
    of = {code: columns.get(code, silent) for code in told}
    found = {"name": Group("Name", 14, 0.75, name, parts=WORDED)}
    if "street" in columns:
        found["address"] = Group(
            "Address",
            8,
            0.5,
            _address(of["house"], of["street"], of["unit"]),
            parts=("whole", "door", "street", "unit"),
        )
    if "city" in columns or "postcode" in columns:
        found["place"] = Group(
            "Place",
            4,
            0.6,
            _place(of["postcode"], of["city"], of["region"]),
            parts=("whole", "postcode", "city", "region"),
        )
    for code, (label, weight, centre, measure) in _TELLING.items():
        if code in columns:
            found[code] = Group(label, weight, centre, texts_by(columns[code], measure))
    if "phone" in columns:
        found["phone"] = Group("Phone", 6, 0.4, _near(of["phone"], lambda number: number[:-4], 0.4))
    if "site" in columns:
        found["site"] = Group("Website", 5, 0.5, texts_by(of["site"], spelling_shares))
    for code, label in IDENTIFIERS.items():
        if code in columns:
            found[code] = Group(label, 10, 0.4, identifiers(columns[code]), hard=code in HARD)
    return found
