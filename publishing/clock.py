"""One clock for leases, schedules and attempts: that of the database, whichever machine asks."""

from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import DateTimeField, Func

# `assay.clock_shift` is an interval a test sets to live through a day in a second; unset it is nothing.
SQL = "(clock_timestamp() + coalesce(nullif(current_setting('assay.clock_shift', true), ''), '0')::interval)"


class Now(Func):
    """The time at the moment of the statement, also inside a long transaction."""

    template = SQL
    arity = 0
    output_field = DateTimeField()

    def __init__(self, **extra: Any) -> None:
        super().__init__(**extra)


def now() -> datetime:
    """The database's time, aware, in UTC."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {SQL}")
        moment: datetime = cursor.fetchone()[0]
    return moment
