"""Merging the members of a question: one group, or several at once, with what was chosen value by value."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User

from matching import verdicts
from matching.models import CandidateKind, CandidateMember, MatchCandidate
from mdm import mastering
from mdm.cause import Cause
from mdm.domains import BY_NAME
from mdm.errors import Refused
from mdm.mastering import Edit, follow_merges
from mdm.models import GoldenRecord
from mdm.retrying import atomic
from stewardship import frozen, opinions, reporting
from stewardship.models import Decision, Verb
from stewardship.workflow.recording import (
    carry_over,
    cause_of,
    keep,
    open_question,
    require_no_veto,
    require_reason,
    require_shown,
    seen,
    take_back_non_matches,
)


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
    edit: Edit | None = None,
    others: Sequence[Sequence[UUID]] = (),
    added: Iterable[UUID] = (),
    blind: bool = False,
) -> Decision:
    """Merge the ticked members into the winner; the rest stays in the question, or is ruled out if it differs.

    ``edit`` are values a person chose for the winner; typed ones need a reason. ``others`` are groups that are records
    beside it, each merged into its first member; then everybody is decided about. ``added`` were found by hand.
    ``blind``: values alone were seen. Locks the candidate, then records and referrers. A second call is refused, as the
    question is settled or its records are merged. Raises Stale, WrongState, Refused, NotFound, Invalid.
    """
    candidate, members = open_question(candidate_id, CandidateKind.RESEMBLANCE)
    extra = _added(candidate, added, members)
    everyone = members | extra
    groups = [[winner_id, *(pk for pk in dict.fromkeys(record_ids) if pk != winner_id)], *map(list, others)]
    _require_groups(everyone, groups, record_ids)
    require_shown([pk for group in groups for pk in group], shown)
    if edit and edit.typed:
        require_reason(reason, "You typed a value, so say where you have it from.")
    reporting.require_another(candidate, user)
    opinions.require_settled(candidate, reason)
    for group in groups:
        require_no_veto(BY_NAME[candidate.domain], group, reason)
    cause = cause_of(user, reason)
    out = members.keys() - set(groups[0])
    rows = _rows(members, extra, groups, shown)
    evidence = frozen.of_candidate(candidate)
    CandidateMember.objects.bulk_create(
        [CandidateMember(candidate=candidate, record_id=pk) for group in groups for pk in group if pk in extra]
    )
    withdrawn = [pk for group in groups for pk in take_back_non_matches(group, cause.by.name)]
    merges = _merge(groups, shown, cause, edit)
    non_matches, activated = _settle(candidate, groups, out, others_differ or bool(others), cause)
    return keep(
        verb=Verb.MERGE,
        domain=candidate.domain,
        candidate=candidate,
        records=rows,
        user=user,
        cause=cause,
        evidence=evidence,
        blind=blind,
        merges=[str(merge) for merge in merges],
        non_matches=non_matches,
        withdrawn=withdrawn,
        activated=activated,
    )


def _rows(
    members: Mapping[UUID, GoldenRecord],
    extra: Mapping[UUID, GoldenRecord],
    groups: Sequence[Sequence[UUID]],
    shown: Mapping[UUID, int],
) -> list[dict[str, Any]]:
    """Everybody as the person saw them, and what becomes of each."""
    return seen(
        [*members.values(), *extra.values()],
        shown,
        merged={pk for group in groups for pk in group[1:]},
        winner={group[0] for group in groups if len(group) > 1},
        left=members.keys() - {pk for group in groups for pk in group},
        added=extra.keys(),
    )


def _merge(groups: Sequence[Sequence[UUID]], shown: Mapping[UUID, int], cause: Cause, edit: Edit | None) -> list[UUID]:
    merges: list[UUID] = []
    for number, (winner, *losers) in enumerate(groups):
        if losers:
            merges += mastering.merge(
                winner_id=winner,
                loser_ids=losers,
                expected={pk: shown[pk] for pk in (winner, *losers)},
                cause=cause,
                edit=edit if number == 0 else None,
            )
            carry_over(losers, winner, cause)
    return merges


def _settle(
    candidate: MatchCandidate, groups: Sequence[Sequence[UUID]], out: Iterable[UUID], others_differ: bool, cause: Cause
) -> tuple[list[int], list[str]]:
    """Close the question where nothing of it is left. Returns the non-matches written and the records let into use."""
    ruled: verdicts.Verdict | None = None
    outside = set(out)
    if others_differ:  # who was added by hand has become a member
        outside = set(candidate.members.exclude(record__in=groups[0]).values_list("record_id", flat=True))
    if outside and others_differ:
        ruled = verdicts.reject(candidate_id=candidate.pk, cause=cause, records=outside)
    activated: tuple[UUID, ...] = ruled.activated if ruled else ()
    if not outside or others_differ:
        activated += verdicts.close_merged(candidate_id=candidate.pk, cause=cause).activated
    else:
        verdicts.supersede(cause=cause, records=[pk for group in groups for pk in group[1:]])
        verdicts.release(candidate_id=candidate.pk, by=cause.by.name)
    return list(ruled.non_matches if ruled else ()), [str(record_id) for record_id in activated]


def take_out_added(candidate: MatchCandidate, record_ids: Iterable[UUID]) -> None:
    """Records that came into a question only because somebody added them leave it again."""
    CandidateMember.objects.filter(candidate=candidate, record__in=list(record_ids)).delete()


def _added(
    candidate: MatchCandidate, added: Iterable[UUID], members: Mapping[UUID, GoldenRecord]
) -> dict[UUID, GoldenRecord]:
    """The records found by hand that are no members, merged ones followed. Refused for another domain."""
    wanted = set(follow_merges(added).values()) - members.keys()
    found = GoldenRecord.objects.in_bulk(sorted(wanted))
    if any(record.domain != candidate.domain for record in found.values()):
        raise Refused("Records of different domains cannot be one.", "Take the record you added out again.")
    return found


def _require_groups(
    everyone: Mapping[UUID, GoldenRecord], groups: Sequence[Sequence[UUID]], ticked: Sequence[UUID]
) -> None:
    named = [pk for group in groups for pk in group]
    if not everyone.keys() >= set(named):
        raise Refused("One of these records is no longer part of this question.", "Reload it and choose again.")
    if len(named) != len(set(named)):
        raise Refused("A record is in two groups.", "Reload the question and choose again.")
    if groups[0][0] not in ticked or len(groups[0]) < 2:
        raise Refused("A merge needs a winner and at least one other record.", "Tick at least two records.")
