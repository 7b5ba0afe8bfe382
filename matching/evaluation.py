"""How good a clustering is against a known truth. Pure; used by the benches and by matching's own tests."""

from collections import Counter, defaultdict
from collections.abc import Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import TypeVar

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
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


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
