"""Unmerge: whole merges or single members leave a record and the world returns to where it was; it can be undone."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User

from matching import verdicts
from matching.models import CandidateKind, CandidateState
from mdm import mastering
from mdm.cause import Cause
from mdm.errors import NotFound
from mdm.models import GoldenRecord, Link, Merge
from mdm.retrying import atomic
from stewardship import frozen, opinions
from stewardship.models import Decision, Verb
from stewardship.workflow.recording import (
    activate_cleared,
    ask_superseded_again,
    bring_back,
    carry_over,
    cause_of,
    keep,
    lock_seen,
    open_question,
    require_reason,
    seen,
    sources_of,
)

WHY = "Others rely on this merge, so say why it was wrong."


@atomic
def unmerge(
    *,
    merge_ids: Sequence[UUID],
    user: User,
    reason: str,
    along: Mapping[int, UUID] | None = None,
    shown: Mapping[UUID, int] | None = None,
    may_join_again: bool = False,
) -> Decision:
    """Give merged records their old ids, values and references back; open requests and questions go with what they are
    about. Matching never joins them again by itself, unless they may be joined again.

    ``along`` sends source records that came later with one of them: {source record: loser}. Locks the merges, then the
    records and their referrers. A second call is refused. Raises NotFound, Stale, WrongState, Refused, Invalid (no
    reason).
    """
    require_reason(reason, WHY)
    merges = list(Merge.objects.select_related("winner", "loser").filter(pk__in=merge_ids).order_by("pk"))
    if not merges:
        raise NotFound("There is no such merge.", "Open the list of merges.")
    cause = cause_of(user, reason)
    holders = set(mastering.follow_merges([one.loser_id for one in merges]).values())
    back = mastering.unmerge(merge_ids=merge_ids, cause=cause, along=along, expected=shown)
    if may_join_again:
        ask_superseded_again(back, min(one.merged_at for one in merges))
    return _keep(user, cause, holders, back, merges=[one.pk for one in merges], may_join_again=may_join_again)


@atomic
def take_out(
    *,
    source_record_ids: Sequence[int],
    user: User,
    reason: str,
    rest: str = "apart",
    shown: Mapping[UUID, int] | None = None,
    may_join_again: bool = False,
) -> Decision:
    """Let source records leave their record: under the ids they came with where everything of a merge leaves; the
    ``rest`` as new records (apart), as one (together), or along with the one that returns. Otherwise as ``unmerge``.
    """
    require_reason(reason, "Others rely on this record, so say why these are something else.")
    cause = cause_of(user, reason)
    leaving, apart = mastering.take_out(source_record_ids=source_record_ids, cause=cause, rest=rest, expected=shown)
    return _keep(user, cause, {leaving.record}, apart, merges=leaving.merges, may_join_again=may_join_again)


@atomic
def take_out_misfit(
    *, candidate_id: int, shown: Mapping[UUID, int], user: User, reason: str = "", may_join_again: bool = False
) -> Decision:
    """Let the member that no longer fits leave its record, as ``take_out`` does; without a reason, for what was found.

    Locks the candidate, then the record. A second call is refused. Raises Stale, WrongState, Refused, NotFound,
    Invalid (opinions differ and no reason is given).
    """
    candidate, members = open_question(candidate_id, CandidateKind.MISFIT)
    mastering.take_turn(relinking=[candidate.domain])
    lock_seen(members, shown)
    opinions.require_settled(candidate, reason)
    cause = cause_of(user, reason.strip() or candidate.sentence)
    evidence = frozen.of_candidate(candidate)
    verdicts.answered(candidate_ids=[candidate.pk], state=CandidateState.REJECTED, cause=cause)
    leaving, apart = mastering.take_out(source_record_ids=[candidate.source_record_id or 0], cause=cause)
    return _keep(
        user,
        cause,
        {leaving.record},
        apart,
        merges=leaving.merges,
        may_join_again=may_join_again,
        candidate=candidate,
        evidence=evidence,
    )


def _keep(
    user: User,
    cause: Cause,
    holders: set[UUID],
    apart: Sequence[UUID],
    *,
    merges: Iterable[UUID],
    may_join_again: bool,
    **kept: Any,
) -> Decision:
    ids = [*sorted(holders), *apart]
    barred: list[int] = []
    if not may_join_again:
        sources = {pk: sources_of(pk) for pk in ids}
        for one, other in combinations(ids, 2):
            barred += verdicts.bar(first=sources[one], second=sources[other], cause=cause)
    bring_back(ids, cause)
    activated = activate_cleared(ids, cause)
    found = GoldenRecord.objects.in_bulk(ids)
    old = set(Merge.objects.filter(pk__in=merges).values_list("loser_id", flat=True))
    return keep(
        verb=Verb.UNMERGE,
        domain=found[ids[0]].domain,
        records=seen([found[pk] for pk in ids], {}, merged=old, winner=holders, made=set(apart) - old),
        user=user,
        cause=cause,
        merges=[str(pk) for pk in merges],
        non_matches=barred,
        activated=activated,
        **kept,
    )


def join_again(decision: Decision, cause: Cause) -> None:
    """Undo an unmerge: what left is merged again into the record it left, and the pair is no longer kept apart.

    Requests and questions follow. Raises WrongState where one of them was merged or changed its state since.
    """
    for non_match_id in decision.non_matches:
        verdicts.withdraw(non_match_id=non_match_id, by=cause.by.name)
    holders = [UUID(row["record"]) for row in decision.records if row.get("winner")]
    apart = [UUID(row["record"]) for row in decision.records if not row.get("winner")]
    winner = mastering.follow_merges(holders[:1])[holders[0]]
    former = [UUID(pk) for pk in decision.merges]
    mastering.merge(winner_id=winner, loser_ids=apart, expected={}, cause=cause, reviving=former)
    carry_over(apart, winner, cause)
    verdicts.supersede(cause=cause, records=[winner, *apart])


def stands(decision: Decision) -> bool:
    """Whether what the decision took apart is apart still, so that it can be undone."""
    apart = [UUID(row["record"]) for row in decision.records if not row.get("winner")]
    return not GoldenRecord.objects.filter(pk__in=apart, state="merged").exists() and bool(
        Link.objects.filter(record__in=apart, ended_at=None).exists()
    )
