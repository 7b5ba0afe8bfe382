"""What follows from results: deliveries settled, attempts recorded, holdings moved on, the lane rested or cleared.

All of it in one transaction under the lane's lock, so that it happens once or, for a fenced worker, not at all.
"""

import random
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import connection, transaction

from publishing import outcomes
from publishing.lanes import Claim, hold
from publishing.models import LIVE, Attempt, DeliveryState, Endpoint, EndpointState, Intervention, Lane
from publishing.outcomes import Fate
from publishing.sending import Result
from publishing.window import Taken

JITTER = 0.2
OVERLOAD_REST = 60  # seconds at least after a timeout or "too many requests", where the schedule goes that far
OVERLOADED = frozenset((outcomes.TIMEOUT.code, "RATE_LIMITED"))
HOPELESS_AFTER = timedelta(days=5)
HOPELESS_FAILURES = 10

Settled = tuple[Taken, Result]


def settle(claimed: Claim, done: Sequence[Settled], *, resting: bool) -> bool:
    """Write down what came of these deliveries; returns whether the lane rests now.

    ``resting`` says that an earlier result of the same drain already sent the lane to rest: one failure of the target
    seen by several calls at once counts once. Raises Fenced, and then nothing was written.
    """
    with transaction.atomic():
        lane, moment = hold(claimed)
        _write_deliveries(lane.endpoint, done, moment)
        _write_attempts(lane.endpoint, done, moment)
        _write_holdings(lane.endpoint, done, moment)
        failed = [result for _, result in done if result.outcome.fate in (Fate.FAILED, Fate.GONE)]
        if failed and not resting:
            _rest(lane, failed[-1], moment)
        elif not failed and not resting and any(result.outcome.fate is not Fate.UNSENT for _, result in done):
            _clear(lane, done, moment)
        return resting or bool(failed)


def rest(claimed: Claim, result: Result) -> None:
    """Send the lane to rest for a fault that no delivery has met yet. Raises Fenced."""
    with transaction.atomic():
        lane, moment = hold(claimed)
        _rest(lane, result, moment)


def _write_deliveries(endpoint: Endpoint, done: Sequence[Settled], moment: datetime) -> None:
    rows = [_next_state(endpoint, taken, result, moment) for taken, result in done]
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


Row = tuple[int, str, int, datetime, datetime | None, int, str, str]


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
            due_at = moment + timedelta(seconds=_jittered(endpoint.retry_seconds[refusals - 1]))
    unsent = int(outcome.fate is Fate.UNSENT)
    return (taken.delivery_id, state, refusals, due_at, settled_at, unsent, outcome.code, result.words)


def _write_attempts(endpoint: Endpoint, done: Sequence[Settled], moment: datetime) -> None:
    Attempt.objects.bulk_create(
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
    )


def _write_holdings(endpoint: Endpoint, done: Sequence[Settled], moment: datetime) -> None:
    """The newest acknowledged version of each record; sending an old one again never turns it back."""
    taken = [(one, result) for one, result in done if result.outcome.fate is Fate.ACCEPTED]
    if not taken:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO publishing_holding AS h (endpoint_id, record_id, version, seq, local_id, acknowledged_at) "
            "SELECT %s, g.record_id, g.version, g.seq, g.local_id, %s "
            "FROM unnest(%s::uuid[], %s::int[], %s::bigint[], %s::text[]) AS g(record_id, version, seq, local_id) "
            "ON CONFLICT (endpoint_id, record_id) DO UPDATE SET version = excluded.version, seq = excluded.seq, "
            "acknowledged_at = excluded.acknowledged_at, "
            "local_id = CASE WHEN excluded.local_id = '' THEN h.local_id ELSE excluded.local_id END "
            "WHERE h.seq <= excluded.seq",
            [
                endpoint.pk,
                moment,
                [one.record_id for one, _ in taken],
                [one.version for one, _ in taken],
                [one.seq for one, _ in taken],
                [result.local_id for _, result in taken],
            ],
        )


def _rest(lane: Lane, result: Result, moment: datetime) -> None:
    """Back the lane off, disable the endpoint where the target is gone or hopeless, else call it degraded."""
    lane.failures += 1
    lane.fail_since = lane.fail_since or moment
    lane.last_failure_at = moment
    lane.last_failure_code = result.outcome.code
    lane.last_failure = result.words
    lane.next_probe_at = moment + backoff(lane.endpoint, lane.failures, result)
    lane.save(
        update_fields=[
            "failures", "fail_since", "last_failure_at", "last_failure_code", "last_failure", "next_probe_at",
        ]
    )  # fmt: skip
    if result.outcome.fate is Fate.GONE:
        _set_state(lane, EndpointState.DISABLED, outcomes.GONE.words, moment)
    elif lane.failures >= HOPELESS_FAILURES and moment - lane.fail_since >= HOPELESS_AFTER:
        reason = f"No success since {lane.fail_since:%Y-%m-%d %H:%M} UTC."
        _set_state(lane, EndpointState.DISABLED, reason, moment)
    elif lane.endpoint.state == EndpointState.ACTIVE:
        _set_state(lane, EndpointState.DEGRADED, result.words, moment)


def backoff(endpoint: Endpoint, failures: int, result: Result) -> timedelta:
    """How long the lane rests: its schedule with jitter, longer after overload, and as long as the target asks."""
    schedule = endpoint.backoff_seconds or [OVERLOAD_REST]
    seconds = float(schedule[min(failures, len(schedule)) - 1])
    if result.outcome.code in OVERLOADED:
        seconds = max(seconds, min(OVERLOAD_REST, schedule[-1]))
    wait = timedelta(seconds=_jittered(seconds))
    return wait if result.rest is None else max(result.rest, min(wait, timedelta(seconds=schedule[0])))


def _jittered(seconds: float) -> float:
    return seconds * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - spreads retries, keeps no secret


def _clear(lane: Lane, done: Sequence[Settled], moment: datetime) -> None:
    lane.failures, lane.fail_since, lane.next_probe_at = 0, None, None
    if any(result.outcome.fate is Fate.ACCEPTED for _, result in done):
        lane.last_success_at = moment
    lane.save(update_fields=["failures", "fail_since", "next_probe_at", "last_success_at"])
    if lane.endpoint.state == EndpointState.DEGRADED:
        _set_state(lane, EndpointState.ACTIVE, "", moment)


def _set_state(lane: Lane, state: EndpointState, reason: str, moment: datetime) -> None:
    """A turn of the breaker: only from a running state, so that a person's pause in the meantime stands."""
    turned = Endpoint.objects.filter(pk=lane.endpoint_id, state__in=LIVE).update(
        state=state, state_reason=reason[:300], updated_at=moment
    )
    if turned and state == EndpointState.DISABLED:
        Intervention.objects.create(endpoint=lane.endpoint, verb="disable", by="Assay", reason=reason, at=moment)
