"""What people do to endpoints and deliveries. Each verb is one transaction and leaves an intervention behind."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from mdm.cause import Actor
from mdm.errors import WrongState
from publishing.clock import now
from publishing.lanes import restart
from publishing.models import LIVE, Delivery, DeliveryState, Endpoint, EndpointState, Intervention


def pause(*, endpoint: Endpoint, by: Actor, reason: str) -> None:
    """The lane stands still from the next delivery on; its cursor stays. Locks the endpoint; repeating raises.

    Raises WrongState where the endpoint does not run.
    """
    _turn(endpoint, LIVE, EndpointState.PAUSED, "pause", by, reason)


@transaction.atomic
def resume(*, endpoint: Endpoint, by: Actor, reason: str = "") -> None:
    """A paused or disabled endpoint goes on where its cursor stands, at once. Raises WrongState where it runs."""
    allowed = (EndpointState.PAUSED, EndpointState.DISABLED)
    _turn(endpoint, allowed, EndpointState.ACTIVE, "resume", by, reason)
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


def change_state(row: Endpoint, state: EndpointState, reason: str, by: Actor) -> None:
    """Set the state of a locked endpoint, with its history row."""
    row.state, row.state_reason = state, reason[:300]
    save(row, by=by, reason=reason, fields=["state", "state_reason", "updated_at"])


def save(row: Endpoint, *, by: Actor, reason: str, fields: Sequence[str] | None = None) -> None:
    """Save an endpoint and say in its history who and why."""
    row._change_reason = reason[:100] or None  # type: ignore[attr-defined]
    row._history_user_id = by.user_id  # type: ignore[attr-defined]
    row.save(update_fields=fields)


def _locked(endpoint: Endpoint) -> Endpoint:
    return Endpoint.objects.select_for_update(no_key=True).get(pk=endpoint.pk)


def _note(endpoint: Endpoint, verb: str, by: Actor, reason: str, moment: datetime | None = None) -> None:
    Intervention.objects.create(endpoint=endpoint, verb=verb, by=by.name, reason=reason, at=moment or now())
