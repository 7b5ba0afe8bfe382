"""One attendant a program: it hears PostgreSQL say that the log has grown and drains each lane on a thread of its own.

The broker only sees to it that an attendant lives; between a change and its delivery no message is queued. Any number
of programs may attend, on any number of machines: claims decide who moves a lane.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from uuid import UUID

import psycopg
from django.db import DatabaseError, connection

from mdm.log import CHANNEL
from publishing.draining import drain
from publishing.lanes import due
from publishing.running import Company

LANES = 96  # lanes moved at a time: many may hang on their targets, and the others must not wait for these
SEATS = 12  # of them at the database at a time; beyond so many lanes connections are given back after each use
LOOK_SECONDS = 0.25  # for what falls due without the log growing: retries, rests that end, what people release
REST_SECONDS = 0.02  # between two looks, however fast the log grows
LINGER_SECONDS = 2.0  # a lane without work keeps its connection to the target so long
AWAY_SECONDS = 0.5  # between two tries to reach the database
FAULT_SECONDS = 1.0  # a lane whose drain failed for a fault of ours is left alone so long

logger = logging.getLogger(__name__)


class Attendant:
    """Knows which lanes are moved in this program and wakes them when the log grows."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._pool: ThreadPoolExecutor | None = None
        self._news: dict[UUID, threading.Event] = {}
        self._seats = threading.BoundedSemaphore(SEATS)
        self._stopping: Callable[[], bool] = lambda: False

    def ensure(self, stopping: Callable[[], bool]) -> int:
        """See that the attendant of this program lives; how many lanes it moves now. Repeating it changes nothing.

        It ends when ``stopping`` says so: what is on its way is waited for, nothing more is sent.
        """
        with self._lock:
            self._stopping = stopping
            if self._thread is None or not self._thread.is_alive():
                self._pool = self._pool or ThreadPoolExecutor(LANES, thread_name_prefix="lane")
                self._thread = threading.Thread(target=self._attend, name="attendant", daemon=True)
                self._thread.start()
            return len(self._news)

    def wait(self, seconds: float) -> None:
        """Wait until the attendant has ended and every lane is let go, at most so long."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and (self._news or (self._thread and self._thread.is_alive())):
            time.sleep(0.05)

    def _attend(self) -> None:
        """Until told to stop. Whoever waited for a task to begin anew would depend on the broker for a delivery."""
        while not self._stopping():
            try:
                self._listen()
            except (psycopg.Error, DatabaseError) as error:
                logger.warning("The attendant lost the database (%s); it looks again.", type(error).__name__)
                time.sleep(AWAY_SECONDS)
            finally:
                connection.close()
                self._wake()

    def _listen(self) -> None:
        # Of its own: what PostgreSQL says while another statement runs would be lost.
        listener = connection.copy()
        listener.ensure_connection()
        raw: psycopg.Connection[object] = listener.connection
        try:
            raw.execute(f"LISTEN {CHANNEL}")
            while not self._stopping():
                self._start()
                if any(True for _ in raw.notifies(timeout=LOOK_SECONDS, stop_after=1)):
                    self._wake()
                    time.sleep(REST_SECONDS)
        finally:
            listener.close()

    def _wake(self) -> None:
        with self._lock:
            for news in self._news.values():
                news.set()

    def _start(self) -> None:
        """Give every due lane that is not moved here a thread, as long as there are threads."""
        for endpoint_id in due():
            with self._lock:
                if endpoint_id in self._news or len(self._news) >= LANES or self._pool is None:
                    continue
                news = self._news[endpoint_id] = threading.Event()
            self._pool.submit(self._move, endpoint_id, news)

    def _move(self, endpoint_id: UUID, news: threading.Event) -> None:
        company = Company(
            seat=self._seat, leave=connection.close, linger=lambda: self._linger(news), stopping=self._stopping
        )
        try:
            while True:
                news.clear()
                done = drain(endpoint_id, company=company)
                if self._is_over(endpoint_id, news, more=done.claimed and done.unfinished):
                    return
        except Exception:  # one lane's trouble, whatever it is, must end neither the others nor itself for good
            logger.exception("Draining %s failed", endpoint_id)
            time.sleep(FAULT_SECONDS)
            with self._lock:
                self._news.pop(endpoint_id, None)
        finally:
            connection.close()

    def _is_over(self, endpoint_id: UUID, news: threading.Event, *, more: bool) -> bool:
        with self._lock:
            if (more or news.is_set()) and not self._stopping():
                return False
            self._news.pop(endpoint_id, None)
            return True

    def _linger(self, news: threading.Event) -> bool:
        if not news.wait(LINGER_SECONDS) or self._stopping():
            return False
        news.clear()
        return True

    @contextmanager
    def _seat(self) -> Iterator[None]:
        with self._seats:
            try:
                yield
            finally:
                if len(self._news) > SEATS:
                    connection.close()


ATTENDANT = Attendant()
