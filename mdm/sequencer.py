"""The sequencer as a program: one numbers, any number of others stand by and take over when its session ends.

Who numbers holds an advisory lock for as long as its session lives, so ``kill -9`` frees it at once; one that is
stopped or cut off loses its session after ``IDLE_SECONDS`` without a word. The lock only saves work: two that number
at the same time still take turns on the head's row (``mdm.log.sequence``). Needs a session of its own: a pooler in
transaction mode must not stand in between.
"""

import logging
import time
from collections.abc import Callable

from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction
from psycopg.errors import LockNotAvailable

from mdm import liveness, log
from mdm.checkpoints import EVERY_EVENTS, EVERY_SECONDS, write_checkpoint
from mdm.epochs import Mark, notice_restore
from mdm.errors import MdmError
from mdm.gaps import Gaps
from mdm.nudge import Waker

IDLE_SECONDS = (0.005, 0.05)  # waits double from the first to the second while nothing comes
STANDBY_SECONDS = 1  # how long to stand in line for the lock before a look at whether to stop
AWAY_SECONDS = 0.5
LOOK_AGAIN_SECONDS = 60.0  # a whole look, in case a transaction took an id long before it took its place in line
LOCK = 0x41535341  # advisory lock of the one who numbers
SESSION = (
    "SET statement_timeout = '30s'; SET lock_timeout = '10s'; SET idle_in_transaction_session_timeout = '5s'; "
    "SET idle_session_timeout = '5s'; SET tcp_keepalives_idle = 3; SET tcp_keepalives_interval = 1; "
    "SET tcp_keepalives_count = 3; SET jit = off"  # compiling a plan takes longer than any batch
)

logger = logging.getLogger(__name__)


class Sequencer:
    """Numbers events until told to stop; outlives the database's absence."""

    def __init__(self, *, stopping: Callable[[], bool], waker: Waker) -> None:
        self.stopping = stopping
        self.waker = waker
        self.mark = Mark()
        self.session: object = None  # the connection the settings and the lock belong to
        self.main = False
        self.gaps = Gaps()
        self.unsigned = 0  # events since the last checkpoint
        self.signed_at = 0.0
        self.looked_at = 0.0
        self.wait = IDLE_SECONDS[0]

    def run(self) -> None:
        """Number what comes. Returns once told to stop; the lock goes with the session."""
        while not self.stopping():
            try:
                rest = self._turn()
            except (DatabaseError, InterfaceError) as error:
                logger.warning("The database does not answer (%s); trying again.", str(error).strip() or type(error))
                self._lost()
                rest = AWAY_SECONDS
            time.sleep(rest)
        if self.main and self.unsigned:
            _sign_head()
        connection.close()

    def _turn(self) -> float:
        """One look at the log; how long to rest before the next."""
        if not self.main and not self._take_over():
            return 0.0
        liveness.beat("sequencer", {"role": "main"})
        count = self._number()
        if count:
            self.mark.leave()
            self.waker.wake()
            self.unsigned += count
            self.wait = IDLE_SECONDS[0]
        else:
            self.wait = min(self.wait * 2, IDLE_SECONDS[1])
        self._sign()
        return 0.0 if count >= EVERY_EVENTS else self.wait

    def _number(self) -> int:
        now = time.monotonic()
        if now - self.looked_at < LOOK_AGAIN_SECONDS:
            return log.sequence(gaps=self.gaps)
        self.looked_at = now
        return log.sequence()

    def _sign(self) -> None:
        rested = time.monotonic() - self.signed_at
        if self.unsigned and (rested >= EVERY_SECONDS or (self.unsigned >= EVERY_EVENTS and rested >= 1)):
            self.signed_at = time.monotonic()
            if _sign_head():
                self.unsigned = 0

    def _take_over(self) -> bool:
        """Stand in line to be the one who numbers; before the first batch see whether the database is the one we knew.

        Whoever waits is given the lock the moment its holder dies: to ask for it again and again would leave every
        change of the meantime waiting.
        """
        if not self._locked(0):
            liveness.beat("sequencer", {"role": "standby"})
            if not self._locked(STANDBY_SECONDS):
                return False
        log.begin()
        notice_restore()
        self.mark.leave()
        # Numbers first: what the one before us left unsigned is signed with the first batch.
        self.gaps, self.unsigned, self.signed_at, self.looked_at = Gaps(), 1, 0.0, time.monotonic()
        self.main = True
        logger.info("This sequencer numbers now.")
        return True

    def _locked(self, seconds: int) -> bool:
        """Whether the lock of numbering is this session's, waiting at most so long for it."""
        with connection.cursor() as cursor:
            if self.session is not connection.connection:
                cursor.execute(SESSION)
                self.session = connection.connection
            if not seconds:
                cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
                return bool(cursor.fetchone()[0])
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{seconds}s"])
                cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        except OperationalError as error:
            if isinstance(error.__cause__, LockNotAvailable):
                return False
            raise
        return True

    def _lost(self) -> None:
        """The session is gone or in doubt, and with it the lock."""
        self.main, self.session = False, None
        connection.close()


def _sign_head() -> bool:
    """Sign where the log stands; whether it was. A key that cannot be used must not stop the numbering."""
    try:
        write_checkpoint()
        return True
    except (MdmError, OSError) as error:
        way_out = error.way_out if isinstance(error, MdmError) else "Mend that; the next one is signed within a minute."
        logger.error("The log is numbered and not signed: %s %s", error, way_out)
        return False
