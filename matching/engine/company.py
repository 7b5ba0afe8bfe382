"""What other records say of a pair: two that are both the same as a third are one, two of which one is and the other
is not, are not.

Pairs are judged one by one first; here each hears the strongest third record for it and against it. What that is
worth is learnt once, on synthetic records (matching/training), and shipped.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from matching.engine.candidates import Pairs
from matching.engine.columns import Numbers, Shares
from matching.engine.evidence import Prepared
from matching.engine.weighing import Weights

STRONG = 0.0  # log-odds at which a third record is listened to
IMPLIED = 1.0  # log-odds of both steps at which a pair nobody compared is worth comparing
MOST = 60  # pairs of a third record; one with more says nothing in particular
STEPS = 100_000  # followed at once: bounds memory
KNOTS = np.array([-14.0, -8.0, -5.0, -3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 14.0])
PARTS = ("own", "for", "against")

Odds = NDArray[np.float64]


@dataclass(frozen=True)
class Heard:
    """Log-odds by pair: its own, the weaker of the two steps by way of the best third record, and that of the best
    third record which is one with the one and not with the other (negative: the lower the worse); NaN where there is
    none. ``implied`` are pairs to be compared because both are one with a third."""

    own: Shares
    support: Shares
    against: Shares
    implied: Pairs

    def evidence(self) -> dict[str, Shares]:
        """By the names of ``PARTS``."""
        return dict(zip(PARTS, (self.own, self.support, self.against), strict=True))


def heard(pairs: Pairs, odds: Odds, size: int) -> Heard:
    """The best third records of every pair; ``pairs`` in ascending order."""
    ends = np.concatenate([pairs.left, pairs.right])
    order = np.argsort(ends, kind="stable")
    here, there = ends[order], np.concatenate([pairs.right, pairs.left])[order]
    worth = np.concatenate([odds, odds])[order]
    starts = np.searchsorted(here, np.arange(size + 1))
    each = starts[there + 1] - starts[there]
    first = np.flatnonzero((worth > STRONG) & (each <= MOST))
    known = _places(pairs, size)
    support, against = np.full(len(odds), -np.inf), np.full(len(odds), -np.inf)
    new = [np.zeros(0, np.int64)]
    for begin in range(0, len(first), STEPS):
        some = first[begin : begin + STEPS]
        step = np.repeat(some, each[some])
        second = starts[there[step]] + np.arange(len(step)) - np.repeat(np.cumsum(each[some]) - each[some], each[some])
        other = here[step] != there[second]
        step, second = step[other], second[other]
        one, three = np.minimum(here[step], there[second]), np.maximum(here[step], there[second])
        for_it = np.minimum(worth[step], worth[second])
        at = np.asarray(known[one, three]).ravel() - 1 if len(one) else one
        compared = at >= 0
        np.maximum.at(support, at[compared], for_it[compared])
        np.maximum.at(against, at[compared], np.minimum(worth[step], -worth[second])[compared])
        implied = ~compared & (for_it > IMPLIED)
        new.append(np.unique(one[implied] * size + three[implied]))
    keys = np.unique(np.concatenate(new))
    return Heard(_said(odds), _said(support), _said(-against), Pairs(keys // max(size, 1), keys % max(size, 1)))


def _places(pairs: Pairs, size: int) -> "sparse.csr_matrix":
    """Records by records: one more than the place of their pair, 0 where there is none."""
    starts = np.searchsorted(pairs.left, np.arange(size + 1))
    return sparse.csr_matrix((np.arange(1, len(pairs) + 1), pairs.right, starts), shape=(size, size))


def listened(
    prepared: Prepared, pairs: Pairs, evidence: dict[str, Shares], weights: Weights, *, implied: bool = True
) -> tuple[Pairs, dict[str, Shares], Heard]:
    """The pairs with those that are implied, if these are wanted; their evidence, and what third records say."""
    odds = weights.odds(evidence)
    found = heard(pairs, odds, prepared.size)
    if not implied or not len(found.implied):
        return pairs, evidence, found
    new = prepared.evidence(found.implied)
    keys = np.concatenate([one.left * prepared.size + one.right for one in (pairs, found.implied)])
    order = np.argsort(keys, kind="stable")
    both = Pairs(keys[order] // prepared.size, keys[order] % prepared.size)
    whole = {name: np.concatenate([shares, new[name]])[order] for name, shares in evidence.items()}
    odds = np.concatenate([odds, weights.odds(new)])[order]
    return both, whole, heard(both, odds, prepared.size)


def rivalled(pairs: Pairs, odds: Odds, sources: Numbers) -> Odds:
    """Where no source holds a thing twice: the log-odds of each pair against all others of either record with a record
    of the same source. Two that fit equally well are at best even."""
    size = len(sources)
    worth = np.exp(np.clip(odds, -30, 30))
    against = np.zeros(len(odds))
    for one, other in ((pairs.left, pairs.right), (pairs.right, pairs.left)):
        offers = np.concatenate([one * size + sources[other], other * size + sources[one]])
        _, which = np.unique(offers, return_inverse=True)
        every = np.bincount(which, weights=np.concatenate([worth, worth]))
        against += np.maximum(every[which[: len(worth)]] - worth, 0)
    return odds - np.log1p(against)


def _said(odds: Odds) -> Shares:
    return np.where(np.isfinite(odds), odds, np.nan).astype(np.float32)
