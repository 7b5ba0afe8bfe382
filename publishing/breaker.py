"""The breaker of a lane: when its target fails it rests, longer each time; when it is hopeless, the endpoint stops.

Every turn is made under the lane's lock, only from a running state, so that what a person did meanwhile stands, and
leaves a row in the endpoint's history and an intervention by Assay where people look for it.
"""

import random
import time
from datetime import datetime, timedelta

from mdm.cause import HUB
from publishing import history, outcomes, pacing
from publishing.lanes import keep
from publishing.models import LIVE, Endpoint, EndpointState, Intervention, Lane
from publishing.outcomes import Fate
from publishing.pacing import Pace
from publishing.sending import Result

JITTER = 0.2
OVERLOAD_REST = 60  # seconds at least after a timeout or "too many requests", where the schedule goes that far
OVERLOADED = frozenset((outcomes.TIMEOUT.code, outcomes.RATE_LIMITED.code))
HICCUP = timedelta(seconds=30)  # a single failure that needs no longer rest is no outage
HOPELESS_AFTER = timedelta(days=5)
HOPELESS_FAILURES = 10
RESTORED = "restored: the hub was restored from a backup, and the log has begun a new life."


def rest(lane: Lane, result: Result, moment: datetime, *, pace: Pace | None = None) -> None:
    """Back the lane off, disable the endpoint where the target is gone or hopeless, else call it degraded.

    What the lane is sent when the target answers again is decided here: half of what it was sent, as ``pace`` knows
    it, where it asks to slow down or where this was a single failure; little at first after an outage. Else a target
    that fails once in fifty calls would hardly be sent anything.
    """
    lane.failures += 1
    lane.fail_since = lane.fail_since or moment
    lane.last_failure_at = moment
    lane.last_failure_code = result.outcome.code
    lane.last_failure = result.words
    lane.next_probe_at = moment + backoff(lane.endpoint, lane.failures, result)
    observed = pace.observed(time.monotonic()) if pace else 0.0
    if result.outcome.code == outcomes.RATE_LIMITED.code or (observed and _hiccup(lane, result, moment)):
        lane.rate = pacing.halved(lane.rate, cap=lane.endpoint.max_per_second, observed=observed)
    else:
        lane.rate = None
    if pace:
        pace.rate = lane.rate
    lane.save(
        update_fields=[
            "failures", "fail_since", "last_failure_at", "last_failure_code", "last_failure", "next_probe_at", "rate",
        ]
    )  # fmt: skip
    if result.outcome.fate is Fate.GONE:
        turn(lane, EndpointState.DISABLED, outcomes.GONE.words, "disable", moment)
    elif hopeless(lane, moment):
        reason = f"No success since {lane.fail_since:%Y-%m-%d %H:%M} UTC."
        turn(lane, EndpointState.DISABLED, reason, "disable", moment)
    elif lane.endpoint.state == EndpointState.ACTIVE:
        turn(lane, EndpointState.DEGRADED, result.words, "degrade", moment)


def _hiccup(lane: Lane, result: Result, moment: datetime) -> bool:
    """The first failure after successes, of a target that neither asks for time nor took too much of it."""
    asks = result.rest is not None or result.outcome.code in OVERLOADED
    return lane.failures == 1 and not asks and (lane.next_probe_at or moment) - moment <= HICCUP


def hopeless(lane: Lane, moment: datetime) -> bool:
    """Ten failures in a row or more, over five days in which nothing succeeded."""
    return lane.failures >= HOPELESS_FAILURES and moment - (lane.fail_since or moment) >= HOPELESS_AFTER


def backoff(endpoint: Endpoint, failures: int, result: Result) -> timedelta:
    """How long the lane rests: its schedule with jitter, longer after overload, and as long as the target asks."""
    schedule = endpoint.backoff_seconds or [OVERLOAD_REST]
    seconds = float(schedule[min(failures, len(schedule)) - 1])
    if result.outcome.code in OVERLOADED:
        seconds = max(seconds, min(OVERLOAD_REST, schedule[-1]))
    wait = timedelta(seconds=jittered(seconds))
    if result.rest is None:
        return wait
    # Many lanes may be told the same moment by one gateway: what is asked is a minimum, not an appointment.
    later = result.rest.total_seconds() * random.uniform(1, 1 + JITTER / 2)  # noqa: S311 - keeps no secret
    asked = max(result.rest, min(timedelta(seconds=later), outcomes.LONGEST_REST))
    return max(asked, min(wait, timedelta(seconds=schedule[0])))


def jittered(seconds: float) -> float:
    """The time up to a fifth shorter or longer, so that what failed together is not tried again together."""
    return seconds * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - spreads retries, keeps no secret


def clear(lane: Lane, moment: datetime, *, succeeded: bool, pace: Pace | None = None) -> None:
    """The target answers: no failure counts any more. It is sent little at first, then more, unless ``rest`` left it
    a rate to go on with.
    """
    if lane.failures and lane.rate is None:
        lane.rate = pacing.START
        if pace:
            pace.recover(time.monotonic())
    lane.failures, lane.fail_since, lane.next_probe_at = 0, None, None
    if succeeded:
        lane.last_success_at = moment
    keep(lane, "failures", "fail_since", "next_probe_at", "last_success_at", "rate")
    if lane.endpoint.state == EndpointState.DEGRADED:
        turn(lane, EndpointState.ACTIVE, "", "recover", moment)


def pause_restored(lane: Lane, moment: datetime) -> None:
    """The log is not the one this lane's cursor belongs to: a person has to say where to go on."""
    turn(lane, EndpointState.PAUSED, RESTORED, "pause", moment)


def stop(lane: Lane, reason: str, moment: datetime) -> None:
    """A record was refused for good at an endpoint that shall stop then."""
    turn(lane, EndpointState.PAUSED, f"stopped: {reason}", "stop", moment)


def turn(lane: Lane, state: EndpointState, reason: str, verb: str, moment: datetime) -> bool:
    """One turn, from a running state only. Locks the endpoint after its lane, as every verb does."""
    row = Endpoint.objects.select_for_update(no_key=True).get(pk=lane.endpoint_id)
    if row.state not in LIVE or row.state == state:
        return False
    history.change_state(row, state, reason, HUB)
    Intervention.objects.create(endpoint=row, verb=verb, by=HUB.name, reason=reason, at=moment)
    lane.endpoint.state, lane.endpoint.state_reason = row.state, row.state_reason
    lane.endpoint.updated_at = row.updated_at
    return True
