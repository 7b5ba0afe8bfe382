"""Verbs on a candidate of the work queue. Each locks the candidate first and golden records after it, by key."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from django.contrib.auth.models import User
from django.utils import timezone

from matching import relations, verdicts
from matching.models import CandidateKind, MatchCandidate, RelationKind
from mdm import mastering
from mdm.errors import Invalid, NotFound, Refused, WrongState
from mdm.mastering import follow_merges
from mdm.models import GoldenRecord
from mdm.retrying import atomic
from stewardship import frozen
from stewardship.models import Decision, Verb
from stewardship.requests import person
from stewardship.workflow.recording import (
    WAITING,
    carry_over,
    cause_of,
    keep,
    lock_seen,
    require_shown,
    seen,
    take_back_non_matches,
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
def merge_candidate(
    *,
    candidate_id: int,
    winner_id: UUID,
    record_ids: Sequence[UUID],
    shown: Mapping[UUID, int],
    user: User,
    reason: str = "",
    others_differ: bool = False,
) -> Decision:
    """Merge the ticked members into the winner; the others stay in the question, or are ruled out if they differ.

    Locks the candidate, then records and referrers. A second call is refused, as the question is settled or its
    records are merged. Raises Stale, WrongState, Refused, NotFound.
    """
    candidate, members = _open(candidate_id, CandidateKind.RESEMBLANCE)
    ticked = list(dict.fromkeys(record_ids))
    out = members.keys() - set(ticked)
    _require_group(members, ticked, winner_id)
    require_shown(ticked, shown)
    cause = cause_of(user, reason)
    losers = [record_id for record_id in ticked if record_id != winner_id]
    rows = seen(members.values(), shown, merged=set(losers), winner={winner_id}, left=out)
    evidence = frozen.of_candidate(candidate)
    withdrawn = take_back_non_matches(ticked, cause.by.name)
    merges = mastering.merge(
        winner_id=winner_id, loser_ids=losers, expected={pk: shown[pk] for pk in ticked}, cause=cause
    )
    carry_over(losers, winner_id)
    ruled: verdicts.Verdict | None = None
    if out and others_differ:
        ruled = verdicts.reject(candidate_id=candidate.pk, cause=cause, records=out)
    activated: tuple[UUID, ...] = ruled.activated if ruled else ()
    if not out or others_differ:
        activated += verdicts.close_merged(candidate_id=candidate.pk, cause=cause).activated
    else:
        verdicts.supersede(cause=cause, records=losers)
        verdicts.release(candidate_id=candidate.pk, by=cause.by.name)
    return keep(
        verb=Verb.MERGE,
        domain=candidate.domain,
        candidate=candidate,
        records=rows,
        user=user,
        cause=cause,
        evidence=evidence,
        merges=[str(merge) for merge in merges],
        non_matches=list(ruled.non_matches if ruled else ()),
        withdrawn=withdrawn,
        activated=[str(record_id) for record_id in activated],
    )


@atomic
def reject_candidate(*, candidate_id: int, shown: Mapping[UUID, int], user: User, reason: str = "") -> Decision:
    """Say that no two members are the same; matching never proposes them again, and suspected ones come into use.

    Locks the candidate, then its records. A second call is refused. Raises Stale, WrongState, Refused, NotFound.
    """
    candidate, members = _open(candidate_id, CandidateKind.RESEMBLANCE)
    lock_seen(members, shown)
    cause = cause_of(user, reason)
    evidence = frozen.of_candidate(candidate)
    verdict = verdicts.reject(candidate_id=candidate.pk, cause=cause)
    return keep(
        verb=Verb.REJECT,
        domain=candidate.domain,
        candidate=candidate,
        records=seen(members.values(), shown),
        user=user,
        cause=cause,
        evidence=evidence,
        non_matches=list(verdict.non_matches),
        activated=[str(record_id) for record_id in verdict.activated],
    )


@atomic
def relate_candidate(
    *, candidate_id: int, kind: str, first: UUID, shown: Mapping[UUID, int], user: User, reason: str = ""
) -> Decision:
    """Say that the two members are related and not the same; matching never asks about them again.

    ``first`` is the parent, or the one that was succeeded. Locks the candidate, then its records. A second call is
    refused. Raises Stale, WrongState, Refused (more than two members), NotFound, Invalid (no such relation).
    """
    candidate, members = _open(candidate_id, CandidateKind.RESEMBLANCE)
    if len(members) != 2 or first not in members:
        raise Refused("A relation is said of two records.", "Tick out the others, or compare two of them by hand.")
    lock_seen(members, shown)
    cause = cause_of(user, reason)
    evidence = frozen.of_candidate(candidate)
    verdict = verdicts.reject(candidate_id=candidate.pk, cause=cause)
    (second,) = members.keys() - {first}
    made, _ = relations.relate(
        kind=relation_kind(kind), first=first, second=second, cause=cause, candidate_id=candidate.pk
    )
    return keep(
        verb=Verb.RELATE,
        domain=candidate.domain,
        candidate=candidate,
        records=seen(members.values(), shown),
        user=user,
        cause=cause,
        evidence=evidence,
        relations=[made],
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
    candidate, members = _open(candidate_id)
    cause = cause_of(user, reason)
    if until <= timezone.now():
        raise Invalid("That time has gone by.", "Choose a later one.", [("until", "Choose a time to come.")])
    verdicts.skip(candidate_id=candidate.pk, by=cause.by.name, until=until)
    rows = seen(members.values(), {})
    return keep(verb=Verb.SKIP, domain=candidate.domain, candidate=candidate, records=rows, user=user, cause=cause)


@atomic
def keep_together(*, candidate_id: int, shown: Mapping[UUID, int], user: User, reason: str = "") -> Decision:
    """Say that contradicting sources of one record belong together all the same; the record stays as it is.

    Locks the candidate, then the record. A second call is refused. Raises Stale, WrongState, Refused, NotFound.
    """
    candidate, members = _open(candidate_id, CandidateKind.CONFLICT)
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
    candidate, members = _open(candidate_id, CandidateKind.CONFLICT)
    mastering.take_turn(relinking=[candidate.domain])
    lock_seen(members, shown)
    cause = cause_of(user, reason)
    leaving = list(candidate.pairs.values_list("left_source_id", flat=True).distinct())
    evidence = frozen.of_candidate(candidate)
    verdict = verdicts.reject(candidate_id=candidate.pk, cause=cause)
    made = mastering.unlink(source_record_ids=leaving, cause=cause)
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


def _open(candidate_id: int, *kinds: CandidateKind) -> tuple[MatchCandidate, dict[UUID, GoldenRecord]]:
    """The candidate, locked and waiting, with its members as they are now: {id: record}, merged ones followed."""
    candidate = MatchCandidate.objects.select_for_update(no_key=True).filter(pk=candidate_id).first()
    if candidate is None:
        raise NotFound("There is no such question.", "Go back to the work queue.")
    if candidate.state not in WAITING:
        who = f" by {candidate.decided_by}" if candidate.decided_by else ""
        raise WrongState(
            f"This was decided already{who}: {candidate.get_state_display().lower()}.", "Take the next one."
        )
    if kinds and candidate.kind not in kinds:
        raise Refused("This question is of another kind.", "Reload it and decide again.")
    holders = set(follow_merges(candidate.members.values_list("record_id", flat=True)).values())
    return candidate, GoldenRecord.objects.in_bulk(sorted(holders))


def _require_group(members: Mapping[UUID, GoldenRecord], ticked: Sequence[UUID], winner_id: UUID) -> None:
    if not members.keys() >= set(ticked):
        raise Refused("One of these records is no longer part of this question.", "Reload it and choose again.")
    if winner_id not in ticked or len(ticked) < 2:
        raise Refused("A merge needs a winner and at least one other record.", "Tick at least two records.")
