"""From scored pairs to decisions: which newcomers are one thing, which golden record they are, what a person must see.

Pure: it sees features and which golden record each known record belongs to, and writes nothing.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from uuid import UUID

from matching.clustering import Groups, cluster
from matching.known import Known, Pair, Scored, ordered
from matching.scoring import Score, bits_of, probability

# An absent pair inside a group that is joined: blocked out, so nothing strong can speak for it.
FLOOR = -6.0
# Very strong evidence for one pair must not outvote the contradiction of the others.
CEILING = 20.0
# Parts beyond this are not filled up with the pairs blocking left out (quadratic).
_FILL_UP_TO = 40
_PAIRS_SHOWN = 6

Side = UUID | int


@dataclass(frozen=True)
class Joined:
    """Newcomers that are one thing, with the golden record they belong to (None: a new one) and why.

    ``evidence``: newcomer -> (the member that speaks most for its place, their score).
    """

    records: tuple[int, ...]
    golden: UUID | None
    evidence: Mapping[int, tuple[int, Score]] = field(default_factory=dict)


@dataclass(frozen=True)
class Resemblance:
    """Two groups a person should look at. A side is a golden record, or the position of a ``Joined``.

    ``pairs`` are (record of the left side, record of the right side, score), strongest first.
    """

    left: Side
    right: Side
    bits: float
    pairs: tuple[tuple[int, int, Score], ...]

    @property
    def probability(self) -> float:
        """How likely the two sides are one thing."""
        return probability(self.bits)


@dataclass
class Decisions:
    """What to do with the newcomers, in the order they were decided."""

    joined: list[Joined] = field(default_factory=list)
    resemblances: list[Resemblance] = field(default_factory=list)


@dataclass(frozen=True)
class Part:
    """One connected part: its starting groups (golden records with their members, newcomers alone)."""

    scored: Scored
    near: Mapping[int, set[int]]
    start: list[tuple[int, ...]]


def decide(scored: Scored, pairs: Iterable[Pair]) -> Decisions:
    """Decide every newcomer from the pairs blocking found. Stubs come last: they follow whoever bears their name."""
    decisions = Decisions()
    near = neighbours(scored, pairs)
    members = scored.members()
    for start in _components(scored.known, near, members):
        part = Part(scored, near, start)
        _decide_part(part, decisions)
    _place_stubs(scored, decisions)
    return decisions


def neighbours(scored: Scored, pairs: Iterable[Pair]) -> Mapping[int, set[int]]:
    review = bits_of(scored.matching.review)
    near: dict[int, set[int]] = defaultdict(set)
    for a, b in pairs:
        if scored.waits_for_name(a) or scored.waits_for_name(b):
            continue
        if scored.score(a, b).bits >= review:
            near[a].add(b)
            near[b].add(a)
    return near


def _components(
    known: Mapping[int, Known], near: Mapping[int, set[int]], members: Mapping[UUID, tuple[int, ...]]
) -> Iterable[list[tuple[int, ...]]]:
    """Newcomers and probes spread a part; a golden record without a probe ends it: nothing about it is asked."""
    seen: set[int] = set()
    probed = {one.golden for one in known.values() if one.probe}
    for first in sorted(known):
        one = known[first]
        if first in seen or (one.golden and not one.probe) or (one.stub and not one.golden):
            continue
        start, queue = [], [first]
        while queue:
            current = queue.pop()
            if current in seen:
                continue
            golden = known[current].golden
            group = members[golden] if golden else (current,)
            seen.add(current)  # a linked stub may stand outside the group that speaks for its golden record
            if group[0] in seen and group[0] != current:
                continue
            start.append(group)
            seen.update(group)
            open_ended = golden is None or golden in probed
            queue.extend(n for m in group for n in near.get(m, ()) if open_ended or known[n].golden is None)
        yield sorted(start)


def _decide_part(part: Part, decisions: Decisions) -> None:
    known, matching = part.scored.known, part.scored.matching
    if len(part.start) == 1:
        if known[part.start[0][0]].golden is None:
            decisions.joined.append(Joined(part.start[0], None))
        return
    weights, vetoes = weigh(part)
    goldens = [number for number, group in enumerate(part.start) if known[group[0]].golden]
    groups = cluster(
        part.start,
        weights,
        threshold=bits_of(matching.auto),
        floor=FLOOR,
        vetoes=vetoes,
        apart=list(combinations(goldens, 2)),
        margin=matching.margin,
        largest=matching.largest,
    )
    _collect(part.scored, groups, decisions)


def weigh(part: Part) -> tuple[dict[Pair, float], list[Pair]]:
    """Weight of every pair of the part and the pairs that must stay apart. Without an anchor, never automatic."""
    nodes = sorted(node for group in part.start for node in group)
    if len(nodes) <= _FILL_UP_TO:
        wanted = list(combinations(nodes, 2))
    else:
        inside = set(nodes)
        wanted = sorted({ordered(a, b) for a in nodes for b in part.near.get(a, ()) if b in inside})
    home = {node: group for group in part.start for node in group}
    just_below = bits_of(part.scored.matching.auto) - 0.01
    weights: dict[Pair, float] = {}
    vetoes = []
    for a, b in wanted:
        found = part.scored.score(a, b)
        weights[a, b] = max(FLOOR, min(found.bits, CEILING if found.anchored else just_below))
        if part.scored.barred(a, b) or (found.vetoes and part.scored.contradicts(home[a], home[b])):
            vetoes.append((a, b))
    return weights, vetoes


def _collect(scored: Scored, groups: Groups[int], decisions: Decisions) -> None:
    known = scored.known
    sides: dict[int, Side] = {}
    for number, nodes in sorted(groups.members.items()):
        golden = next((known[n].golden for n in nodes if known[n].golden), None)
        newcomers = tuple(n for n in nodes if not known[n].golden)
        sides[number] = golden or len(decisions.joined)
        if newcomers:
            evidence = {n: _closest(scored, n, nodes) for n in newcomers if len(nodes) > 1}
            decisions.joined.append(Joined(newcomers, golden, evidence))
    review = bits_of(scored.matching.review)
    for (a, b), average in sorted(groups.averages.items(), key=lambda item: -item[1]):
        if average >= review and _worth_asking(scored, groups.members[a], groups.members[b]):
            pairs = [(x, y, scored.score(x, y)) for x in groups.members[a] for y in groups.members[b]]
            strongest = sorted(pairs, key=lambda pair: -pair[2].bits)[:_PAIRS_SHOWN]
            decisions.resemblances.append(Resemblance(sides[a], sides[b], average, tuple(strongest)))


def _worth_asking(scored: Scored, left: Sequence[int], right: Sequence[int]) -> bool:
    """Not what a person has ruled out, and not two golden records of which nothing is new."""
    if any(ordered(a, b) in scored.apart for a in left for b in right):
        return False
    return any(scored.known[n].golden is None or scored.known[n].probe for n in (*left, *right))


def _closest(scored: Scored, node: int, nodes: Collection[int]) -> tuple[int, Score]:
    """The member that speaks most for this newcomer's place."""
    best = max((n for n in nodes if n != node), key=lambda n: scored.score(node, n).bits)
    return best, scored.score(node, best)


def _place_stubs(scored: Scored, decisions: Decisions) -> None:
    """A stub joins the one group that bears its name; of several it resembles each; of none it is new.

    Stubs of one name are one newcomer, however many sources name it.
    """
    places: dict[str, dict[Side, list[int]]] = defaultdict(lambda: defaultdict(list))
    group_of = {n: number for number, joined in enumerate(decisions.joined) for n in joined.records}
    for one in scored.known.values():
        side = one.golden or group_of.get(one.id)
        if side is not None:
            for name in one.features.get(scored.matching.names, ()):
                places[name][side].append(one.id)
    waiting: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for one in scored.known.values():
        if scored.waits_for_name(one.id):
            waiting[scored.names_of(one.id)].append(one.id)
    for names, stubs in sorted(waiting.items()):
        # The name as written decides; where nobody bears it, the name without its note is worth a question.
        name = next((name for name in names if name in places), names[0])
        _place(scored, decisions, tuple(sorted(stubs)), places.get(name, {}), sure=name == names[0])


def _place(
    scored: Scored,
    decisions: Decisions,
    stubs: tuple[int, ...],
    found: Mapping[Side, Sequence[int]],
    *,
    sure: bool,
) -> None:
    free = {
        side: members
        for side, members in found.items()
        if not any(ordered(s, m) in scored.apart for s in stubs for m in members)
    }
    if sure and len(free) == 1:
        side, members = next(iter(free.items()))
        evidence = {stub: (members[0], scored.score(stub, members[0])) for stub in stubs}
        if isinstance(side, UUID):
            decisions.joined.append(Joined(stubs, side, evidence))
        else:
            there = decisions.joined[side]
            decisions.joined[side] = Joined(there.records + stubs, there.golden, {**there.evidence, **evidence})
        return
    here = len(decisions.joined)
    decisions.joined.append(Joined(stubs, None))
    for side, members in free.items():
        shown = tuple((stubs[0], member, scored.score(stubs[0], member)) for member in members[:_PAIRS_SHOWN])
        decisions.resemblances.append(Resemblance(here, side, bits_of(scored.matching.review), shown))
