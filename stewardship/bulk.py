"""Deciding a filtered set of questions at once: looked at before, carried out one by one, undone as a whole."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Count, QuerySet
from django.utils import timezone

from matching.models import CandidateKind, MatchCandidate
from mdm.domains import BY_NAME
from mdm.errors import Invalid, MdmError, NotFound, Refused, WrongState
from mdm.mastering import follow_merges
from mdm.models import GoldenRecord
from mdm.nudge import nudge
from mdm.retrying import atomic
from stewardship import queue, workflow
from stewardship.asked import Filters
from stewardship.members import load
from stewardship.models import BulkDecision, BulkState, BulkVerb, Decision
from stewardship.workflow import may_undo
from stewardship.workflow.recording import require_reason

MOST = 500
EXAMPLES = 5
SKIP_DAYS = 7
CARRY_OUT = "stewardship.tasks.carry_out_bulk"
UNDER_WAY = (BulkState.RUNNING, BulkState.UNDOING)


@dataclass(frozen=True)
class Preview:
    """What would be decided: how many questions, by domain, their records, and the least sure and surest of them."""

    number: int
    by_domain: Sequence[tuple[str, int]]
    records: int
    examples: Sequence[MatchCandidate]

    @property
    def too_many(self) -> bool:
        """More than are decided at once."""
        return self.number > MOST


def preview(filters: Filters, user: User) -> Preview:
    """What the filters choose, with the least sure first among the examples: they are the ones to look at."""
    found = _chosen(filters, user)
    rows = found.values_list("domain").annotate(number=Count("pk")).order_by("domain")
    by_domain = [(BY_NAME[domain].plural, number) for domain, number in rows]
    least, surest = list(found.order_by("score", "pk")[:EXAMPLES]), list(found.order_by("-score", "pk")[:EXAMPLES])
    examples = {candidate.pk: candidate for candidate in (*least, *surest)}
    return Preview(
        number=sum(number for _, number in by_domain),
        by_domain=by_domain,
        records=found.aggregate(number=Count("members"))["number"],
        examples=sorted(examples.values(), key=lambda candidate: candidate.score),
    )


@atomic
def begin(*, verb: str, filters: Filters, expected: int, reason: str, user: User) -> BulkDecision:
    """Decide what the filters choose, in the background; ``expected`` is how many the person saw.

    Raises Invalid (no reason, no such verb), Refused when the set has changed, is empty or too large.
    """
    require_reason(reason, "It is kept with every one of them, so say why.")
    if verb not in BulkVerb.values:
        raise Invalid("There is no such decision.", "Choose one of the list.", [("verb", "Choose one.")])
    questions = list(_chosen(filters, user).order_by("-score", "pk").values_list("pk", flat=True)[: MOST + 1])
    if len(questions) > MOST:
        raise Refused(f"At most {MOST} questions are decided at once.", "Narrow the filters.")
    if not questions or len(questions) != expected:
        raise Refused(f"You saw {expected} questions; now there are {len(questions)}.", "Look at them again.")
    made = BulkDecision.objects.create(
        verb=verb, asked=filters.query()[:500], questions=questions, reason=reason.strip(), begun_by=user
    )
    nudge(CARRY_OUT, str(made.pk), queue="maintenance")
    return made


@atomic
def undo_all(*, bulk_id: UUID, user: User) -> BulkDecision:
    """Undo every decision of it that still stands, in the background, the newest first.

    Raises NotFound, WrongState while it runs or once it is undone, Refused for somebody else's.
    """
    made = BulkDecision.objects.select_for_update().filter(pk=bulk_id).first()
    if made is None:
        raise NotFound("There is no such decision.", "Open the list of your decisions.")
    if made.state != BulkState.DONE:
        raise WrongState(f"It is {made.get_state_display().lower()}.", "Reload the page.")
    first = Decision(decided_by=made.begun_by)
    if not may_undo(first, user):
        raise Refused("Somebody else decided this.", "Ask them, or a domain owner, to undo it.")
    made.state, made.ended_at, made.failures = BulkState.UNDOING, None, []
    made.save(update_fields=["state", "ended_at", "failures"])
    nudge(CARRY_OUT, str(made.pk), queue="maintenance")
    return made


def carry_out(bulk_id: UUID) -> int:
    """Go on until it has ended; how many steps. Each is a transaction of its own, so that nothing is done twice.

    Of two at once one goes on and the other returns.
    """
    steps = 0
    while _step(bulk_id):
        steps += 1
    return steps


def under_way() -> list[UUID]:
    """What has not ended yet."""
    return list(BulkDecision.objects.filter(ended_at__isnull=True).order_by("pk").values_list("pk", flat=True))


@atomic
def _step(bulk_id: UUID) -> bool:
    made = BulkDecision.objects.select_for_update(skip_locked=True).filter(pk=bulk_id, state__in=UNDER_WAY).first()
    if made is None:
        return False
    more = _decide_next(made) if made.state == BulkState.RUNNING else _undo_next(made)
    if not more:
        made.state = BulkState.DONE if made.state == BulkState.RUNNING else BulkState.UNDONE
        made.ended_at = timezone.now()
    made.save(update_fields=["state", "reached", "decisions", "failures", "ended_at"])
    return more


def _decide_next(made: BulkDecision) -> bool:
    if made.reached >= len(made.questions):
        return False
    question = made.questions[made.reached]
    made.reached += 1
    try:
        made.decisions.append(str(_decide(made, question).pk))
    except Invalid as invalid:
        made.failures.append([question, "; ".join(text for _, text in invalid.problems) or invalid.message])
    except MdmError as error:
        made.failures.append([question, error.message])
    return True


def _undo_next(made: BulkDecision) -> bool:
    if not made.decisions:
        return False
    decision_id = made.decisions.pop()
    try:
        workflow.undo(decision_id=UUID(decision_id), user=made.begun_by)
    except MdmError as error:
        made.failures.append([Decision.objects.get(pk=decision_id).candidate_id, error.message])
    return True


@atomic
def _decide(made: BulkDecision, question: int) -> Decision:
    user, reason = made.begun_by, made.reason
    if made.verb == BulkVerb.SKIP:
        until = timezone.now() + timedelta(days=SKIP_DAYS)
        return workflow.skip_candidate(candidate_id=question, until=until, user=user, reason=reason)
    candidate = MatchCandidate.objects.get(pk=question)
    holders = set(follow_merges(candidate.members.values_list("record_id", flat=True)).values())
    shown: dict[UUID, int] = dict(GoldenRecord.objects.filter(pk__in=holders).values_list("pk", "version"))
    if made.verb == BulkVerb.REJECT:
        return workflow.reject_candidate(candidate_id=question, shown=shown, user=user, reason=reason)
    members = [member.record.pk for member in load(BY_NAME[candidate.domain], holders)]
    return workflow.merge_candidate(
        candidate_id=question, winner_id=members[0], record_ids=members, shown=shown, user=user, reason=reason
    )


def _chosen(filters: Filters, user: User) -> QuerySet[MatchCandidate]:
    return queue.waiting(filters, user).filter(kind=CandidateKind.RESEMBLANCE)
