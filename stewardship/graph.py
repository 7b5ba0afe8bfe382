"""The members of a question as a graph: how strongly each pair is held together, and which groups a threshold leaves.

Members stand on a circle in the order in which they join, so that whatever holds together at any threshold is one arc
of it. Every grouping there is, one for each threshold at which it changes, is worked out here; the page only picks one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from math import cos, pi, sin
from uuid import UUID

from matching.models import KnownNonMatch, MatchCandidate
from mdm.mastering import follow_merges
from mdm.models import Link
from stewardship.choosing import LETTERS, Choice
from stewardship.drawing import bits
from stewardship.members import Member

FIRST = "A"  # the record the page makes of what is ticked; LETTERS are those beside it
LEAST, MOST_DRAWN, MOST_EDGES, MOST_NAMED = 3, 60, 200, 12
NODE, SPACE, SMALLEST, AIR, LABEL = 12, 30, 60, 26, 80
ROOMY = 9  # radius for each member where codes stand beside the nodes, so that they do not meet
STRONGEST = 12.0  # points beyond which a line gets no thicker
JOINS, AGAINST = "joins", "against"


@dataclass(frozen=True)
class Node:
    """A member: its number on the page, where it stands, and where its code is written (``anchor`` of the text)."""

    number: int
    record: UUID
    code: str
    title: str
    x: float
    y: float
    label_x: float
    label_y: float
    anchor: str


@dataclass(frozen=True)
class Edge:
    """What was found between two members. ``holds`` is the highest threshold, in per cent, at which it still joins
    them; None where something is ``against`` it, which no threshold lifts."""

    left: Node
    right: Node
    score: float
    against: str
    width: float

    @property
    def holds(self) -> float | None:
        """Cut, not rounded, as scores are shown."""
        return None if self.against else int(self.score * 1000) / 10

    @property
    def middle(self) -> tuple[float, float]:
        """Where its mark stands."""
        return round((self.left.x + self.right.x) / 2, 1), round((self.left.y + self.right.y) / 2, 1)


@dataclass(frozen=True)
class Level:
    """What holds together at every threshold up to ``upto`` per cent, down to the next level. ``letters`` has one for
    each member in the order of the page, blank for who is alone; ``unlettered`` counts groups beyond the last."""

    upto: float
    letters: Sequence[str]
    words: str
    groups: int
    unlettered: int
    contradicted: int


@dataclass(frozen=True)
class Graph:
    """The drawing at one threshold, every level of it, and how much is left out."""

    size: int
    width: int
    nodes: Sequence[Node]
    edges: Sequence[Edge]
    levels: Sequence[Level]
    threshold: float
    more_edges: int

    @property
    def level(self) -> Level:
        """What holds at the threshold chosen."""
        return next(one for one in reversed(self.levels) if one.upto >= self.threshold)

    @property
    def lettered(self) -> list[tuple[Node, str]]:
        """The nodes with the letter each has at the threshold chosen."""
        return list(zip(self.nodes, self.level.letters, strict=True))

    @property
    def drawn(self) -> bool:
        """Whether a drawing of so many can be read."""
        return len(self.nodes) <= MOST_DRAWN

    @property
    def named(self) -> bool:
        """Whether there is room for codes beside the nodes, and for scores on the lines."""
        return len(self.nodes) <= MOST_NAMED

    def chosen(self, choice: Choice) -> Choice:
        """The choice with the groups of this threshold: the largest is the first record, others get letters."""
        placed = {node.record: letter for node, letter in self.lettered}
        first = frozenset(pk for pk, letter in placed.items() if letter == FIRST)
        others = {pk: letter for pk, letter in placed.items() if letter in LETTERS}
        return replace(choice, ticked=first, letters=others, winner=choice.winner if choice.winner in first else None)


def threshold_of(text: str, usual: float) -> float:
    """The threshold somebody wrote, in per cent; the usual one (a probability) where that is none."""
    try:
        given = float(text)
    except ValueError:
        given = usual * 100
    return round(min(100.0, max(0.0, given)), 1)


def of_question(question: MatchCandidate, members: Sequence[Member], threshold: float) -> Graph | None:
    """The graph of a question about three members or more, None for fewer. Four queries, however many."""
    if len(members) < LEAST:
        return None
    scores, vetoed = _found(question, [member.record.pk for member in members])
    ruled = _ruled_out([member.record.pk for member in members])
    against = {pair: f"{', '.join(labels)} differs" for pair, labels in vetoed.items() if labels}
    against |= {pair: "less likely than not" for pair, score in scores.items() if score < 0.5 and pair not in against}
    against |= dict.fromkeys(ruled, "a person said: not the same")
    return draw(members, scores, against, threshold)


def draw(
    members: Sequence[Member],
    scores: Mapping[frozenset[UUID], float],
    against: Mapping[frozenset[UUID], str],
    at: float,
) -> Graph:
    """Members in the order of the page; ``scores`` and what is ``against`` are by pair. Pure."""
    numbers = {member.record.pk: number for number, member in enumerate(members)}
    pairs = {
        (min(a, b), max(a, b)): pair for pair in {*scores, *against} for a, b in [sorted(numbers[pk] for pk in pair)]
    }
    held = {ends: int(scores[pair] * 1000) / 10 for ends, pair in pairs.items() if pair not in against}
    order, steps = _joined(len(members), held)
    named = len(members) <= MOST_NAMED
    radius = max(SMALLEST, len(members) * ROOMY if named else round(len(members) * SPACE / (2 * pi)))
    room = radius + AIR + (LABEL if named else 0)
    places = {number: 2 * pi * place / len(members) - pi / 2 for place, number in enumerate(order)}
    nodes = [_node(number, member, places[number], radius, room) for number, member in enumerate(members)]
    edges = [
        Edge(nodes[a], nodes[b], scores.get(pair, 0.0), against.get(pair, ""), _width(scores.get(pair)))
        for (a, b), pair in sorted(pairs.items(), key=lambda one: (-abs(bits(scores.get(one[1], 0.0))), one[0]))
    ]
    barred = [(a, b) for (a, b), pair in pairs.items() if pair in against]
    return Graph(
        size=2 * (radius + AIR),
        width=2 * room,
        nodes=nodes,
        edges=edges[:MOST_EDGES],
        levels=[_level(upto, groups, len(members), barred) for upto, groups in steps],
        threshold=at,
        more_edges=max(0, len(edges) - MOST_EDGES),
    )


def _joined(count: int, held: Mapping[tuple[int, int], float]) -> tuple[list[int], list[tuple[float, list[list[int]]]]]:
    """The order in which members join, and [(threshold, what is together from there down)], highest first."""
    home = [[number] for number in range(count)]
    steps = [(100.0, [group[:] for group in home])]
    ordered = sorted(held, key=lambda ends: (-held[ends], ends))
    for upto, together in groupby(ordered, key=lambda ends: held[ends]):
        changed = False
        for a, b in together:
            if home[a] is not home[b]:
                changed = True
                home[a].extend(gone := home[b])
                for number in gone:
                    home[number] = home[a]
        if changed:
            steps.append((upto, [group[:] for group in {id(one): one for one in home}.values()]))
    return [number for group in {id(one): one for one in home}.values() for number in group], steps


def _level(upto: float, groups: Sequence[Sequence[int]], count: int, barred: Iterable[tuple[int, int]]) -> Level:
    """The largest group is the first record, then by size and by number; who is alone has no letter."""
    several = sorted((sorted(group) for group in groups if len(group) > 1), key=lambda group: (-len(group), group))
    letters = [""] * count
    lettered = list(zip((FIRST, *LETTERS), several, strict=False))
    for letter, group in lettered:
        for number in group:
            letters[number] = letter
    said = [f"{letter}: {_numbers(group)}" for letter, group in lettered]
    left = [number for number in range(count) if not letters[number]]
    if left:
        said.append(f"by themselves: {_numbers(left)}")
    inside = sum(bool(letters[a]) and letters[a] == letters[b] for a, b in barred)
    return Level(upto, letters, "; ".join(said), len(lettered), len(several) - len(lettered), inside)


def _numbers(group: Sequence[int]) -> str:
    if len(group) > MOST_DRAWN // 2:
        return f"{len(group)} records"
    return ", ".join(str(number + 1) for number in group)


def _node(number: int, member: Member, angle: float, radius: float, room: float) -> Node:
    x, y = room + radius * cos(angle), radius + AIR + radius * sin(angle)
    out = radius + NODE + 5
    side = round(cos(angle), 3)
    return Node(
        number=number + 1,
        record=member.record.pk,
        code=member.record.code,
        title=member.record.title,
        x=round(x, 1),
        y=round(y, 1),
        label_x=round(room + out * cos(angle), 1),
        label_y=round(radius + AIR + out * sin(angle) + 4 + 4 * sin(angle), 1),
        anchor="middle" if abs(side) < 0.1 else "start" if side > 0 else "end",
    )


def _width(score: float | None) -> float:
    """How thick a line is: by the points that speak for it or against it."""
    return 2.0 if score is None else round(1.5 + 4.5 * min(abs(bits(score)), STRONGEST) / STRONGEST, 1)


def _found(
    question: MatchCandidate, record_ids: Sequence[UUID]
) -> tuple[dict[frozenset[UUID], float], dict[frozenset[UUID], list[str]]]:
    """The likest score kept between every two members, and its vetoes; records merged meanwhile count as one."""
    rows = list(question.pairs.order_by("score", "pk").values_list("left_record", "right_record", "score", "vetoes"))
    now = follow_merges({pk for left, right, _, _ in rows for pk in (left, right)})
    known = set(record_ids)
    scores, vetoed = {}, {}
    for left, right, score, labels in rows:
        pair = frozenset((now[left], now[right]))
        if len(pair) == 2 and pair <= known:
            scores[pair], vetoed[pair] = score, labels
    return scores, vetoed


def _ruled_out(record_ids: Sequence[UUID]) -> set[frozenset[UUID]]:
    """Pairs of members between which a person's word stands that they are not the same."""
    links = Link.objects.filter(record_id__in=record_ids, ended_at__isnull=True)
    home = dict(links.values_list("source_record_id", "record_id"))
    standing = KnownNonMatch.objects.filter(first__in=home, second__in=home, withdrawn_at__isnull=True)
    pairs = {frozenset((home[a], home[b])) for a, b in standing.values_list("first_id", "second_id")}
    return {pair for pair in pairs if len(pair) == 2}
