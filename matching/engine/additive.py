"""Weights learnt from pairs whose answer is known: a logistic regression that adds up and can be told in points.

Every part of the evidence is worth a broken line that never falls between its knots: more alike is never worth less.
Silence has a worth of its own, as what is silent in a file is seldom silent by chance. What is learnt starts from
weights learnt elsewhere (the shipped default) and moves away from them only as far as the pairs at hand ask for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from matching.engine.columns import Shares

KNOTS = np.array([0.0, 0.3, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 1.0])
MOST = 8_000  # pairs learnt from; more of them say little new
PULL = 1.0  # towards the weights learning starts from
ROUNDS = 25
HALVINGS = 8
SETTLED = 1e-6  # of the loss, a pair

Odds = NDArray[np.float64]


@dataclass(frozen=True)
class Line:
    """The worth of one part in log-odds: ``silent``, or where its similarity lies between the knots."""

    silent: float
    rises: Odds

    def of(self, shares: Shares, knots: Odds) -> Odds:
        """The contribution of each pair."""
        worth = np.interp(np.nan_to_num(shares), knots, np.r_[0.0, np.cumsum(self.rises)])
        return np.where(np.isnan(shares), self.silent, worth)


@dataclass(frozen=True)
class Additive:
    """``start`` in log-odds and a line for each part, bent at the knots. A part the evidence does not have counts as
    silent."""

    start: float
    lines: Mapping[str, Line]
    knots: Odds = field(default_factory=lambda: KNOTS)

    def odds(self, evidence: Mapping[str, Shares]) -> Odds:
        """Log-odds of every pair."""
        return np.asarray(sum(self.contributions(evidence).values()), dtype=np.float64)

    def contributions(self, evidence: Mapping[str, Shares]) -> dict[str, Odds]:
        """Log-odds by group, its parts together; under "" what holds where all is silent. They add up."""
        begin = self.start + sum(line.silent for line in self.lines.values())
        found = {"": np.full(len(next(iter(evidence.values()))), begin)}
        for name, line in self.lines.items():
            if name in evidence:
                group = name.partition(":")[0]
                found[group] = found.get(group, 0.0) + line.of(evidence[name], self.knots) - line.silent
        return found


def fit(
    evidence: Mapping[str, Shares], same: NDArray[np.bool_], parts: Sequence[str], *,
    begin: Additive | None = None, pull: float = PULL, most: int = MOST, seed: int = 1,
) -> Additive:  # fmt: skip
    """The weights under which the answers are likeliest, held near those of ``begin``."""
    begin = begin or Additive(0.0, {})
    kept, counts = _telling(begin.odds(evidence), same, most, seed)
    ramps = [_ramps(evidence[name][kept], begin.knots) for name in parts]
    table = np.concatenate([np.ones((len(kept), 1), np.float32), *ramps], axis=1)
    first = _vector(begin, parts)
    held = np.full(len(first), pull)
    held[0] = pull / 100  # how frequent duplicates are differs from file to file
    bounded = np.arange(-1, len(first) - 1) % len(begin.knots) > 0  # not the worth of silence
    bounded[0] = False  # nor the start
    weights = _likeliest(_Loss(table, same[kept].astype(np.float32), counts, first, held), bounded)
    rows = weights[1:].reshape(len(parts), len(begin.knots))
    lines = {name: Line(float(row[0]), row[1:]) for name, row in zip(parts, rows, strict=True)}
    return Additive(float(weights[0]), lines, begin.knots)


def _telling(first: Odds, same: NDArray[np.bool_], most: int, seed: int) -> tuple[NDArray[np.intp], Shares]:
    """Pairs that teach most, about that many, and for how many each of them stands: all that are the same where they
    are few, of the others those first taken for the same rather than those nobody would."""
    wanted = np.where(same, 1.0, 0.02 + 1 / (1 + np.exp(-np.clip(first, -30, 30) / 2)))
    share = np.minimum(wanted * most / wanted.sum(), 1)
    kept = np.flatnonzero(np.random.default_rng(seed).random(len(same)) < share)
    return kept, (1 / share[kept]).astype(np.float32)


@dataclass(frozen=True)
class _Loss:
    """How surprising the answers are under weights, and how far these are from the first ones."""

    table: Shares
    same: Shares
    counts: Shares
    first: Odds
    held: Odds

    def of(self, weights: Odds) -> float:
        odds = self.table @ weights.astype(np.float32)
        surprise = self.counts * np.logaddexp(0, np.where(self.same > 0, -odds, odds))
        return float(surprise.sum(dtype=np.float64) + self.held @ (weights - self.first) ** 2 / 2)

    def bent(self, weights: Odds) -> tuple[Odds, Odds]:
        """Its slope and its curvature."""
        chance = 1 / (1 + np.exp(-np.clip(self.table @ weights.astype(np.float32), -50, 50)))
        slope = self.table.T @ (self.counts * (chance - self.same))
        curve = self.table.T @ (self.table * (self.counts * chance * (1 - chance))[:, None])
        return slope.astype(np.float64) + self.held * (weights - self.first), curve + np.diag(self.held)


def _likeliest(loss: _Loss, bounded: NDArray[np.bool_]) -> Odds:
    """Projected Newton steps (Bertsekas 1982): no rise falls below nothing."""
    weights, least = loss.first, loss.of(loss.first)
    for _ in range(ROUNDS):
        slope, curve = loss.bent(weights)
        free = ~(bounded & (weights <= 0) & (slope > 0))
        step = np.zeros(len(weights))
        step[free] = np.linalg.solve(curve[np.ix_(free, free)], -slope[free])
        before = least
        for halved in range(HALVINGS):
            tried = weights + step / 2**halved
            tried = np.where(bounded, np.maximum(tried, 0), tried)
            if (now := loss.of(tried)) < least:
                weights, least = tried, now
                break
        if before - least < SETTLED * loss.counts.sum():
            break
    return weights


def _ramps(shares: Shares, knots: Odds) -> NDArray[np.float32]:
    silent = np.isnan(shares)
    rise = np.clip((np.nan_to_num(shares)[:, None] - knots[:-1]) / np.diff(knots), 0, 1)
    rise[silent] = 0
    return np.concatenate([silent[:, None], rise], axis=1).astype(np.float32)


def _vector(model: Additive, parts: Sequence[str]) -> Odds:
    none = Line(0.0, np.zeros(len(model.knots) - 1))
    lines = [model.lines.get(name, none) for name in parts]
    return np.concatenate([[model.start], *[np.r_[line.silent, line.rises] for line in lines]])


def learnable(evidence: Mapping[str, Shares]) -> list[str]:
    """What weights are learnt for: the parts of each group, or the group itself where it has none."""
    whole = {name.partition(":")[0] for name in evidence if ":" in name}
    return sorted(name for name in evidence if name not in whole)
