"""Questions for people: resemblances grouped into candidates, best first, each golden pair asked once."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.utils import timezone

from matching.deciding import Decisions, Resemblance, Side
from matching.known import ordered
from matching.models import CandidateKind, CandidateMember, MatchCandidate, MatchPair
from matching.scoring import Score, sentence
from mdm import bulk
from mdm.compiled import prepared
from mdm.spec import Domain

# More golden records than this side by side is no question a person can answer.
MOST_SIDES = 6


@dataclass(frozen=True)
class Question:
    """One candidate to be: its sides and the resemblances between them."""

    sides: tuple[Side, ...]
    resemblances: tuple[Resemblance, ...]


def group(decisions: Decisions) -> list[Question]:
    """Resemblances that touch each other become one question, strongest first, up to MOST_SIDES sides."""
    where: dict[Side, int] = {}
    sides: dict[int, set[Side]] = {}
    inside: dict[int, list[Resemblance]] = defaultdict(list)
    for number, found in enumerate(sorted(decisions.resemblances, key=lambda r: -r.bits)):
        homes = {where[side] for side in (found.left, found.right) if side in where}
        together = {found.left, found.right}.union(*(sides[home] for home in homes))
        if len(together) > MOST_SIDES:
            continue  # both sides, or the stronger of them, are asked about already
        for home in homes:
            inside[number] += inside.pop(home)
            del sides[home]
        sides[number] = together
        inside[number].append(found)
        where.update(dict.fromkeys(together, number))
    return [Question(tuple(sorted(sides[n], key=str)), tuple(inside[n])) for n in sides]


def suspected(decisions: Decisions, questions: Iterable[Question]) -> set[int]:
    """Which new records wait: all in a question, but for one where the question has no golden record yet.

    That one is what the others may be duplicates of; it has the most sources, then the oldest.
    """
    waiting: set[int] = set()
    for question in questions:
        known = [side for side in question.sides if isinstance(side, UUID) or decisions.joined[side].golden]
        new = [side for side in question.sides if isinstance(side, int) and not decisions.joined[side].golden]
        if not known and new:
            joined = decisions.joined
            new.remove(min(new, key=lambda n: (-len(joined[n].records), joined[n].records)))
        waiting.update(new)
    return waiting


def store(domain: Domain, questions: Sequence[Question], golden: Mapping[int, UUID]) -> int:
    """Write the questions; ``golden`` names the golden record of each new side. Returns how many candidates are new.

    A question about a golden record somebody is asked about already joins that candidate, so that one person
    decides; a group asked about before is not asked again.
    """

    def record(side: Side) -> UUID:
        return side if isinstance(side, UUID) else golden[side]

    if not questions:
        return 0
    known, waiting = _asked_before(questions), _waiting_about(questions)
    candidates, members, pairs = [], [], []
    for question in questions:
        records = sorted({record(side) for side in question.sides})
        if len(records) < 2 or frozenset(records) in known:
            continue
        best = max(question.resemblances, key=lambda r: r.bits)
        candidate = next((waiting[one] for one in records if one in waiting), None)
        if candidate is None:
            candidate = _candidate(domain, CandidateKind.RESEMBLANCE, best.probability, best.pairs[0][2])
            candidates.append(candidate)
        members += [CandidateMember(candidate=candidate, record_id=one) for one in records]
        for found in question.resemblances:
            left, right = record(found.left), record(found.right)
            pairs += [pair(candidate, (left, right), a, b, score) for a, b, score in found.pairs]
    store_candidates(candidates, members, pairs)
    return len(candidates)


def _waiting_about(questions: Sequence[Question]) -> dict[UUID, MatchCandidate]:
    """Golden record -> the open candidate, held by nobody, that has room for what resembles it too. Locks them."""
    records = [side for question in questions for side in question.sides if isinstance(side, UUID)]
    found: dict[UUID, MatchCandidate] = {}
    if records:
        with prepared(len(records)) as cursor:
            cursor.execute(_WITH_ROOM, [records])
            for pk, members in cursor.fetchall():
                if len(members) < MOST_SIDES:
                    found.update(dict.fromkeys(members, MatchCandidate(pk=pk)))
    return found


# Of which candidates: gathered first, so that those of a few records are looked up and not all that are open read.
_WITH_ROOM = """
WITH near AS MATERIALIZED (
  SELECT DISTINCT candidate_id AS id FROM matching_candidatemember WHERE record_id = ANY(%s::uuid[])
)
SELECT c.id, ARRAY(SELECT record_id FROM matching_candidatemember m WHERE m.candidate_id = c.id)
FROM near JOIN matching_matchcandidate c ON c.id = near.id
WHERE c.state = 'open' AND c.kind = 'resemblance' AND c.claimed_by = ''
ORDER BY c.id DESC FOR UPDATE OF c SKIP LOCKED
"""


def _asked_before(questions: Sequence[Question]) -> set[frozenset[UUID]]:
    """Groups of golden records a candidate exists for: a change of one of them does not ask again."""
    old = (q for q in questions if all(isinstance(side, UUID) for side in q.sides))
    records = [side for q in old for side in q.sides if isinstance(side, UUID)]
    if not records:
        return set()
    with prepared(len(records)) as cursor:
        cursor.execute(_ASKED, [records])
        return {frozenset(members) for (members,) in cursor.fetchall()}


_ASKED = """
SELECT ARRAY(SELECT record_id FROM matching_candidatemember m WHERE m.candidate_id = c.id)
FROM (SELECT DISTINCT candidate_id AS id FROM matching_candidatemember WHERE record_id = ANY(%s::uuid[])) near
JOIN matching_matchcandidate c ON c.id = near.id
WHERE c.state IN ('open', 'skipped', 'rejected') AND c.kind = 'resemblance'
"""


@dataclass(frozen=True)
class Drawn:
    """A pair drawn at random: its golden records (one and the same for a link), its source records, their score."""

    records: tuple[UUID, UUID]
    sources: tuple[int, int]
    score: Score


def ask_drawn(domain: Domain, kind: CandidateKind, drawn: Iterable[Drawn]) -> int:
    """Ask about pairs drawn at random, one question each, marked as such. Returns how many."""
    candidates, members, pairs = [], [], []
    for one in drawn:
        candidate = _candidate(domain, kind, one.score.probability, one.score)
        candidate.sampled = True
        candidate.band = "auto" if kind == CandidateKind.CONFLICT else "new"
        candidates.append(candidate)
        members += [CandidateMember(candidate=candidate, record_id=record) for record in sorted(set(one.records))]
        pairs.append(pair(candidate, one.records, *one.sources, one.score))
    store_candidates(candidates, members, pairs)
    return len(candidates)


def _candidate(domain: Domain, kind: CandidateKind, chance: float, best: Score) -> MatchCandidate:
    return MatchCandidate(
        domain=domain.name, kind=kind, score=chance, sentence=sentence(best), created_at=timezone.now()
    )


def pair(candidate: MatchCandidate, records: tuple[UUID, UUID], left: int, right: int, score: Score) -> MatchPair:
    """A pair of a question as it is kept, not stored yet."""
    return MatchPair(
        candidate=candidate,
        left_record_id=records[0],
        right_record_id=records[1],
        left_source_id=left,
        right_source_id=right,
        score=score.probability,
        explanation=score.explanation(swap=ordered(left, right) != (left, right)),
        sentence=sentence(score),
        vetoes=list(score.vetoes),
    )


def store_candidates(candidates: list[MatchCandidate], members: list[CandidateMember], pairs: list[MatchPair]) -> None:
    """Questions with their members and pairs, which may be of questions stored before."""
    MatchCandidate.objects.bulk_create(candidates)
    for member in members:
        member.candidate_id = member.candidate.pk  # known only now
    bulk.insert(members, missing_only=True)
    store_pairs(pairs)


def store_pairs(pairs: list[MatchPair]) -> None:
    """Pairs of questions that are stored."""
    for one in pairs:
        one.candidate_id = one.candidate.pk
    bulk.insert(pairs, missing_only=True)
