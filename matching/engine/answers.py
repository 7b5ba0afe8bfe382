"""Learning from what people answered.

Answers are few, so they correct the odds there are rather than replace them: each part of the evidence, and the odds
themselves, get a curve that is added, a Gaussian process that stays at nothing where nobody was asked about the like.
How far the parts may move is what makes the answers most likely (Laplace's approximation; Rasmussen and Williams 2006,
chapter 3). What is asked is chosen by evidence alone, never by the answer, so that nothing corrects for the choice.
Contributions add up, so that every score can still be told in points.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from matching.engine.additive import learnable
from matching.engine.columns import Shares

FEWEST = 10  # answers below which nothing is learnt
FEWEST_EACH = 2  # of either kind
CERTAIN = 13.0  # log-odds of what a person said

KNOTS = np.linspace(0, 1, 11)
REACH = 0.25  # how far along a similarity an answer teaches
SILENCE = 0.45  # what an answer about silence says of similarities, and the other way round
MOVES = (0.03, 0.1, 0.3, 1.0, 3.0)  # variances of a part's curve that are weighed against each other
ODDS = np.linspace(-10, 10, 9)
ODDS_REACH = 3.0
SHIFT, SLOPE, BEND = 0.5, 0.05 / 9, 0.5  # variances of the curve of the odds: by how much, how steep, how bent
ROUNDS = 30
CHUNK = 50_000  # pairs whose uncertainty is weighed at once

Odds = NDArray[np.float64]
Mask = NDArray[np.bool_]
Table = NDArray[np.float64]


@dataclass(frozen=True)
class Correction:
    """What answers change: a curve over the first odds, and for each part of the evidence one over its similarity,
    its last value being what silence is worth."""

    odds_curve: Odds
    curves: Mapping[str, Odds]

    def of(self, evidence: Mapping[str, Shares], first: Odds) -> Odds:
        """What is added to the log-odds of every pair."""
        added = np.interp(first, ODDS, self.odds_curve) if self.odds_curve.any() else np.zeros(len(first))
        for name, curve in self.curves.items():
            added += _along(curve, evidence[name])
        return added

    def contributions(self, evidence: Mapping[str, Shares]) -> dict[str, Odds]:
        """What each part adds."""
        return {name: _along(curve, evidence[name]) for name, curve in self.curves.items()}


def _along(curve: Odds, shares: Shares) -> Odds:
    return np.where(np.isnan(shares), curve[-1], np.interp(shares, KNOTS, curve[:-1]))


@dataclass(frozen=True)
class Beliefs:
    """What is believed of the curves: the likeliest ones, and how sure that is (in coordinates of its own)."""

    parts: Sequence[str]
    move: float
    mean: Odds
    spread: Table

    @property
    def taught(self) -> bool:
        """Whether there were answers enough to learn from."""
        return bool(self.mean.any())

    def correction(self) -> Correction:
        """The likeliest curves."""
        width = len(KNOTS) + 1
        own = self.mean[len(ODDS) :].reshape(len(self.parts), width) * np.sqrt(self.move)
        return Correction(
            _OF_ODDS @ self.mean[: len(ODDS)],
            {name: _OF_PART @ row for name, row in zip(self.parts, own, strict=True) if row.any()},
        )

    def odds(self, evidence: Mapping[str, Shares], first: Odds) -> Odds:
        """Log-odds of every pair with what was learnt; what is held to be the same for little known reason is held
        the less sure (MacKay 1992)."""
        found = first + self.correction().of(evidence, first)
        if self.taught:
            likely = np.flatnonzero(found > 0)
            for begin in range(0, len(likely), CHUNK):
                at = likely[begin : begin + CHUNK]
                table = self.seen(evidence, first, at)
                found[at] /= np.sqrt(1 + np.pi / 8 * np.einsum("ij,ij->i", table @ self.spread, table))
        return found

    def seen(self, evidence: Mapping[str, Shares], first: Odds, at: NDArray[np.intp]) -> Table:
        """Pairs in those coordinates."""
        return _seen({name: evidence[name][at] for name in self.parts}, first[at], self.move)


def learnt(evidence: Mapping[str, Shares], first: Odds, answers: Odds) -> Beliefs:
    """What the answers teach: 1 the same, 0 not, NaN not asked, by pair. Nothing where they are too few."""
    parts = learnable(evidence)
    asked = np.flatnonzero(~np.isnan(answers))
    same = answers[asked] == 1
    if len(asked) < FEWEST or min(same.sum(), (~same).sum()) < FEWEST_EACH:
        size = len(ODDS) + len(parts) * (len(KNOTS) + 1)
        return Beliefs(parts, MOVES[1], np.zeros(size), np.eye(size))
    told = {name: evidence[name][asked] for name in parts}
    fits = [(move, *_fitted(_seen(told, first[asked], move), first[asked], same)) for move in MOVES]
    move, _, mean, spread = max(fits, key=lambda found: found[1])
    return Beliefs(parts, move, mean, spread)


def settled(odds: Odds, answers: Odds) -> Odds:
    """Odds with what people said as certain."""
    return np.where(np.isnan(answers), odds, np.where(answers == 1, CERTAIN, -CERTAIN))


def _fitted(table: Table, first: Odds, same: Mask) -> tuple[float, Odds, Table]:
    """Newton's method: the log of the evidence, the likeliest coordinates, and their spread."""
    found = np.zeros(table.shape[1])
    one = np.eye(len(found))
    for _ in range(ROUNDS):
        chance = expit(first + table @ found)
        slope = table.T @ (chance - same) + found
        bend = (table * (chance * (1 - chance))[:, None]).T @ table + one
        step = np.linalg.solve(bend, slope)
        found -= step * min(1.0, 3.0 / max(float(np.abs(table @ step).max()), 1e-9))
        if np.abs(step).max() < 1e-6:
            break
    odds = first + table @ found
    likelihood = -np.logaddexp(0, np.where(same, -odds, odds)).sum()
    return float(likelihood - found @ found / 2 - np.linalg.slogdet(bend)[1] / 2), found, np.linalg.inv(bend)


def _seen(told: Mapping[str, Shares], first: Odds, move: float) -> Table:
    """Pairs in coordinates in which every curve is as likely to bend in any direction."""
    columns = [_hats(first, ODDS) @ _OF_ODDS]
    for shares in told.values():
        silent = np.isnan(shares)
        hats = np.column_stack([_hats(np.nan_to_num(shares), KNOTS) * ~silent[:, None], silent])
        columns.append(hats @ _OF_PART * np.sqrt(move))
    return np.concatenate(columns, axis=1)


def _hats(values: NDArray[np.floating], knots: Odds) -> Table:
    """By how much each value lies at each knot: the weights of a broken line through them."""
    found: Table = np.column_stack([np.interp(values, knots, hat) for hat in np.eye(len(knots))])
    return found


def _near(knots: Odds, reach: float) -> Table:
    found: Table = np.exp(-((knots[:, None] - knots) ** 2) / (2 * reach**2))
    return found


def _root(covariance: Table) -> Table:
    found: Table = np.linalg.cholesky(covariance + 1e-9 * np.eye(len(covariance))).astype(np.float64)
    return found


_OF_ODDS = _root(SHIFT + SLOPE * ODDS[:, None] * ODDS + BEND * _near(ODDS, ODDS_REACH))
_OF_PART = _root(
    np.block([[_near(KNOTS, REACH), np.full((len(KNOTS), 1), SILENCE)], [np.full((1, len(KNOTS)), SILENCE), 1]])
)
