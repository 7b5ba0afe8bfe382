"""When the tree of facilities changes, records change sides without an event of their own: they are told too.

A ward that moves to another hospital takes its departments and cost centers along. An endpoint that selects a subtree
is given what came into it, and told the last word about what went out, in the place of the event that moved them: not
before what they name, though that may have changed later than they did.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from mdm.domains.facilities import FACILITY
from mdm.models import ChangeEvent, EventVerb
from mdm.queries.referrers import pointers
from publishing import payloads
from publishing.again import is_coming, offer
from publishing.models import Delivery, DeliveryState, Endpoint, Lane
from publishing.owing import covers, held
from publishing.selection import LEFT, Chosen, chosen, subtree

UPWARD = "parent"


class OnItsWay(Exception):
    """A record that changes sides is just being told about: once that is settled its last word can be written."""


def realign(lane: Lane, events: Sequence[ChangeEvent], moment: datetime) -> int:
    """Offer what these events moved into the endpoint's selection or out of it. Returns how many.

    Called by whoever fills the lane, once its cursor has passed the events. Nothing where no facility moved or the
    endpoint selects no place; repeating it offers nothing twice, for by then the endpoint holds what it was offered.
    What waits as something else than it is now is written anew. Raises OnItsWay, having written nothing.
    """
    if not may_cross(lane.endpoint, events):
        return 0
    moved = [event.record_id for event in events if _moves(event)]
    wanted = chosen(lane.endpoint)
    newest = _newest(_affected(moved), lane.cursor_low)
    told = {event.pk for event in events}
    again = [pair for pair in _crossing(lane, wanted, newest) if pair[0].pk not in told]
    rows = Delivery.objects.select_for_update(no_key=True, of=("self",)).filter(
        endpoint=lane.endpoint, event__in=[event.pk for event, _ in again]
    )
    known = {row.event_id: row for row in rows.order_by("pk")}
    crossing = [(event, leaves) for event, leaves in again if not _coming(known.get(event.pk), leaves)]
    if any(row.state == DeliveryState.IN_FLIGHT for event, _ in crossing if (row := known.get(event.pk))):
        raise OnItsWay
    offer(lane, crossing, known, moment, rank=lane.cursor_low)
    return len(crossing)


def may_cross(endpoint: Endpoint, events: Sequence[ChangeEvent]) -> bool:
    """Whether these events may move records into the endpoint's selection or out of it."""
    return bool({"facilities", "legal_entities"} & set(endpoint.selection)) and any(map(_moves, events))


def _moves(event: ChangeEvent) -> bool:
    if event.domain != FACILITY.name:
        return False
    if event.verb in (EventVerb.MERGED, EventVerb.UNMERGED):
        return True
    return event.verb == EventVerb.CHANGED and UPWARD in event.changed


def _coming(row: Delivery | None, leaves: bool) -> bool:
    return row is not None and is_coming(row, leaves=leaves)


def _affected(moved: Sequence[UUID]) -> set[UUID]:
    """The moved facilities, everything below them, and every record that refers to one of these."""
    below = {UUID(text) for text in subtree([str(record_id) for record_id in moved])}
    found = set(below)
    for _, _, _, model, column in pointers(FACILITY.name):
        rows = model._default_manager.filter(**{f"{column}__in": below})
        found |= set(rows.values_list("record_id", flat=True))
    return found


def _newest(records: set[UUID], until: int) -> list[ChangeEvent]:
    events = ChangeEvent.objects.filter(record_id__in=records, outward=True, seq__lte=until)
    newest = events.order_by("record_id", "-version").distinct("record_id")
    return sorted(newest, key=lambda event: int(event.seq or 0))


def _crossing(lane: Lane, wanted: Chosen, newest: Sequence[ChangeEvent]) -> list[tuple[ChangeEvent, bool]]:
    """Those that are meant for the endpoint and not held, in full; those held and no longer meant, as the last word."""
    members = held(lane.endpoint, [event.record_id for event in newest])
    found = []
    for event in newest:
        matches = wanted.subscribed(event.domain) and covers(wanted, event, lambda one: payloads.read(one.body))
        is_member = event.record_id in members
        if matches != is_member and wanted.tells(event.verb if matches else LEFT):
            found.append((event, is_member))
    return found
