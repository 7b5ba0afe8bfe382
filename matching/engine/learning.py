"""What agreement is worth, learnt from the pairs themselves: Fellegi-Sunter weights by expectation maximisation.

Fellegi and Sunter 1969; EM after Winkler 1988. Evidence comes as a few similarities, one a group of attributes whose
evidence is not independent; each is cut into levels, and its weights are monotone (isotonic regression): more alike is
never worth less. ``DAMPING`` takes back what dependence between groups counts twice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

from matching.engine.columns import Shares

LEVELS = 24
DAMPING = 0.6
ROUNDS = 40
SETTLED = 1e-5
FEWEST = 10  # pairs that speak, below which nothing is learnt of a group
MOST = 400_000  # pairs learnt from
BOUNDS = (-8.0, 12.0)  # natural log of the odds one group can give

Odds = NDArray[np.float64]


@dataclass(frozen=True)
class Weight:
    """Log-odds of one group by level: ``odds[n]`` from ``edges[n]`` to ``edges[n + 1]``; silence is worth nothing."""

    edges: Odds
    odds: Odds

    def of(self, shares: Shares) -> Odds:
        """The contribution of each pair."""
        found = np.zeros(len(shares))
        speak = ~np.isnan(shares)
        found[speak] = self.odds[level(self.edges, shares[speak])]
        return found


@dataclass(frozen=True)
class Model:
    """``prior`` in log-odds and a weight for each group. Contributions add up."""

    prior: float
    weights: Mapping[str, Weight]
    damping: float = DAMPING

    def odds(self, evidence: Mapping[str, Shares]) -> Odds:
        """Log-odds of every pair."""
        return np.asarray(sum(self.contributions(evidence).values()), dtype=np.float64)

    def contributions(self, evidence: Mapping[str, Shares]) -> dict[str, Odds]:
        """Log-odds by group; under "" the prior. They add up."""
        begin = {"": np.full(len(next(iter(evidence.values()))), self.prior)}
        return begin | {name: self.damping * weight.of(evidence[name]) for name, weight in self.weights.items()}


def level(edges: Odds, shares: Shares) -> NDArray[np.intp]:
    """Which level each similarity falls in."""
    return np.clip(np.searchsorted(edges, shares, side="right") - 1, 0, len(edges) - 2)


def levels_of(shares: Shares) -> Odds:
    """Edges by quantile, twice as fine in the upper fifth, where decisions fall."""
    said = shares[~np.isnan(shares)]
    upper = said[said >= np.quantile(said, 0.8)]
    edges = np.unique(np.r_[np.quantile(said, np.linspace(0, 1, LEVELS + 1)),
                            np.quantile(upper, np.linspace(0, 1, LEVELS // 2 + 1))])  # fmt: skip
    return edges if len(edges) > 1 else np.r_[edges, edges + 1]


def learn(evidence: Mapping[str, Shares], begin: Odds, *, known: Odds | None = None, seed: int = 1) -> Model:
    """Weights that explain the pairs best, beginning with the odds an expert gives them.

    ``known`` holds 1 for pairs that are surely the same, 0 for surely different ones and NaN else (hard identifiers,
    decisions). Where there are very many pairs a sample of them is enough.
    """
    names = [name for name, shares in evidence.items() if np.count_nonzero(~np.isnan(shares)) > FEWEST]
    size = len(begin)
    if not size:
        return Model(0.0, {})
    if size > MOST:
        some = np.random.default_rng(seed).choice(size, MOST, replace=False)
        evidence = {name: evidence[name][some] for name in names}
        begin, known = begin[some], known[some] if known is not None else None
    chance = _pinned(1 / (1 + np.exp(-begin)), known)
    cut = {name: (levels_of(evidence[name]), ~np.isnan(evidence[name])) for name in names}
    places = {name: level(edges, evidence[name][speak]) for name, (edges, speak) in cut.items()}
    model = Model(0.0, {})
    for _ in range(ROUNDS):
        share = float(np.clip(chance.mean(), 1e-5, 0.9))
        weights = {
            name: Weight(cut[name][0], _odds(places[name], chance[cut[name][1]], len(cut[name][0]) - 1))
            for name in names
        }
        model = Model(float(np.log(share / (1 - share))), weights)
        odds = np.full(len(chance), model.prior)
        for name, (_, speak) in cut.items():
            odds[speak] += model.damping * weights[name].odds[places[name]]
        fresh = _pinned(1 / (1 + np.exp(-odds)), known) if names else chance
        moved = float(np.abs(fresh - chance).mean())
        chance = fresh
        if moved < SETTLED:
            break
    return model


def _pinned(chance: Odds, known: Odds | None) -> Odds:
    return chance if known is None else np.where(np.isnan(known), chance, known)


def _odds(places: NDArray[np.intp], chance: Odds, count: int) -> Odds:
    same = np.bincount(places, weights=chance, minlength=count)
    other = np.bincount(places, weights=1 - chance, minlength=count)
    borne = (same + other) / max(float((same + other).sum()), 1e-9)
    likely = (same + borne) / (same.sum() + 1)
    unlikely = (other + borne) / (other.sum() + 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        raw = np.nan_to_num(np.log(likely / unlikely), neginf=BOUNDS[0], posinf=BOUNDS[1])
    risen: Sequence[float] = isotonic_regression(raw, weights=same + other + 1e-3).x
    odds: Odds = np.clip(np.asarray(risen, dtype=np.float64), *BOUNDS)
    return odds
