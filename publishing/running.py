"""One drain in progress: calls run on threads of their own, one thread writes down what came of them.

What has finished is settled and what comes next is put on its way in one transaction, so that a fast target costs few
of them; enough stands ready behind each call that no call waits for the database.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction

from publishing import outcomes, replaying
from publishing.filling import top_up
from publishing.http import Caller
from publishing.lanes import LEASE, RENEWED_AFTER, Claim, Fenced, hold
from publishing.models import LIVE, Lane
from publishing.outcomes import Fate
from publishing.pacing import Pace
from publishing.sending import Result, Route, send
from publishing.settling import Settled, settle, write
from publishing.window import Taken, take_from

HELD_SECONDS = (LEASE - RENEWED_AFTER).total_seconds()  # from a hold on the lane is ours at least so long
RENEW_SECONDS = LEASE.total_seconds() / 6
QUIET_SECONDS = min(1.0, RENEW_SECONDS / 2)  # then the connection to the database is given back
READY_PER_CALL = 8  # how many deliveries stand ready behind each call, so that no call waits for the database
REFUSED_OR_TAKEN = (Fate.ACCEPTED, Fate.REFUSED)

logger = logging.getLogger(__name__)


@dataclass
class Drained:
    """What one drain did. ``claimed`` is false where another worker has the lane, or it rests.

    ``unfinished`` says that it ended for its time or because the endpoint was changed, not for want of work.
    """

    claimed: bool
    delivered: int = 0
    refused: int = 0
    failed: int = 0
    fenced: bool = False
    unfinished: bool = False

    def count(self, result: Result) -> None:
        """Add one result."""
        self.delivered += result.outcome.fate is Fate.ACCEPTED
        self.refused += result.outcome.fate is Fate.REFUSED
        self.failed += result.outcome.fate in (Fate.FAILED, Fate.GONE)


@dataclass(frozen=True)
class Company:
    """What a drain heeds where many run in one program: a seat at the database, a call to look again, the end."""

    seat: Callable[[], AbstractContextManager[object]] = nullcontext
    leave: Callable[[], None] = lambda: None  # give the connection to the database back before a long wait
    linger: Callable[[], bool] = lambda: False  # wait for news a little; whether there are any
    stopping: Callable[[], bool] = lambda: False


@dataclass
class Run:
    """One drain. ``allowed`` is how many deliveries may stand ready, ``changed_at`` when the endpoint was changed."""

    claim: Claim
    route: Route
    caller: Caller
    pool: ThreadPoolExecutor
    width: int
    tally: Drained
    allowed: int
    pace: Pace
    changed_at: datetime
    company: Company
    resting: bool = False
    outdated: bool = False
    hungry: bool = False  # more could be sent than is due: time for what is asked for again
    replays: bool = False  # one is under way
    offered: int = 0
    ours_until: float = 0.0  # by our own clock: whoever slept longer sends nothing more
    known: list[Settled] = field(default_factory=list)  # came in and is not written down yet
    stop: threading.Event = field(default_factory=threading.Event)
    running: dict[Future[Result], Taken] = field(default_factory=dict)
    gate: threading.Lock = field(default_factory=threading.Lock)

    def move(self, until: float) -> None:
        """Until nothing is due and no news comes, or the time is up; what is on its way is always waited for."""
        try:
            while True:
                if not self.stop.is_set() and (time.monotonic() >= until or self.outdated or self.company.stopping()):
                    self.tally.unfinished = True
                    self.stop.set()
                self.turn_over()
                if self.running:
                    self.known = self.finished()
                elif self.stop.is_set() or not (self.offered or self.company.linger()):
                    return
        except Fenced:
            raise
        except Exception:
            self._keep()
            raise
        finally:
            # Whatever ends the loop, waiting calls must not go out after the claim is given back.
            self.stop.set()

    def _keep(self) -> None:
        """A fault of ours must undo neither what is known nor what is on its way: else the target is sent it again."""
        self.stop.set()
        while self.running:
            self.known += self.finished()
        if self.known:
            with self.company.seat():
                settle(self.claim, self.known, resting=self.resting, pace=self.pace)

    def call(self, taken: Taken) -> Result:
        """On a thread of the pool. Nothing more is sent once the lane rests."""
        if not self._my_turn():
            return Result(outcomes.UNSENT, self.route.url, self.route.method)
        try:
            result = send(self.caller, self.route, taken.message)
        except Exception:  # a fault of ours must rest the lane and be seen, not spin
            logger.exception("Sending %s failed", taken.message.id)
            result = Result(outcomes.OWN_FAULT, self.route.url, self.route.method, words=outcomes.OWN_FAULT.words)
        if result.outcome.fate in (Fate.FAILED, Fate.GONE):
            self.stop.set()  # here, before this thread takes the next one
        return result

    def _my_turn(self) -> bool:
        """Wait as long as the endpoint's rate asks. False where it rests or was lost, or the program ends."""
        if self.stop.is_set() or self.company.stopping():
            return False
        with self.gate:
            seconds = self.pace.take(time.monotonic())
        if seconds and self.stop.wait(seconds):
            with self.gate:
                self.pace.give_back()
            return False
        return time.monotonic() < self.ours_until

    def turn_over(self) -> None:
        """Settle what has finished and put the next on their way, in one transaction."""
        done = self.known
        for _, result in done:
            self.tally.count(result)
        if any(result.outcome.fate is Fate.ACCEPTED for _, result in done):
            with self.gate:
                self.pace.grow(time.monotonic())
        with self.company.seat():
            taken = self._turned_over(done)
        self.known = []
        for one in taken:
            self.running[self.pool.submit(self.call, one)] = one
        self.offered = 0
        if self.hungry and self.replays:
            with self.company.seat():
                self.offered = replaying.advance(self.claim)
        if any(result.outcome.fate in REFUSED_OR_TAKEN for _, result in done):
            self.allowed = min(self.allowed * 2, self.width * READY_PER_CALL)

    def _turned_over(self, done: Sequence[Settled]) -> list[Taken]:
        resting, self.hungry, begun = self.resting, False, time.monotonic()
        with transaction.atomic():
            lane, moment = hold(self.claim)
            self.replays = lane.replays
            self.outdated = self.outdated or lane.endpoint.updated_at != self.changed_at
            if done:
                resting = write(lane, moment, done, resting=resting, pace=self.pace)
            taken = [] if resting else self._next(lane, moment)
            if not self.outdated:  # a turn of our own changes the endpoint, not how it is reached
                self.changed_at = lane.endpoint.updated_at
        self.resting, self.ours_until = resting, begun + HELD_SECONDS
        return taken

    def _next(self, lane: Lane, moment: datetime) -> list[Taken]:
        """What may be sent next; more of the log is read where that is not enough."""
        if lane.endpoint.state not in LIVE:
            self.stop.set()
        ready = min(self.allowed, self.pace.ready(self.width * READY_PER_CALL))
        room = ready - len(self.running)
        if self.stop.is_set() or self.outdated or room <= ready // 2:
            return []
        if not self.running:
            top_up(lane, moment)  # after a while without work a newer version may have come of what waits
        taken = take_from(lane, moment, room)
        while len(taken) < room and top_up(lane, moment) is not None:
            taken += take_from(lane, moment, room - len(taken))
        self.hungry = len(taken) < room
        return taken

    def finished(self) -> list[Settled]:
        """Results that came in; the lease is renewed where none does for a while."""
        done, _ = wait(self.running, timeout=QUIET_SECONDS, return_when=FIRST_COMPLETED)
        if not done:
            self.company.leave()
            done, _ = wait(self.running, timeout=RENEW_SECONDS - QUIET_SECONDS, return_when=FIRST_COMPLETED)
        return [(self.running.pop(future), future.result()) for future in done]
