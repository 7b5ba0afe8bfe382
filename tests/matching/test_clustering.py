"""Greedy average linkage, against solvers that share no code with it."""

from itertools import combinations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.cluster.hierarchy import fcluster, linkage

from matching.clustering import Groups, cluster

FLOOR = -6.0


@st.composite
def weighted(draw: st.DrawFn, *, full: bool = False) -> tuple[int, dict[tuple[int, int], float]]:
    """Nodes 0..n-1 and weights of some pairs, drawn from a continuum so that no two averages are ever equal."""
    size = draw(st.integers(2, 9))
    pairs = list(combinations(range(size), 2))
    kept = pairs if full else draw(st.lists(st.sampled_from(pairs), unique=True))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    return size, {pair: float(random.uniform(-6, 20)) for pair in kept}


def found(groups: Groups[int]) -> set[frozenset[int]]:
    return {frozenset(members) for members in groups.members.values()}


@given(weighted(full=True), st.floats(-5, 15))
@settings(max_examples=150, deadline=None)
def test_agrees_with_scipy_where_every_pair_is_known(
    case: tuple[int, dict[tuple[int, int], float]], threshold: float
) -> None:
    size, weights = case
    distances = np.array([40 - weights[pair] for pair in combinations(range(size), 2)])
    labels = fcluster(linkage(distances, method="average"), t=40 - threshold, criterion="distance")
    theirs = {frozenset(n for n in range(size) if labels[n] == label) for label in set(labels)}
    ours = cluster([(n,) for n in range(size)], weights, threshold=threshold, floor=FLOOR)
    assert found(ours) == theirs


def brute_force(
    start: list[frozenset[int]],
    weights: dict[tuple[int, int], float],
    threshold: float,
    vetoes: set[tuple[int, int]],
) -> set[frozenset[int]]:
    """The definition, step by step: join the best allowed pair of groups, recount everything, repeat."""
    groups = set(start)

    def average(a: frozenset[int], b: frozenset[int]) -> float:
        return sum(weights.get((min(x, y), max(x, y)), FLOOR) for x in a for y in b) / (len(a) * len(b))

    def allowed(a: frozenset[int], b: frozenset[int]) -> bool:
        return not any((min(x, y), max(x, y)) in vetoes for x in a for y in b)

    while True:
        best = max(
            ((average(a, b), a, b) for a, b in combinations(groups, 2) if allowed(a, b)),
            key=lambda option: option[0],
            default=None,
        )
        if best is None or best[0] < threshold:
            return groups
        groups = (groups - {best[1], best[2]}) | {best[1] | best[2]}


@given(weighted(), st.floats(-5.5, 12), st.data())
@settings(max_examples=150, deadline=None)
def test_agrees_with_the_definition_when_pairs_are_absent_and_barred(
    case: tuple[int, dict[tuple[int, int], float]], threshold: float, data: st.DataObject
) -> None:
    size, weights = case
    pairs = list(combinations(range(size), 2))
    vetoes = set(data.draw(st.lists(st.sampled_from(pairs), max_size=4)))
    ours = cluster([(n,) for n in range(size)], weights, threshold=threshold, floor=FLOOR, vetoes=vetoes)
    theirs = brute_force([frozenset([n]) for n in range(size)], weights, threshold, vetoes)
    assert found(ours) == theirs
    assert all((a, b) not in vetoes for group in found(ours) for a, b in combinations(sorted(group), 2))


@given(weighted(full=True), st.floats(-5, 10), st.integers(2, 5))
@settings(max_examples=80, deadline=None)
def test_no_group_grows_beyond_the_largest(
    case: tuple[int, dict[tuple[int, int], float]], threshold: float, largest: int
) -> None:
    size, weights = case
    groups = cluster([(n,) for n in range(size)], weights, threshold=threshold, floor=FLOOR, largest=largest)
    assert max(len(group) for group in found(groups)) <= largest
    assert sorted(n for group in found(groups) for n in group) == list(range(size))


def test_a_chain_is_not_a_group() -> None:
    chain = {(n, n + 1): 10.0 for n in range(5)}
    groups = cluster([(n,) for n in range(6)], chain, threshold=4.25, floor=FLOOR)
    assert max(len(group) for group in found(groups)) == 2


def test_existing_groups_are_kept_apart_and_a_rival_stops_the_link() -> None:
    start = [(0, 1), (2,), (3,)]
    close = {(0, 3): 9.0, (1, 3): 9.0, (2, 3): 8.0}
    groups = cluster(start, close, threshold=4.25, floor=FLOOR, apart=[(0, 1)], margin=3.0)
    assert found(groups) == {frozenset({0, 1}), frozenset({2}), frozenset({3})}
    assert (0, 2) in groups.tied
    assert (1, 2) in groups.tied


def test_a_distant_rival_does_not() -> None:
    start = [(0, 1), (2,), (3,)]
    groups = cluster(
        start, {(0, 3): 12.0, (1, 3): 12.0, (2, 3): 5.0}, threshold=4.25, floor=FLOOR, apart=[(0, 1)], margin=3.0
    )
    assert found(groups) == {frozenset({0, 1, 3}), frozenset({2})}
