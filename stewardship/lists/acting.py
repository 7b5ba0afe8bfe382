"""A list of changes proposed as one act, and withdrawn as one: row by row, each in a transaction of its own."""

import time
from collections.abc import Callable
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import F, Q
from django.utils import timezone

from mdm.errors import Invalid, MdmError, Refused, Stale, WrongState
from mdm.identity import uuid7
from mdm.nudge import nudge
from mdm.retrying import atomic
from stewardship import requests
from stewardship.lists.checking import SLICE, Overtaken, recount
from stewardship.lists.keeping import CHECK, LEASE, own
from stewardship.models import CheckedList, CheckedRow, ListState, Outcome, Purpose
from stewardship.models.lists import ACTING
from stewardship.workflow.recording import require_reason


@atomic
def propose_all(*, list_id: UUID, user: User, reason: str, beside: bool = False) -> CheckedList:
    """Propose every change of the list that is possible, in the background, as one act.

    ``beside``: also those somebody proposed a value for already. Each becomes a change request of its own, which
    somebody else approves. Raises NotFound, Invalid without a reason, WrongState unless it is checked, Refused where
    there is nothing to propose.
    """
    one = own(list_id, user)
    if one.purpose != Purpose.CHANGE or one.state != ListState.CHECKED:
        raise WrongState("This list cannot be proposed now.", "Have it checked first.")
    require_reason(reason, "Whoever approves reads it, so say why.")
    if not one.rows.filter(outcome__in=_wanted(beside)).exists():
        raise Refused("There is nothing to propose.", "Look at what is said of each row.")
    one.state, one.reason, one.beside, one.correlation_id = ListState.PROPOSING, reason.strip(), beside, uuid7()
    return _begin(one, "reason", "beside", "correlation_id")


@atomic
def withdraw_all(*, list_id: UUID, user: User) -> CheckedList:
    """Withdraw every change of the list nobody has decided yet, in the background.

    Raises NotFound, WrongState unless all of it is proposed.
    """
    one = own(list_id, user)
    if one.state != ListState.PROPOSED:
        raise WrongState("There is nothing to withdraw.", "Reload the page.")
    one.state = ListState.WITHDRAWING
    return _begin(one)


def _begin(one: CheckedList, *columns: str) -> CheckedList:
    one.ended_at = one.heartbeat_at = None
    one.save(update_fields=["state", "ended_at", "heartbeat_at", *columns])
    nudge(CHECK, str(one.pk), queue="import")
    return one


def _wanted(beside: bool) -> list[Outcome]:
    return [Outcome.CHANGED, Outcome.BESIDE] if beside else [Outcome.CHANGED]


def carry_out(list_id: UUID | str) -> str:
    """Go on proposing or withdrawing, for a while; the list's state afterwards, blank where others have it.

    What is left goes on with the next call. Repeating it is harmless: no row is proposed twice.
    """
    now = timezone.now()
    free = Q(heartbeat_at__isnull=True) | Q(heartbeat_at__lt=now - LEASE)
    due = CheckedList.objects.filter(free, pk=list_id, state__in=ACTING)
    if not due.update(heartbeat_at=now, turn=F("turn") + 1):
        return ""
    one = CheckedList.objects.select_related("owner").get(pk=list_id)
    step = _propose_next if one.state == ListState.PROPOSING else _withdraw_next
    until = time.monotonic() + SLICE.total_seconds()
    try:
        while _step(one, step):
            if time.monotonic() > until:
                CheckedList.objects.filter(pk=one.pk, turn=one.turn).update(heartbeat_at=None)
                nudge(CHECK, str(one.pk), queue="import")
                return one.state
    except Overtaken:
        return ""
    return ListState.PROPOSED if one.state == ListState.PROPOSING else ListState.WITHDRAWN


@atomic
def _step(one: CheckedList, act: Callable[[CheckedList], bool]) -> bool:
    """One row; whether there was one. Without any the act has ended. Raises Overtaken."""
    held = CheckedList.objects.select_for_update(of=("self",)).filter(pk=one.pk, state=one.state, turn=one.turn).first()
    if held is None:
        raise Overtaken
    held.owner = one.owner
    more = act(held)
    held.heartbeat_at = timezone.now()
    if not more:
        held.state = ListState.PROPOSED if held.state == ListState.PROPOSING else ListState.WITHDRAWN
        held.ended_at, held.counts = timezone.now(), recount(held)
    held.save(update_fields=["state", "heartbeat_at", "ended_at", "counts"])
    return more


def _propose_next(one: CheckedList) -> bool:
    row = one.rows.filter(outcome__in=_wanted(one.beside)).order_by("line").first()
    if row is None or row.record_id is None:
        return False
    try:
        row.request = requests.propose(
            record_id=row.record_id, values=row.values, base_version=row.version, reason=one.reason, user=one.owner,
            beside=row.rivals, correlation_id=one.correlation_id,
        )  # fmt: skip
        row.outcome = Outcome.PROPOSED
    except MdmError as error:
        row.outcome, row.problems = Outcome.FAILED, [*row.problems, ["", _why(error)]]
    row.save(update_fields=["request", "outcome", "problems"])
    return True


def _why(error: MdmError) -> str:
    if isinstance(error, Stale):
        return "The record changed after the list was checked. Have the list checked again."
    if isinstance(error, Invalid):
        return "; ".join(text for _, text in error.problems) or error.message
    return f"{error.message} {error.way_out}".strip()


def _withdraw_next(one: CheckedList) -> bool:
    row: CheckedRow | None = one.rows.filter(outcome=Outcome.PROPOSED).order_by("line").first()
    if row is None or row.request_id is None:
        return False
    try:
        requests.withdraw_request(request_id=row.request_id, user=one.owner, correlation_id=one.correlation_id)
        row.outcome = Outcome.WITHDRAWN
    except MdmError as error:
        row.outcome, row.warnings = Outcome.DECIDED, [*row.warnings, ["", _why(error)]]
    row.save(update_fields=["outcome", "warnings"])
    return True
