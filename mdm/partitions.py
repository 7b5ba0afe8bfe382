"""Partitions of the log: made ahead, and sealed once nothing is added to them any more.

The role of the product owns no table, so it calls functions of the owner that can do just this. None of them waits
longer than 0.3 s for a lock: what is refused today is done an hour later, and meanwhile a default partition takes
what has no other place.
"""

from dataclasses import dataclass

from django.db import OperationalError, connection


@dataclass(frozen=True)
class Kept:
    """What one round did. ``put_off`` says why it ended early; blank where it did not."""

    made: int = 0
    sealed: tuple[str, ...] = ()
    put_off: str = ""


def keep_up() -> Kept:
    """Make partitions ahead and seal full ones. Repeating it changes nothing. Never raises for a lock it cannot get."""
    made, sealed = 0, []
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT assay_log_make_partitions()")
            made = cursor.fetchone()[0]
            cursor.execute("SELECT * FROM assay_log_seal_partitions()")
            for (name,) in cursor.fetchall():
                cursor.execute("SELECT assay_log_validate(%s)", [name])
                sealed.append(name)
    except OperationalError as error:
        return Kept(made, tuple(sealed), put_off=str(error).strip())
    return Kept(made, tuple(sealed))
