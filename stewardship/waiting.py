"""What is open about a golden record: questions of matching, change requests, merges that can be undone."""

from dataclasses import dataclass
from uuid import UUID

from django.urls import NoReverseMatch, reverse

from matching.models import CandidateState, MatchCandidate
from mdm.models import Merge
from stewardship.models import ChangeRequest, RequestState


@dataclass(frozen=True)
class Question:
    """A candidate the record is in, with the address of the page that decides it."""

    kind: str
    sentence: str
    score: float
    address: str


@dataclass(frozen=True)
class OpenTasks:
    """Candidates and requests nobody decided yet, and the merges into the record that stand."""

    candidates: list[Question]
    requests: list[ChangeRequest]
    merges: list[Merge]

    @property
    def count(self) -> int:
        """How many wait for a person."""
        return len(self.candidates) + len(self.requests)


def open_tasks(record_id: UUID) -> OpenTasks:
    """Three queries, however much is open."""
    waiting = (CandidateState.OPEN, CandidateState.SKIPPED)
    return OpenTasks(
        candidates=[
            Question(candidate.get_kind_display(), candidate.sentence, candidate.score, candidate_address(candidate.pk))
            for candidate in MatchCandidate.objects.filter(members__record_id=record_id, state__in=waiting).order_by(
                "-score"
            )[:20]
        ],
        requests=list(
            ChangeRequest.objects.filter(record_id=record_id, state=RequestState.OPEN)
            .select_related("requested_by")
            .order_by("-requested_at")[:20]
        ),
        merges=list(
            Merge.objects.filter(winner_id=record_id, undone_at__isnull=True)
            .select_related("loser")
            .order_by("-merged_at")[:50]
        ),
    )


def candidate_address(candidate_id: int) -> str:
    """Where a candidate is decided; "" where no such page is installed."""
    try:
        return reverse("stewardship:review", args=[candidate_id])
    except NoReverseMatch:
        return ""
