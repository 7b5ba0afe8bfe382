"""Groups, not chains: greedy average linkage with vetoes. Pure; knows numbers, not records.

A chain A-B-C joins A and C though nothing is alike between them. Here two groups join only when the average weight
over *all* pairs between them reaches the threshold, absent pairs counting as ``floor``.
"""

import heapq
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Node = TypeVar("Node", bound=Hashable)
Pair = tuple[int, int]


@dataclass(frozen=True)
class Groups(Generic[Node]):
    """``members`` by group number; ``averages`` between groups that have any pair; ``tied`` pairs of groups that
    would have joined, had not a rival been as good; of each group that was joined, the lowest ``weakest`` average at
    which two parts of it were."""

    members: Mapping[int, tuple[Node, ...]]
    averages: Mapping[Pair, float]
    tied: frozenset[Pair] = frozenset()
    weakest: Mapping[int, float] = field(default_factory=dict)


@dataclass
class _State(Generic[Node]):
    members: dict[int, tuple[Node, ...]]
    floor: float
    # Sum of (weight - floor) over the present pairs between two groups, by neighbour.
    excess: dict[int, dict[int, float]]
    barred: dict[int, set[int]]
    heap: list[tuple[float, int, int]] = field(default_factory=list)
    weakest: dict[int, float] = field(default_factory=dict)

    def average(self, a: int, b: int) -> float:
        size = len(self.members[a]) * len(self.members[b])
        return self.floor + self.excess[a].get(b, 0.0) / size

    def offer(self, a: int, b: int, threshold: float) -> None:
        average = self.average(a, b)
        if average >= threshold and b not in self.barred[a]:
            heapq.heappush(self.heap, (-average, min(a, b), max(a, b)))


def cluster(
    start: Sequence[Collection[Node]],
    weights: Mapping[tuple[Node, Node], float],
    *,
    threshold: float,
    floor: float,
    vetoes: Collection[tuple[Node, Node]] = (),
    apart: Collection[Pair] = (),
    margin: float = 0.0,
    largest: int | None = None,
) -> Groups[Node]:
    """Join the two groups with the highest average weight until none reaches ``threshold``.

    ``start`` are the groups to begin with (existing golden records with their members, single newcomers); ``apart``
    are pairs of them, by position, that must never join (two existing golden records); a pair of nodes in ``vetoes``
    keeps their groups apart. With a ``margin``, a pair of groups is not joined while either has a rival it could
    equally join (within that many bits) which the other may not join. Ties are broken by position in ``start``.
    """
    state = _begin(start, weights, floor, vetoes, apart)
    for a, neighbours in state.excess.items():
        for b in neighbours:
            if a < b:
                state.offer(a, b, threshold)
    tied: set[Pair] = set()
    number = len(start)
    while state.heap:
        negative, a, b = heapq.heappop(state.heap)
        if a not in state.members or b not in state.members or (a, b) in tied:
            continue
        if largest and len(state.members[a]) + len(state.members[b]) > largest:
            tied.add((a, b))
            continue
        rivals = _rivals(state, a, b, -negative, threshold, margin)
        if rivals:
            tied.update(rivals)
            continue
        state.weakest[number] = min(-negative, *(state.weakest.pop(one, -negative) for one in (a, b)))
        _join(state, a, b, number)
        for other in state.excess[number]:
            state.offer(number, other, threshold)
        number += 1
    averages = {(a, b): state.average(a, b) for a, near in state.excess.items() for b in near if a < b}
    return Groups(state.members, averages, frozenset(p for p in tied if p in averages), state.weakest)


def _begin(
    start: Sequence[Collection[Node]],
    weights: Mapping[tuple[Node, Node], float],
    floor: float,
    vetoes: Collection[tuple[Node, Node]],
    apart: Collection[Pair],
) -> _State[Node]:
    where = {node: number for number, group in enumerate(start) for node in group}
    state = _State(
        members={number: tuple(group) for number, group in enumerate(start)},
        floor=floor,
        excess={number: {} for number in range(len(start))},
        barred={number: set() for number in range(len(start))},
    )
    for (left, right), weight in weights.items():
        a, b = where[left], where[right]
        if a != b:
            both = state.excess[a].get(b, 0.0) + weight - floor
            state.excess[a][b] = state.excess[b][a] = both
    for a, b in [(where[left], where[right]) for left, right in vetoes] + list(apart):
        if a != b:
            state.barred[a].add(b)
            state.barred[b].add(a)
    return state


def _join(state: _State[Node], a: int, b: int, number: int) -> None:
    state.members[number] = state.members.pop(a) + state.members.pop(b)
    near: dict[int, float] = {}
    for old in (a, b):
        for other, excess in state.excess.pop(old).items():
            if other not in (a, b):
                near[other] = near.get(other, 0.0) + excess
                state.excess[other].pop(old, None)
                state.excess[other][number] = near[other]
    barred = (state.barred.pop(a) | state.barred.pop(b)) - {a, b}
    for other in barred:
        state.barred[other] -= {a, b}
        state.barred[other].add(number)
    state.excess[number], state.barred[number] = near, barred


def _rivals(state: _State[Node], a: int, b: int, average: float, threshold: float, margin: float) -> set[Pair]:
    """The tied pairs, this one included, when a group could as well go somewhere the other must not."""
    if not margin:
        return set()
    found = set()
    for one, other in ((a, b), (b, a)):
        for rival in state.barred[other] & state.excess[one].keys():
            if rival in state.barred[one] or rival == other:
                continue
            strength = state.average(one, rival)
            if strength >= threshold and strength > average - margin:
                found.add((min(one, rival), max(one, rival)))
    return found | {(a, b)} if found else found
