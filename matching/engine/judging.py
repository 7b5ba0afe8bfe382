"""The odds of all pairs of a file, whose evidence need not be held for that.

Weights are learnt from the evidence of some pairs, those that hard identifiers prove where these are enough; then all
are judged a part at a time. Of a large file the evidence of every pair would take more memory than all the rest.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from matching.engine.additive import Additive
from matching.engine.candidates import Pairs
from matching.engine.columns import Numbers, Shares
from matching.engine.evidence import Prepared
from matching.engine.weighing import ENOUGH, Mask, Odds, Weights, barred, proven, wary, weights

FEW = 250_000  # pairs whose evidence is held whatever it is wanted for
LEARNT_FROM = 120_000  # pairs, where there are more


@dataclass(frozen=True)
class Judged:
    """Pairs in ascending order, their log-odds, which of them must not be joined, which only by a person, and the
    evidence where it is held."""

    pairs: Pairs
    odds: Odds
    barred: Mask
    wary: Mask
    evidence: Mapping[str, Shares]

    def joined(self, more: "Judged", size: int) -> "Judged":
        """With the pairs of another, none of which is among these. One copy of the evidence is held at a time."""
        at = np.searchsorted(self.pairs.keys(size), new := more.pairs.keys(size))
        evidence = dict(self.evidence)
        return Judged(
            Pairs.of_keys(np.insert(self.pairs.keys(size), at, new), size),
            np.insert(self.odds, at, more.odds),
            np.insert(self.barred, at, more.barred),
            np.insert(self.wary, at, more.wary),
            {name: np.insert(evidence.pop(name), at, more.evidence[name]) for name in list(evidence)},
        )


@dataclass(frozen=True)
class Judge:
    """What judges the pairs of one file; ``holds`` whether their evidence is kept."""

    prepared: Prepared
    weights: Weights
    holds: bool

    @classmethod
    def taught(cls, prepared: Prepared, pairs: Pairs, default: Additive | None, *, hold: bool) -> "Judge":
        """By the pairs of the file."""
        some = pairs if len(pairs) <= FEW else pairs.kept(_telling(prepared, pairs))
        return cls(prepared, weights(prepared, prepared.evidence(some), default), hold)

    def judged(self, pairs: Pairs) -> Judged:
        """These pairs, which come in ascending order."""
        if self.holds:
            evidence = self.prepared.evidence(pairs)
            told = barred(self.prepared, evidence), wary(self.prepared, evidence)
            return Judged(pairs, self.weights.odds(evidence), *told, evidence)
        odds = np.empty(len(pairs))
        forbidden, left = np.empty(len(pairs), dtype=np.bool_), np.empty(len(pairs), dtype=np.bool_)
        for part, evidence in self.prepared.parts(pairs):
            odds[part] = self.weights.odds(evidence)
            forbidden[part] = barred(self.prepared, evidence)
            left[part] = wary(self.prepared, evidence)
        return Judged(pairs, odds, forbidden, left, {})


def _telling(prepared: Prepared, pairs: Pairs) -> Numbers:
    """Pairs to learn from, by position: those that hard identifiers prove, or any where these prove too few."""
    hard = prepared.hard(pairs)
    known = proven(prepared, hard) if hard else np.full(len(pairs), np.nan)
    told = np.flatnonzero(~np.isnan(known))
    fewest = min(np.count_nonzero(known == 1), np.count_nonzero(known == 0))
    share = min(LEARNT_FROM / max(len(told), 1), 1)
    among = told if fewest * share >= 2 * ENOUGH else np.arange(len(pairs))
    if len(among) <= LEARNT_FROM:
        return among
    return np.sort(np.random.default_rng(1).choice(among, LEARNT_FROM, replace=False))
