"""Waiting for the log to grow: one listener a process wakes every reader that waits, and none of them holds a
connection to the database meanwhile."""

import logging
import threading
import time
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any, TypeVar

import psycopg
from django.db import DatabaseError, connection

from mdm.log import CHANNEL
from mdm.models import LogHead

# A reader that waits holds a thread of this web process and nothing else (ops.programs gives it 48): the others stay
# free for work. Beyond this many the answer comes at once and the caller asks again.
SEATS = threading.BoundedSemaphore(40)
LOOK_AGAIN_SECONDS = 1.0  # where notifications do not come through (a pooler between, a lost connection)
REST_SECONDS = 30.0  # the listener leaves when nobody has waited for so long

SHARED_SECONDS = 1.0  # for so long who wakes later is given what those before him found

Found = TypeVar("Found")

logger = logging.getLogger(__name__)


class Listener:
    """Knows the log's head as PostgreSQL tells it. Its thread lives while readers wait and a little longer."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._head = -1
        self._listens = False
        self._waiting = 0
        self._left_at = 0.0
        self._thread: threading.Thread | None = None

    def wait_beyond(self, seq: int, seconds: float) -> int | None:
        """The head once it is beyond ``seq``, or as it is after ``seconds``; None where nobody can listen."""
        until = time.monotonic() + seconds
        with self._changed:
            self._waiting += 1
            self._start()
            try:
                while self._head <= seq and (left := until - time.monotonic()) > 0:
                    woken = self._changed.wait(min(left, LOOK_AGAIN_SECONDS))
                    if not woken and not self._listens:
                        return None
                return self._head
            finally:
                self._waiting -= 1
                self._left_at = time.monotonic()

    def leave(self) -> None:
        """Stop listening now that nobody waits; the next reader starts it anew."""
        with self._changed:
            thread, self._left_at = self._thread, -REST_SECONDS
        if thread:
            thread.join(2 * LOOK_AGAIN_SECONDS)

    def _start(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            self._head, self._listens = -1, False
            SHARED.forget()
            self._thread = threading.Thread(target=self._run, name="feed-listener", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        try:
            self._listen()
        except (psycopg.Error, DatabaseError) as error:
            logger.warning("Waiting readers of the feed look for themselves for now: %s", type(error).__name__)
        finally:
            with self._changed:
                self._listens, self._thread = False, None
                self._changed.notify_all()
            connection.close()

    def _listen(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"LISTEN {CHANNEL}")
            # Only now, so that nothing numbered before we listened is missed.
            self._tell(LogHead.objects.values_list("seq", flat=True).first() or 0)
            raw: psycopg.Connection[object] = connection.connection
            while self._is_wanted():
                for notice in raw.notifies(timeout=LOOK_AGAIN_SECONDS, stop_after=1):
                    self._tell(int(notice.payload))
            cursor.execute("UNLISTEN *")  # the connection may serve others next

    def _tell(self, head: int) -> None:
        with self._changed:
            self._head, self._listens = head, True
            self._changed.notify_all()

    def _is_wanted(self) -> bool:
        with self._changed:
            return self._waiting > 0 or time.monotonic() - self._left_at < REST_SECONDS


class Shared:
    """What readers that wake at the same moment find: the first one looks, the others take what it found.

    Fifty readers that each ask the database when the log grows would wait for each other for most of a second.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: dict[Hashable, tuple[float, Future[Any]]] = {}

    def of(self, question: Hashable, look: Callable[[], Found]) -> Found:
        """What ``look`` gives to whoever asks this question first; raises what it raises, for all who asked meanwhile.

        The question must name everything the answer depends on.
        """
        now = time.monotonic()
        with self._lock:
            self._found = {key: kept for key, kept in self._found.items() if now - kept[0] < SHARED_SECONDS}
            first = question not in self._found
            if first:
                self._found[question] = (now, Future())
            answer = self._found[question][1]
        if first:
            try:
                answer.set_result(look())
            except BaseException as error:
                with self._lock:
                    self._found.pop(question, None)
                answer.set_exception(error)
                raise
        return answer.result()  # type: ignore[no-any-return]

    def forget(self) -> None:
        """Nothing found before is told again: the database may be another by now."""
        with self._lock:
            self._found = {}


LISTENER = Listener()
SHARED = Shared()


def wait_beyond(seq: int, seconds: float) -> int | None:
    """The log's head once it is beyond ``seq``, or as it is after ``seconds``. None where nobody may wait.

    That is so where all seats are taken, where PostgreSQL does not answer, and inside a transaction, as the caller's
    connection is given back while it waits.
    """
    if seconds <= 0 or connection.in_atomic_block or not SEATS.acquire(blocking=False):
        return None
    try:
        connection.close()
        return LISTENER.wait_beyond(seq, seconds)
    finally:
        SEATS.release()
