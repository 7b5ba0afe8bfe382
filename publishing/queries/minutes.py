"""Calls over time: how many were taken and how many failed, in buckets of a minute, an hour or a quarter of a day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection

from publishing import outcomes

PLOT_MINUTES = 60
EPOCH = "2000-01-01 00:00:00+00"

# date_bin lays buckets from a fixed moment, so that a bar keeps its place from one look to the next.
COUNTS = """
SELECT endpoint_id, date_bin(%s::interval, at, %s::timestamptz),
       count(*) FILTER (WHERE outcome_code = %s), count(*) FILTER (WHERE outcome_code <> %s)
FROM publishing_attempt WHERE endpoint_id = ANY (%s) AND at >= %s GROUP BY 1, 2
"""


@dataclass(frozen=True)
class Bucket:
    """What was answered from this moment on, until the next bucket."""

    at: datetime
    taken: int
    failed: int


@dataclass(frozen=True)
class Span:
    """A stretch of time that can be plotted: how many buckets, how long each, and the words around them."""

    code: str
    label: str
    count: int
    length: timedelta
    each: str
    ago: str
    pattern: str


HOUR = Span("hour", "Last hour", PLOT_MINUTES, timedelta(minutes=1), "minute", "an hour ago", "H:i")
SPANS = {
    span.code: span
    for span in (
        HOUR,
        Span("day", "Last day", 48, timedelta(minutes=30), "half hour", "a day ago", "D H:i"),
        Span("week", "Last week", 56, timedelta(hours=3), "three hours", "a week ago", "D H:i"),
    )
}


def buckets(endpoints: Sequence[UUID], moment: datetime, span: Span) -> dict[UUID, tuple[Bucket, ...]]:
    """{endpoint: its buckets, oldest first} up to now. One query over the index of calls by time."""
    step = span.length
    start = datetime.fromisoformat(EPOCH)
    last = start + ((moment - start) // step) * step
    first = last - (span.count - 1) * step
    known: dict[UUID, dict[datetime, tuple[int, int]]] = {endpoint: {} for endpoint in endpoints}
    accepted = outcomes.ACCEPTED.code
    with connection.cursor() as cursor:
        cursor.execute(COUNTS, [f"{step.total_seconds()} seconds", EPOCH, accepted, accepted, list(endpoints), first])
        for endpoint, at, taken, failed in cursor.fetchall():
            known[endpoint][at] = (taken, failed)
    times = [first + number * step for number in range(span.count)]
    return {endpoint: tuple(Bucket(at, *found.get(at, (0, 0))) for at in times) for endpoint, found in known.items()}


def last_hour(endpoints: Sequence[UUID], moment: datetime) -> dict[UUID, tuple[Bucket, ...]]:
    """{endpoint: the last sixty minutes}."""
    return buckets(endpoints, moment, HOUR)
