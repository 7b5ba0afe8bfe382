"""From log to lane: events after the cursor become deliveries, a window of them ahead of what is sent."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from mdm import bulk
from mdm.models import ChangeEvent
from publishing import breaker, outcomes, payloads
from publishing.lanes import Claim, hold, keep
from publishing.models import LIVE, Delivery, DeliveryState, Endpoint, Intervention, Lane, Mode, Passing
from publishing.owing import left_id, owed
from publishing.realigning import OnItsWay, may_cross, realign
from publishing.references import named_in
from publishing.superseding import supersede
from publishing.turns import coming

WINDOW = 500
EVENTS_READ = 1000


def fill(claimed: Claim, *, bounded: bool = True) -> int:
    """Turn events after the cursor into deliveries until the window is full or the log is read. Returns how many.

    Events of other domains and of records nobody outside knows only move the cursor. A lane whose place is in another
    life of the log is paused instead. ``bounded`` off reads the log to its head, for files, which carry whatever
    waits. Repeating it adds nothing: each event is owed once. Raises Fenced.
    """
    added = 0
    while True:
        with transaction.atomic():
            lane, moment = hold(claimed)
            count = top_up(lane, moment, bounded=bounded)
        if count is None:
            return added
        added += count


def top_up(lane: Lane, moment: datetime, *, bounded: bool = True) -> int | None:
    """One page of ``fill`` for who holds the lane already; None where there is nothing to read, no room, or
    something on its way has to arrive first."""
    head = lane.head_seq
    if head is None or lane.endpoint.state not in LIVE:
        return None
    if lane.epoch is None:
        lane.epoch = lane.head_epoch
        lane.save(update_fields=["epoch"])
    if lane.epoch != lane.head_epoch:
        breaker.pause_restored(lane, moment)
        return None
    if lane.cursor_low >= head or (bounded and _is_full(lane)):
        return None
    before = lane.cursor_low, lane.passing, lane.passing_until
    until = head if lane.passing_until is None else min(head, lane.passing_until)
    found = ChangeEvent.objects.filter(seq__gt=lane.cursor_low, seq__lte=until).order_by("seq")
    events = list(found[:EVENTS_READ])
    try:
        # A savepoint costs as much as the rest of a page; only what may turn back needs one.
        with transaction.atomic() if may_cross(lane.endpoint, events) else nullcontext():
            return _advance(lane, events, until, moment)
    except OnItsWay:  # the log is read on when the answers are there
        lane.cursor_low, lane.passing, lane.passing_until = before
        return None


def _is_full(lane: Lane) -> bool:
    """Whether a window of deliveries waits for its turn; what may wait for ever is not counted."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM (SELECT FROM publishing_delivery WHERE endpoint_id = %s AND state = 'waiting' "
            "LIMIT %s) waiting",
            [lane.endpoint_id, WINDOW],
        )
        if cursor.fetchone()[0] < WINDOW:
            return False
    return len(coming().filter(endpoint_id=lane.endpoint_id).values_list("pk")[:WINDOW]) >= WINDOW


def _advance(lane: Lane, events: Sequence[ChangeEvent], until: int, moment: datetime) -> int:
    read = {Passing.LATEST: _latest, Passing.SKIP: _skipped}.get(Passing(lane.passing), _each)
    rows = read(lane, events, moment) if events else []
    bulk.insert(rows, missing_only=True)
    lane.cursor_low = int(events[-1].seq or 0) if events else until
    if lane.passing_until is not None and lane.cursor_low >= lane.passing_until:
        lane.passing, lane.passing_until = Passing.NOTHING, None
        lane.save(update_fields=["cursor_low", "passing", "passing_until"])
    else:
        keep(lane, "cursor_low")
    if lane.endpoint.mode == Mode.LATEST_STATE and rows:
        supersede(lane.endpoint_id, [row.record_id for row in rows], moment)
    return len(rows) + realign(lane, events, moment)


def _each(lane: Lane, events: Sequence[ChangeEvent], moment: datetime) -> list[Delivery]:
    """Every event that is meant for the endpoint, on its own."""
    bodies = _Bodies()
    told = owed(lane.endpoint, events, bodies)
    return [
        _delivery(lane.endpoint, event, bodies(event), moment, leaves=told[event.pk])
        for event in events
        if event.pk in told
    ]


def _skipped(lane: Lane, events: Sequence[ChangeEvent], moment: datetime) -> list[Delivery]:
    """What would have been told, kept as left out, with who chose so and why."""
    rows = _each(lane, events, moment)
    chosen = Intervention.objects.filter(endpoint_id=lane.endpoint_id, verb="resume").order_by("-pk").first()
    words = outcomes.left_out(chosen.by, chosen.reason) if chosen else outcomes.LEFT_OUT.words
    for row in rows:
        row.state, row.settled_at = DeliveryState.SKIPPED, moment
        row.outcome_code, row.outcome = outcomes.LEFT_OUT.code, words
    return rows


def _latest(lane: Lane, events: Sequence[ChangeEvent], moment: datetime) -> list[Delivery]:
    """Each record once, as the last event up to where the lane passes left it, in the place of its first."""
    until = lane.passing_until or 0
    first = {event.record_id: int(event.seq or 0) for event in reversed(events)}
    newest = newest_events(first, until)
    rows = bring_forward(lane.endpoint, newest.values(), first, moment)
    told = {row.record_id for row in rows}
    for event in events:
        if event.outward and event.record_id in told and event.pk != newest[event.record_id].pk:
            row = _delivery(lane.endpoint, event, None, moment)
            row.state, row.settled_at = DeliveryState.SUPERSEDED, moment
            rows.append(row)
    return rows


def newest_events(records: Iterable[UUID], until: int) -> dict[UUID, ChangeEvent]:
    """The last outward event of each of these records up to that number."""
    found = ChangeEvent.objects.filter(record_id__in=list(records), outward=True, seq__lte=until)
    return {event.record_id: event for event in found.order_by("record_id", "-version").distinct("record_id")}


def bring_forward(
    endpoint: Endpoint, events: Iterable[ChangeEvent], ranks: Mapping[UUID, int], moment: datetime
) -> list[Delivery]:
    """Unsaved deliveries of those events that are meant for the endpoint, each with the rank of its record."""
    bodies = _Bodies()
    ordered = sorted(events, key=lambda event: int(event.seq or 0))
    told = owed(endpoint, ordered, bodies)
    rows = [
        _delivery(endpoint, event, bodies(event), moment, leaves=told[event.pk])
        for event in ordered
        if event.pk in told
    ]
    for row in rows:
        row.rank = ranks[row.record_id]
    return rows


class _Bodies:
    """Parsed bodies of events, each read once."""

    def __init__(self) -> None:
        self.known: dict[int, dict[str, Any]] = {}

    def __call__(self, event: ChangeEvent) -> dict[str, Any]:
        if event.pk not in self.known:
            self.known[event.pk] = payloads.read(event.body)
        return self.known[event.pk]


def _delivery(
    endpoint: Endpoint, event: ChangeEvent, body: Mapping[str, Any] | None, moment: datetime, *, leaves: bool = False
) -> Delivery:
    seq = int(event.seq or 0)
    return Delivery(
        endpoint=endpoint, event_id=event.pk, seq=seq, record_id=event.record_id, domain=event.domain,
        version=event.version, rank=seq, refers=[] if leaves or body is None else named_in(body), leaves=leaves,
        message_id=left_id(event.uid) if leaves else None, due_at=moment, created_at=moment,
    )  # fmt: skip
