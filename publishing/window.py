"""What of a lane's deliveries may be sent next: bodies frozen, numbers given, put on its way."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID, uuid4

from django.db import connection, transaction
from django.db.models import F, QuerySet

from mdm.compiled import STANDS_FOR_A_MOMENT, Compiled
from publishing import outcomes, payloads
from publishing.given import digest_of
from publishing.lanes import Claim, hold, keep
from publishing.mapping import NoTranslation, Unfit
from publishing.models import LIVE, Attempt, Delivery, DeliveryState, Endpoint, Holding, Lane
from publishing.outcomes import Outcome
from publishing.sending import Message
from publishing.turns import next_up

logger = logging.getLogger(__name__)

Body = dict[str, Any]


@dataclass(frozen=True)
class Taken:
    """A delivery on its way, ready to be sent without the database.

    ``digest`` is that of its content, ``leaves`` whether the record is none of the target's business afterwards.
    """

    delivery_id: int
    record_id: UUID
    version: int
    seq: int
    refusals: int
    message: Message
    digest: str = ""
    leaves: bool = False


def take(claimed: Claim, limit: int) -> list[Taken]:
    """Put up to ``limit`` deliveries on their way, oldest first, at most one of each record, bodies frozen.

    A record whose earlier version is unsettled, or that names one the target lacks, is passed over. What only
    withdraws a record the target never held is skipped, what cannot be written is parked. Empty where the endpoint no
    longer runs. Raises Fenced.
    """
    with transaction.atomic():
        lane, moment = hold(claimed)
        return take_from(lane, moment, limit)


def take_from(lane: Lane, moment: datetime, limit: int) -> list[Taken]:
    """``take`` for who holds the lane already."""
    epoch = lane.head_epoch
    if lane.endpoint.state not in LIVE or limit <= 0 or epoch is None:
        return []
    # What is set aside makes room for others: go on until something is sent or nothing is left.
    while rows := _next(lane.endpoint, limit, moment):
        if sent := _frozen(lane, rows, epoch, moment):
            return sent
    return []


def _frozen(lane: Lane, rows: Sequence[Delivery], epoch: UUID, moment: datetime) -> list[Taken]:
    bodies = {row.pk: _body(row) for row in rows}
    idle = _not_held(lane.endpoint, rows, bodies)
    _set_aside(idle, DeliveryState.SKIPPED, outcomes.NOT_HELD, moment)
    sent = []
    for row in (row for row in rows if row.pk not in idle):
        if fault := _freeze(row, lane, bodies[row.pk], epoch):
            _set_aside([row.pk], DeliveryState.PARKED, fault[0], moment, fault[1])
        else:
            sent.append(row)
    if sent and lane.claim_id:
        _put_on_their_way(sent, lane.claim_id)
        keep(lane, "numbered")
    return [_taken(row, lane.endpoint, bodies[row.pk]) for row in sent]


def _body(row: Delivery) -> Body:
    """The event's body; a record's last word has an id of its own, as its event may be told in full as well."""
    body = payloads.read(vars(row)["event_body"])
    return body | {"id": str(row.message_id)} if row.message_id else body


def _freeze(row: Delivery, lane: Lane, body: Body, epoch: UUID) -> tuple[Outcome, str] | None:
    """Count the try, number and render the text once. The reason where the event cannot be written for the endpoint.

    A version that took the place of a numbered one has its number already; numbers are given without gaps.
    """
    if not row.body:
        number = row.number or lane.numbered + 1
        render = payloads.render_left if row.leaves else payloads.render
        try:
            text = render(lane.endpoint, body, seq=row.seq, epoch=epoch, number=number)
            digest = digest_of(lane.endpoint.kind, text)
        except NoTranslation as error:
            return outcomes.NO_TRANSLATION, str(error)
        except Unfit as error:
            return outcomes.UNREADABLE, str(error)
        except (KeyError, TypeError, ValueError):
            logger.exception("Event %s cannot be rendered for %s", row.seq, lane.endpoint.code)
            return outcomes.UNREADABLE, ""
        row.body, row.digest = text, digest
        row.number, lane.numbered = number, max(lane.numbered, number)
    row.attempts += 1
    return None


def _next(endpoint: Endpoint, limit: int, moment: datetime) -> list[Delivery]:
    return _turns(limit).records(endpoint=endpoint.pk, moment=moment)


_BODY: dict[str, Any] = {"event_body": F("event__body")}


@cache
def _turns(limit: int) -> Compiled[Delivery]:
    """The first so many whose turn it is, locked, each with its event's ``event_body``."""

    def ask(endpoint: UUID, moment: datetime) -> QuerySet[Delivery, Any]:
        rows = next_up().select_for_update(skip_locked=True, of=("self",), no_key=True)
        due = rows.filter(endpoint_id=endpoint, due_at__lte=moment).annotate(**_BODY)
        return due.order_by("rank")[:limit]  # of one record one at most is next

    return Compiled(ask, endpoint=uuid4(), moment=STANDS_FOR_A_MOMENT)


def _not_held(endpoint: Endpoint, rows: Sequence[Delivery], bodies: dict[int, Body]) -> set[int]:
    """Rows that withdraw a record this endpoint neither acknowledged nor may have taken without our knowing."""
    asked = [row for row in rows if (row.leaves or payloads.needs_holder(bodies[row.pk])) and not row.attempts]
    if not asked:
        return set()
    records = [row.record_id for row in asked]
    held = set(Holding.objects.filter(endpoint=endpoint, record_id__in=records).values_list("record_id", flat=True))
    maybe = Attempt.objects.filter(
        endpoint=endpoint, delivery__record_id__in=records, outcome_code__in=outcomes.MAYBE_TAKEN
    )
    held |= set(maybe.values_list("delivery__record_id", flat=True))
    return {row.pk for row in asked if row.record_id not in held}


def _set_aside(
    ids: Sequence[int] | set[int], state: DeliveryState, why: Outcome, moment: datetime, more: str = ""
) -> None:
    if ids:
        settled_at = moment if state == DeliveryState.SKIPPED else None
        words = f"{why.words} {more}".strip()[:500]
        Delivery.objects.filter(pk__in=ids).update(
            state=state, due_at=moment, settled_at=settled_at, outcome_code=why.code, outcome=words
        )


def _put_on_their_way(rows: Sequence[Delivery], claim_id: UUID) -> None:
    columns = zip(*((row.pk, row.attempts, row.number, row.body, row.digest) for row in rows), strict=True)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE publishing_delivery SET state = 'in_flight', claim_id = %s, attempts = given.attempts, "
            "body = given.body, number = given.number, digest = given.digest "
            "FROM unnest(%s::bigint[], %s::int[], %s::bigint[], %s::text[], %s::text[]) "
            "AS given(id, attempts, number, body, digest) WHERE publishing_delivery.id = given.id",
            [claim_id, *map(list, columns)],
        )


def _taken(row: Delivery, endpoint: Endpoint, body: Body) -> Taken:
    message = Message(
        id=body["id"],
        body=row.body,
        number=row.attempts,
        path=payloads.path_of(endpoint.path, body) if endpoint.path else "",
        replay=str(row.replay_id or 1) if row.replayed else "",
        lane_number=row.number,
    )
    return Taken(
        row.pk, row.record_id, row.version, row.seq, row.refusals, message, digest=row.digest, leaves=row.leaves
    )
