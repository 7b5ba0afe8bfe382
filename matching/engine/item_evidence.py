"""What two items say of each other beside their words: codes, measures, packs, prices, what tells variants apart."""

import re
from collections.abc import Sequence

import numpy as np
from scipy import sparse

from matching.comparisons import spelling_shares
from matching.engine.candidates import Pairs
from matching.engine.columns import CHUNK, Column, Numbers, Shares, compare
from matching.engine.evidence import Compare, texts_by
from matching.engine.item_codes import plain, relations

SHARED = 0.8  # least worth of a code two items share
LEVEL = 0.8  # of two GTINs of other packing levels of one item
MORE_COMMON = 4  # times
COMMON = 0.45  # of the rarity of a text only two records bear; codes below it tell no item from another

_AMOUNT = re.compile(r"\d[\d.,]*")
_CENTS = re.compile(r"[.,](\d{1,2}|-)$")


def _table(column: Column) -> "sparse.csr_matrix":
    shape = (len(column), max(len(column.texts), 1))
    return sparse.csr_matrix((np.ones(len(column.codes), np.float32), column.codes, column.starts), shape=shape)


def in_common(column: Column, pairs: Pairs, weights: Shares | None = None) -> tuple[Shares, Shares, Shares]:
    """The weight of the texts two records share, of all of the left and of all of the right one."""
    own = np.ones(max(len(column.texts), 1), np.float32) if weights is None or not len(weights) else weights
    table = _table(column)
    heavy = (table @ sparse.diags(own)).tocsr()
    whole = np.asarray(heavy.sum(axis=1)).ravel()
    shared = _products(heavy, table, pairs)
    return shared, whole[pairs.left], whole[pairs.right]


def _products(one: "sparse.csr_matrix", other: "sparse.csr_matrix", pairs: Pairs) -> Shares:
    found = np.empty(len(pairs), dtype=np.float32)
    for begin in range(0, len(pairs), CHUNK):
        part = slice(begin, begin + CHUNK)
        both = one[pairs.left[part]].multiply(other[pairs.right[part]])
        found[part] = np.asarray(both.sum(axis=1)).ravel()
    return found


def rarity(column: Column) -> Shares:
    """Of each distinct text how much sharing it says: 1 where two records bear it, 0 where all do."""
    most = np.log(max(len(column), 4) / 2)
    found: Shares = np.clip(np.log(max(len(column), 4) / np.maximum(column.bearers, 2)) / most, 0.05, 1)
    return found.astype(np.float32)


def telling(column: Column) -> Shares:
    """Of each distinct code how much it tells of one item alone: 1 where two records bear it, .5 where 22 do. What
    many bear is what items are used with, a series, or a word."""
    return (1 / (1 + np.maximum(column.bearers - 2, 0) / 20)).astype(np.float32)


def without_series(column: Column) -> Column:
    """The codes of each record but those far more common than its rarest: a field that names a part often names the
    series or machine it belongs to as well."""
    borne = column.bearers[column.codes]
    rarest = np.full(len(column), np.iinfo(np.int64).max)
    np.minimum.at(rarest, column.owners, borne)
    kept = borne <= MORE_COMMON * rarest[column.owners]
    starts = np.r_[0, np.cumsum(np.bincount(column.owners[kept], minlength=len(column)))]
    return Column(column.texts, column.codes[kept], starts)


def shared_numbers(column: Column, weights: Shares) -> Compare:
    """Numbers beyond codes: the weight of what both say of the side that says less; NaN where one says none."""

    def of(pairs: Pairs) -> Shares:
        shared, ours, theirs = in_common(column, pairs, weights)
        with np.errstate(divide="ignore", invalid="ignore"):
            found: Shares = np.where(np.minimum(ours, theirs) > 0, shared / np.minimum(ours, theirs), np.nan)
        return np.minimum(found, 1).astype(np.float32)

    return of


def same_kind(column: Column, kinds: Sequence[str]) -> Compare:
    """Texts that each are of a kind (``ml`` of 5ml): of the kinds both name, how much is the same, 0 to 1.

    Naming two different ones of a kind says the items differ; a kind only one of them names says nothing.
    """
    number = {kind: n for n, kind in enumerate(dict.fromkeys(kinds))}
    shape = (max(len(column.texts), 1), max(len(number), 1))
    of_kind = sparse.csr_matrix(
        (np.ones(len(kinds), np.float32), (np.arange(len(kinds)), [number[kind] for kind in kinds])), shape=shape
    )
    table = _table(column)
    counts = (table @ of_kind).tocsr()
    there = counts.copy()
    there.data = np.ones_like(there.data)

    def of(pairs: Pairs) -> Shares:
        shared = _products(table, table, pairs)
        ours, theirs = _products(counts, there, pairs), _products(there, counts, pairs)
        least = np.minimum(ours, theirs)
        with np.errstate(divide="ignore", invalid="ignore"):
            found: Shares = np.where(least > 0, np.minimum(shared / least, 1), np.nan)
        return found.astype(np.float32)

    return of


def related_codes(column: Column, weights: Shares) -> Compare:
    """.8 to 1 for a shared code, 1 where nobody else bears it; below .8 how the nearest two relate; NaN where one has
    none, or where nothing relates and one has only codes that many bear."""
    best = np.zeros(len(column), dtype=np.float32)
    np.maximum.at(best, column.owners, weights[column.codes])

    def measure(one: Numbers, other: Numbers) -> Shares:
        near = relations(column.taken(one), column.taken(other))
        found: Shares = np.where(one == other, SHARED + (1 - SHARED) * weights[one], near * SHARED)
        return found.astype(np.float32)

    def of(pairs: Pairs) -> Shares:
        found = compare(column, pairs.left, pairs.right, measure)
        found[(found == 0) & (np.minimum(best[pairs.left], best[pairs.right]) < COMMON)] = np.nan
        return found

    return of


def mentioned(column: Column, weights: Shares) -> Compare:
    """Codes of texts and long texts: the weight of what is shared of the side that has less; parts: that, and how
    much is shared at all, 1 for three codes nobody else bears. NaN where one has none."""

    def of(pairs: Pairs) -> Shares:
        shared, ours, theirs = in_common(column, pairs, weights)
        least = np.minimum(ours, theirs)
        with np.errstate(divide="ignore", invalid="ignore"):
            share = np.where(least > 0, np.minimum(shared / least, 1), np.nan)
        much = np.where(least > 0, np.minimum(shared / 3, 1), np.nan)
        return np.stack([share, share, much], axis=1).astype(np.float32)

    return of


def packs_agree(column: Column) -> Compare:
    """1 the same count, 0 another, .5 where only one of them names one of more than one piece."""
    some = np.zeros(len(column), dtype=bool)
    many = np.array([text != "1" for text in column.texts], dtype=bool)
    some[column.owners[many[column.codes]]] = True

    def of(pairs: Pairs) -> Shares:
        shared, ours, theirs = in_common(column, pairs)
        one_sided = (some[pairs.left] & (theirs == 0)) | (some[pairs.right] & (ours == 0))
        found = np.where(shared > 0, 1.0, np.where(one_sided, 0.5, 0.0))
        found[(np.minimum(ours, theirs) == 0) & ~one_sided] = np.nan
        return found.astype(np.float32)

    return of


def makers_agree(column: Column) -> Compare:
    """1 where the first words are the same, else how alike they are spelled."""

    def measure(left: Sequence[str], right: Sequence[str]) -> Shares:
        first = np.array([a.split()[0] == b.split()[0] for a, b in zip(left, right, strict=True)], dtype=bool)
        found: Shares = np.where(first, np.float32(1), spelling_shares(left, right))
        return found

    return texts_by(column, measure)


def price(raw: str) -> float:
    """The amount a text holds, with comma or point before the cents; NaN where none."""
    found = _AMOUNT.search(raw)
    if not found:
        return float("nan")
    amount, cents = found.group(), ""
    if ends := _CENTS.search(amount):
        amount, cents = amount[: ends.start()], ends.group(1).strip("-")
    return float(f"{plain_digits(amount)}.{cents or 0}")


def plain_digits(text: str) -> str:
    """Digits alone, 0 where there are none."""
    return "".join(c for c in text if c.isdigit()) or "0"


def prices_agree(values: Sequence[str]) -> Compare:
    """The lower price of the higher, 0 to 1."""
    prices = np.array([price(value) for value in values], dtype=np.float64)

    def of(pairs: Pairs) -> Shares:
        one, other = prices[pairs.left], prices[pairs.right]
        with np.errstate(divide="ignore", invalid="ignore"):
            found: Shares = (np.minimum(one, other) / np.maximum(one, other)).astype(np.float32)
        return found

    return of


def trade_numbers(left: Sequence[str], right: Sequence[str]) -> Shares:
    """GTINs without zeros in front: as codes, and ``LEVEL`` where only first and check digit differ."""
    found = relations(left, right)
    core = {text: text.zfill(14)[1:13] for text in {*left, *right} if text.isdigit() and 12 <= len(text) <= 14}
    level = [a in core and core[a] == core.get(b) for a, b in zip(left, right, strict=True)]
    return np.where(np.array(level, dtype=bool) & (found < 1), np.float32(LEVEL), found)


def numbers_plain(raw: str) -> str:
    """An identifier as compared; nothing where it says nothing."""
    code = plain(raw)
    return "" if len(set(code)) <= 1 or code in {"NA", "NONE", "NULL", "TBD", "UNKNOWN", "SEEDESC"} else code
