"""Drain one lane: fill the window, put deliveries on their way, call, settle, again, until nothing is due.

Calls run on threads of their own that never see the database; this thread alone writes, and settles together
whatever has finished meanwhile, so a fast target costs few transactions and a slow one blocks nothing.
"""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from uuid import UUID

from django.conf import settings
from django.db import transaction

from publishing import outcomes
from publishing.addresses import networks
from publishing.clock import now
from publishing.http import Caller
from publishing.lanes import Claim, Fenced, claim, due, hold, let_go
from publishing.models import Endpoint
from publishing.outcomes import Fate
from publishing.sealing import SealBroken
from publishing.sending import Result, Route, route_of, send
from publishing.settling import rest, settle
from publishing.window import Taken, fill, take

SLICE_SECONDS = 20.0
RENEW_SECONDS = 15.0
READY_PER_CALL = 8  # how many deliveries stand ready behind each call, so that no call waits for the database

logger = logging.getLogger(__name__)


@dataclass
class Drained:
    """What one drain did. ``claimed`` is false where another worker has the lane, or it rests."""

    claimed: bool
    delivered: int = 0
    refused: int = 0
    failed: int = 0
    fenced: bool = False

    def count(self, result: Result) -> None:
        """Add one result."""
        self.delivered += result.outcome.fate is Fate.ACCEPTED
        self.refused += result.outcome.fate is Fate.REFUSED
        self.failed += result.outcome.fate in (Fate.FAILED, Fate.GONE)


@dataclass
class _Run:
    """One drain in progress."""

    claim: Claim
    route: Route
    caller: Caller
    pool: ThreadPoolExecutor
    width: int
    tally: Drained
    allowed: int
    resting: bool = False
    stop: threading.Event = field(default_factory=threading.Event)
    running: dict[Future[Result], Taken] = field(default_factory=dict)

    def call(self, taken: Taken) -> Result:
        """On a thread of the pool. Nothing more is sent once the lane rests."""
        if self.stop.is_set():
            return Result(outcomes.UNSENT, self.route.url, self.route.method)
        try:
            result = send(self.caller, self.route, taken.message)
        except Exception:  # a fault of ours must rest the lane and be seen, not spin
            logger.exception("Sending %s failed", taken.message.id)
            result = Result(outcomes.OWN_FAULT, self.route.url, self.route.method, words=outcomes.OWN_FAULT.words)
        if result.outcome.fate in (Fate.FAILED, Fate.GONE):
            self.stop.set()  # here, before this thread takes the next one
        return result

    def load(self) -> None:
        """Fill up to what may stand ready: one alone while the target is on trial."""
        room = self.allowed - len(self.running)
        if self.stop.is_set() or room <= self.allowed // 2:
            return
        fill(self.claim)
        for taken in take(self.claim, room):
            self.running[self.pool.submit(self.call, taken)] = taken

    def collect(self) -> None:
        """Settle whatever has finished; renew the lease where nothing has."""
        finished, _ = wait(self.running, timeout=RENEW_SECONDS, return_when=FIRST_COMPLETED)
        if not finished:
            with transaction.atomic():
                hold(self.claim)
            return
        done = [(self.running.pop(future), future.result()) for future in finished]
        self.resting = settle(self.claim, done, resting=self.resting)
        for _, result in done:
            self.tally.count(result)
        self.allowed = min(self.allowed * 2, self.width * READY_PER_CALL)


def drain(endpoint_id: UUID, *, seconds: float = SLICE_SECONDS) -> Drained:
    """Move the lane of one endpoint until nothing is due or ``seconds`` have passed.

    At most one worker moves a lane; a second one returns at once. Killed at any point it loses nothing: what was on
    its way is sent again with the same id and bytes when the lease has ended. Never raises for what a target does.
    """
    claimed = claim(endpoint_id)
    if claimed is None:
        return Drained(claimed=False)
    tally = Drained(claimed=True)
    try:
        _move(claimed, tally, time.monotonic() + seconds)
    except Fenced:
        tally.fenced = True
    finally:
        let_go(claimed)
    return tally


def _move(claimed: Claim, tally: Drained, until: float) -> None:
    endpoint = Endpoint.objects.prefetch_related("secrets").select_related("lane").get(pk=claimed.endpoint_id)
    try:
        route = route_of(endpoint, now())
    except SealBroken as error:
        words = f"{outcomes.SECRET.words} {error}"[:500]
        rest(claimed, Result(outcomes.SECRET, endpoint.url, endpoint.method, words=words))
        return
    width = endpoint.max_in_flight
    allowed = 1 if endpoint.lane.failures else width * READY_PER_CALL
    with (
        Caller(allowed=networks(settings.ALLOWED_NETWORKS), connections=width) as caller,
        ThreadPoolExecutor(width, thread_name_prefix=f"lane-{endpoint.code}") as pool,
    ):
        run = _Run(claimed, route, caller, pool, width, tally, allowed)
        try:
            while time.monotonic() < until:
                run.load()
                if not run.running:
                    return
                run.collect()
            run.stop.set()
            while run.running:
                run.collect()
        finally:
            # Whatever ends the loop, waiting calls must not go out after the claim is given back.
            run.stop.set()


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
