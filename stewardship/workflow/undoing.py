"""Undo: a decision is answered by a decision of its own, and what it made is taken back exactly."""

from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from django.contrib.auth.models import User

from matching import relations, verdicts
from matching.models import KnownNonMatch, MatchCandidate
from mdm import mastering
from mdm.cause import Cause
from mdm.errors import NotFound, Refused, WrongState
from mdm.models import Merge
from mdm.people import ADMINISTRATOR, DOMAIN_OWNER, in_group
from mdm.retrying import atomic
from stewardship.models import Decision, Verb
from stewardship.workflow import unmerging
from stewardship.workflow.merging import take_out_added
from stewardship.workflow.recording import (
    activate_cleared,
    ask_superseded_again,
    bring_back,
    carry_over,
    cause_of,
    keep,
)

UNDOABLE = (Verb.MERGE, Verb.REJECT, Verb.RELATE, Verb.SKIP, Verb.KEEP, Verb.SPLIT, Verb.UNMERGE)

# A merge and the questions it answered are written in one transaction, the decision last.
CLOSED_WITHIN = timedelta(minutes=5)


def may_undo(decision: Decision, user: User) -> bool:
    """Whether the person may take this decision back: one's own, or any as a domain owner."""
    return decision.decided_by_id == user.pk or in_group(user, DOMAIN_OWNER, ADMINISTRATOR)


@atomic
def undo(*, decision_id: UUID, user: User) -> Decision:
    """Take a decision back: merged records return with their ids, non-matches no longer stand, the question is open.

    What it published stays published, as a later version says otherwise. Locks the decision's candidate, then the
    records. A second call is refused. Raises NotFound, WrongState, Refused.
    """
    decision = _undoable(decision_id, user)
    candidate = None
    if decision.candidate_id:
        candidate = MatchCandidate.objects.select_for_update(no_key=True).get(pk=decision.candidate_id)
    # Only now: of two undos one has waited for the other. Without a candidate the merge itself is the lock.
    if Decision.objects.filter(undoes=decision).exists():
        raise WrongState("This was undone already.", "Reload the page to see how things stand.")
    cause = cause_of(user, f"Undo: {decision.get_verb_display().lower()}")
    if decision.verb == Verb.MERGE:
        _unmerge(decision, cause)
    if decision.verb == Verb.SPLIT:
        _join_again(decision, cause)
    if decision.verb == Verb.UNMERGE:
        unmerging.join_again(decision, cause)
    if decision.verb == Verb.RELATE:
        _unrelate(decision, cause.by.name)
    if candidate is not None and _has_verdict(candidate, decision):
        verdicts.reopen(candidate_id=candidate.pk, by=cause.by.name)
    if candidate is not None:
        take_out_added(candidate, [UUID(row["record"]) for row in decision.records if row.get("added")])
    activated = activate_cleared([UUID(row["record"]) for row in decision.records], cause)
    return keep(
        verb=Verb.UNDO,
        domain=decision.domain,
        candidate=candidate,
        records=decision.records,
        user=user,
        cause=cause,
        undoes=decision,
        activated=activated,
    )


def _undoable(decision_id: UUID, user: User) -> Decision:
    decision = Decision.objects.filter(pk=decision_id).first()
    if decision is None:
        raise NotFound("There is no such decision.", "Reload the page to see the latest ones.")
    if decision.verb not in UNDOABLE:
        raise WrongState("This cannot be undone here.", "Open the record and take it back there.")
    if not may_undo(decision, user):
        raise Refused("Somebody else decided this.", "Ask them, or a domain owner, to undo it.")
    return decision


def _unmerge(decision: Decision, cause: Cause) -> None:
    standing = list(Merge.objects.filter(pk__in=decision.merges, undone_at__isnull=True).values_list("pk", flat=True))
    if not standing:
        raise WrongState("This merge has been undone already.", "Reload the page to see how things stand.")
    holders = set(
        mastering.follow_merges(Merge.objects.filter(pk__in=standing).values_list("loser_id", flat=True)).values()
    )
    back = mastering.unmerge(merge_ids=standing, cause=cause)
    ask_superseded_again(back, decision.decided_at - CLOSED_WITHIN)
    bring_back([*holders, *back], cause)
    _rule_out_again(decision.withdrawn, cause)


def _unrelate(decision: Decision, by: str) -> None:
    for relation_id in decision.relations:
        relations.withdraw(relation_id=relation_id, by=by)
    if decision.candidate_id is None:  # else the question is opened again, which takes them back
        for non_match_id in decision.non_matches:
            verdicts.withdraw(non_match_id=non_match_id, by=by)


def _rule_out_again(withdrawn: Iterable[int], cause: Cause) -> None:
    for known in KnownNonMatch.objects.filter(pk__in=list(withdrawn)):
        verdicts.bar(first=[known.first_id], second=[known.second_id], cause=cause)


def _join_again(decision: Decision, cause: Cause) -> None:
    winner = next(UUID(row["record"]) for row in decision.records if row.get("winner"))
    made = [UUID(row["record"]) for row in decision.records if row.get("made")]
    mastering.merge(winner_id=winner, loser_ids=made, expected={}, cause=cause)
    carry_over(made, winner, cause)


def _has_verdict(candidate: MatchCandidate, decision: Decision) -> bool:
    """Whether there is anything to reopen: after a partial merge the question was never closed."""
    return candidate.state in verdicts.SETTLED or bool(decision.non_matches)
