"""What people do about differences: send the record again, adopt the target's value, or leave it as it is."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction

from mdm.cause import Actor, Cause
from mdm.errors import Invalid, MdmError
from mdm.mastering import contribute
from mdm.models import ChangeEvent
from mdm.retrying import atomic
from publishing import payloads
from publishing.adopting import NotAdoptable, meant_by
from publishing.clock import now
from publishing.lanes import locked
from publishing.models import (
    Delivery,
    DeliveryState,
    Difference,
    DifferenceState,
    Endpoint,
    Intervention,
    Lane,
)
from publishing.owing import left_id, owed
from publishing.references import named_in

AT_ONCE = 500
ON_ITS_WAY = (DeliveryState.WAITING, DeliveryState.IN_FLIGHT)
WAITS = ["state", "refusals", "due_at", "settled_at", "replayed"]
ANEW = ["number", "leaves", "message_id", "body", "digest", "attempts"]
UNKNOWN = "Assay knows no such record, so there is nothing to send. Remove it at the target, or leave it."
NEVER_MEANT = "This record is not meant for the target. Remove it there, or leave it."


@dataclass(frozen=True)
class Done:
    """How many differences were dealt with, and why each of the others was not."""

    count: int
    refused: Sequence[tuple[Difference, str]] = ()

    @property
    def reasons(self) -> dict[str, int]:
        """{why not: how many}."""
        counts: dict[str, int] = defaultdict(int)
        for _, why in self.refused:
            counts[why] += 1
        return dict(counts)


def send_again(*, differences: Sequence[int], by: Actor, reason: str = "") -> Done:
    """Deliver the newest state of these records again, marked as a replay; all their open differences count as sent.

    An event that was rendered before goes out with the same id and bytes; one superseded or no longer kept is made
    from the log. What is on its way anyway is left alone. 500 at a time, each lot one transaction, locking the
    differences and deliveries; repeating it finds them no longer open.
    """
    total, refused = 0, list[tuple[Difference, str]]()
    for start in range(0, len(differences), AT_ONCE):
        done = _send_lot(differences[start : start + AT_ONCE], by, reason)
        total, refused = total + done.count, [*refused, *done.refused]
    return Done(total, refused)


@atomic
def _send_lot(ids: Sequence[int], by: Actor, reason: str) -> Done:
    moment = now()
    refused: list[tuple[Difference, str]] = []
    count = 0
    for endpoint, rows in _by_endpoint(_open(ids)):
        known = [row for row in rows if row.record_id]
        refused += [(row, UNKNOWN) for row in rows if not row.record_id]
        records = {row.record_id for row in known if row.record_id}
        sent = _offer_newest(endpoint, records, by, reason, moment)
        refused += [(row, NEVER_MEANT) for row in known if row.record_id not in sent]
        count += Difference.objects.filter(endpoint=endpoint, record_id__in=sent, state=DifferenceState.OPEN).update(
            state=DifferenceState.SENT_AGAIN, settled_at=moment, settled_by=by.name, reason=reason[:500]
        )
    return Done(count, refused)


def _open(ids: Sequence[int]) -> list[Difference]:
    rows = Difference.objects.select_for_update(no_key=True, of=("self",)).select_related("endpoint", "record")
    return list(rows.filter(pk__in=ids, state=DifferenceState.OPEN).order_by("pk"))


def _by_endpoint(rows: Sequence[Difference]) -> Iterator[tuple[Endpoint, list[Difference]]]:
    groups: dict[UUID, list[Difference]] = defaultdict(list)
    for row in rows:
        groups[row.endpoint_id].append(row)
    for group in groups.values():
        yield group[0].endpoint, group


def _offer_newest(endpoint: Endpoint, records: set[UUID], by: Actor, reason: str, moment: datetime) -> set[UUID]:
    """The newest event told of each record waits again; returns the records that have something to wait for.

    Events the lane has not come to are told anyway, so only those up to its cursor are looked at.
    """
    locked(endpoint.pk)  # a replay or a realignment may make the same delivery
    reached = Lane.objects.values_list("cursor_low", flat=True).get(endpoint=endpoint)
    events = ChangeEvent.objects.filter(record_id__in=records, outward=True, seq__lte=reached)
    newest = list(events.order_by("record_id", "-version").distinct("record_id"))
    wanted = owed(endpoint, newest, lambda event: payloads.read(event.body))
    rows = Delivery.objects.select_for_update(no_key=True).filter(endpoint=endpoint, event_id__in=list(wanted))
    there = {row.event_id: row for row in rows.defer("body").order_by("pk")}
    offered = [event for event in newest if event.pk in wanted]
    changed = [_again(there[event.pk], wanted[event.pk], moment) for event in offered if event.pk in there]
    again = [row for row in changed if row is not None]
    Delivery.objects.bulk_update([row for row in again if row.attempts], WAITS, batch_size=AT_ONCE)
    Delivery.objects.bulk_update([row for row in again if not row.attempts], [*WAITS, *ANEW], batch_size=AT_ONCE)
    made = [_made(endpoint, event, wanted[event.pk], moment) for event in offered if event.pk not in there]
    created = Delivery.objects.bulk_create(made)
    Intervention.objects.bulk_create(
        Intervention(endpoint=endpoint, delivery=row, verb="send again", by=by.name, reason=reason, at=moment)
        for row in (*again, *created)
    )
    return {event.record_id for event in offered}


def _again(row: Delivery, leaves: bool, moment: datetime) -> Delivery | None:
    """The delivery waiting again with the same id and bytes; None where it waits or is on its way as it is.

    One told in full that is now the record's last word, or the other way round, is another message: rendered anew.
    """
    if row.state in ON_ITS_WAY:
        return None
    unrendered = row.attempts == 0
    row.state, row.refusals, row.due_at, row.settled_at = DeliveryState.WAITING, 0, moment, None
    row.replayed = True
    if row.leaves != leaves:
        row.message_id = uuid4()
    if row.leaves != leaves or unrendered:
        # What was superseded before it was ever rendered has lent its number to the one that took its place.
        row.leaves, row.number, row.body, row.digest, row.attempts = leaves, None, "", "", 0
    return row


def _made(endpoint: Endpoint, event: ChangeEvent, leaves: bool, moment: datetime) -> Delivery:
    seq = int(event.seq or 0)
    return Delivery(
        endpoint=endpoint, event=event, seq=seq, record_id=event.record_id, domain=event.domain, version=event.version,
        rank=seq, refers=[] if leaves else named_in(payloads.read(event.body)), leaves=leaves,
        message_id=left_id(event.uid) if leaves else None, replayed=True, due_at=moment, created_at=moment,
    )  # fmt: skip


def adopt(*, differences: Sequence[int], by: Actor, reason: str) -> Done:
    """The target's values become the hub's, as approved edits of this person, and are published like any other.

    All fields of one record enter together, each record in a transaction of its own. A record that changed since it
    was compared, and a value no single way leads back from, are refused with the reason. Raises Invalid without one.
    """
    _need(reason)
    rows = Difference.objects.filter(pk__in=differences, state=DifferenceState.OPEN)
    groups: dict[tuple[UUID, UUID | None], list[int]] = defaultdict(list)
    for pk, endpoint_id, record_id in rows.order_by("pk").values_list("pk", "endpoint_id", "record_id"):
        groups[endpoint_id, record_id].append(pk)
    total, refused = 0, list[tuple[Difference, str]]()
    for ids in groups.values():
        done = _adopt_record(ids, by, reason)
        total, refused = total + done.count, [*refused, *done.refused]
    return Done(total, refused)


def _adopt_record(ids: Sequence[int], by: Actor, reason: str) -> Done:
    try:
        return _adopt_one(ids, by, reason)
    except MdmError as error:
        problems = [words for _, words in getattr(error, "problems", ())]
        said = " ".join([error.message, *problems, error.way_out]).strip()
        return Done(0, [(row, said) for row in Difference.objects.select_related("record").filter(pk__in=ids)])


@atomic
def _adopt_one(ids: Sequence[int], by: Actor, reason: str) -> Done:
    rows = _open(ids)
    refused: list[tuple[Difference, str]] = []
    values: dict[str, Any] = {}
    taken: list[Difference] = []
    for row in rows:
        try:
            meant = meant_by(row)
        except NotAdoptable as error:
            refused.append((row, str(error)))
            continue
        values[meant.attribute] = meant.value
        taken.append(row)
    if not taken:
        return Done(0, refused)
    first = taken[0]
    contribute(
        record_id=UUID(str(first.record_id)),
        values=values,
        expected=first.our_version,
        cause=Cause(by=by, reason=f"Adopted from {first.endpoint.name}: {reason}", approved_by=by.name),
    )
    return Done(_settle(taken, DifferenceState.ADOPTED, by, reason), refused)


@transaction.atomic
def leave(*, differences: Sequence[int], by: Actor, reason: str) -> Done:
    """These differences are as they should be, and stay out of the list until the target's value changes.

    Locks them; repeating it finds them no longer open. Raises Invalid without a reason.
    """
    _need(reason)
    return Done(_settle(_open(differences), DifferenceState.LEFT, by, reason))


def _settle(rows: Sequence[Difference], state: DifferenceState, by: Actor, reason: str) -> int:
    return Difference.objects.filter(pk__in=[row.pk for row in rows]).update(
        state=state, settled_at=now(), settled_by=by.name, reason=reason[:500]
    )


def _need(reason: str) -> None:
    if not reason.strip():
        raise Invalid("This needs a reason.", "Say why.", [("reason", "Say why, for whoever looks at it later.")])


VERBS: dict[str, Callable[..., Done]] = {"send-again": send_again, "adopt": adopt, "leave": leave}
