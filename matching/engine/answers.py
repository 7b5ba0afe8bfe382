"""Learning from what people answered, and what to ask them next.

Answers are few, so they correct the odds there are rather than replace them: a logistic regression whose coefficients
are held near "change nothing" (a Gaussian prior), as tightly as the answers themselves make most likely (Laplace's
approximation of the evidence). What is asked is chosen by evidence alone, never by the answer, so that the regression
needs no correction for the choice.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from matching.engine.candidates import Pairs
from matching.engine.columns import Shares

FEWEST = 10  # answers below which nothing is learnt
FEWEST_EACH = 2  # of either kind
CERTAIN = 13.0  # log-odds of what a person said
TIGHTNESS = tuple(float(4.0**n) for n in range(-2, 6))  # precisions of the prior that are weighed against each other
FREE = 0.05  # precision of the scale and the shift of the odds, which are calibration
FARTHEST = 10.0  # log-odds beyond which more certainty teaches nothing
ROUNDS = 30
EQUAL = 0.995

UNCERTAIN, TOP = 0.6, 0.2  # shares of what is asked: near even odds, nearly sure; the rest at random
LIKELY = (1.0, 6.0)  # log-odds of the nearly sure
UNLIKELY = -7.0  # log-odds below which asking is a waste
ALIKE = 20  # steps from 0 to 1 of a similarity; questions that agree in all of them are copies of each other

Odds = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Correction:
    """What answers change: the first odds times ``scale`` plus ``shift``, and for each group what a similarity, an
    equal value and silence add. Contributions add up."""

    scale: float = 1.0
    shift: float = 0.0
    weights: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)

    def odds(self, evidence: Mapping[str, Shares], first: Odds) -> Odds:
        """Log-odds of every pair."""
        return self.scale * first + self.shift + sum(self.contributions(evidence).values(), np.zeros(len(first)))

    def contributions(self, evidence: Mapping[str, Shares]) -> dict[str, Odds]:
        """What each group adds to the first odds."""
        return {name: _seen(evidence[name]) @ np.array(weights) for name, weights in self.weights.items()}


def _seen(shares: Shares) -> NDArray[np.float64]:
    """A similarity about its middle, whether it is equality, whether it is silence."""
    silent = np.isnan(shares)
    centred = np.where(silent, 0.0, shares - 0.5)
    with np.errstate(invalid="ignore"):
        equal = shares >= EQUAL
    return np.column_stack([2 * centred, equal, silent]).astype(np.float64)


def taught(evidence: Mapping[str, Shares], first: Odds, answers: Odds) -> Correction:
    """What the answers teach: 1 the same, 0 not, NaN not asked, by pair. Nothing where they are too few."""
    asked = np.flatnonzero(~np.isnan(answers))
    same = answers[asked] == 1
    if len(asked) < FEWEST or min(same.sum(), (~same).sum()) < FEWEST_EACH:
        return Correction()
    names = list(evidence)
    base = np.clip(first[asked], -FARTHEST, FARTHEST)
    table = np.column_stack([base, np.ones(len(asked)), *(_seen(evidence[name][asked]) for name in names)])
    start = np.zeros(table.shape[1])
    start[0] = 1.0
    best = max((_fitted(table, same, start, tightness) for tightness in TIGHTNESS), key=lambda found: found[0])[1]
    weights = best[2:].reshape(len(names), 3)
    return Correction(
        float(max(best[0], 0.0)), float(best[1]), {n: tuple(w) for n, w in zip(names, weights, strict=True)}
    )


def _fitted(table: NDArray[np.float64], same: Mask, start: Odds, tightness: float) -> tuple[float, Odds]:
    """Newton's method; the log of the evidence for this tightness, and the coefficients."""
    precision = np.full(len(start), tightness)
    precision[:2] = FREE
    found = start.copy()
    for _ in range(ROUNDS):
        chance = expit(table @ found)
        slope = table.T @ (chance - same) + precision * (found - start)
        bend = (table * (chance * (1 - chance))[:, None]).T @ table + np.diag(precision)
        step = np.linalg.solve(bend, slope)
        found -= step * min(1.0, 4.0 / max(float(np.abs(step).max()), 1e-9))
        if np.abs(step).max() < 1e-6:
            break
    odds = table @ found
    likelihood = float(-np.logaddexp(0, np.where(same, -odds, odds)).sum())
    away = float((precision * (found - start) ** 2).sum())
    return likelihood - away / 2 + float(np.log(precision).sum() - np.linalg.slogdet(bend)[1]) / 2, found


def settled(odds: Odds, answers: Odds) -> Odds:
    """Odds with what people said as certain."""
    return np.where(np.isnan(answers), odds, np.where(answers == 1, CERTAIN, -CERTAIN))


def questions(evidence: Mapping[str, Shares], odds: Odds, answers: Odds, pairs: Pairs, count: int) -> NDArray[np.intp]:
    """The ``count`` pairs whose answers teach most, by position: uncertain ones, some nearly sure, a few at random.

    Nothing already answered, no record twice, no two with the same evidence, while there are others. The same question
    gives the same answer.
    """
    random = np.random.default_rng(len(odds) + int((~np.isnan(answers)).sum()))
    open_ = np.flatnonzero(np.isnan(answers) & (odds > UNLIKELY))
    chance = random.random(len(open_))
    likely = open_[(odds[open_] > LIKELY[0]) & (odds[open_] < LIKELY[1])]
    chosen = _Chosen(evidence, pairs)
    chosen.take(open_[np.argsort(np.abs(odds[open_]) + chance * 1e-3)], round(UNCERTAIN * count))
    chosen.take(random.permutation(likely), round(TOP * count))
    chosen.take(open_[np.argsort(chance)], count - len(chosen.found))
    chosen.take(np.flatnonzero(np.isnan(answers)), count - len(chosen.found), freely=True)
    return np.array(chosen.found, dtype=np.intp)


class _Chosen:
    """Questions taken so far, and what may therefore not be taken again."""

    def __init__(self, evidence: Mapping[str, Shares], pairs: Pairs) -> None:
        self.found: list[int] = []
        self._evidence, self._pairs = evidence, pairs
        self._records: set[int] = set()
        self._kinds: set[tuple[int, ...]] = set()

    def take(self, order: NDArray[np.intp], count: int, *, freely: bool = False) -> None:
        """The first ``count`` of these that are not too much like what is taken already."""
        for at in self._fresh(order.tolist(), freely=freely):
            if count <= 0:
                return
            self.found.append(at)
            count -= 1

    def _fresh(self, order: list[int], *, freely: bool) -> Iterator[int]:
        taken = set(self.found)
        for at in order:
            records = {int(self._pairs.left[at]), int(self._pairs.right[at])}
            kind = tuple(
                -1 if np.isnan(shares[at]) else round(float(shares[at]) * ALIKE) for shares in self._evidence.values()
            )
            if at in taken or (not freely and (kind in self._kinds or records & self._records)):
                continue
            self._records |= records
            self._kinds.add(kind)
            yield at
