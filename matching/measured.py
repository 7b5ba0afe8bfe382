"""How good matching is in this hub: what people decided, put beside what a random sample of records says."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection

from matching import measuring
from matching.measuring import Bin, Recall, Stratum, Told
from matching.models import CandidateKind, CandidateState, KnownNonMatch, MatchCandidate, MatchPair, Measurement
from matching.rules import in_force
from mdm.mastering import follow_merges
from mdm.spec import Domain

# Decisions looked at, the latest first: older ones speak of rules long gone, and a page must not wait for all of them.
MOST = 5_000
# Pairs below this are not drawn: nearly all of them are strangers, so that looking at a few says nothing.
NEAR = 0.05
# Links matching made without a person, by the two rows each joined: to a golden record that was there, or to each
# other in a new one, where the row all others were joined to is not counted.
MADE = """
WITH made AS (
  SELECT l.source_record_id AS one, (l.explanation ->> 'source_record')::bigint AS other, l.record_id, l.score,
         l.linked_at, l.ended_at, l.ended_by, l.end_reason
  FROM mdm_link l JOIN mdm_sourcerecord s ON s.id = l.source_record_id
  WHERE s.domain = %s AND s.part = '' AND l.method IN ('auto', 'new')
    AND (l.explanation ->> 'source_record')::bigint <> l.source_record_id
)
"""


@dataclass(frozen=True)
class Decided:
    """What people said: of questions matching asked, of links and of near pairs drawn at random."""

    questions: Sequence[Told]
    checked_links: Sequence[Told]
    checked_near: Sequence[Told]

    @property
    def everything(self) -> list[Told]:
        """Every pair with a score and an answer."""
        return [*self.questions, *self.checked_links, *self.checked_near]


@dataclass(frozen=True)
class Picture:
    """One domain. ``links``, ``questions`` and ``near`` are its bands: pairs in them, and what people said of some.

    ``found`` is the recall of what matching links by itself, ``asked`` that of links and questions together; both are
    among compared pairs of at least ``NEAR``, and None where nobody looked at pairs drawn at random.
    """

    domain: Domain
    links: Stratum
    questions: Stratum
    near: Stratum
    found: Recall | None
    asked: Recall | None
    bins: Sequence[Bin]
    off_by: float | None
    waiting: int
    measurement: Measurement | None

    @property
    def figures(self) -> Mapping[str, Any]:
        """What the newest measurement says; empty where there is none."""
        return self.measurement.figures if self.measurement else {}


def picture(domain: Domain) -> Picture:
    """Everything the page of a domain shows. A number of queries that does not grow; writes nothing."""
    domain = in_force(domain)
    told = decided(domain)
    newest = Measurement.objects.filter(domain=domain.name).order_by("-at", "-pk").first()
    links = Stratum(_links(domain), measuring.said(told.checked_links))
    questions = Stratum(_asked(domain), measuring.said(told.questions))
    near = Stratum(newest.figures["near_pairs"] if newest else 0.0, measuring.said(told.checked_near))
    known = newest is not None
    bins = measuring.calibration(told.everything)
    return Picture(
        domain=domain,
        links=links,
        questions=questions,
        near=near,
        found=measuring.recall([links], [questions, near]) if known else None,
        asked=measuring.recall([links, questions], [near]) if known else None,
        bins=bins,
        off_by=measuring.off_by(bins),
        waiting=MatchCandidate.objects.filter(domain=domain.name, state=CandidateState.OPEN).count(),
        measurement=newest,
    )


def decided(domain: Domain) -> Decided:
    """Every golden pair people decided, with the best score it had when it was asked. Four queries."""
    found: dict[str, list[Told]] = defaultdict(list)
    for pair, same in decided_pairs(domain):
        found[_place(pair.candidate)].append(Told(pair.score, same, pair.candidate.sampled))
    return Decided(found["questions"], found["links"], found["near"])


def decided_pairs(domain: Domain) -> list[tuple[MatchPair, bool]]:
    """The likest pair between every two golden records people decided about, and whether they are one. Four queries.

    What people reported is left out: it was chosen for what its score does not show.
    """
    settled = MatchCandidate.objects.filter(
        domain=domain.name, state__in=(CandidateState.MERGED, CandidateState.REJECTED), reported=False
    )
    latest = list(settled.order_by("-decided_at").values_list("pk", flat=True)[:MOST])
    pairs = _best(MatchPair.objects.filter(candidate__in=latest).select_related("candidate").order_by("-score", "pk"))
    holders = follow_merges({record for pair in pairs for record in (pair.left_record_id, pair.right_record_id)})
    apart = _ruled_out(pairs)
    said = [(pair, _same(pair.candidate, pair, holders, apart)) for pair in pairs]
    return [(pair, same) for pair, same in said if same is not None]


def _best(pairs: Iterable[MatchPair]) -> list[MatchPair]:
    """The likest pair of source records between every two golden records of a question."""
    found: dict[tuple[int, frozenset[UUID]], MatchPair] = {}
    for pair in pairs:
        found.setdefault((pair.candidate_id, frozenset((pair.left_record_id, pair.right_record_id))), pair)
    return list(found.values())


def _ruled_out(pairs: Sequence[MatchPair]) -> set[frozenset[int]]:
    sources = {pk for pair in pairs for pk in (pair.left_source_id, pair.right_source_id)}
    standing = KnownNonMatch.objects.filter(first__in=sources, second__in=sources, withdrawn_at__isnull=True)
    return {frozenset(pair) for pair in standing.values_list("first_id", "second_id")}


def _same(
    candidate: MatchCandidate, pair: MatchPair, holders: Mapping[UUID, UUID], apart: set[frozenset[int]]
) -> bool | None:
    """What people say of this pair today: a merge taken back since, or a record left out of it, is no match."""
    if frozenset((pair.left_source_id, pair.right_source_id)) in apart or candidate.state == CandidateState.REJECTED:
        return False
    if candidate.kind != CandidateKind.RESEMBLANCE:
        return True
    return True if holders[pair.left_record_id] == holders[pair.right_record_id] else None


def _place(candidate: MatchCandidate) -> str:
    """Links people doubted because of a contradiction are no random check of links: they count as questions."""
    if not candidate.sampled:
        return "questions"
    return "links" if candidate.kind == CandidateKind.CONFLICT else "near"


def _links(domain: Domain) -> int:
    """Links matching made by itself that stand."""
    with connection.cursor() as cursor:
        cursor.execute(f"{MADE} SELECT count(*) FROM made WHERE ended_at IS NULL", [domain.name])  # noqa: S608 - ours
        return int(cursor.fetchone()[0])


def _asked(domain: Domain) -> int:
    """Pairs of golden records people were asked about, decided or not."""
    return (
        MatchPair.objects.filter(candidate__domain=domain.name, candidate__sampled=False, candidate__reported=False)
        .exclude(candidate__state__in=(CandidateState.WITHDRAWN, CandidateState.SUPERSEDED))
        .values("candidate", "left_record", "right_record")
        .distinct()
        .count()
    )
