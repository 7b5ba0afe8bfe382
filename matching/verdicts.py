"""What people say about candidates. Each verb locks its candidate, refuses in the wrong state, and can be undone.

Human verdicts are never overruled: a known non-match bars matching from linking the two groups while it stands.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import combinations, product
from uuid import UUID

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from matching.known import ordered
from matching.models import CandidateKind, CandidateMember, CandidateState, KnownNonMatch, MatchCandidate
from mdm import mastering
from mdm.cause import Cause
from mdm.compiled import found_by, prepared, unhurried
from mdm.errors import NotFound, Refused, WrongState
from mdm.mastering import follow_merges
from mdm.models import GoldenRecord, GoldenState, Link
from mdm.retrying import atomic

CLAIM_MINUTES = 15
WAITING = (CandidateState.OPEN, CandidateState.SKIPPED)
SETTLED = (CandidateState.MERGED, CandidateState.REJECTED, CandidateState.SKIPPED)


@dataclass(frozen=True)
class Verdict:
    """What a verb did: the candidate's state now, non-matches written, golden records let into use."""

    state: CandidateState
    non_matches: tuple[int, ...] = ()
    activated: tuple[UUID, ...] = ()


def claim(*, candidate_id: int, by: str, minutes: int = CLAIM_MINUTES) -> datetime:
    """Reserve an open candidate for one person; claiming again prolongs it. Returns until when.

    One statement, which waits for no disk where it stands alone: a claim lost in a crash is made by the next look.
    Raises WrongState when it is not open or somebody else holds it.
    """
    until = timezone.now() + timedelta(minutes=minutes)
    with prepared() as cursor:
        cursor.execute(_CLAIM.format(unhurried()), [by, until, candidate_id, by])
        if cursor.rowcount:
            return until
    return _claim_locked(candidate_id, by, until)


@atomic
def _claim_locked(candidate_id: int, by: str, until: datetime) -> datetime:
    candidate = _lock(candidate_id, CandidateState.OPEN)
    if candidate.claimed_by not in ("", by) and candidate.claimed_until and candidate.claimed_until > timezone.now():
        raise WrongState(
            f"{candidate.claimed_by} is looking at this until {candidate.claimed_until:%H:%M} UTC.",
            "Take the next one.",
        )
    candidate.claimed_by, candidate.claimed_until = by, until
    candidate.save(update_fields=["claimed_by", "claimed_until"])
    return until


_CLAIM = """
UPDATE matching_matchcandidate SET claimed_by = %s, claimed_until = %s FROM {}
WHERE id = %s AND state = 'open' AND (claimed_by IN ('', %s) OR claimed_until IS NULL OR claimed_until <= now())
"""


@atomic
def release(*, candidate_id: int, by: str) -> None:
    """Give a claim back. Repeats without effect; another person's claim is left alone."""
    candidate = _lock(candidate_id)
    if candidate.claimed_by == by:
        candidate.claimed_by, candidate.claimed_until = "", None
        candidate.save(update_fields=["claimed_by", "claimed_until"])


@atomic
def reject(*, candidate_id: int, cause: Cause, records: Collection[UUID] | None = None) -> Verdict:
    """Say *not a match*: known non-matches between the source records of the golden records, each against each.

    With ``records`` only those are ruled out against the others, and the candidate stays open while two others are
    left. A pending record no other question is about becomes active. Locks the candidate; raises WrongState when it
    is not waiting, Refused for records that are not its members.
    """
    candidate = _lock(candidate_id, *WAITING)
    members = set(candidate.members.values_list("record_id", flat=True))
    out = members if records is None else set(records)
    if not out <= members:
        raise Refused("One of these records is not part of this question.", "Reload the question and choose again.")
    if candidate.kind != CandidateKind.RESEMBLANCE:
        pairs = {ordered(p.left_source_id, p.right_source_id) for p in candidate.pairs.all()}
    else:
        pairs = _across(members, out)
    written = _write_non_matches(pairs, candidate, cause)
    left = members - out
    if len(left) > 1:
        candidate.members.filter(record__in=out).delete()
        candidate.pairs.filter(Q(left_record__in=out) | Q(right_record__in=out)).delete()
        return Verdict(CandidateState(candidate.state), written, _let_in(out, cause))
    _settle(candidate, CandidateState.REJECTED, cause)
    return Verdict(CandidateState.REJECTED, written, _let_in(members, cause))


@atomic
def close_merged(*, candidate_id: int, cause: Cause) -> Verdict:
    """Say *merged*, after mastering merged them. A winner that was only suspected is let into use.

    Locks the candidate; raises WrongState when it is not waiting.
    """
    candidate = _lock(candidate_id, *WAITING)
    members = set(candidate.members.values_list("record_id", flat=True))
    _settle(candidate, CandidateState.MERGED, cause)
    activated = _let_in(set(follow_merges(members).values()), cause)
    supersede(cause=cause, records=members)
    return Verdict(CandidateState.MERGED, activated=activated)


@atomic
def skip(*, candidate_id: int, by: str, until: datetime) -> Verdict:
    """Put it off until a time; then it is open again. Locks the candidate; raises WrongState when it is settled."""
    candidate = _lock(candidate_id, *WAITING)
    candidate.state, candidate.snoozed_until, candidate.decided_by = CandidateState.SKIPPED, until, by
    _save(candidate)
    return Verdict(CandidateState.SKIPPED)


@atomic
def reopen(*, candidate_id: int, by: str) -> Verdict:
    """Undo a verdict: the candidate is open again and the non-matches written with it are withdrawn.

    What was merged is not unmerged here: mastering does that first. Locks the candidate; raises WrongState when
    there is no verdict to undo.
    """
    candidate = _lock(candidate_id, CandidateState.OPEN, *SETTLED)
    standing = KnownNonMatch.objects.filter(candidate=candidate, withdrawn_at__isnull=True)
    if candidate.state == CandidateState.OPEN and not standing.exists():
        raise WrongState("There is nothing to undo: this question is open.", "Decide it.")
    if candidate.source_record_id and _asked_anew(candidate):
        raise WrongState("It changed again since, and was asked about anew.", "Decide the newer question.")
    sources = {pk for pair in standing.values_list("first_id", "second_id") for pk in pair}
    records = Link.objects.filter(source_record_id__in=sources, ended_at__isnull=True).values_list(
        "record_id", flat=True
    )
    standing.update(withdrawn_at=timezone.now(), withdrawn_by=by)
    if candidate.kind == CandidateKind.RESEMBLANCE:
        CandidateMember.objects.bulk_create(
            [CandidateMember(candidate=candidate, record_id=record) for record in set(records)], ignore_conflicts=True
        )
    candidate.state, candidate.snoozed_until = CandidateState.OPEN, None
    candidate.decided_by, candidate.decided_at, candidate.decision_reason = "", None, ""
    _save(candidate)
    return Verdict(CandidateState.OPEN)


@atomic
def withdraw(*, non_match_id: int, by: str) -> None:
    """Take one known non-match back: matching may propose the two again. Repeats without effect."""
    found = KnownNonMatch.objects.select_for_update(no_key=True).filter(pk=non_match_id).first()
    if found is None:
        raise NotFound("There is no such verdict.", "Reload the list.")
    if found.withdrawn_at is None:
        found.withdrawn_by, found.withdrawn_at = by, timezone.now()
        found.save(update_fields=["withdrawn_by", "withdrawn_at"])


@atomic
def bar(*, first: Iterable[int], second: Iterable[int], cause: Cause) -> tuple[int, ...]:
    """Rule out every source record of one list against every one of the other: an unmerge must not be matched back.

    Repeats without effect. Returns the non-matches written.
    """
    pairs = {ordered(a, b) for a, b in product(set(first), set(second)) if a != b}
    return _write_non_matches(pairs, None, cause)


@atomic
def stop_asking(*, candidate_ids: Collection[int], cause: Cause) -> tuple[int, ...]:
    """The hub no longer asks these open questions that nobody holds; suspected records are let into use.

    Locks them; those decided or claimed meanwhile are left to whoever has them. Returns which were withdrawn.
    """
    waiting = MatchCandidate.objects.select_for_update(no_key=True).filter(
        pk__in=list(candidate_ids), state=CandidateState.OPEN, claimed_by=""
    )
    found = list(waiting.order_by("pk"))
    for candidate in found:
        _settle(candidate, CandidateState.WITHDRAWN, cause)
        _let_in(candidate.members.values_list("record_id", flat=True), cause)
    return tuple(candidate.pk for candidate in found)


@atomic
def answered(*, candidate_ids: Collection[int], state: CandidateState, cause: Cause) -> tuple[int, ...]:
    """Questions that wait and have answered themselves are closed, also those somebody looks at or put off.

    Locks them; those decided meanwhile are left. Repeats without effect. Returns which were closed.
    """
    if not candidate_ids:
        return ()
    waiting = MatchCandidate.objects.select_for_update(no_key=True).filter(
        pk__in=list(candidate_ids), state__in=WAITING
    )
    found = list(waiting.order_by("pk"))
    for candidate in found:
        _settle(candidate, state, cause)
    return tuple(candidate.pk for candidate in found)


@atomic
def ask_again(*, candidate_ids: Collection[int]) -> int:
    """Questions the hub withdrew or found answered are open again; a member that is asked about already is not asked
    about twice. Repeats without effect. Returns how many."""
    closed = (CandidateState.WITHDRAWN, CandidateState.SUPERSEDED)
    twice = MatchCandidate.objects.filter(source_record=OuterRef("source_record"), state__in=WAITING)
    found = MatchCandidate.objects.filter(~Exists(twice), pk__in=list(candidate_ids), state__in=closed)
    return found.update(
        state=CandidateState.OPEN, snoozed_until=None, decided_by="", decided_at=None, decision_reason=""
    )


def wake() -> int:
    """Open candidates whose snooze is over. Repeats without effect. Returns how many."""
    over = MatchCandidate.objects.filter(state=CandidateState.SKIPPED, snoozed_until__lte=timezone.now())
    return over.update(state=CandidateState.OPEN, snoozed_until=None, decided_by="")


@atomic
def supersede(*, cause: Cause, records: Collection[UUID] | None = None) -> int:
    """Close candidates whose golden records have become one by another road. Returns how many. Repeatable.

    ``records`` limits it to candidates about these. Locks the candidates it closes.
    """
    touched = MatchCandidate.objects.filter(
        state__in=WAITING, kind=CandidateKind.RESEMBLANCE, members__record__state=GoldenState.MERGED
    )
    if records is not None:
        touched = touched.filter(members__record__in=records)
    ids = list(touched.values_list("pk", flat=True).distinct())
    waiting = MatchCandidate.objects.select_for_update(no_key=True).filter(pk__in=ids, state__in=WAITING).order_by("pk")
    closed = 0
    for candidate in waiting.prefetch_related("members"):
        now = set(follow_merges(member.record_id for member in candidate.members.all()).values())
        if len(now) < 2:
            _settle(candidate, CandidateState.SUPERSEDED, cause)
            _let_in(now, cause)
            closed += 1
    return closed


def _asked_anew(candidate: MatchCandidate) -> bool:
    """Whether another question waits about the same member."""
    others = MatchCandidate.objects.filter(source_record=candidate.source_record_id, state__in=WAITING)
    return others.exclude(pk=candidate.pk).exists()


def locked(candidate_id: int) -> MatchCandidate:
    """The question, held until the transaction ends. Raises NotFound."""
    found = found_by(MatchCandidate, "id", [candidate_id], "FOR NO KEY UPDATE")
    if not found:
        raise NotFound("There is no such question.", "Go back to the work queue.")
    return found[0]


def _lock(candidate_id: int, *states: CandidateState) -> MatchCandidate:
    candidate = locked(candidate_id)
    if states and candidate.state not in states:
        who = f" by {candidate.decided_by}" if candidate.decided_by else ""
        raise WrongState(
            f"This question is settled: {CandidateState(candidate.state).label.lower()}{who}.", "Take the next one."
        )
    return candidate


def _settle(candidate: MatchCandidate, state: CandidateState, cause: Cause) -> None:
    candidate.state, candidate.snoozed_until = state, None
    candidate.decided_by, candidate.decided_at = cause.by.name, timezone.now()
    candidate.decision_reason = cause.reason
    _save(candidate)


def _save(candidate: MatchCandidate) -> None:
    candidate.claimed_by, candidate.claimed_until = "", None
    candidate.save(
        update_fields=[
            "state", "snoozed_until", "decided_by", "decided_at", "decision_reason", "claimed_by", "claimed_until",
        ]
    )  # fmt: skip


def _across(members: set[UUID], out: set[UUID]) -> set[tuple[int, int]]:
    """Every pair of source records of two different golden records, at least one of which is ruled out."""
    sources: dict[UUID, list[int]] = {record: [] for record in members}
    links = Link.objects.filter(
        record__in=members, ended_at__isnull=True, source_record__part="", source_record__system__internal=False
    ).values_list("record_id", "source_record_id")
    for record, source in links:
        sources[record].append(source)
    return {
        ordered(a, b)
        for one, other in combinations(sorted(members), 2)
        if one in out or other in out
        for a, b in product(sources[one], sources[other])
    }


def _write_non_matches(
    pairs: Collection[tuple[int, int]], candidate: MatchCandidate | None, cause: Cause
) -> tuple[int, ...]:
    firsts = {a for a, _ in pairs}
    standing = set(
        KnownNonMatch.objects.filter(first__in=firsts, withdrawn_at__isnull=True).values_list("first_id", "second_id")
    )
    now = timezone.now()
    made = KnownNonMatch.objects.bulk_create(
        [
            KnownNonMatch(first_id=a, second_id=b, candidate=candidate, by=cause.by.name, reason=cause.reason, at=now)
            for a, b in sorted(set(pairs) - standing)
        ],
        batch_size=1000,
    )
    return tuple(one.pk for one in made)


def _let_in(records: Iterable[UUID], cause: Cause) -> tuple[UUID, ...]:
    """Activate those that were only suspected and about which no question is left.

    Locked before the questions are looked at: of two people who settle the last two, the second sees the first.
    """
    wanted = set(records)
    mastering.take_turn(composing=mastering.domains_of(wanted))
    held = mastering.lock_records(wanted).values()
    if not any(record.suspected and record.state == GoldenState.PENDING for record in held):
        return ()
    suspects = GoldenRecord.objects.filter(pk__in=wanted, state=GoldenState.PENDING, suspected=True).exclude(
        memberships__candidate__state__in=WAITING
    )
    return tuple(mastering.activate(record_ids=list(suspects.values_list("pk", flat=True)), cause=cause))
