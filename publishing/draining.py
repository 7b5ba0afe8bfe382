"""Drain one lane: fill the window, put deliveries on their way, call, settle, again, until nothing is due."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

from publishing import outcomes
from publishing.clock import now
from publishing.lanes import Claim, Fenced, claim, due, let_go
from publishing.models import Endpoint, Lane
from publishing.pacing import Pace
from publishing.running import READY_PER_CALL, Company, Drained, Run
from publishing.sealing import SealBroken
from publishing.sending import Result, open_caller, route_of
from publishing.settling import rest

SLICE_SECONDS = 20.0


def drain(endpoint_id: UUID, *, seconds: float = SLICE_SECONDS, company: Company | None = None) -> Drained:
    """Move the lane of one endpoint until nothing is due or ``seconds`` have passed.

    At most one worker moves a lane; a second one returns at once. Killed at any point it loses nothing: what was on
    its way is sent again with the same id and bytes when the lease has ended. Never raises for what a target does.
    """
    claimed = claim(endpoint_id)
    if claimed is None:
        return Drained(claimed=False)
    tally = Drained(claimed=True)
    try:
        _move(claimed, tally, time.monotonic() + seconds, company or Company())
    except Fenced:
        tally.fenced = True
    finally:
        let_go(claimed)
    return tally


def _move(claimed: Claim, tally: Drained, until: float, company: Company) -> None:
    endpoint = Endpoint.objects.prefetch_related("secrets").select_related("lane").get(pk=claimed.endpoint_id)
    moment = now()
    try:
        route = route_of(endpoint, moment)
        way_out = open_caller(route)
    except SealBroken as error:
        words = f"{outcomes.SECRET.words} {error}"[:500]
        rest(claimed, Result(outcomes.SECRET, endpoint.url, endpoint.method, words=words))
        return
    lane, width = endpoint.lane, endpoint.max_in_flight
    # One alone while the target is on trial: its first answer says whether more is worth sending.
    allowed = 1 if lane.failures or lane.last_success_at is None else width * READY_PER_CALL
    idle = (moment - lane.tokens_at).total_seconds() if lane.tokens_at else 0.0
    with (
        way_out as caller,
        ThreadPoolExecutor(width, thread_name_prefix=f"lane-{endpoint.code}") as pool,
    ):
        run = Run(
            claimed,
            route,
            caller,
            pool,
            width,
            tally,
            allowed,
            _pace(endpoint, lane, idle),
            endpoint.updated_at,
            company,
        )
        run.move(until)


def _pace(endpoint: Endpoint, lane: Lane, idle: float) -> Pace:
    return Pace.resumed(
        cap=endpoint.max_per_second,
        rate=lane.rate,
        gently=lane.last_failure_code == outcomes.RATE_LIMITED.code,
        tokens=lane.tokens,
        idle=idle,
        now=time.monotonic(),
    )


def drain_all(*, until_empty: bool, pause: Callable[[float], None] = time.sleep) -> dict[UUID, Drained]:
    """Drain every lane that is due, one after another in this thread; again until none is, where asked.

    Lanes that rest after a failure and refused deliveries that wait for their next turn are left to their time.
    """
    total: dict[UUID, Drained] = {}
    while lanes := due():
        moved = False
        for endpoint_id in lanes:
            drained = drain(endpoint_id)
            so_far = total.setdefault(endpoint_id, Drained(claimed=drained.claimed))
            so_far.delivered += drained.delivered
            so_far.refused += drained.refused
            so_far.failed += drained.failed
            moved = moved or drained.claimed
        if not until_empty:
            break
        if not moved:
            pause(0.2)
    return total
