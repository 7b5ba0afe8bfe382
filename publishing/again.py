"""Which events a replay offers an endpoint again, and how they go back into its lane.

All of it under the lane's lock, so that a replay and the lane's own filling never cross.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Case, Exists, F, Func, OuterRef, Q, QuerySet, UUIDField, Value, When

from mdm.models import ChangeEvent
from publishing import payloads
from publishing.models import Delivery, DeliveryState, EndpointKind, Holding, Lane, Mode, Replay, ReplayKind
from publishing.owing import TOLD_IN_FULL, covers, held, leaving, left_id
from publishing.references import named_in
from publishing.selection import LEFT, Chosen, chosen

LOOKED_AT = 5000  # numbers of the log one step looks at, so that a step over long nothing ends soon
NEW_ID = Func(function="gen_random_uuid", output_field=UUIDField())
# The number of what never went out is not lost to the one that goes in its place.
UNUSED = Case(When(state=DeliveryState.WAITING, attempts=0, then=F("number")), default=Value(None))
COMING = (DeliveryState.WAITING, DeliveryState.IN_FLIGHT)


@dataclass(frozen=True)
class Step:
    """How far one step came: the last number looked at, and how many deliveries it offered."""

    cursor: int
    offered: int


@dataclass
class _Known:
    """What is known about the records and events of one step."""

    wanted: Chosen
    rows: Mapping[int, Delivery]
    newest: Mapping[UUID, ChangeEvent]
    members: set[UUID]
    holds: Mapping[UUID, int]  # the number of the event each record is held at; those that left are not in it
    told: Mapping[UUID, ChangeEvent]  # the newest of the types the endpoint is told, where it is not told of all

    def last_told(self, newest: ChangeEvent) -> ChangeEvent:
        """That event, or, where its type is not told though its record is meant, the last one before that is."""
        if self.wanted.tells(newest.verb) or not self.matches(newest):
            return newest
        return self.told.get(newest.record_id, newest)

    def matches(self, event: ChangeEvent) -> bool:
        """Whether the record, as this event left it, is meant for the endpoint."""
        return covers(self.wanted, event, lambda one: payloads.read(one.body))


def step(lane: Lane, replay: Replay, room: int, moment: datetime) -> Step:
    """Offer the next events of the replay again, at most ``room``, and say how far it came. Writes deliveries only.

    The caller holds the lane. What this replay offered before, and what is on its way anyway, is left alone.
    """
    upto = min(replay.to_seq, replay.cursor + LOOKED_AT)
    wanted = chosen(lane.endpoint)
    found = list(_candidates(lane, replay, wanted, upto)[:room])
    cursor = int(found[-1].seq or 0) if len(found) == room else upto
    known = _known(lane, wanted, found)
    again = list(_chosen_again(lane, replay, found, known))
    offer(lane, again, known.rows, moment, replay=replay)
    return Step(cursor, len(again))


def would_offer(lane: Lane, replay: Replay, most: int) -> int:
    """How many events a replay, saved or not, would go through, counted up to ``most``: what it sends is no more.

    Reads only. A selection that asks for contents is not asked here: it may leave out some of them.
    """
    return len(_candidates(lane, replay, chosen(lane.endpoint), replay.to_seq).values_list("pk")[:most])


def _candidates(lane: Lane, replay: Replay, wanted: Chosen, upto: int) -> QuerySet[ChangeEvent]:
    """Events that may be offered, in log order. A range is gone through event by event, the others record by record."""
    heard = _heard(replay, wanted)
    events = ChangeEvent.objects.filter(heard, seq__gt=replay.cursor, seq__lte=upto).order_by("seq")
    later = ChangeEvent.objects.filter(heard, record_id=OuterRef("record_id"), version__gt=OuterRef("version"))
    if replay.kind == ReplayKind.RANGE:
        events = events.annotate(is_last=~Exists(later.filter(seq__lte=replay.to_seq)))
        return events.filter(is_last=True) if lane.endpoint.mode == Mode.LATEST_STATE else events
    events = events.filter(~Exists(later.filter(seq__lte=lane.cursor_low)))
    if replay.kind == ReplayKind.MISSING and not lane.endpoint.selection:
        current = Holding.objects.filter(
            endpoint=lane.endpoint, record_id=OuterRef("record_id"), seq__gte=OuterRef("seq"), left=False
        )
        events = events.filter(~Exists(current))
    return events


def _heard(replay: Replay, wanted: Chosen) -> Q:
    """Outward events of the replay's domains, of types the endpoint is told."""
    heard = Q(outward=True)
    for domains in (replay.domains, sorted(wanted.domains)):
        if domains:
            heard &= Q(domain__in=domains)
    types = wanted.selection.types
    return heard & Q(verb__in=sorted(types)) if types and LEFT not in types else heard


def _known(lane: Lane, wanted: Chosen, found: Sequence[ChangeEvent]) -> _Known:
    records = {event.record_id for event in found}
    latest = ChangeEvent.objects.filter(record_id__in=records, outward=True, seq__lte=lane.cursor_low)
    newest = _newest(latest)
    types = wanted.selection.types
    told = _newest(latest.filter(verb__in=sorted(types))) if types else {}
    ids = {event.pk for event in [*found, *newest.values(), *told.values()]}
    rows = Delivery.objects.select_for_update(no_key=True, of=("self",)).filter(endpoint=lane.endpoint, event__in=ids)
    holdings = Holding.objects.filter(endpoint=lane.endpoint, record_id__in=records, left=False)
    return _Known(
        wanted=wanted,
        rows={row.event_id: row for row in rows.defer("body").order_by("pk")},
        newest=newest,
        members=held(lane.endpoint, list(records)),
        holds=dict(holdings.values_list("record_id", "seq")),
        told=told,
    )


def _newest(events: QuerySet[ChangeEvent]) -> dict[UUID, ChangeEvent]:
    return {event.record_id: event for event in events.order_by("record_id", "-version").distinct("record_id")}


def _chosen_again(
    lane: Lane, replay: Replay, found: Sequence[ChangeEvent], known: _Known
) -> Iterator[tuple[ChangeEvent, bool]]:
    """The events to be offered, each with whether it is the record's last word."""
    for event in dict.fromkeys(_as_told(lane, replay, found, known)):
        row = known.rows.get(event.pk)
        if row and row.replay_id == replay.pk:
            continue
        leaves = _leaves(event, row, known)
        if leaves is None or not known.wanted.tells(LEFT if leaves else event.verb):
            continue
        if row and (row.state == DeliveryState.IN_FLIGHT or is_coming(row, leaves=leaves)):
            continue
        if replay.kind == ReplayKind.MISSING and not leaves and known.holds.get(event.record_id, 0) >= (event.seq or 0):
            continue
        yield event, leaves


def _as_told(lane: Lane, replay: Replay, found: Sequence[ChangeEvent], known: _Known) -> Iterator[ChangeEvent]:
    """The events themselves; where only the latest state counts, the newest of each record instead.

    A REST target keeps whatever it was given last, so after old versions it is given the newest one again.
    """
    latest_only = lane.endpoint.mode == Mode.LATEST_STATE or replay.kind != ReplayKind.RANGE
    for event in found:
        newest = known.newest.get(event.record_id, event)
        if latest_only:
            yield known.last_told(newest)
            continue
        yield event
        if lane.endpoint.kind == EndpointKind.REST and event.is_last:  # type: ignore[attr-defined]
            yield known.last_told(newest)


def is_coming(row: Delivery, *, leaves: bool) -> bool:
    """Whether the target is told this anyway: what waits as something else than it is now has to be written anew."""
    return row.state in COMING and row.leaves == leaves


def _leaves(event: ChangeEvent, row: Delivery | None, known: _Known) -> bool | None:
    """In full (False), as the last word (True), or not at all (None): by what is selected and held now."""
    matches = known.matches(event)
    if known.newest.get(event.record_id) == event:
        return leaving(event.verb, matches=matches, member=event.record_id in known.members)
    if matches:
        return False
    if row is None:
        return None
    return True if row.leaves else False if event.verb in TOLD_IN_FULL else None


def offer(
    lane: Lane,
    again: Iterable[tuple[ChangeEvent, bool]],
    rows: Mapping[int, Delivery],
    moment: datetime,
    *,
    replay: Replay | None = None,
    rank: int | None = None,
) -> None:
    """Settled deliveries wait again, with the same id and bytes and the mark of the replay; missing ones are made.

    ``again`` are events, each with whether it is its record's last word. One told in full that is now the last word,
    or the other way round, is another message: rendered anew under an id no target has seen. They come in the place of
    their numbers, or all at ``rank``. The caller holds the lane and has locked the rows.
    """
    same: list[int] = []
    other: list[int] = []
    missing: list[Delivery] = []
    for event, leaves in again:
        row = rows.get(event.pk)
        if row is None:
            missing.append(_made(lane, event, leaves, moment, replay, rank))
        else:
            (same if row.leaves == leaves else other).append(row.pk)
    waits: dict[str, Any] = {
        "state": DeliveryState.WAITING, "refusals": 0, "due_at": moment, "settled_at": None, "replayed": True,
        "replay": replay,
    } | ({} if rank is None else {"rank": rank})  # fmt: skip
    # What was superseded before it was ever rendered has lent its number to the one that took its place.
    number = Case(When(body="", then=Value(None)), default=F("number"))
    Delivery.objects.filter(pk__in=same).update(**waits, number=number)
    Delivery.objects.filter(pk__in=other).update(
        **waits,
        leaves=~F("leaves"),
        message_id=NEW_ID,
        number=UNUSED,
        body="",
        digest="",
        attempts=0,
        outcome_code="",
        outcome="",
    )
    Delivery.objects.bulk_create(missing, ignore_conflicts=True)


def _made(
    lane: Lane, event: ChangeEvent, leaves: bool, moment: datetime, replay: Replay | None, rank: int | None
) -> Delivery:
    seq = int(event.seq or 0)
    return Delivery(
        endpoint=lane.endpoint, event=event, seq=seq, record_id=event.record_id, domain=event.domain,
        version=event.version, rank=rank or seq, refers=[] if leaves else named_in(payloads.read(event.body)),
        leaves=leaves, message_id=left_id(event.uid) if leaves else None, replayed=replay is not None, replay=replay,
        due_at=moment, created_at=moment,
    )  # fmt: skip
