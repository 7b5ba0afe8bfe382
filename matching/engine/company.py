"""What other records say of a pair: two that are both the same as a third are one, two of which one is and the other
is not, are not.

Pairs are judged one by one first; here each hears the strongest third record for it and against it. What that is
worth is learnt once, on synthetic records (matching/training), and shipped.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matching.engine.candidates import Pairs
from matching.engine.columns import Numbers, Shares

STRONG = 0.0  # log-odds at which a third record is listened to
CLOSED = -8.0  # log-odds up to which no third record makes two the same
IMPLIED = 1.0  # log-odds of both steps at which a pair nobody compared is worth comparing
MOST = 60  # records one is probably one with; where there are more they say nothing in particular
AT_ONCE = 500_000  # pairs: bounds memory
KNOTS = np.array([-14.0, -8.0, -5.0, -3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 14.0])
PARTS = ("own", "for", "against")

Odds = NDArray[np.float64]


@dataclass(frozen=True)
class Heard:
    """Log-odds by pair: its own, the weaker of the two steps by way of the best third record, and that of the best
    third record which is one with the one and not with the other (negative: the lower the worse); NaN where there is
    none, or nothing it could change."""

    own: Shares
    support: Shares
    against: Shares

    def evidence(self) -> dict[str, Shares]:
        """By the names of ``PARTS``."""
        return dict(zip(PARTS, (self.own, self.support, self.against), strict=True))


@dataclass(frozen=True)
class _Ties:
    """Whom each record is probably one with: ``there[starts[r]:starts[r + 1]]``, and the log-odds of that."""

    there: Numbers
    worth: Odds
    starts: Numbers

    @classmethod
    def of(cls, pairs: Pairs, odds: Odds, size: int, least: float) -> "_Ties":
        strong = np.flatnonzero(odds > least)
        ends = np.concatenate([pairs.left[strong], pairs.right[strong]])
        order = np.argsort(ends, kind="stable")
        there = np.concatenate([pairs.right[strong], pairs.left[strong]])[order]
        return cls(there, np.tile(odds[strong], 2)[order], np.searchsorted(ends[order], np.arange(size + 1)))

    def from_each(self, records: Numbers) -> tuple[Numbers, Numbers]:
        """The place of every tie of these records, and of the record it is one of; none of records with very many."""
        each = np.diff(self.starts)[records]
        each[each > MOST] = 0
        of = np.repeat(np.arange(len(records)), each)
        return self.starts[records][of] + np.arange(len(of)) - np.repeat(np.cumsum(each) - each, each), of


def heard(pairs: Pairs, odds: Odds, size: int) -> Heard:
    """The best third records of every pair; ``pairs`` in ascending order."""
    known = pairs.keys(size)
    ties = _Ties.of(pairs, odds, size, STRONG)
    support, against = np.full(len(known), np.nan, np.float32), np.full(len(known), np.nan, np.float32)
    open_ = np.flatnonzero(odds > CLOSED)
    for begin in range(0, len(open_), AT_ONCE):
        part = open_[begin : begin + AT_ONCE]
        for one, other in ((pairs.left[part], pairs.right[part]), (pairs.right[part], pairs.left[part])):
            tie, of = ties.from_each(one)
            at, compared = _found(known, ties.there[tie], other[of], size)
            of, first, second = part[of[compared]], ties.worth[tie[compared]], odds[at[compared]]
            np.fmax.at(support, of, np.minimum(first, second).astype(np.float32))
            np.fmin.at(against, of, np.maximum(-first, second).astype(np.float32))
    return Heard(odds.astype(np.float32), support, against)


def implied(pairs: Pairs, odds: Odds, size: int) -> Pairs:
    """Pairs to be compared because both are one with a third; ``pairs`` and they in ascending order."""
    ties = _Ties.of(pairs, odds, size, IMPLIED)
    ends = np.repeat(np.arange(size), np.diff(ties.starts))
    tie, of = ties.from_each(ties.there)
    one, other = ends[of], ties.there[tie]
    one, other = one[one < other], other[one < other]
    _, compared = _found(pairs.keys(size), one, other, size)
    return Pairs.of_keys(np.unique(Pairs(one, other).kept(~compared).keys(size)), size)


def _found(known: Numbers, one: Numbers, other: Numbers, size: int) -> tuple[Numbers, NDArray[np.bool_]]:
    """Where these pairs are among the known ones, and whether they are."""
    keys = Pairs(np.minimum(one, other), np.maximum(one, other)).keys(size)
    if not len(known):
        return np.zeros(len(keys), np.int64), np.zeros(len(keys), bool)
    order = np.argsort(keys)  # neighbours are looked up many times faster than what lies anywhere
    at = np.empty(len(keys), np.int64)
    at[order] = np.searchsorted(known, keys[order])
    at[at == len(known)] = 0
    return at, known[at] == keys


def rivalled(pairs: Pairs, odds: Odds, sources: Numbers) -> Odds:
    """Where no source holds a thing twice: the log-odds of each pair against all others of either record with a record
    of the same source. Two that fit equally well are at best even."""
    size = len(sources)
    worth = np.exp(np.clip(odds, -30, 30))
    against = np.zeros(len(odds))
    for one, other in ((pairs.left, pairs.right), (pairs.right, pairs.left)):
        offers = np.concatenate([Pairs(one, sources[other]).keys(size), Pairs(other, sources[one]).keys(size)])
        _, which = np.unique(offers, return_inverse=True)
        every = np.bincount(which, weights=np.concatenate([worth, worth]))
        against += np.maximum(every[which[: len(worth)]] - worth, 0)
    return odds - np.log1p(against)
