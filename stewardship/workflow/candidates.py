"""Verbs on a candidate of the work queue. Each locks the candidate first and golden records after it, by key."""

from collections.abc import Callable, Mapping
from datetime import datetime
from uuid import UUID

from django.contrib.auth.models import User
from django.utils import timezone

from matching import relations, verdicts
from matching.models import CandidateKind, MatchCandidate, RelationKind
from mdm import mastering
from mdm.cause import Cause
from mdm.errors import Invalid, Refused, WrongState
from mdm.models import GoldenRecord
from mdm.retrying import atomic
from stewardship import frozen, opinions, reporting
from stewardship.models import Decision, Verb
from stewardship.requests import person
from stewardship.workflow.recording import (
    bring_back,
    cause_of,
    keep,
    lock_seen,
    open_question,
    require_reason,
    seen,
)

CLAIM_MINUTES = 10


def claim_candidate(*, candidate_id: int, user: User) -> str:
    """Reserve an open candidate for whoever looks at it. Returns "" or the name of the colleague who has it.

    Claiming again prolongs it; what is not open cannot be claimed and belongs to nobody.
    """
    try:
        verdicts.claim(candidate_id=candidate_id, by=person(user).name, minutes=CLAIM_MINUTES)
    except WrongState:
        held = MatchCandidate.objects.filter(pk=candidate_id).values_list("claimed_by", flat=True).first() or ""
        return held if held != person(user).name else ""
    return ""


def release_candidate(*, candidate_id: int, user: User) -> None:
    """Give one's own claim back. Repeats without effect."""
    verdicts.release(candidate_id=candidate_id, by=person(user).name)


@atomic
def reject_candidate(
    *, candidate_id: int, shown: Mapping[UUID, int], user: User, reason: str = "", blind: bool = False
) -> Decision:
    """Say that no two members are the same; matching never proposes them again, and suspected ones come into use.

    Locks the candidate, then its records. A second call is refused. Raises Stale, WrongState, Refused, NotFound,
    Invalid (opinions differ and no reason is given).
    """
    candidate, members = open_question(candidate_id, CandidateKind.RESEMBLANCE)
    return _ruled_out(Verb.REJECT, candidate, members, shown, user, cause_of(user, reason), blind=blind)


@atomic
def relate_candidate(
    *,
    candidate_id: int,
    kind: str,
    first: UUID,
    shown: Mapping[UUID, int],
    user: User,
    reason: str = "",
    blind: bool = False,
) -> Decision:
    """Say that the two members are related and not the same; matching never asks about them again.

    ``first`` is the parent, or the one that was succeeded. Locks the candidate, then its records. A second call is
    refused. Raises Stale, WrongState, Refused (more than two members), NotFound, Invalid (no such relation).
    """
    candidate, members = open_question(candidate_id, CandidateKind.RESEMBLANCE)
    if len(members) != 2 or first not in members:
        raise Refused("A relation is said of two records.", "Tick out the others, or compare two of them by hand.")
    cause = cause_of(user, reason)
    (second,) = members.keys() - {first}

    def relate() -> int:
        return relations.relate(
            kind=relation_kind(kind), first=first, second=second, cause=cause, candidate_id=candidate.pk
        )[0]

    return _ruled_out(Verb.RELATE, candidate, members, shown, user, cause, relate, blind=blind)


def _ruled_out(
    verb: Verb,
    candidate: MatchCandidate,
    members: Mapping[UUID, GoldenRecord],
    shown: Mapping[UUID, int],
    user: User,
    cause: Cause,
    relate: Callable[[], int] | None = None,
    *,
    blind: bool,
) -> Decision:
    """No two members are the same; ``relate`` says beside it what they are to each other."""
    reporting.require_another(candidate, user)
    opinions.require_settled(candidate, cause.reason)
    lock_seen(members, shown)
    evidence = frozen.of_candidate(candidate)
    verdict = verdicts.reject(candidate_id=candidate.pk, cause=cause)
    return keep(
        verb=verb,
        domain=candidate.domain,
        candidate=candidate,
        records=seen(members.values(), shown),
        user=user,
        cause=cause,
        evidence=evidence,
        blind=blind,
        **({"relations": [relate()]} if relate else {}),
        non_matches=list(verdict.non_matches),
        activated=[str(record_id) for record_id in verdict.activated],
    )


def relation_kind(name: str) -> RelationKind:
    """The relation of this name. Raises Invalid."""
    if name not in RelationKind.values:
        raise Invalid("There is no such relation.", "Choose one of the list.", [("relation", "Choose one.")])
    return RelationKind(name)


@atomic
def skip_candidate(*, candidate_id: int, until: datetime, user: User, reason: str = "") -> Decision:
    """Put a question off until a moment; then it is in the queue again. Changes no record.

    Locks the candidate. A second call moves the moment. Raises WrongState, NotFound, Invalid (a moment gone by).
    """
    candidate, members = open_question(candidate_id)
    cause = cause_of(user, reason)
    if until <= timezone.now():
        raise Invalid("That time has gone by.", "Choose a later one.", [("until", "Choose a time to come.")])
    verdicts.skip(candidate_id=candidate.pk, by=cause.by.name, until=until)
    rows = seen(members.values(), {})
    return keep(verb=Verb.SKIP, domain=candidate.domain, candidate=candidate, records=rows, user=user, cause=cause)


@atomic
def keep_together(*, candidate_id: int, shown: Mapping[UUID, int], user: User, reason: str = "") -> Decision:
    """Say that contradicting sources of one record, or a member that no longer fits, belong together all the same; the
    record stays as it is, and the link counts as verified.

    Locks the candidate, then the record. A second call is refused. Raises Stale, WrongState, Refused, NotFound, Invalid
    (a member that no longer fits is kept for a reason).
    """
    candidate, members = open_question(candidate_id, CandidateKind.CONFLICT, CandidateKind.MISFIT)
    if candidate.kind == CandidateKind.MISFIT:
        require_reason(reason, "Something speaks against it, so say why it belongs here all the same.")
    lock_seen(members, shown)
    cause = cause_of(user, reason)
    evidence = frozen.of_candidate(candidate)
    verdicts.close_merged(candidate_id=candidate.pk, cause=cause)
    return keep(
        verb=Verb.KEEP,
        domain=candidate.domain,
        candidate=candidate,
        records=seen(members.values(), shown),
        user=user,
        cause=cause,
        evidence=evidence,
    )


@atomic
def split_off(*, candidate_id: int, shown: Mapping[UUID, int], user: User, reason: str = "") -> Decision:
    """Take the source records that contradict out of their record; each becomes a record of its own.

    Locks the candidate, then the record. A second call is refused. Raises Stale, WrongState, Refused, NotFound.
    """
    candidate, members = open_question(candidate_id, CandidateKind.CONFLICT)
    mastering.take_turn(relinking=[candidate.domain])
    lock_seen(members, shown)
    cause = cause_of(user, reason)
    leaving = list(candidate.pairs.values_list("left_source_id", flat=True).distinct())
    evidence = frozen.of_candidate(candidate)
    verdict = verdicts.reject(candidate_id=candidate.pk, cause=cause)
    made = mastering.unlink(source_record_ids=leaving, cause=cause)
    bring_back([*members, *made], cause)
    fresh = GoldenRecord.objects.filter(pk__in=made)
    return keep(
        verb=Verb.SPLIT,
        domain=candidate.domain,
        candidate=candidate,
        records=[*seen(members.values(), shown, winner=set(members)), *seen(fresh, {}, made=set(made))],
        user=user,
        cause=cause,
        evidence=evidence,
        non_matches=list(verdict.non_matches),
    )
