"""Receipts: what a target says later about a message it was sent. Taken, refused and why, its own id of the record."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from django.db import IntegrityError

from mdm.errors import Invalid
from mdm.models import ChangeEvent, GoldenRecord
from mdm.retrying import atomic
from publishing import outcomes
from publishing.buckets import bucket_of
from publishing.clock import now
from publishing.given import digest_of
from publishing.models import Delivery, DeliveryState, Endpoint, Holding, Mode, Receipt
from publishing.outcomes import Outcome

MOST = 1000
NOT_ALONE = "receipt_is_taken_once"


@dataclass(frozen=True)
class Given:
    """One receipt as the target gives it: about an event it was sent, or a version of a record (id or code)."""

    key: str
    accepted: bool
    event_id: UUID | None = None
    record: str = ""
    version: int | None = None
    code: str = ""
    reason: str = ""
    local_id: str = ""


class Taking(StrEnum):
    """What became of a receipt given."""

    TAKEN = "taken"
    KNOWN = "known"  # taken before, nothing changed
    LATER = "later"  # the message it is about is still on its way: give it again
    REFUSED = "refused"


@dataclass(frozen=True)
class Taken:
    """The answer to one receipt; ``problems`` are (field, sentence), all of them at once."""

    key: str
    state: Taking
    problems: tuple[tuple[str, str], ...] = ()


def take_all(*, endpoint: Endpoint, receipts: Sequence[Given], by: str) -> list[Taken]:
    """Take each receipt in a transaction of its own, in the order given. Raises Invalid for too many at once."""
    if len(receipts) > MOST:
        words = f"At most {MOST} at a time; these are {len(receipts)}."
        raise Invalid("These are too many receipts.", f"Send at most {MOST} at a time.", [("receipts", words)])
    return [take(endpoint=endpoint, receipt=receipt, by=by) for receipt in receipts]


def take(*, endpoint: Endpoint, receipt: Given, by: str) -> Taken:
    """Keep the receipt, and let it settle or park the delivery it is about, in one transaction.

    Accepted: the version is held there, under the target's own id; a parked or unanswered delivery is settled.
    Refused: the delivery is parked with the target's words for whoever has to mend it, unless the target accepted a
    newer version since. Locks the delivery. The same key with the same content changes nothing.
    """
    try:
        return _take(endpoint=endpoint, receipt=receipt, by=by)
    except IntegrityError as error:
        if NOT_ALONE not in str(error):
            raise
        return _take(endpoint=endpoint, receipt=receipt, by=by)  # another request was quicker with the same key


@atomic
def _take(*, endpoint: Endpoint, receipt: Given, by: str) -> Taken:
    before = Receipt.objects.filter(endpoint=endpoint, key=receipt.key).select_related("record").first()
    if before is not None:
        return _again(before, receipt)
    record, event, problems = _about(endpoint, receipt)
    if problems or record is None:
        return Taken(receipt.key, Taking.REFUSED, tuple(problems))
    delivery = _delivery(endpoint, record, event, receipt)
    version = delivery.version if delivery else (event.version if event else receipt.version or 0)
    if delivery is not None and delivery.state == DeliveryState.IN_FLIGHT:
        words = f"Version {version} of {record.code} is still on its way: its own answer is awaited."
        return Taken(receipt.key, Taking.LATER, (("", words),))
    if not _was_sent(endpoint, record, version, delivery):
        words = f"{endpoint.name} was never sent version {version} of {record.code}."
        return Taken(receipt.key, Taking.REFUSED, (("event_id" if receipt.event_id else "version", words),))
    outcome = outcomes.ACCEPTED if receipt.accepted else outcomes.of_refusal(receipt.code)
    moment = now()
    Receipt.objects.create(
        endpoint=endpoint, delivery=delivery, event_uid=receipt.event_id, record=record, version=version,
        accepted=receipt.accepted, outcome_code=outcome.code, reason=receipt.reason, local_id=receipt.local_id,
        by=by[:100], key=receipt.key, received_at=moment,
    )  # fmt: skip
    if receipt.accepted:
        _accept(endpoint, record, delivery, receipt, moment)
    elif delivery is not None:
        _refuse(endpoint, delivery, outcome, receipt, moment)
    return Taken(receipt.key, Taking.TAKEN)


def _again(before: Receipt, receipt: Given) -> Taken:
    """A key that was used: known where it says the same, refused where it says something else."""
    same = (
        before.accepted == receipt.accepted
        and before.reason == receipt.reason
        and before.local_id == receipt.local_id
        and (receipt.version is None or receipt.version == before.version)
        and (receipt.event_id is None or before.event_uid in (None, receipt.event_id))
        and receipt.record in ("", str(before.record_id), before.record.code)
    )
    if same:
        return Taken(receipt.key, Taking.KNOWN)
    words = f"The key was used for another receipt, about version {before.version} of {before.record.code}."
    return Taken(receipt.key, Taking.REFUSED, (("key", words),))


def _about(endpoint: Endpoint, receipt: Given) -> tuple[GoldenRecord | None, ChangeEvent | None, list[tuple[str, str]]]:
    """The record and the event meant, and everything that speaks against them."""
    problems: list[tuple[str, str]] = []
    event = None
    if receipt.event_id is not None:
        events = ChangeEvent.objects.select_related("record").defer("body")
        told = Delivery.objects.filter(endpoint=endpoint, message_id=receipt.event_id).values("event")
        event = events.filter(uid=receipt.event_id).first() or events.filter(pk__in=told).first()
        if event is None:
            problems.append(("event_id", f"There is no event {receipt.event_id}."))
    record = event.record if event else None
    if receipt.record:
        named = _record(receipt.record)
        if named is None:
            problems.append(("record", f"There is no record {receipt.record}."))
        elif record is not None and named.pk != record.pk:
            problems.append(("record", f"The event is about {record.code}, not about {named.code}."))
        record = record or named
    if event is not None and receipt.version not in (None, event.version):
        problems.append(("version", f"The event made version {event.version}, not {receipt.version}."))
    return record, event, problems


def _record(name: str) -> GoldenRecord | None:
    try:
        return GoldenRecord.objects.filter(pk=UUID(name)).first()
    except ValueError:
        return GoldenRecord.objects.filter(code=name.upper()).first()


def _delivery(endpoint: Endpoint, record: GoldenRecord, event: ChangeEvent | None, receipt: Given) -> Delivery | None:
    rows = Delivery.objects.select_for_update(no_key=True).filter(endpoint=endpoint, record=record)
    rows = rows.filter(event=event) if event else rows.filter(version=receipt.version or 0)
    row = rows.order_by("-seq").first()
    # The same event may have been told otherwise since: that is another message.
    meant = row and receipt.event_id in (None, row.message_id or row.event.uid)
    return row if meant else None


def _was_sent(endpoint: Endpoint, record: GoldenRecord, version: int, delivery: Delivery | None) -> bool:
    """Whether the target may know this version; a delivery no longer kept is proved by what is held since."""
    if delivery is not None:
        return delivery.attempts > 0 or delivery.state == DeliveryState.DELIVERED
    known = ChangeEvent.objects.filter(record=record, version=version).exists()
    return known and Holding.objects.filter(endpoint=endpoint, record=record, version__gte=version).exists()


def _accept(
    endpoint: Endpoint, record: GoldenRecord, delivery: Delivery | None, receipt: Given, moment: datetime
) -> None:
    if delivery is not None:
        if delivery.state in (DeliveryState.PARKED, DeliveryState.WAITING):
            _settle(delivery, DeliveryState.DELIVERED, outcomes.ACCEPTED.code, "", moment, settled=True)
        hold(endpoint, delivery, moment)
    if receipt.local_id:
        Holding.objects.filter(endpoint=endpoint, record=record).update(local_id=receipt.local_id)


def _refuse(endpoint: Endpoint, delivery: Delivery, outcome: Outcome, receipt: Given, moment: datetime) -> None:
    """Park it and turn what is held back to what the target accepted before."""
    newer = Delivery.objects.filter(endpoint=endpoint, record_id=delivery.record_id, seq__gt=delivery.seq)
    holding = Holding.objects.select_for_update(no_key=True).filter(endpoint=endpoint, record_id=delivery.record_id)
    held = holding.first()
    if held is not None and held.seq > delivery.seq:
        return  # it has accepted a newer version since: that one counts
    words = f"{outcome.words.removesuffix('.')}: {receipt.reason}" if receipt.reason else outcome.words
    replaced = endpoint.mode == Mode.LATEST_STATE and newer.filter(state=DeliveryState.WAITING).exists()
    state = DeliveryState.SUPERSEDED if replaced else DeliveryState.PARKED
    if delivery.state in (DeliveryState.DELIVERED, DeliveryState.WAITING, DeliveryState.PARKED):
        _settle(delivery, state, outcome.code, words[:500], moment, settled=replaced)
    if held is not None and held.seq == delivery.seq:
        _hold_what_was_before(endpoint, held, moment)


def _settle(
    delivery: Delivery, state: DeliveryState, code: str, words: str, moment: datetime, *, settled: bool
) -> None:
    """Parked ones are parked since now: their owner is told of what came after the last time they looked."""
    delivery.state, delivery.outcome_code, delivery.outcome = state, code, words
    delivery.settled_at, delivery.due_at = moment if settled else None, moment
    delivery.save(update_fields=["state", "outcome_code", "outcome", "settled_at", "due_at"])


def _hold_what_was_before(endpoint: Endpoint, held: Holding, moment: datetime) -> None:
    before = Delivery.objects.filter(
        endpoint=endpoint, record_id=held.record_id, seq__lt=held.seq, state=DeliveryState.DELIVERED
    )
    local_id = held.local_id
    held.delete()
    if (earlier := before.order_by("-seq").first()) is not None:
        hold(endpoint, earlier, moment, local_id=local_id)


def hold(endpoint: Endpoint, delivery: Delivery, moment: datetime, *, local_id: str = "") -> None:
    """Write down that the target holds what this delivery carried, unless it holds something newer."""
    digest = delivery.digest or digest_of(endpoint.kind, delivery.body)
    told = {
        "version": delivery.version, "seq": delivery.seq, "acknowledged_at": moment, "digest": digest,
        "bucket": bucket_of(delivery.record_id), "left": delivery.leaves,
    }  # fmt: skip
    holding, new = Holding.objects.select_for_update(no_key=True).get_or_create(
        endpoint=endpoint, record_id=delivery.record_id, defaults=told | {"local_id": local_id}
    )
    if not new and holding.seq < delivery.seq:
        Holding.objects.filter(pk=holding.pk).update(**told)
