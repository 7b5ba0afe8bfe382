"""Items: descriptions, model codes, measures and packs, makers, prices, identifiers."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np
from scipy import sparse

from matching.comparisons import slip_shares, spelling_shares
from matching.engine.candidates import Pairs
from matching.engine.columns import Column, Shares, compare
from matching.engine.evidence import (
    WORDED, Blend, Compare, Group, Pass, Prepared, identifiers, texts_by, through, worded,
)  # fmt: skip
from matching.engine.spelling import Spelling
from matching.engine.words import Words
from mdm.standardise.companies import split_legal_form
from mdm.standardise.folding import fold, name_tokens
from mdm.standardise.measures import measures

Rows = Mapping[str, Sequence[str]]
IDENTIFIERS = {"gtin": "GTIN", "ndc": "NDC", "vendor_item_no": "Vendor's item number"}
DESCRIPTIONS = Blend(0.4, 0.15, 0.2, 0.0, 0.25)
HARD = frozenset({"gtin", "ndc"})
LONGEST = 400  # characters of a long description that are read

_WORD = re.compile(r"\d+(?:\.\d+)?|[^\W\d_]+|%")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3})")
_BREAKS = re.compile(r"[\s,;()/\"]+")
_NOT_ALNUM = re.compile(r"[^A-Z0-9]+")
_MEASURED = re.compile(r"\d+(?:GB|TB|MB|KB|MM|CM|IN|ML|MG|GHZ|MHZ|HZ|RPM|FT|OZ|LB|KG|[GLXWVKPI])?")
_PRICE = re.compile(r"\d[\d,]*\.?\d*")


@lru_cache(maxsize=65536)
def _words(raw: str) -> str:
    folded = fold(_THOUSANDS.sub("", raw).replace(".", "\uffff")).replace("\uffff", ".")
    return " ".join(dict.fromkeys(_WORD.findall(folded)))


@lru_cache(maxsize=65536)
def _codes(raw: str) -> tuple[str, ...]:
    """Words of four characters or more with digits and letters, or long numbers, that are no measure."""
    found = dict.fromkeys(_NOT_ALNUM.sub("", word) for word in _BREAKS.split(raw.upper()))
    return tuple(word for word in found if len(word) >= 4 and _is_code(word))


def _is_code(word: str) -> bool:
    if word.isdigit():
        return len(word) >= 6
    return any(c.isdigit() for c in word) and not _MEASURED.fullmatch(word)


def _number(raw: str) -> str:
    return _NOT_ALNUM.sub("", raw.upper()).lstrip("0")


def _price(raw: str) -> float:
    found = _PRICE.search(raw)
    return float(found.group().replace(",", "")) if found else float("nan")


def _sets(column: Column) -> Compare:
    """Sets of texts a record: 1 the same, .75 one within the other, .4 something in common, 0 nothing."""

    def of(pairs: Pairs) -> Shares:
        shared, ours, theirs = in_common(column, pairs)
        least = np.minimum(ours, theirs)
        found = np.select(
            [(shared == ours) & (shared == theirs), shared == least, shared > 0], [1.0, 0.75, 0.4], 0.0
        ).astype(np.float32)
        found[least == 0] = np.nan
        return found

    return of


def in_common(column: Column, pairs: Pairs, weights: Shares | None = None) -> tuple[Shares, Shares, Shares]:
    """The weight of the texts two records share, of all of the left and of all of the right one."""
    own = np.ones(len(column.texts), np.float32) if weights is None else weights
    shape = (len(column), max(len(column.texts), 1))
    table = sparse.csr_matrix((np.ones(len(column.codes), np.float32), column.codes, column.starts), shape=shape)
    heavy = (table @ sparse.diags(own if len(own) else np.ones(1, np.float32))).tocsr()
    whole = np.asarray(heavy.sum(axis=1)).ravel()
    shared = np.asarray(heavy[pairs.left].multiply(table[pairs.right]).sum(axis=1)).ravel()
    return shared, whole[pairs.left], whole[pairs.right]


def _codes_agree(column: Column, rarity: Shares) -> Compare:
    """A shared code .75 to 1 by how rare what is shared is; none shared: .6 where one is a slip of another, else 0."""

    def of(pairs: Pairs) -> Shares:
        shared, ours, theirs = in_common(column, pairs, rarity)
        least = np.maximum(np.minimum(ours, theirs), 1e-6)
        near = texts_by(column, _near_codes)(pairs)
        found = np.where(shared > 0, 0.75 + 0.25 * np.minimum(shared / least, 1), np.minimum(near, 0.6))
        found[(ours == 0) | (theirs == 0)] = np.nan
        return found.astype(np.float32)

    return of


def _near_codes(left: Sequence[str], right: Sequence[str]) -> Shares:
    within = np.array([a in b or b in a for a, b in zip(left, right, strict=True)], dtype=bool)
    found: Shares = np.where(within, np.float32(0.6), slip_shares(left, right))
    return found


def _makers(column: Column) -> Compare:
    def measure(left: Sequence[str], right: Sequence[str]) -> Shares:
        first = np.array([a.split()[0] == b.split()[0] for a, b in zip(left, right, strict=True)], dtype=bool)
        found: Shares = np.where(first, np.float32(1), spelling_shares(left, right))
        return found

    return texts_by(column, measure)


def _prices(values: Sequence[str]) -> Compare:
    prices = np.array([_price(value) for value in values], dtype=np.float64)

    def of(pairs: Pairs) -> Shares:
        one, other = prices[pairs.left], prices[pairs.right]
        with np.errstate(divide="ignore", invalid="ignore"):
            found: Shares = (np.minimum(one, other) / np.maximum(one, other)).astype(np.float32)
        return found

    return of


def prepare(rows: Rows) -> Prepared:
    """Columns, passes and evidence of items whose attributes come as lists of raw texts, all equally long."""
    size = len(next(iter(rows.values())))
    nothing = [""] * size
    text = rows.get("name") or rows["description"]
    longer = rows["description"] if rows.get("name") and rows.get("description") else nothing
    number = [_number(raw) for raw in rows.get("manufacturer_part_number", nothing)]
    described = Column.of([[_words(raw)] for raw in text])
    counted = rows.get("pack_quantity", nothing)
    columns = {
        "description": described,
        "long text": Column.of([[_words(raw[: 3 * LONGEST])[:LONGEST]] for raw in longer]),
        "code": Column.of(
            [
                list(dict.fromkeys([*_codes(raw), *([one] if len(one) >= 4 else [])]))
                for raw, one in zip(text, number, strict=True)
            ]
        ),
        "part number": Column.of([[one] for one in number]),
        "maker": Column.of([[_maker(raw)] for raw in rows.get("manufacturer", nothing)]),
        "number": Column.of([[w for w in _words(raw).split() if w[0].isdigit()] for raw in text]),
        "pack": Column.of([_packs(raw, one) for raw, one in zip(text, counted, strict=True)]),
    } | {code: Column.of([[_number(raw)] for raw in rows.get(code, nothing)]) for code in IDENTIFIERS}
    columns = {name: column for name, column in columns.items() if column.share_filled() > 0}
    words, spelling = Words(described.texts, described.bearers), Spelling(described.texts)
    rare = [list(found) for found in words.rarest(4)]
    columns["rare words"] = through(described, [found[:2] for found in rare])
    columns["word pairs"] = through(
        described, [[f"{min(a, b)} {max(a, b)}" for n, a in enumerate(found) for b in found[n + 1 :]] for found in rare]
    )
    return Prepared(
        size=size,
        columns=columns,
        passes=[one for one in _PASSES if all(column in columns for column in one.columns)],
        groups=_groups(columns, rows, worded(described, words, spelling, DESCRIPTIONS)),
        spelt=[("description", 8, 0.15)],
        spellings={"description": spelling},
    )


@lru_cache(maxsize=65536)
def _maker(raw: str) -> str:
    return " ".join(name_tokens(split_legal_form(raw)[0])) if raw.strip() else ""


@lru_cache(maxsize=65536)
def _packs(raw: str, counted: str) -> tuple[str, ...]:
    own = str(int(float(counted))) if counted.replace(".", "", 1).isdigit() else ""
    return tuple(dict.fromkeys([*map(str, sorted(measures(raw).packs)), *([own] if own else [])]))


_PASSES = (
    *(Pass((code,), 60) for code in IDENTIFIERS),
    Pass(("part number",), budget=3),
    Pass(("code",), budget=4),
    Pass(("description",)),
    Pass(("rare words",)),
    Pass(("word pairs",), budget=4),
)


def _groups(columns: Mapping[str, Column], rows: Rows, described: Compare) -> dict[str, Group]:
    found = {"description": Group("Description", 14, 0.62, described, parts=WORDED)}
    if "code" in columns:
        code = columns["code"]
        rarity = np.log((1 + len(code)) / np.maximum(code.bearers, 1)).astype(np.float32)
        found["code"] = Group("Model code", 8, 0.5, _codes_agree(code, rarity))
    if "maker" in columns:
        found["maker"] = Group("Manufacturer", 2, 0.6, _makers(columns["maker"]))
    if "number" in columns:
        found["number"] = Group("Numbers", 2.5, 0.5, _sets(columns["number"]))
    if "pack" in columns:
        found["pack"] = Group("Pack", 2, 0.6, _sets(columns["pack"]))
    if rows.get("price"):
        found["price"] = Group("Price", 2, 0.6, _prices(rows["price"]))
    if "long text" in columns:
        long = columns["long text"]
        words = Words(long.texts, long.bearers)
        found["long text"] = Group(
            "Long text",
            5,
            0.4,
            lambda pairs: compare(long, pairs.left, pairs.right, lambda a, b: words.shares(a, b)[0]),
        )
    for code_name, label in IDENTIFIERS.items():
        if code_name in columns:
            found[code_name] = Group(label, 10, 0.5, identifiers(columns[code_name]), hard=code_name in HARD)
    return found
