"""From scored pairs to groups: average linkage within what hangs together, what people said first.

Records told to be the same begin as one group and stay one; records told to differ never join. Components are taken
apart first, so that the work grows with the pairs; two records that hang together alone are a group without more ado.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from matching.clustering import cluster
from matching.engine.candidates import Pairs
from matching.engine.columns import Numbers
from matching.engine.decisions import Decisions

ABSENT = -3.0  # log-odds of a pair nobody compared
LARGEST = 200  # of a group; more are never one thing without a person
WEAK = 1.0  # average log-odds at which two parts of a group barely hold together
SHOWN = 3  # examples told of each kind

Odds = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Grouped:
    """The group of each record, named by its lowest; groups whose parts barely hold together; pairs of records whose
    groups were as likely one, had not a veto, or the size, kept them apart."""

    groups: list[int]
    weak: Sequence[int]
    tied: Sequence[tuple[int, int]]

    def sentences(self, keys: Sequence[str]) -> Iterator[str]:
        """For people: where to look twice."""
        if self.weak:
            named = ", ".join(keys[record] for record in self.weak[:SHOWN])
            yield f"{len(self.weak):,} groups hang by a weak bridge: look at those of {named}."
        if self.tied:
            named = ", ".join(f"{keys[one]} and {keys[other]}" for one, other in self.tied[:SHOWN])
            yield f"{len(self.tied):,} groups might as well be one with another, but must not: see {named}."


def components(size: int, pairs: Pairs, strong: Mask) -> Numbers:
    """The number of what each record hangs together with by pairs of that kind."""
    graph = sparse.coo_matrix((strong[strong], (pairs.left[strong], pairs.right[strong])), shape=(size, size))
    part: Numbers = connected_components(graph, directed=False)[1].astype(np.int64)
    return part


def group(pairs: Pairs, odds: Odds, barred: Mask, decisions: Decisions) -> Grouped:
    """Average linkage at even odds or better."""
    size = len(decisions.group)
    answers = decisions.verdicts(pairs)
    barred = (barred & (answers != 1)) | (answers == 0)
    part = components(size, pairs, ((odds > 0) & ~barred) | (answers == 1))
    inside = part[pairs.left] == part[pairs.right]
    plain = _plain(part, pairs, inside & (odds >= WEAK) & ~barred)
    groups = np.arange(size)
    alone = inside & plain[part[pairs.left]]
    np.minimum.at(groups, pairs.right[alone], pairs.left[alone])
    found = Grouped(groups.tolist(), [], [])
    weak, tied = list[int](), list[tuple[int, int]]()
    for members, within, vetoes in _tangled(pairs, odds, barred, part, inside & ~alone):
        _join(members, within, vetoes, decisions, found.groups, weak, tied)
    return Grouped(found.groups, sorted(weak), sorted(tied))


def _plain(part: Numbers, pairs: Pairs, sure: Mask) -> Mask:
    """Components that are one group without more ado: of two records, or where each two of a few hold together."""
    sizes = np.bincount(part, minlength=1)
    held = np.bincount(part[pairs.left[sure]], minlength=len(sizes))
    found: Mask = (sizes == 2) | ((sizes <= LARGEST) & (held == sizes * (sizes - 1) // 2))
    return found


Tangle = tuple[list[int], dict[tuple[int, int], float], list[tuple[int, int]]]


def _tangled(pairs: Pairs, odds: Odds, barred: Mask, part: Numbers, inside: Mask) -> Iterator[Tangle]:
    """Of each component of three or more: its records, what is known of its pairs, and who must not join."""
    at = np.flatnonzero(inside)
    at = at[np.argsort(part[pairs.left[at]], kind="stable")]
    for some in np.split(at, np.flatnonzero(np.diff(part[pairs.left[at]])) + 1) if len(at) else ():
        left, right = pairs.left[some].tolist(), pairs.right[some].tolist()
        within = dict(zip(zip(left, right, strict=True), odds[some].tolist(), strict=True))
        apart = [(left[n], right[n]) for n in np.flatnonzero(barred[some]).tolist()]
        yield sorted({*left, *right}), within, apart


def _join(
    members: list[int],
    within: dict[tuple[int, int], float],
    vetoes: list[tuple[int, int]],
    decisions: Decisions,
    groups: list[int],
    weak: list[int],
    tied: list[tuple[int, int]],
) -> None:
    """Write the groups of one component."""
    told: dict[int, list[int]] = {}
    for record in members:
        told.setdefault(int(decisions.group[record]), []).append(record)
    found = cluster(list(told.values()), within, threshold=0.0, floor=ABSENT, vetoes=vetoes, largest=LARGEST)
    for number, together in found.members.items():
        for record in together:
            groups[record] = min(together)
        if found.weakest.get(number, WEAK) < WEAK:
            weak.append(min(together))
    for (a, b), average in found.averages.items():
        if average >= 0:
            one, other = sorted((min(found.members[a]), min(found.members[b])))
            tied.append((one, other))
