"""What rules make of golden records as they stand: which fall apart, which are one, what people said otherwise.

Trials of drafts and re-matches look through this one window, so that what was shown is what is done. Writes nothing.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from uuid import UUID

from matching import lookup
from matching.clustering import cluster
from matching.deciding import CEILING, FLOOR, Part, neighbours, weigh
from matching.known import Known, Pair, Scored, ordered
from matching.rematch_standing import held_together
from matching.scoring import Score, bits_of, probability, shares
from mdm.models import GoldenRecord, GoldenState
from mdm.spec import Domain, Matching

LIVE = (GoldenState.PENDING, GoldenState.ACTIVE)
_HOPS = 2
_MOST_KNOWN = 4000  # records one look takes along; what resembles beyond is looked at in its own turn
# A golden record of more source records is not taken apart (the work is quadratic); it is left as it is.
LARGEST_INSIDE = 120


@dataclass(frozen=True)
class View:
    """Golden records with what resembles them, scored by the rules to judge by (``scored``) and by those before.

    ``stubs`` are {golden record: its records known by name only}; ``together`` what people hold together.
    """

    scored: Scored
    before: Scored
    pairs: frozenset[Pair]
    stubs: Mapping[UUID, tuple[int, ...]]
    names: Mapping[int, tuple[str, ...]]
    together: Sequence[frozenset[int]]


@dataclass(frozen=True)
class Piece:
    """Source records of one golden record that stay together."""

    golden: UUID
    records: tuple[int, ...]


@dataclass(frozen=True)
class Kept:
    """A person's decision the rules would have decided otherwise. ``kind`` is together or apart."""

    kind: str
    golden: UUID
    records: tuple[int, ...]
    score: Score


@dataclass(frozen=True)
class Doubt:
    """Something a person should look at: two groups that may be one (their positions), or, where both are one, a
    group people hold together that the rules no longer believe in."""

    left: int
    right: int
    bits: float
    pairs: tuple[tuple[int, int, Score], ...]


@dataclass
class Judged:
    """``groups`` are what would be one thing each, ``at`` says in which groups each golden record is found.

    ``broken`` are golden records that fall apart; ``large`` counts those of too many source records to be taken apart.
    """

    groups: list[tuple[Piece, ...]] = field(default_factory=list)
    at: dict[UUID, list[int]] = field(default_factory=dict)
    kept: list[Kept] = field(default_factory=list)
    doubts: list[Doubt] = field(default_factory=list)
    broken: set[UUID] = field(default_factory=set)
    large: int = 0

    def add(self, pieces: Sequence[Piece]) -> int:
        """One more group; its position."""
        self.groups.append(tuple(pieces))
        for golden in dict.fromkeys(piece.golden for piece in pieces):
            self.at.setdefault(golden, []).append(len(self.groups) - 1)
        return len(self.groups) - 1

    def splits(self, golden: UUID) -> bool:
        """Whether this golden record would fall apart."""
        return len(self.at[golden]) > 1

    def joins(self, golden: UUID) -> bool:
        """Whether any of it would be one with another golden record."""
        return any(piece.golden != golden for number in self.at[golden] for piece in self.groups[number])


def look(domain: Domain, before: Matching, seeds: Collection[UUID], table: str = lookup.KEYS) -> View:
    """Gather the golden records named and what resembles them, by the keys of a table. Some twenty queries."""
    matching = domain.matching
    review = bits_of(matching.review)
    homes, pairs, known = set(seeds), set[Pair](), dict[int, Known]()
    fresh = lookup.members_of(homes)
    for _ in range(_HOPS):
        found = lookup.pairs_of(domain, fresh, table)
        pairs |= found
        known |= lookup.load(({pk for pair in found for pk in pair} | fresh) - known.keys())
        scored = Scored(matching, known, shares({}))
        near = {pk for pair in found if _linked(known, pair) and scored.score(*pair).bits >= review for pk in pair}
        beyond = {golden for pk in near if (golden := known[pk].golden)} - homes
        if not beyond or len(known) > _MOST_KNOWN:
            break
        homes |= beyond
        fresh = lookup.members_of(beyond)
    known |= lookup.load(lookup.members_of(homes) - known.keys())
    live = set(GoldenRecord.objects.filter(pk__in=homes, state__in=LIVE).values_list("pk", flat=True))
    known = {pk: one for pk, one in known.items() if one.golden in live}
    telling = {pk: one for pk, one in known.items() if not one.stub}
    shared = shares(lookup.shared_texts(domain, telling.values(), table)) if telling else shares({})
    apart = lookup.ruled_out(telling)
    return View(
        scored=Scored(matching, telling, shared, apart),
        before=Scored(before, telling, shared, apart),
        pairs=frozenset((a, b) for a, b in pairs if a in telling and b in telling),
        stubs=_by_golden(one for one in known.values() if one.stub),
        names={pk: one.features.get(matching.names, ()) for pk, one in known.items()},
        together=held_together(telling),
    )


def between(scored: Scored, ours: Sequence[int], theirs: Sequence[int], *, weakest: bool) -> tuple[float, Score]:
    """How likely two groups are one by the average of their pairs, and their most alike pair, or least alike one."""
    found = [scored.score(a, b) for a in ours for b in theirs]
    average = sum(max(FLOOR, min(one.bits, CEILING)) for one in found) / len(found)
    return probability(average), (min if weakest else max)(found, key=lambda one: one.bits)


def _linked(known: Mapping[int, Known], pair: Pair) -> bool:
    """Whether both are read by matching and linked, and not known by name only."""
    return all((one := known.get(pk)) is not None and one.golden and not one.stub for pk in pair)


def _by_golden(known: Iterator[Known]) -> dict[UUID, tuple[int, ...]]:
    found: dict[UUID, list[int]] = defaultdict(list)
    for one in known:
        if one.golden:
            found[one.golden].append(one.id)
    return {golden: tuple(sorted(ids)) for golden, ids in found.items()}


def judge(view: View, seeds: Collection[UUID]) -> Judged:
    """What the rules make of the golden records named, and of what they would join. Pure."""
    judged = Judged()
    members = _by_golden(iter(view.scored.known.values()))
    pieces = {golden: _pieces(view, ids, judged) for golden, ids in members.items()}
    judged.broken = {golden for golden, found in pieces.items() if len(found) > 1}
    for golden in seeds:
        if golden in members:
            judged.kept += _kept(view, golden, members[golden])
    for start in _components(view, pieces, seeds):
        _group(view, start, judged)
    wanted = [golden for golden in seeds if golden in members]
    judged.doubts += _disbelieved(view, wanted, members, judged)
    return judged


def _pieces(view: View, ids: tuple[int, ...], judged: Judged) -> list[tuple[int, ...]]:
    """What stays together of one golden record. What people hold together is one from the start.

    One that fell apart under the rules before as well (its records came one by one, and values grow common) is only
    taken apart where it falls short by more than the lead a rival needs.
    """
    held = [tuple(sorted(inside)) for one in view.together if (inside := one & set(ids))]
    free = set(ids) - {pk for one in held for pk in one}
    start = sorted([*held, *((pk,) for pk in free)])
    if len(ids) > LARGEST_INSIDE:
        judged.large += 1
        return [ids]
    limit = bits_of(view.scored.matching.auto)
    found = _fall(view.scored, start, limit)
    if len(found) > 1 and len(_fall(view.before, start, bits_of(view.before.matching.auto))) > 1:
        return _fall(view.scored, start, limit - view.scored.matching.margin)
    return found


def _fall(scored: Scored, start: list[tuple[int, ...]], threshold: float) -> list[tuple[int, ...]]:
    """What one group falls into when it is put together anew."""
    if len(start) == 1:
        return start
    nodes = {pk for one in start for pk in one}
    weights, vetoes = weigh(Part(scored, {pk: nodes - {pk} for pk in nodes}, start))
    groups = cluster(start, weights, threshold=threshold, floor=FLOOR, vetoes=vetoes)
    return sorted(tuple(sorted(one)) for one in groups.members.values())


def _components(
    view: View, pieces: Mapping[UUID, Sequence[tuple[int, ...]]], seeds: Collection[UUID]
) -> Iterator[list[tuple[int, ...]]]:
    """Pieces that resemble each other, directly or through others, from the golden records named onwards."""
    near = neighbours(view.scored, view.pairs)
    home = {pk: one for found in pieces.values() for one in found for pk in one}
    seen: set[tuple[int, ...]] = set()
    for golden in sorted(seeds):
        for first in pieces.get(golden, ()):
            start, queue = [], [first]
            while queue:
                piece = queue.pop()
                if piece not in seen:
                    seen.add(piece)
                    start.append(piece)
                    queue += {home[other] for pk in piece for other in near.get(pk, ())} - seen
            if start:
                yield sorted(start)


def _group(view: View, start: list[tuple[int, ...]], judged: Judged) -> None:
    """Join the pieces of one component that the rules would join, and note which others a person should look at."""
    scored = view.scored
    if len(start) == 1:
        judged.add([_piece(view, start[0])])
        return
    matching = scored.matching
    weights, vetoes = weigh(Part(scored, neighbours(scored, view.pairs), start))
    groups = cluster(
        start, weights, threshold=bits_of(matching.auto), floor=FLOOR, vetoes=vetoes, margin=matching.margin,
        largest=matching.largest,
    )  # fmt: skip
    piece_of = {piece[0]: piece for piece in start}
    where = {
        number: judged.add([_piece(view, piece_of[pk]) for pk in nodes if pk in piece_of])
        for number, nodes in sorted(groups.members.items())
    }
    for (a, b), average in groups.averages.items():
        left, right = groups.members[a], groups.members[b]
        if average >= bits_of(matching.review) and _new(view, left, right):
            pairs = sorted(((x, y, scored.score(x, y)) for x in left for y in right), key=lambda pair: -pair[2].bits)
            judged.doubts.append(Doubt(where[a], where[b], average, tuple(pairs[:6])))


def _piece(view: View, records: tuple[int, ...]) -> Piece:
    golden = view.scored.known[records[0]].golden
    assert golden is not None  # noqa: S101 - a view holds linked records alone
    return Piece(golden, records)


def _new(view: View, left: Sequence[int], right: Sequence[int]) -> bool:
    """Whether nobody was asked about the two yet: nobody ruled them out, and the rules before saw nothing in them."""
    if any(ordered(a, b) in view.scored.apart for a in left for b in right):
        return False
    if {view.scored.known[pk].golden for pk in left} & {view.scored.known[pk].golden for pk in right}:
        return False
    best = max(view.before.score(a, b).bits for a in left for b in right)
    return best < bits_of(view.before.matching.review)


def _kept(view: View, golden: UUID, ids: Sequence[int]) -> Iterator[Kept]:
    """People's decisions about one golden record that the rules would have decided otherwise."""
    scored, limit = view.scored, bits_of(view.scored.matching.auto)
    for one in view.together:
        inside = sorted(one & set(ids))
        if 1 < len(inside) <= LARGEST_INSIDE and len(_fall(scored, [(pk,) for pk in inside], limit)) > 1:
            yield Kept("together", golden, tuple(inside), _weakest(scored, inside))
    for a, b in sorted(scored.apart):
        if (a in ids) != (b in ids) and a in scored.known and b in scored.known:
            found = scored.score(a, b)
            if found.bits >= limit and found.anchored and not found.vetoes:
                yield Kept("apart", golden, (a, b) if a in ids else (b, a), found)


def _weakest(scored: Scored, ids: Sequence[int]) -> Score:
    return min((scored.score(a, b) for a, b in combinations(ids, 2)), key=lambda one: one.bits)


def _disbelieved(
    view: View, seeds: Sequence[UUID], members: Mapping[UUID, tuple[int, ...]], judged: Judged
) -> Iterator[Doubt]:
    """Groups people hold together that were possible under the rules before and no longer are."""
    scored, before = view.scored, view.before
    for golden in seeds:
        for one in view.together:
            inside = sorted(one & set(members[golden]))
            if not 1 < len(inside) <= LARGEST_INSIDE:
                continue
            alone: list[tuple[int, ...]] = [(pk,) for pk in inside]
            if len(_fall(scored, alone, bits_of(scored.matching.review))) > 1 and (
                len(_fall(before, alone, bits_of(before.matching.review))) == 1
            ):
                a, b = min(combinations(inside, 2), key=lambda pair: scored.score(*pair).bits)
                number = next(n for n in judged.at[golden] if any(a in p.records for p in judged.groups[n]))
                yield Doubt(number, number, scored.score(a, b).bits, ((a, b, scored.score(a, b)),))
