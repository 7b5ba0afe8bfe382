"""What people said of pairs of records, and what follows from it.

What is the same as the same is the same; what differs from one of them differs from all of them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from matching.engine.candidates import Pairs, united
from matching.engine.columns import Numbers

MOST_FAULTS = 100  # told with their reasons; reasons of thousands take longer than finding them

Verdicts = NDArray[np.float64]


@dataclass(frozen=True)
class Decisions:
    """Pairs people answered, each once, in order. ``group`` numbers the records told to be the same, directly or
    through others; ``apart`` holds each two of those groups told to differ, as lower * records + higher, sorted."""

    pairs: Pairs
    same: NDArray[np.bool_]
    group: Numbers
    apart: Numbers
    unanswered: int = 0

    def __len__(self) -> int:
        return len(self.pairs)

    def told(self, pairs: Pairs) -> Verdicts:
        """1 told to be the same, 0 told to differ; NaN where nobody said so of these two."""
        size = len(self.group)
        keys, asked = pairs.keys(size), self.pairs.keys(size)
        found = np.full(len(pairs), np.nan)
        if len(self):
            at = np.minimum(np.searchsorted(asked, keys), len(asked) - 1)
            there = asked[at] == keys
            found[there] = self.same[at[there]]
        return found

    def verdicts(self, pairs: Pairs) -> Verdicts:
        """1 told to be the same, 0 told to differ, directly or through other records; NaN where nobody said."""
        one, other = self.group[pairs.left], self.group[pairs.right]
        keys = np.minimum(one, other) * len(self.group) + np.maximum(one, other)
        return np.where(one == other, 1.0, np.where(np.isin(keys, self.apart), 0.0, np.nan))

    def joined(self) -> list[list[int]]:
        """The records of each group of two or more."""
        order = np.argsort(self.group, kind="stable")
        parts = np.split(order, np.flatnonzero(np.diff(self.group[order])) + 1)
        return [part.tolist() for part in parts if len(part) > 1]

    def sentence(self) -> str:
        """For people: what was respected."""
        yes = int(self.same.sum())
        left = f" {self.unanswered:,} questions have no answer yet." if self.unanswered else ""
        return f"{len(self):,} decisions are respected: {yes:,} the same, {len(self) - yes:,} not the same.{left}"


def nothing(records: int) -> Decisions:
    """Nobody said anything."""
    none = np.zeros(0, dtype=np.int64)
    return Decisions(Pairs(none, none), none.astype(bool), np.arange(records, dtype=np.int64), none)


def decided(pairs: Pairs, same: NDArray[np.bool_], records: int, *, unanswered: int = 0) -> Decisions:
    """What follows from these answers, which must not contradict each other directly."""
    order = np.lexsort((pairs.right, pairs.left))
    pairs, same = Pairs(pairs.left[order], pairs.right[order]), same[order]
    graph = sparse.coo_matrix((same[same], (pairs.left[same], pairs.right[same])), shape=(records, records))
    group = connected_components(graph, directed=False)[1].astype(np.int64)
    one, other = group[pairs.left[~same]], group[pairs.right[~same]]
    apart = np.unique(np.minimum(one, other) * records + np.maximum(one, other))
    return Decisions(pairs, same, group, apart, unanswered)


def contradictions(found: Decisions, keys: Sequence[str]) -> Iterator[str]:
    """Each pair told to differ though a chain of others makes them the same, with that chain."""
    different = found.pairs.kept(~found.same)
    inside = different.kept(found.group[different.left] == found.group[different.right])
    near: dict[int, list[int]] = {}
    yes = found.pairs.kept(found.same)
    for left, right in zip(yes.left.tolist(), yes.right.tolist(), strict=True):
        near.setdefault(left, []).append(right)
        near.setdefault(right, []).append(left)
    for told, (left, right) in enumerate(zip(inside.left.tolist(), inside.right.tolist(), strict=True)):
        chain = _chain(near, left, right) if told < MOST_FAULTS else [left, right]
        by = " = ".join(keys[record] for record in chain)
        yield f"{keys[left]} and {keys[right]} are told to differ, and to be the same by {by}."


def _chain(near: Mapping[int, Sequence[int]], begin: int, end: int) -> list[int]:
    """The shortest way from one record to the other by answers of "the same"."""
    before, waiting = {begin: begin}, [begin]
    for record in waiting:
        if record == end:
            break
        for other in near.get(record, ()):
            if other not in before:
                before[other] = record
                waiting.append(other)
    way = [end]
    while way[-1] != begin:
        way.append(before[way[-1]])
    return way[::-1]


def with_told(pairs: Pairs, decisions: Decisions) -> Pairs:
    """The pairs and those people answered, each once."""
    return united([pairs, decisions.pairs], len(decisions.group)) if len(decisions) else pairs
