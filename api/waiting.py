"""Waiting for the log to grow: the request sleeps on PostgreSQL's notification, not on a poll."""

import threading
import time

import psycopg
from django.db import connection

from mdm.log import CHANNEL
from mdm.models import LogHead

# Each waiter holds one of the few threads of this web process (ops.programs gives it four) and a connection: the
# others stay free for work. Beyond this many the answer comes at once and the caller asks again.
SEATS = threading.BoundedSemaphore(2)
LOOK_AGAIN_SECONDS = 5.0  # in case a notification is lost, with its connection to the server


def wait_beyond(seq: int, seconds: float) -> None:
    """Return when the log's head is beyond ``seq``, after ``seconds`` at the latest; at once where all seats are taken.

    Must be called outside a transaction: inside one, notifications are not delivered.
    """
    if seconds <= 0 or connection.in_atomic_block or not SEATS.acquire(blocking=False):
        return
    try:
        _listen(seq, time.monotonic() + seconds)
    finally:
        SEATS.release()


def _listen(seq: int, until: float) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"LISTEN {CHANNEL}")  # first, so that what is numbered while we look is not missed
        try:
            raw: psycopg.Connection[object] = connection.connection
            while (left := until - time.monotonic()) > 0 and not _is_beyond(seq):
                for _ in raw.notifies(timeout=min(left, LOOK_AGAIN_SECONDS), stop_after=1):
                    pass
        finally:
            cursor.execute(f"UNLISTEN {CHANNEL}")


def _is_beyond(seq: int) -> bool:
    return LogHead.objects.filter(seq__gt=seq).exists()
