"""Attempts by the week: made ahead, dropped when nobody may look at them any more.

The role of the product owns no table: it calls functions of the owner that can do just this, and wait at most 0.3 s
for a lock. What is refused is done an hour later; meanwhile a default partition takes what has no other place.
"""

from dataclasses import dataclass

from django.conf import settings
from django.db import OperationalError, connection


@dataclass(frozen=True)
class Kept:
    """What one round did. ``put_off`` says why it ended early; blank where it did not."""

    made: int = 0
    dropped: tuple[str, ...] = ()
    put_off: str = ""


def keep_attempts() -> Kept:
    """Make the next weeks, drop those past ``ATTEMPT_DAYS``. Repeating it changes nothing; never raises for a lock."""
    made, dropped = 0, ()
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT assay_attempts_make_partitions()")
            made = cursor.fetchone()[0]
            cursor.execute("SELECT * FROM assay_attempts_drop_partitions(%s)", [settings.ATTEMPT_DAYS])
            dropped = tuple(name for (name,) in cursor.fetchall())
    except OperationalError as error:
        return Kept(made, dropped, put_off=str(error).strip())
    return Kept(made, dropped)
