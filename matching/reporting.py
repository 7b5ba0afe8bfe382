"""Questions people bring: two golden records somebody suspects to be one, whatever matching makes of them."""

from uuid import UUID

from django.utils import timezone

from matching import asking, why
from matching.models import CandidateKind, CandidateMember, CandidateState, MatchCandidate
from matching.rules import in_force
from mdm.retrying import atomic
from mdm.spec import Domain

NOT_COMPARED = "Matching has nothing of both to compare."
_WAITING = (CandidateState.OPEN, CandidateState.SKIPPED)


def waiting_about(first: UUID, second: UUID) -> MatchCandidate | None:
    """The question about both that waits, the oldest where there are several."""
    asked = MatchCandidate.objects.filter(kind=CandidateKind.RESEMBLANCE, state__in=_WAITING, members__record=first)
    return asked.filter(pk__in=CandidateMember.objects.filter(record=second).values("candidate")).order_by("pk").first()


@atomic
def ask(*, domain: Domain, first: UUID, second: UUID) -> MatchCandidate:
    """Ask whether the two are one: the question that waits about both, else a new one with their likest pair.

    It is asked whatever the score, with every veto, and matching never takes it back. Callers have both locked.
    """
    known = waiting_about(first, second)
    if known is not None:
        known.reported = True
        known.save(update_fields=["reported"])
        return known
    candidate = MatchCandidate(
        domain=domain.name, kind=CandidateKind.RESEMBLANCE, score=0.0, band="new", reported=True,
        sentence=NOT_COMPARED, created_at=timezone.now(),
    )  # fmt: skip
    pairs = []
    for left, right, score in why.likest(domain, [first, second]):
        candidate.score, candidate.band = score.probability, why.band(in_force(domain).matching, score)
        pair = asking.pair(candidate, (first, second), left, right, score)
        candidate.sentence = pair.sentence
        pairs.append(pair)
    members = [CandidateMember(candidate=candidate, record_id=record) for record in sorted((first, second))]
    asking.store_candidates([candidate], members, pairs)
    return candidate
