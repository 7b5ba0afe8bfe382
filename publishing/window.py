"""From log to lane: a window of deliveries ahead of the cursor, and what of it may be sent next."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q

from mdm.models import ChangeEvent, LogHead
from publishing import outcomes, payloads
from publishing.lanes import Claim, hold, next_up
from publishing.models import LIVE, Delivery, DeliveryState, Endpoint, Holding, Lane, Mode
from publishing.outcomes import Outcome
from publishing.sending import Message

WINDOW = 500
EVENTS_READ = 1000

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Taken:
    """A delivery on its way, ready to be sent without the database."""

    delivery_id: int
    record_id: UUID
    version: int
    seq: int
    refusals: int
    message: Message


def fill(claimed: Claim) -> int:
    """Turn events after the cursor into deliveries until the window is full or the log is read. Returns how many.

    Events of other domains and of records nobody outside knows only move the cursor. Repeating it adds nothing: each
    event is owed once. Raises Fenced.
    """
    added = 0
    while True:
        with transaction.atomic():
            lane, moment = hold(claimed)
            head = LogHead.objects.values_list("seq", flat=True).first() or 0
            if lane.cursor_low >= head or _waiting(lane) >= WINDOW:
                return added
            added += _advance(lane, head, moment)


def _waiting(lane: Lane) -> int:
    """How many wait for their first turn. What a refused version holds back is not counted: it may wait for ever."""
    refused = Delivery.objects.filter(
        Q(state=DeliveryState.PARKED) | Q(state=DeliveryState.WAITING, refusals__gt=0),
        endpoint_id=OuterRef("endpoint_id"),
        record_id=OuterRef("record_id"),
    )
    waiting = Delivery.objects.filter(~Exists(refused), endpoint_id=lane.endpoint_id, state=DeliveryState.WAITING)
    return len(waiting.values_list("pk")[:WINDOW])


def _advance(lane: Lane, head: int, moment: datetime) -> int:
    endpoint = lane.endpoint
    events = ChangeEvent.objects.filter(seq__gt=lane.cursor_low, seq__lte=head).order_by("seq")
    seen = [
        (pk, int(seq or 0), record_id, domain, version, outward)
        for pk, seq, record_id, domain, version, outward in events.values_list(
            "pk", "seq", "record_id", "domain", "version", "outward"
        )[:EVENTS_READ]
    ]
    owed = [
        Delivery(
            endpoint=endpoint, event_id=pk, seq=seq, record_id=record_id, domain=domain, version=version,
            due_at=moment, created_at=moment,
        )
        for pk, seq, record_id, domain, version, outward in seen
        if outward and (not endpoint.domains or domain in endpoint.domains)
    ]  # fmt: skip
    Delivery.objects.bulk_create(owed, ignore_conflicts=True)
    lane.cursor_low = seen[-1][1] if seen else head
    lane.save(update_fields=["cursor_low"])
    if endpoint.mode == Mode.LATEST_STATE and owed:
        _supersede(endpoint.pk, [delivery.record_id for delivery in owed], moment)
    return len(owed)


def _supersede(endpoint_id: UUID, records: Sequence[UUID], moment: datetime) -> None:
    """An older version still waiting or parked gives way to a newer one that waits."""
    newer = Delivery.objects.filter(
        endpoint_id=OuterRef("endpoint_id"),
        record_id=OuterRef("record_id"),
        seq__gt=OuterRef("seq"),
        state=DeliveryState.WAITING,
    )
    Delivery.objects.filter(
        Exists(newer),
        endpoint_id=endpoint_id,
        record_id__in=set(records),
        state__in=[DeliveryState.WAITING, DeliveryState.PARKED],
    ).update(state=DeliveryState.SUPERSEDED, settled_at=moment)


def take(claimed: Claim, limit: int) -> list[Taken]:
    """Put up to ``limit`` deliveries on their way, oldest first, at most one of each record, bodies frozen.

    A record whose earlier version is unsettled is passed over. What only withdraws a record the target never held is
    skipped. Empty where the endpoint no longer runs. Raises Fenced.
    """
    with transaction.atomic():
        lane, moment = hold(claimed)
        if lane.endpoint.state not in LIVE:
            return []
        rows = _next(lane.endpoint, limit, moment)
        if not rows:
            return []
        epoch = LogHead.objects.get().epoch
        bodies = {row.pk: payloads.read(row.event.body) for row in rows}
        idle = _not_held(lane.endpoint, rows, bodies)
        _set_aside(idle, DeliveryState.SKIPPED, outcomes.NOT_HELD, moment)
        wanted = [row for row in rows if row.pk not in idle]
        broken = {row.pk for row in wanted if not _freeze(row, lane.endpoint.kind, bodies[row.pk], epoch)}
        _set_aside(broken, DeliveryState.PARKED, outcomes.UNREADABLE, moment)
        sent = [row for row in wanted if row.pk not in broken]
        _put_on_their_way(sent, claimed.id)
        return [_taken(row, lane.endpoint, bodies[row.pk]) for row in sent]


def _freeze(row: Delivery, kind: str, body: dict[str, Any], epoch: UUID) -> bool:
    """Count the try and render the text once. False where the event does not fit today's declarations."""
    try:
        row.body = row.body or payloads.render(kind, body, seq=row.seq, epoch=epoch)
    except (KeyError, TypeError, ValueError):
        logger.exception("Event %s cannot be rendered for %s", row.seq, kind)
        return False
    row.attempts += 1
    return True


def _next(endpoint: Endpoint, limit: int, moment: datetime) -> list[Delivery]:
    rows = (
        next_up()
        .select_for_update(skip_locked=True, of=("self",), no_key=True)
        .select_related("event")
        .filter(endpoint=endpoint, due_at__lte=moment)
        .order_by("seq")
    )
    return list(rows[:limit])


def _not_held(endpoint: Endpoint, rows: Sequence[Delivery], bodies: dict[int, dict[str, Any]]) -> set[int]:
    """Rows that withdraw a record this endpoint neither acknowledged nor may have taken without our knowing."""
    asked = [row for row in rows if payloads.needs_holder(bodies[row.pk]) and not row.attempts]
    if not asked:
        return set()
    records = [row.record_id for row in asked]
    held = set(Holding.objects.filter(endpoint=endpoint, record_id__in=records).values_list("record_id", flat=True))
    maybe = Delivery.objects.filter(
        endpoint=endpoint, record_id__in=records, attempts__gt=0, outcome_code__in=outcomes.MAYBE_TAKEN
    )
    held |= set(maybe.values_list("record_id", flat=True))
    return {row.pk for row in asked if row.record_id not in held}


def _set_aside(ids: set[int], state: DeliveryState, why: Outcome, moment: datetime) -> None:
    if ids:
        settled_at = moment if state == DeliveryState.SKIPPED else None
        Delivery.objects.filter(pk__in=ids).update(
            state=state, settled_at=settled_at, outcome_code=why.code, outcome=why.words
        )


def _put_on_their_way(rows: Sequence[Delivery], claim_id: UUID) -> None:
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE publishing_delivery SET state = 'in_flight', claim_id = %s, attempts = given.attempts, "
            "body = given.body FROM unnest(%s::bigint[], %s::int[], %s::text[]) AS given(id, attempts, body) "
            "WHERE publishing_delivery.id = given.id",
            [claim_id, [row.pk for row in rows], [row.attempts for row in rows], [row.body for row in rows]],
        )


def _taken(row: Delivery, endpoint: Endpoint, body: dict[str, Any]) -> Taken:
    message = Message(
        id=body["id"],
        body=row.body,
        number=row.attempts,
        path=payloads.path_of(endpoint.path, body) if endpoint.path else "",
        replayed=row.replayed,
    )
    return Taken(row.pk, row.record_id, row.version, row.seq, row.refusals, message)
