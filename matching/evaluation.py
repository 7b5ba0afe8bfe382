"""How good scored pairs and groups are against a known truth. Pure; used by the benches and matching's own tests."""

from collections import Counter, defaultdict
from collections.abc import Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Record = TypeVar("Record", bound=Hashable)


@dataclass(frozen=True)
class Figures:
    """Pairs joined rightly, joined at all, and true."""

    hit: int
    joined: int
    true: int

    @property
    def precision(self) -> float:
        """Of the pairs joined, the share that is right; 1 where nothing was joined."""
        return self.hit / self.joined if self.joined else 1.0

    @property
    def recall(self) -> float:
        """Of the true pairs, the share that was joined; 1 where there are none."""
        return self.hit / self.true if self.true else 1.0

    @property
    def f1(self) -> float:
        """Harmonic mean of the two."""
        return harmonic(self.precision, self.recall)


@dataclass(frozen=True)
class Ranked:
    """Scored pairs, the most likely first: whether each is right, and how many true pairs there are at all."""

    scores: NDArray[np.float64]
    hits: NDArray[np.bool_]
    true: int

    @classmethod
    def of(cls, scores: NDArray[np.float64], hits: NDArray[np.bool_], true: int) -> "Ranked":
        """From pairs in any order."""
        order = np.argsort(-scores, kind="stable")
        return cls(scores[order], hits[order], true)

    def at(self, threshold: float) -> Figures:
        """Joining all pairs scored so high or higher."""
        joined = int(np.searchsorted(-self.scores, -threshold, side="right"))
        return Figures(int(np.count_nonzero(self.hits[:joined])), joined, self.true)

    def best(self) -> tuple[float, Figures]:
        """The threshold with the highest F1; 1 and nothing joined where there are no pairs."""
        if not len(self.scores):
            return 1.0, Figures(0, 0, self.true)
        right, joined = np.cumsum(self.hits), np.arange(1, len(self.hits) + 1)
        last = np.r_[self.scores[1:] != self.scores[:-1], True]
        threshold = float(self.scores[last][np.argmax((2 * right / (joined + self.true))[last])])
        return threshold, self.at(threshold)

    def blocking(self) -> Figures:
        """All pairs that were compared."""
        return Figures(int(np.count_nonzero(self.hits)), len(self.hits), self.true)


def harmonic(precision: float, recall: float) -> float:
    """The F1 of the two."""
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def pairwise(
    found: Mapping[Record, Hashable],
    truth: Mapping[Record, Hashable],
    skip: Collection[frozenset[Record]] = frozenset(),
) -> Figures:
    """Pairs of records the truth knows; pairs in ``skip`` count neither way."""
    joined = {p for p in _pairs({r: g for r, g in found.items() if r in truth}) if p not in skip}
    true = {p for p in _pairs(truth) if p not in skip}
    return Figures(len(joined & true), len(joined), len(true))


def b_cubed(found: Mapping[Record, Hashable], truth: Mapping[Record, Hashable]) -> tuple[float, float]:
    """Precision and recall averaged over records, which long clusters do not dominate. A record not found is alone."""
    group = {record: found.get(record, ("alone", record)) for record in truth}
    sizes, wanted = Counter(group.values()), Counter(truth.values())
    common = Counter((group[record], truth[record]) for record in truth)
    shares = [(common[group[r], truth[r]], sizes[group[r]], wanted[truth[r]]) for r in truth]
    count = len(shares) or 1
    return sum(c / s for c, s, _ in shares) / count, sum(c / w for c, _, w in shares) / count


def _pairs(groups: Mapping[Record, Hashable]) -> Iterable[frozenset[Record]]:
    members: dict[Hashable, list[Record]] = defaultdict(list)
    for record, group in groups.items():
        members[group].append(record)
    for together in members.values():
        for a, b in combinations(together, 2):
            yield frozenset((a, b))
