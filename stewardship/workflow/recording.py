"""What every verb of a person shares: who acts, what was seen, and the row that is kept for ever."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User

from matching import misfits, verdicts
from matching.models import CandidateKind, CandidateMember, CandidateState, MatchCandidate
from mdm import vetoes
from mdm.cause import Cause
from mdm.compiled import Compiled, found_by, prepared
from mdm.errors import Invalid, NotFound, Refused, Stale, WrongState
from mdm.identity import uuid7
from mdm.mastering import activate, domains_of, follow_merges, take_turn
from mdm.models import GoldenRecord, GoldenState, Link
from mdm.spec import Domain
from stewardship import rebasing
from stewardship.models import Decision, Verb
from stewardship.requests import person

WAITING = (CandidateState.OPEN, CandidateState.SKIPPED)
# Questions that go where the source records they compare go.
FOLLOWING = (CandidateKind.RESEMBLANCE, CandidateKind.MISFIT)


def cause_of(user: User, reason: str) -> Cause:
    """A cause that already knows the decision it belongs to."""
    return Cause(by=person(user), reason=reason.strip(), decision_id=uuid7())


def require_reason(reason: str, why: str) -> None:
    """Raise Invalid unless a reason is given; ``why`` says what it is kept for."""
    if not reason.strip():
        raise Invalid("A reason is missing.", "Say why and send it again.", [("reason", why)])


def require_no_veto(domain: Domain, record_ids: Sequence[UUID], reason: str) -> None:
    """Raise Refused where a rule forbids to make one of these records, Invalid where it takes a reason that is missing.

    All vetoes that stand are named at once.
    """
    found = vetoes.standing(domain, record_ids)
    if any(one.forbids for one in found):
        said = "; ".join(one.message for one in found if one.forbids)
        raise Refused(f"These cannot become one. {said}.", "Tick out the record that does not belong.")
    if not reason.strip() and (lifted := [one.message for one in found if one.needs_reason]):
        said = "; ".join(lifted)
        raise Invalid(
            "A reason is missing.",
            "Say why and send it again.",
            [("reason", f"{said}. If they are one all the same, say why.")],
        )


def require_shown(record_ids: Iterable[UUID], shown: Mapping[UUID, int]) -> None:
    """Raise Refused unless the page named the version it showed of every record it decides about."""
    if any(record_id not in shown for record_id in record_ids):
        raise Refused("The page did not say what it showed.", "Reload it and decide again.")


def lock_seen(record_ids: Iterable[UUID], shown: Mapping[UUID, int]) -> list[GoldenRecord]:
    """The records, locked in primary-key order; raises Stale naming all that moved on since they were shown."""
    wanted = set(record_ids)
    require_shown(wanted, shown)
    take_turn(composing=domains_of(wanted))
    records = list(GoldenRecord.objects.select_for_update(no_key=True).filter(pk__in=wanted).order_by("pk"))
    if len(records) != len(wanted):
        raise NotFound("One of these records does not exist.", "Search for it by name, code or identifier.")
    moved = [(record.pk, shown[record.pk], record.version) for record in records if record.version != shown[record.pk]]
    if moved:
        raise Stale(moved)
    return records


def keep(
    *,
    verb: Verb,
    domain: str,
    records: Sequence[Mapping[str, Any]],
    user: User,
    cause: Cause,
    **made: Any,
) -> Decision:
    """Write the decision row that ``cause`` announced."""
    return Decision.objects.create(
        id=cause.decision_id,
        verb=verb,
        domain=domain,
        records=list(records),
        reason=cause.reason,
        decided_by=user,
        correlation_id=cause.correlation_id,
        **made,
    )


def seen(records: Iterable[GoldenRecord], shown: Mapping[UUID, int], **marks: Iterable[UUID]) -> list[dict[str, Any]]:
    """The records as the person saw them; ``marks`` adds a flag to those named: ``merged={...}``, ``winner={...}``."""
    return [
        {
            "record": str(record.pk),
            "code": record.code,
            "title": record.title,
            "version": shown.get(record.pk, record.version),
            **{mark: True for mark, named in marks.items() if record.pk in named},
        }
        for record in records
    ]


def activate_cleared(record_ids: Iterable[UUID], cause: Cause) -> list[str]:
    """Publish the suspected records nobody has to look at any more. Returns the ids of those that became active."""
    suspected = set(
        GoldenRecord.objects.filter(pk__in=list(record_ids), state=GoldenState.PENDING, suspected=True).values_list(
            "pk", flat=True
        )
    )
    asked = set(
        CandidateMember.objects.filter(record_id__in=suspected, candidate__state__in=WAITING).values_list(
            "record_id", flat=True
        )
    )
    return [str(record_id) for record_id in activate(record_ids=sorted(suspected - asked), cause=cause)]


def take_back_non_matches(record_ids: Iterable[UUID], by: str) -> list[int]:
    """What was ruled out between these records no longer stands, as a person now says they are one. Their ids."""
    ids = list(record_ids)
    with prepared(len(ids)) as cursor:
        cursor.execute(_RULED_OUT, [ids])
        found = [non_match_id for (non_match_id,) in cursor.fetchall()]
    for non_match_id in found:
        verdicts.withdraw(non_match_id=non_match_id, by=by)
    return found


_RULED_OUT = """
WITH ours AS (SELECT source_record_id AS id FROM mdm_link WHERE record_id = ANY(%s::uuid[]) AND ended_at IS NULL)
SELECT n.id FROM ours JOIN matching_knownnonmatch n ON n.first_id = ours.id
WHERE n.withdrawn_at IS NULL AND n.second_id IN (SELECT id FROM ours) ORDER BY n.id
"""


def carry_over(losers: Collection[UUID], winner_id: UUID, cause: Cause) -> None:
    """Questions and requests still waiting about a loser are about the winner from now on."""
    rebasing.follow(losers, cause)
    waiting = CandidateMember.objects.filter(
        record_id__in=list(losers), candidate__state__in=WAITING, candidate__kind__in=FOLLOWING
    )
    CandidateMember.objects.bulk_create(
        [
            CandidateMember(candidate_id=candidate_id, record_id=winner_id)
            for candidate_id in waiting.values_list("candidate_id", flat=True).distinct()
        ],
        ignore_conflicts=True,
    )
    misfits.settle(cause=cause, records=[*losers, winner_id])


def open_question(candidate_id: int, *kinds: CandidateKind) -> tuple[MatchCandidate, dict[UUID, GoldenRecord]]:
    """The candidate, locked and waiting, with its members as they are now: {id: record}, merged ones followed.

    Raises NotFound, WrongState, Refused (another kind of question).
    """
    candidate = verdicts.locked(candidate_id)
    if candidate.state not in WAITING:
        who = f" by {candidate.decided_by}" if candidate.decided_by else ""
        raise WrongState(
            f"This was decided already{who}: {candidate.get_state_display().lower()}.", "Take the next one."
        )
    if kinds and candidate.kind not in kinds:
        raise Refused("This question is of another kind.", "Reload it and decide again.")
    holders = set(follow_merges(members_of(candidate)).values())
    return candidate, {record.pk: record for record in found_by(GoldenRecord, "id", sorted(holders))}


def members_of(candidate: MatchCandidate) -> list[UUID]:
    """The golden records a question is about, as it was asked. One query."""
    return [record_id for (record_id,) in _MEMBERS.rows(candidate=candidate.pk)]


_MEMBERS = Compiled(
    lambda candidate: CandidateMember.objects.filter(candidate=candidate).values_list("record_id"), candidate=1_234_567
)


def bring_back(record_ids: Collection[UUID], cause: Cause) -> None:
    """Questions and requests that wait about these records, as they came apart: each is about whoever holds, now, the
    source records it compares or the values it is about. Three queries and two writes."""
    rebasing.follow(record_ids, cause)
    affected = set(record_ids)
    waiting = MatchCandidate.objects.filter(
        members__record__in=affected, state__in=WAITING, kind__in=FOLLOWING, pairs__isnull=False
    )
    compared: dict[int, set[int]] = defaultdict(set)
    for candidate, left, right in waiting.values_list("pk", "pairs__left_source", "pairs__right_source"):
        compared[candidate] |= {left, right}
    links = Link.objects.filter(source_record__in=set().union(*compared.values()), ended_at=None)
    holders = dict(links.values_list("source_record_id", "record_id"))
    wanted = {pk: {holders[one] for one in sources if one in holders} for pk, sources in compared.items()}
    members = CandidateMember.objects.filter(candidate__in=wanted, record__in=affected)
    CandidateMember.objects.filter(
        pk__in=[one.pk for one in members if one.record_id not in wanted[one.candidate_id]]
    ).delete()
    CandidateMember.objects.bulk_create(
        [CandidateMember(candidate_id=pk, record_id=record) for pk, records in wanted.items() for record in records],
        ignore_conflicts=True,
    )
    misfits.settle(cause=cause, records=affected)


def ask_superseded_again(record_ids: Collection[UUID], since: datetime) -> int:
    """Questions found answered when these records became one are open again. Returns how many."""
    closed = MatchCandidate.objects.filter(
        state=CandidateState.SUPERSEDED, decided_at__gte=since, members__record__in=list(record_ids)
    ).distinct()
    apart = [one.pk for one in closed if len(set(follow_merges(m.record_id for m in one.members.all()).values())) > 1]
    return verdicts.ask_again(candidate_ids=apart)


def sources_of(record_id: UUID) -> list[int]:
    """The source records behind a golden record, without approved edits and part rows."""
    links = Link.objects.filter(
        record_id=record_id, ended_at__isnull=True, source_record__part="", source_record__system__internal=False
    )
    return list(links.values_list("source_record_id", flat=True))
