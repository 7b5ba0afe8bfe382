"""What follows from results: deliveries settled, attempts recorded, holdings moved on, the lane rested or cleared.

All of it in one transaction under the lane's lock, so that it happens once or, for a fenced worker, not at all.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import connection, transaction

from mdm import bulk
from publishing import breaker
from publishing.breaker import jittered
from publishing.buckets import bucket_of
from publishing.lanes import Claim, hold, keep
from publishing.models import Attempt, DeliveryState, Endpoint, Lane, Mode, OnReject
from publishing.outcomes import Fate
from publishing.pacing import Pace
from publishing.sending import Result
from publishing.superseding import supersede
from publishing.window import Taken

Settled = tuple[Taken, Result]
Row = tuple[int, str, int, datetime, datetime | None, int, str, str]


def settle(claimed: Claim, done: Sequence[Settled], *, resting: bool, pace: Pace | None = None) -> bool:
    """Write down what came of these deliveries; returns whether the lane rests now.

    ``resting`` says that an earlier result of the same drain already sent the lane to rest: one failure of the target
    seen by several calls at once counts once. Raises Fenced, and then nothing was written.
    """
    with transaction.atomic():
        lane, moment = hold(claimed)
        return write(lane, moment, done, resting=resting, pace=pace)


def write(lane: Lane, moment: datetime, done: Sequence[Settled], *, resting: bool, pace: Pace | None = None) -> bool:
    """``settle`` for who holds the lane already."""
    rows = [_next_state(lane.endpoint, taken, result, moment) for taken, result in done]
    _write_deliveries(rows)
    _write_attempts(lane.endpoint, done, moment)
    _write_holdings(lane.endpoint, done, moment)
    if lane.endpoint.mode == Mode.LATEST_STATE:
        left = (DeliveryState.WAITING, DeliveryState.PARKED)
        back = [taken.record_id for (taken, _), row in zip(done, rows, strict=True) if row[1] in left]
        supersede(lane.endpoint_id, back, moment)
    parked = [row for row in rows if row[1] == DeliveryState.PARKED]
    if parked and lane.endpoint.on_reject == OnReject.STOP:
        breaker.stop(lane, parked[0][-1], moment)
    failed = [result for _, result in done if result.outcome.fate in (Fate.FAILED, Fate.GONE)]
    if pace:
        _keep(lane, pace, moment)
    if failed and not resting:
        breaker.rest(lane, failed[-1], moment, pace=pace)
    elif not failed and not resting and any(result.outcome.fate is not Fate.UNSENT for _, result in done):
        accepted = any(result.outcome.fate is Fate.ACCEPTED for _, result in done)
        breaker.clear(lane, moment, succeeded=accepted, pace=pace)
    return resting or bool(failed)


def rest(claimed: Claim, result: Result) -> None:
    """Send the lane to rest for a fault that no delivery has met yet. Raises Fenced."""
    with transaction.atomic():
        lane, moment = hold(claimed)
        breaker.rest(lane, result, moment)


def _write_deliveries(rows: Sequence[Row]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE publishing_delivery d SET state = g.state, refusals = g.refusals, due_at = g.due_at, "
            "settled_at = g.settled_at, attempts = d.attempts - g.unsent, claim_id = NULL, "
            "outcome_code = CASE WHEN g.unsent = 1 THEN d.outcome_code ELSE g.code END, "
            "outcome = CASE WHEN g.unsent = 1 THEN d.outcome ELSE g.words END "
            "FROM unnest(%s::bigint[], %s::text[], %s::int[], %s::timestamptz[], %s::timestamptz[], %s::int[], "
            "%s::text[], %s::text[]) AS g(id, state, refusals, due_at, settled_at, unsent, code, words) "
            "WHERE d.id = g.id",
            [list(column) for column in zip(*rows, strict=True)],
        )


def _next_state(endpoint: Endpoint, taken: Taken, result: Result, moment: datetime) -> Row:
    outcome = result.outcome
    state, refusals, due_at = str(DeliveryState.WAITING), taken.refusals, moment
    settled_at = None
    if outcome.fate is Fate.ACCEPTED:
        state, settled_at = str(DeliveryState.DELIVERED), moment
    elif outcome.fate is Fate.REFUSED:
        refusals += 1
        if refusals > len(endpoint.retry_seconds):
            state = str(DeliveryState.PARKED)
        else:
            due_at = moment + timedelta(seconds=jittered(endpoint.retry_seconds[refusals - 1]))
    unsent = int(outcome.fate is Fate.UNSENT)
    return (taken.delivery_id, state, refusals, due_at, settled_at, unsent, outcome.code, result.words)


def _write_attempts(endpoint: Endpoint, done: Sequence[Settled], moment: datetime) -> None:
    rows = [
        Attempt(
            endpoint=endpoint,
            delivery_id=taken.delivery_id,
            number=taken.message.number,
            at=moment - timedelta(milliseconds=result.duration_ms),
            method=result.method,
            url=result.url,
            request_headers=dict(result.request_headers),
            http_code=result.http_code,
            outcome_code=result.outcome.code,
            duration_ms=result.duration_ms,
            answer=result.answer,
            error=result.words,
        )
        for taken, result in done
        if result.outcome.fate is not Fate.UNSENT
    ]
    bulk.insert(rows)


def _write_holdings(endpoint: Endpoint, done: Sequence[Settled], moment: datetime) -> None:
    """The newest acknowledged version of each record; sending an old one again never turns it back."""
    taken = [(one, result) for one, result in done if result.outcome.fate is Fate.ACCEPTED]
    if not taken:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO publishing_holding AS h "
            '(endpoint_id, record_id, version, seq, local_id, acknowledged_at, bucket, digest, "left") '
            'SELECT %s, g.record_id, g.version, g.seq, g.local_id, %s, g.bucket, g.digest, g."left" '
            "FROM unnest(%s::uuid[], %s::int[], %s::bigint[], %s::text[], %s::int[], %s::text[], %s::bool[]) "
            'AS g(record_id, version, seq, local_id, bucket, digest, "left") '
            "ON CONFLICT (endpoint_id, record_id) DO UPDATE SET version = excluded.version, seq = excluded.seq, "
            'acknowledged_at = excluded.acknowledged_at, digest = excluded.digest, "left" = excluded."left", '
            "local_id = CASE WHEN excluded.local_id = '' THEN h.local_id ELSE excluded.local_id END "
            "WHERE h.seq <= excluded.seq",
            [
                endpoint.pk,
                moment,
                [one.record_id for one, _ in taken],
                [one.version for one, _ in taken],
                [one.seq for one, _ in taken],
                [result.local_id for _, result in taken],
                [bucket_of(one.record_id) for one, _ in taken],
                [one.digest for one, _ in taken],
                [one.leaves for one, _ in taken],
            ],
        )


def _keep(lane: Lane, pace: Pace, moment: datetime) -> None:
    """What the pace has come to, for whoever moves the lane next."""
    tokens = pace.bucket.tokens if pace.bucket else 0.0
    if pace.bucket is None and lane.rate == pace.rate:
        return
    lane.rate, lane.tokens, lane.tokens_at = pace.rate, tokens, moment
    keep(lane, "rate", "tokens", "tokens_at")
