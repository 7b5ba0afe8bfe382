"""From scored pairs to decisions: which newcomers are one thing, which golden record they are, what a person must see.

Pure: it sees features and which golden record each known record belongs to, and writes nothing.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from uuid import UUID

from matching.clustering import Groups, cluster
from matching.features import Features
from matching.scoring import Score, Shared, bits_of, probability, score
from mdm.spec import Matching

Pair = tuple[int, int]
# An absent pair inside a group that is joined: blocked out, so nothing strong can speak for it.
_FLOOR = -6.0
# Components beyond this are not filled up with the pairs blocking left out (quadratic).
_FILL_UP_TO = 40


@dataclass(frozen=True)
class Known:
    """One record as matching sees it. ``golden`` is None for a newcomer."""

    id: int
    system: int
    features: Features
    golden: UUID | None = None
    stub: bool = False


@dataclass(frozen=True)
class Joined:
    """Newcomers that are one thing, with the golden record they belong to (None: a new one) and why."""

    records: tuple[int, ...]
    golden: UUID | None
    evidence: Mapping[int, tuple[int, Score]] = field(default_factory=dict)


@dataclass(frozen=True)
class Resemblance:
    """A pair of groups a person should look at. A side is a golden record, or the position of a ``Joined``."""

    left: UUID | int
    right: UUID | int
    bits: float
    pairs: tuple[tuple[int, int, Score], ...]

    @property
    def probability(self) -> float:
        return probability(self.bits)


@dataclass(frozen=True)
class Decisions:
    joined: Sequence[Joined]
    resemblances: Sequence[Resemblance]


class Scored:
    """Every pair looked at, each scored once."""

    def __init__(self, matching: Matching, known: Mapping[int, Known], shared: Shared, apart: Collection[Pair]) -> None:
        self.matching, self.known, self.shared, self.apart = matching, known, shared, apart
        self.scores: dict[Pair, Score] = {}

    def score(self, a: int, b: int) -> Score:
        pair = (a, b) if a < b else (b, a)
        found = self.scores.get(pair)
        if found is None:
            left, right = self.known[pair[0]], self.known[pair[1]]
            same = left.system == right.system
            found = score(self.matching, left.features, right.features, same, self.shared)
            self.scores[pair] = found
        return found

    def barred(self, a: int, b: int) -> bool:
        """Whether a person, a hard identifier or the source itself says that these two are not the same."""
        if self.matching.one_per_source and self.known[a].system == self.known[b].system:
            return True
        return ((a, b) if a < b else (b, a)) in self.apart or bool(self.score(a, b).vetoes)


def decide(
    matching: Matching,
    known: Mapping[int, Known],
    pairs: Iterable[Pair],
    shared: Shared,
    apart: Collection[Pair] = frozenset(),
) -> Decisions:
    """Decide every newcomer in ``known`` from the pairs blocking found; ``apart`` are known non-matches."""
    scored = Scored(matching, known, shared, apart)
    review = bits_of(matching.review)
    near: dict[int, set[int]] = defaultdict(set)
    for a, b in pairs:
        if a != b and scored.score(a, b).bits >= review:
            near[a].add(b)
            near[b].add(a)
    members: dict[UUID, list[int]] = defaultdict(list)
    for one in known.values():
        if one.golden:
            members[one.golden].append(one.id)
    joined: list[Joined] = []
    resemblances: list[Resemblance] = []
    for start in _components(known, near, members):
        _decide_component(scored, near, start, joined, resemblances)
    return Decisions(joined, resemblances)


def _components(
    known: Mapping[int, Known], near: Mapping[int, set[int]], members: Mapping[UUID, list[int]]
) -> Iterable[list[list[int]]]:
    """Connected parts, each as its starting groups: golden records with all their members, newcomers alone."""
    seen: set[int] = set()
    for first in sorted(known):
        if first in seen or known[first].golden:
            continue
        start, queue = [], [first]
        while queue:
            one = queue.pop()
            if one in seen:
                continue
            golden = known[one].golden
            group = members[golden] if golden else [one]
            start.append(sorted(group))
            seen.update(group)
            # Newcomers spread the part, golden records end it: two of them are never joined here.
            if not golden:
                queue.extend(near.get(one, ()))
            else:
                queue.extend(n for m in group for n in near.get(m, ()) if not known[n].golden)
        yield sorted(start)


def _decide_component(
    scored: Scored,
    near: Mapping[int, set[int]],
    start: list[list[int]],
    joined: list[Joined],
    resemblances: list[Resemblance],
) -> None:
    known, matching = scored.known, scored.matching
    if len(start) == 1:
        joined.append(Joined(tuple(start[0]), None))
        return
    nodes = [node for group in start for node in group]
    weights, vetoes = _weights(scored, near, nodes)
    goldens = [number for number, group in enumerate(start) if known[group[0]].golden]
    groups = cluster(
        start,
        weights,
        threshold=bits_of(matching.auto),
        floor=_FLOOR,
        vetoes=vetoes,
        apart=list(combinations(goldens, 2)),
        margin=matching.margin,
        largest=matching.largest,
    )
    _collect(scored, groups, joined, resemblances)


def _weights(
    scored: Scored, near: Mapping[int, set[int]], nodes: Sequence[int]
) -> tuple[dict[Pair, float], list[Pair]]:
    """Weight of every pair of the part and the pairs that must stay apart. Without an anchor, never automatic."""
    if len(nodes) <= _FILL_UP_TO:
        wanted = list(combinations(sorted(nodes), 2))
    else:
        inside = set(nodes)
        wanted = sorted({(min(a, b), max(a, b)) for a in nodes for b in near.get(a, ()) if b in inside})
    limit = bits_of(scored.matching.auto) - 0.01
    weights: dict[Pair, float] = {}
    vetoes = []
    for a, b in wanted:
        found = scored.score(a, b)
        # Strong evidence for one pair must not outvote the silence or contradiction of the others.
        weights[a, b] = max(_FLOOR, min(found.bits, 20.0)) if found.anchored else min(found.bits, limit)
        if scored.barred(a, b):
            vetoes.append((a, b))
    return weights, vetoes


def _collect(
    scored: Scored, groups: Groups[int], joined: list[Joined], resemblances: list[Resemblance]
) -> None:
    known = scored.known
    side: dict[int, UUID | int] = {}
    for number, nodes in sorted(groups.members.items()):
        golden = next((known[n].golden for n in nodes if known[n].golden), None)
        newcomers = tuple(n for n in nodes if not known[n].golden)
        if golden:
            side[number] = golden
        if newcomers:
            evidence = {n: _closest(scored, n, nodes) for n in newcomers if len(nodes) > 1}
            side.setdefault(number, len(joined))
            joined.append(Joined(newcomers, golden, evidence))
    review = bits_of(scored.matching.review)
    for (a, b), average in groups.averages.items():
        left, right = side[a], side[b]
        if average < review or (isinstance(left, UUID) and isinstance(right, UUID)):
            continue
        pairs = [
            (x, y, scored.score(x, y))
            for x in groups.members[a]
            for y in groups.members[b]
            if (min(x, y), max(x, y)) not in scored.apart
        ]
        best = sorted(pairs, key=lambda p: -p[2].bits)[:6]
        if len(pairs) == len(groups.members[a]) * len(groups.members[b]):
            resemblances.append(Resemblance(left, right, average, tuple(best)))


def _closest(scored: Scored, node: int, nodes: Sequence[int]) -> tuple[int, Score]:
    """The member that speaks most for this newcomer's place."""
    others = [n for n in nodes if n != node]
    best = max(others, key=lambda n: scored.score(node, n).bits)
    return best, scored.score(node, best)
