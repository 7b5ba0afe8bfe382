"""What of the log is owed to an endpoint: what it wants, and the last word about what is no longer meant for it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID, uuid5

from mdm.models import ChangeEvent, EventVerb
from publishing.models import UNSETTLED, Delivery, Endpoint, Holding
from publishing.selection import LEFT, Chosen, chosen

# What becomes of an identity is told in full to whoever holds the record, whatever else is asked for.
TOLD_IN_FULL = (EventVerb.MERGED, EventVerb.UNMERGED, EventVerb.RETIRED)

Body = Mapping[str, Any]


def left_id(event_id: UUID) -> UUID:
    """The id of the message that says a record left the selection by this event; the event's own is told in full."""
    return uuid5(event_id, LEFT)


def owed(endpoint: Endpoint, events: Sequence[ChangeEvent], body_of: Callable[[ChangeEvent], Body]) -> dict[int, bool]:
    """{event: whether it is the record's last word} of those events, in log order, that are owed to the endpoint.

    A record that stops matching is told once more to whoever holds it or is about to. Reads only; ``body_of`` is
    called only where the selection asks for more than the columns of an event.
    """
    wanted = chosen(endpoint)
    heard = [event for event in events if event.outward and wanted.subscribed(event.domain)]
    if not endpoint.selection:
        return {event.pk: False for event in heard}
    members = held(endpoint, [event.record_id for event in heard])
    found: dict[int, bool] = {}
    for event in heard:
        matches = covers(wanted, event, body_of)
        leaves = leaving(event.verb, matches=matches, member=event.record_id in members)
        if leaves is None or not wanted.tells(LEFT if leaves else event.verb):
            continue
        found[event.pk] = leaves
        (members.discard if leaves else members.add)(event.record_id)
    return found


def covers(wanted: Chosen, event: ChangeEvent, body_of: Callable[[ChangeEvent], Body]) -> bool:
    """Whether the record of this event is meant for the endpoint; from its columns where they are enough."""
    if not wanted.holds_state(event.state):
        return False
    return not wanted.reads_bodies or wanted.covers(body_of(event))


def leaving(verb: str, *, matches: bool, member: bool) -> bool | None:
    """How an event is told: in full (False), as the record's last word (True), or not at all (None)."""
    if matches:
        return False
    if not member:
        return None
    return verb not in TOLD_IN_FULL


def held(endpoint: Endpoint, records: Sequence[UUID]) -> set[UUID]:
    """Which of these records the endpoint holds, or will when what is unsettled is. Two queries.

    Whatever the last unsettled delivery of a record says counts; else what the target acknowledged.
    """
    asked = set(records)
    if not asked:
        return set()
    holdings = Holding.objects.filter(endpoint=endpoint, record_id__in=asked, left=False)
    members = set(holdings.values_list("record_id", flat=True))
    pending = Delivery.objects.filter(endpoint=endpoint, record_id__in=asked, state__in=UNSETTLED)
    for record_id, leaves in pending.order_by("seq").values_list("record_id", "leaves"):
        (members.discard if leaves else members.add)(record_id)
    return members
