"""What people do to endpoints and deliveries. Each verb is one transaction and leaves an intervention behind."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from mdm.cause import Actor
from mdm.errors import Invalid, WrongState
from publishing import resuming
from publishing.clock import now
from publishing.history import change_state, save
from publishing.lanes import locked, restart
from publishing.models import LIVE, Delivery, DeliveryState, Endpoint, EndpointState, Intervention, Lane, Passing

CHOICES = {
    "resume": "",
    "latest": "With the latest state of each record.",
    "skip": "From now on.",
}
CHOICES_OF_LANE = {"resume": Passing.NOTHING, "latest": Passing.LATEST, "skip": Passing.SKIP}

__all__ = ["change_state", "disable", "pause", "release", "resend", "resume", "save", "skip", "try_now"]


def pause(*, endpoint: Endpoint, by: Actor, reason: str) -> None:
    """The lane stands still from the next delivery on; its cursor stays. Locks the endpoint; repeating raises.

    Raises WrongState where the endpoint does not run.
    """
    _turn(endpoint, LIVE, EndpointState.PAUSED, "pause", by, reason)


@transaction.atomic
def resume(*, endpoint: Endpoint, by: Actor, reason: str = "", choice: str = "resume") -> None:
    """A paused or disabled endpoint goes on at once. Locks its lane; repeating raises.

    ``choice``: ``resume`` tells everything from where the cursor stands; ``latest`` tells each record of what waits
    and what has happened since once, in its latest state; ``skip`` goes on with what happens from now on and keeps the
    rest as left out. After a restore the cursor stands no further than the head of the new life. Raises WrongState
    where it runs, Invalid for another choice.
    """
    if choice not in CHOICES:
        raise Invalid(
            "Nobody knows how to go on like that.",
            f"Choose one of {', '.join(CHOICES)}.",
            [("choice", f"Choose one of {', '.join(CHOICES)}.")],
        )
    allowed = (EndpointState.PAUSED, EndpointState.DISABLED)
    verb_reason = reason if choice == "resume" else f"{CHOICES[choice]} {reason}".strip()
    _turn(endpoint, allowed, EndpointState.ACTIVE, "resume", by, verb_reason)
    resuming.go_on(Lane.objects.get(pk=endpoint.pk), CHOICES_OF_LANE[choice], by, verb_reason)
    restart(endpoint)


def disable(*, endpoint: Endpoint, by: Actor, reason: str) -> None:
    """Nothing is sent until somebody resumes it; the cursor stays. Raises WrongState where it is disabled already."""
    allowed = tuple(state for state in EndpointState if state != EndpointState.DISABLED)
    _turn(endpoint, allowed, EndpointState.DISABLED, "disable", by, reason or "Disabled by hand.")


@transaction.atomic
def try_now(*, endpoint: Endpoint, by: Actor, reason: str = "") -> None:
    """End the rest of the lane and of every refused delivery waiting for its turn. Raises WrongState if it stands."""
    row = _locked(endpoint)
    if row.state not in LIVE:
        raise WrongState(f"{row.name} stands still.", "Resume it first.")
    restart(row)
    waiting = Delivery.objects.filter(endpoint=row, state=DeliveryState.WAITING, due_at__gt=now())
    waiting.update(due_at=now())
    _note(row, "try now", by, reason)


@transaction.atomic
def release(*, deliveries: Sequence[int], by: Actor, reason: str = "") -> int:
    """Parked deliveries are offered again, from the start of their schedule. Returns how many.

    Compare and set: one that is no longer parked is left alone, so pressing twice sends once.
    """
    return _offer_again(deliveries, (DeliveryState.PARKED,), "release", by, reason)


@transaction.atomic
def resend(*, deliveries: Sequence[int], by: Actor, reason: str = "") -> int:
    """Deliver again, with the same id and bytes and a replay mark. Returns how many.

    Delivered, parked and waiting ones; what is on its way, superseded or was not needed is left alone.
    """
    states = (DeliveryState.DELIVERED, DeliveryState.PARKED, DeliveryState.WAITING)
    return _offer_again(deliveries, states, "resend", by, reason, replayed=True)


@transaction.atomic
def skip(*, deliveries: Sequence[int], by: Actor, reason: str = "") -> int:
    """The target is not told of these versions; later ones of their records go on. Returns how many.

    Parked and waiting ones, compare and set: what is on its way or settled is left alone. Why they were refused stays.
    """
    moment = now()
    states = (DeliveryState.PARKED, DeliveryState.WAITING)
    chosen = Delivery.objects.filter(pk__in=deliveries, state__in=states)
    rows = list(chosen.select_for_update(no_key=True).order_by("pk").values_list("pk", "endpoint_id"))
    ids = [pk for pk, _ in rows]
    Delivery.objects.filter(pk__in=ids).update(state=DeliveryState.SKIPPED, settled_at=moment)
    Intervention.objects.bulk_create(
        Intervention(endpoint_id=endpoint, delivery_id=pk, verb="skip", by=by.name, reason=reason, at=moment)
        for pk, endpoint in rows
    )
    return len(rows)


def _offer_again(
    deliveries: Sequence[int],
    states: Sequence[DeliveryState],
    verb: str,
    by: Actor,
    reason: str,
    *,
    replayed: bool = False,
) -> int:
    moment = now()
    rows = list(
        Delivery.objects.select_for_update(of=("self",), no_key=True)
        .select_related("endpoint")
        .filter(pk__in=deliveries, state__in=states)
        .order_by("pk")
    )
    for row in rows:
        row.state, row.refusals, row.due_at, row.settled_at = DeliveryState.WAITING, 0, moment, None
        row.replayed = row.replayed or replayed
    Delivery.objects.bulk_update(rows, ["state", "refusals", "due_at", "settled_at", "replayed"], batch_size=500)
    Intervention.objects.bulk_create(
        Intervention(endpoint=row.endpoint, delivery=row, verb=verb, by=by.name, reason=reason, at=moment)
        for row in rows
    )
    return len(rows)


@transaction.atomic
def _turn(
    endpoint: Endpoint, allowed: Sequence[EndpointState], state: EndpointState, verb: str, by: Actor, reason: str
) -> None:
    row = _locked(endpoint)
    if row.state not in allowed:
        raise WrongState(
            f"{row.name} is {row.get_state_display().lower()}: it cannot {verb} now.",
            "Its page shows what it can.",
        )
    change_state(row, state, reason, by)
    _note(row, verb, by, reason)
    endpoint.state, endpoint.state_reason = row.state, row.state_reason


def _locked(endpoint: Endpoint) -> Endpoint:
    return locked(endpoint.pk)


def _note(endpoint: Endpoint, verb: str, by: Actor, reason: str, moment: datetime | None = None) -> None:
    Intervention.objects.create(endpoint=endpoint, verb=verb, by=by.name, reason=reason, at=moment or now())
