"""Verbs on golden records, outside the work queue: merge by hand, relate, retire, reinstate."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from django.contrib.auth.models import User

from matching import relations, verdicts
from matching.models import CandidateKind, MatchCandidate
from mdm import mastering
from mdm.domains import BY_NAME
from mdm.mastering import Edit, follow_merges
from mdm.models import GoldenRecord
from mdm.retrying import atomic
from stewardship import frozen
from stewardship.models import Decision, Verb
from stewardship.workflow.candidates import relate_candidate, relation_kind
from stewardship.workflow.recording import (
    WAITING,
    activate_cleared,
    carry_over,
    cause_of,
    keep,
    lock_seen,
    require_no_veto,
    require_reason,
    require_shown,
    seen,
    take_back_non_matches,
)


@atomic
def merge_records(
    *,
    winner_id: UUID,
    record_ids: Sequence[UUID],
    shown: Mapping[UUID, int],
    user: User,
    reason: str,
    edit: Edit | None = None,
) -> Decision:
    """Merge records a person chose by hand, with the values chosen for the winner.

    What was ruled out between them before no longer stands.

    Locks the records and their referrers. A second call is refused: the losers are merged then. Raises Stale,
    WrongState, Refused, NotFound, Invalid (no reason).
    """
    require_reason(reason, "Nothing proposed this merge, so say why these are one.")
    losers = [record_id for record_id in dict.fromkeys(record_ids) if record_id != winner_id]
    require_shown([winner_id, *losers], shown)
    cause = cause_of(user, reason)
    records = list(GoldenRecord.objects.filter(pk__in=[winner_id, *losers]).order_by("code"))
    if records:
        require_no_veto(BY_NAME[records[0].domain], [record.pk for record in records], reason)
    rows = seen(records, shown, merged=set(losers), winner={winner_id})
    evidence = frozen.of_records(BY_NAME[records[0].domain], [winner_id, *losers]) if records else {}
    withdrawn = take_back_non_matches([winner_id, *losers], cause.by.name)
    merges = mastering.merge(winner_id=winner_id, loser_ids=losers, expected=shown, cause=cause, edit=edit)
    carry_over(losers, winner_id, cause)
    verdicts.supersede(cause=cause, records=[winner_id, *losers])
    activated = activate_cleared([winner_id], cause)
    return keep(
        verb=Verb.MERGE,
        domain=records[0].domain,
        records=rows,
        user=user,
        cause=cause,
        evidence=evidence,
        merges=[str(merge) for merge in merges],
        withdrawn=withdrawn,
        activated=activated,
    )


@atomic
def relate_records(
    *, kind: str, first: UUID, second: UUID, shown: Mapping[UUID, int], user: User, reason: str = ""
) -> Decision:
    """Say of two records a person chose by hand that they are related and not the same; matching never asks about them.

    A question that waits about just these two is answered by it. Locks the records. Said again it changes nothing.
    Raises Stale, Refused, NotFound, Invalid (no such relation).
    """
    found = relation_kind(kind)
    for question in _questions_about(first, second):
        return relate_candidate(candidate_id=question, kind=kind, first=first, shown=shown, user=user, reason=reason)
    records = lock_seen([first, second], shown)
    cause = cause_of(user, reason)
    evidence = frozen.of_records(BY_NAME[records[0].domain], [first, second])
    made, ruled = relations.relate(kind=found, first=first, second=second, cause=cause)
    return keep(
        verb=Verb.RELATE,
        domain=records[0].domain,
        records=seen(records, shown),
        user=user,
        cause=cause,
        evidence=evidence,
        relations=[made],
        non_matches=list(ruled),
    )


def _questions_about(first: UUID, second: UUID) -> list[int]:
    """Questions that wait about these two and nobody else."""
    asked = MatchCandidate.objects.filter(
        state__in=WAITING, kind=CandidateKind.RESEMBLANCE, members__record__in=(first, second)
    ).distinct()
    members = {candidate.pk: follow_merges(m.record_id for m in candidate.members.all()) for candidate in asked}
    return [pk for pk, found in members.items() if set(found.values()) == {first, second}]


@atomic
def retire_record(*, record_id: UUID, shown: int, user: User, reason: str) -> Decision:
    """Take a record out of use; receivers are told, its id stays resolvable.

    Locks the record. A second call is refused. Raises Stale, WrongState, NotFound, Invalid (no reason).
    """
    require_reason(reason, "Receivers will stop using the record, so say why.")
    (record,) = lock_seen([record_id], {record_id: shown})
    cause = cause_of(user, reason)
    mastering.retire(record_id=record_id, expected=shown, cause=cause)
    return keep(verb=Verb.RETIRE, domain=record.domain, records=seen([record], {}), user=user, cause=cause)


@atomic
def reinstate_record(*, record_id: UUID, shown: int, user: User, reason: str) -> Decision:
    """Bring a retired record back into use.

    Locks the record. A second call is refused. Raises Stale, WrongState, NotFound, Invalid (no reason).
    """
    require_reason(reason, "Receivers will use the record again, so say why.")
    (record,) = lock_seen([record_id], {record_id: shown})
    cause = cause_of(user, reason)
    mastering.reinstate(record_id=record_id, expected=shown, cause=cause)
    activated = activate_cleared([record_id], cause)
    rows = seen([record], {})
    return keep(verb=Verb.REINSTATE, domain=record.domain, records=rows, user=user, cause=cause, activated=activated)
