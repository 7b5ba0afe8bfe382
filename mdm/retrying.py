"""Transactions that lose a deadlock are begun anew; only when that does not help is a person told to try again."""

import random
import time
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import InterfaceError, OperationalError, connection, transaction

from mdm.errors import Busy

ATTEMPTS = 4
# deadlock detected, could not serialise, lock not available
PASSING = frozenset(("40P01", "40001", "55P03"))
# What a task may meet while PostgreSQL restarts or others hold the records: the next sweep does the work, so the log
# names it in one line.
AWAY = (OperationalError, InterfaceError, Busy)

Given = ParamSpec("Given")
Answer = TypeVar("Answer")


def passes(error: OperationalError) -> bool:
    """Whether PostgreSQL ended the transaction in favour of another one, so that it may succeed when begun anew."""
    return getattr(error.__cause__, "sqlstate", None) in PASSING


def atomic(verb: Callable[Given, Answer]) -> Callable[Given, Answer]:
    """The verb in one transaction, begun anew where PostgreSQL ended it in favour of another one.

    Inside a transaction already open it only joins, as that one must be begun anew as a whole. Raises Busy when it
    was ended every time.
    """

    @wraps(verb)
    def attempt(*args: Given.args, **kwargs: Given.kwargs) -> Answer:
        if connection.in_atomic_block:
            with transaction.atomic():
                return verb(*args, **kwargs)
        for left in reversed(range(ATTEMPTS)):
            try:
                with transaction.atomic():
                    return verb(*args, **kwargs)
            except OperationalError as error:
                if not passes(error):
                    raise
                if not left:
                    raise Busy from error
            time.sleep(random.uniform(0.01, 0.1))  # noqa: S311 - parts two that met, keeps no secret
        raise AssertionError("unreachable")

    return attempt
