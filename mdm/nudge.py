"""Wake-ups: PostgreSQL holds all work, a message only shortens the wait."""

import logging
import threading
import time
from typing import Any

from django.db import transaction

from mdm.celery import app

LIFETIME = 60  # seconds; the sweeps find the work anyway, so an old wake-up is worth nothing

logger = logging.getLogger(__name__)


def nudge(task: str, *args: Any, queue: str) -> None:
    """Wake the task of that dotted name once the running transaction has committed.

    Never raises: where the broker is down the next sweep does the work. A transaction rolled back wakes nobody.
    """
    transaction.on_commit(lambda: send(task, args, queue))


class Waker:
    """Wakes one task from a thread of its own, so that a slow or absent broker never holds up the caller.

    However often it is asked meanwhile, one message goes out for all of it.
    """

    def __init__(self, task: str, *, queue: str, rest: float = 0.05) -> None:
        self.task, self.queue, self.rest = task, queue, rest
        self.asked = threading.Event()
        threading.Thread(target=self._run, name="waker", daemon=True).start()

    def wake(self) -> None:
        """Send the task soon; returns at once."""
        self.asked.set()

    def _run(self) -> None:
        while True:
            self.asked.wait()
            self.asked.clear()
            send(self.task, (), self.queue)
            time.sleep(self.rest)


def send(task: str, args: tuple[Any, ...], queue: str) -> None:
    """Wake the task now, outside any transaction. Never raises."""
    try:
        app.send_task(task, args, queue=queue, expires=LIFETIME, retry=False, ignore_result=True)
    except Exception as error:  # the broker's own errors share no base class, and none of them may stop the work
        logger.warning("No wake-up for %s: %s. The next sweep does it.", task, error)
