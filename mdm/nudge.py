"""Wake-ups: PostgreSQL holds all work, a message only shortens the wait."""

import logging
from typing import Any

from django.db import transaction

from mdm.celery import app

LIFETIME = 60  # seconds; the sweeps find the work anyway, so an old wake-up is worth nothing

logger = logging.getLogger(__name__)


def nudge(task: str, *args: Any, queue: str) -> None:
    """Wake the task of that dotted name once the running transaction has committed.

    Never raises: where the broker is down the next sweep does the work. A transaction rolled back wakes nobody.
    """
    transaction.on_commit(lambda: _send(task, args, queue))


def _send(task: str, args: tuple[Any, ...], queue: str) -> None:
    try:
        app.send_task(task, args, queue=queue, expires=LIFETIME, retry=False, ignore_result=True)
    except Exception as error:  # the broker's own errors share no base class, and none of them may stop the work
        logger.warning("No wake-up for %s: %s. The next sweep does it.", task, error)
