"""What every verb of a person shares: who acts, what was seen, and the row that is kept for ever."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User

from matching import verdicts
from matching.models import CandidateKind, CandidateMember, CandidateState, KnownNonMatch
from mdm.cause import Cause
from mdm.errors import Invalid, NotFound, Refused, Stale
from mdm.identity import uuid7
from mdm.mastering import activate, domains_of, take_turn
from mdm.models import GoldenRecord, GoldenState, Link
from stewardship.models import Decision, Verb
from stewardship.requests import person

WAITING = (CandidateState.OPEN, CandidateState.SKIPPED)


def cause_of(user: User, reason: str) -> Cause:
    """A cause that already knows the decision it belongs to."""
    return Cause(by=person(user), reason=reason.strip(), decision_id=uuid7())


def require_reason(reason: str, why: str) -> None:
    """Raise Invalid unless a reason is given; ``why`` says what it is kept for."""
    if not reason.strip():
        raise Invalid("A reason is missing.", "Say why and send it again.", [("reason", why)])


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
    sources = Link.objects.filter(record_id__in=list(record_ids), ended_at__isnull=True).values("source_record_id")
    standing = KnownNonMatch.objects.filter(first__in=sources, second__in=sources, withdrawn_at__isnull=True)
    found = list(standing.order_by("pk").values_list("pk", flat=True))
    for non_match_id in found:
        verdicts.withdraw(non_match_id=non_match_id, by=by)
    return found


def carry_over(losers: Iterable[UUID], winner_id: UUID) -> None:
    """Questions still waiting about a loser are about the winner from now on."""
    waiting = CandidateMember.objects.filter(
        record_id__in=list(losers), candidate__state__in=WAITING, candidate__kind=CandidateKind.RESEMBLANCE
    )
    CandidateMember.objects.bulk_create(
        [
            CandidateMember(candidate_id=candidate_id, record_id=winner_id)
            for candidate_id in waiting.values_list("candidate_id", flat=True).distinct()
        ],
        ignore_conflicts=True,
    )
