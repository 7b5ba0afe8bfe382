"""Every endpoint as the list shows it, in a number of queries that does not grow with the endpoints or the log."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Count, Min, Q, QuerySet

from mdm.models import LogHead
from publishing.clock import now
from publishing.models import LIVE, UNSETTLED, Delivery, DeliveryState, Endpoint, EndpointKind, EndpointState
from publishing.queries.minutes import PLOT_MINUTES, Bucket, last_hour
from publishing.turns import next_up

STALLED_AFTER = timedelta(seconds=30)
COUNTED = 2000  # events ahead of a cursor that are looked at one by one; what lies further is an upper bound
CALLED = (EndpointKind.WEBHOOK, EndpointKind.REST)
LATE = timedelta(minutes=15)  # after its turn a file is due

# Events each lane has not come to yet that are of its domains: an index range of at most COUNTED rows for each lane.
AHEAD = """
SELECT lane.endpoint_id, count(ahead.seq), min(ahead.occurred_at)
FROM publishing_lane lane
JOIN publishing_endpoint endpoint ON endpoint.id = lane.endpoint_id AND endpoint.kind <> 'witness'
CROSS JOIN LATERAL (
    SELECT event.seq, event.occurred_at FROM mdm_changeevent event
    WHERE event.seq > lane.cursor_low AND event.seq <= lane.cursor_low + %s AND event.outward
      AND (endpoint.domains = '{}' OR event.domain = ANY (endpoint.domains))
) ahead
WHERE lane.endpoint_id = ANY (%s)
GROUP BY lane.endpoint_id
"""


@dataclass(frozen=True)
class Overview:
    """One endpoint as the list shows it. ``behind`` counts events the cursor has not come to yet; ``roughly`` says
    that it is an upper bound, because the cursor stands far back."""

    endpoint: Endpoint
    waiting: int
    parked: int
    behind: int
    roughly: bool
    owed_since: datetime | None
    due_since: datetime | None
    head: int
    minutes: tuple[Bucket, ...]
    moment: datetime

    @property
    def backlog(self) -> int:
        """Everything owed and not yet delivered, parked records apart."""
        return self.waiting + self.behind

    @property
    def taken(self) -> list[int]:
        """Deliveries by minute, for the small line."""
        return [minute.taken for minute in self.minutes]

    @property
    def delivered(self) -> int:
        """How many the target took within the hour."""
        return sum(self.taken)

    @property
    def failed(self) -> int:
        """How many calls failed or were refused within the hour."""
        return sum(minute.failed for minute in self.minutes)

    @property
    def lag(self) -> int | None:
        """Seconds since the oldest change the target still lacks was made; None where it lacks none."""
        return max(int((self.moment - self.owed_since).total_seconds()), 0) if self.owed_since else None

    @property
    def lag_words(self) -> str:
        """The lag as people say it: none, 4 s, 12 min, 3 h, 2 days."""
        return duration(self.lag) if self.lag is not None else "none"

    @property
    def late(self) -> bool:
        """Whether the lag is more than a moment's work; of files, whether one should have been written by now."""
        if self.endpoint.kind == EndpointKind.FILE:
            return self.endpoint.state in LIVE and self.turn is not None and self.turn < self.moment - LATE
        return self.lag is not None and self.lag >= 60

    @property
    def turn(self) -> datetime | None:
        """When the next file is written; None where no turn is set, and for targets that are called."""
        drop = getattr(self.endpoint, "file_drop", None)
        return drop.next_run_at if drop else None

    @property
    def backlog_words(self) -> str:
        """What the backlog is made of."""
        if self.roughly:
            return "at most, not yet looked at"
        if self.endpoint.kind == EndpointKind.FILE:
            return "for the next file"
        return f"{self.waiting:,} in the window"

    @property
    def lag_note(self) -> str:
        """What the lag says, and that what waits without one was told before."""
        if self.owed_since:
            return "oldest change it lacks"
        return "what waits was told before" if self.backlog else "everything is delivered"

    @property
    def rests_until(self) -> datetime | None:
        """When the lane is tried again, where it rests."""
        until = self.endpoint.lane.next_probe_at
        return until if until and until > self.moment and self.endpoint.state in LIVE else None

    @property
    def rest_words(self) -> str:
        """How long the lane still rests: in 12 seconds, in 4 minutes; blank where it does not."""
        if self.rests_until is None:
            return ""
        seconds = ceil((self.rests_until - self.moment).total_seconds())
        return f"in {seconds} seconds" if seconds < 100 else f"in {round(seconds / 60)} minutes"

    @property
    def stalled(self) -> bool:
        """Whether work is due and nobody takes it: then the publishing worker is not running."""
        lane = self.endpoint.lane
        held = lane.lease_until is not None and lane.lease_until > self.moment
        if self.endpoint.kind not in CALLED or self.endpoint.state not in LIVE:
            return False
        if held or self.rests_until or self.due_since is None:
            return False
        return self.moment - self.due_since > STALLED_AFTER

    @property
    def sentence(self) -> str:
        """How it fares, in one sentence beside the badge."""
        lane, state = self.endpoint.lane, self.endpoint.state
        if state == EndpointState.PENDING_VERIFICATION:
            return "Nothing is sent before it is verified"
        if state not in LIVE:
            return self.endpoint.state_reason or "Its place in the log is kept"
        if self.rests_until:
            return f"Tried again {self.rest_words}"
        if lane.rate is not None:
            return f"Recovering, {lane.rate:g} a second"
        if self.endpoint.kind == EndpointKind.FILE and self.backlog:
            return f"Next file {self.turn:%d %b %H:%M} UTC" if self.turn else "Next file at once"
        return "Up to date" if not self.backlog else "Catching up"


def duration(seconds: int) -> str:
    """A length of time in its largest unit that says enough."""
    for limit, unit, length in ((100, "s", 1), (100 * 60, "min", 60), (48 * 3600, "h", 3600)):
        if seconds < limit:
            return f"{seconds // length} {unit}"
    return f"{seconds // 86400} days"


def overview(endpoints: QuerySet[Endpoint]) -> list[Overview]:
    """Every endpoint with its backlog and its last hour, by name. Six queries, however many there are."""
    rows = list(endpoints.select_related("lane", "file_drop").order_by("name"))
    ids = [row.pk for row in rows]
    head = LogHead.objects.values_list("seq", flat=True).first() or 0
    moment = now()
    unsettled, due, ahead = _unsettled(ids), _due(ids), _ahead(ids)
    hours = last_hour(ids, moment)
    return [
        _one(row, head, moment, unsettled[row.pk], due.get(row.pk, {}), ahead.get(row.pk, (0, None)), hours[row.pk])
        for row in rows
    ]


def _one(
    endpoint: Endpoint, head: int, moment: datetime, counts: Mapping[str, int], due: Mapping[str, Any],
    ahead: tuple[int, datetime | None], minutes: tuple[Bucket, ...],
) -> Overview:  # fmt: skip
    behind, oldest = ahead
    far = max(head - endpoint.lane.cursor_low - COUNTED, 0) if endpoint.kind != EndpointKind.WITNESS else 0
    return Overview(
        endpoint=endpoint,
        waiting=counts.get(DeliveryState.WAITING, 0) + counts.get(DeliveryState.IN_FLIGHT, 0),
        parked=counts.get(DeliveryState.PARKED, 0),
        behind=behind + far,
        roughly=far > 0,
        owed_since=_first(due.get("owed"), oldest),
        due_since=_first(due.get("due"), oldest),
        head=head,
        minutes=minutes,
        moment=moment,
    )


def _unsettled(ids: Iterable[UUID]) -> dict[UUID, dict[str, int]]:
    """{endpoint: {state: how many}} of what is owed: the partial index of unsettled deliveries, never the settled."""
    found: dict[UUID, dict[str, int]] = defaultdict(dict)
    rows = Delivery.objects.filter(endpoint__in=list(ids), state__in=UNSETTLED)
    for endpoint, state, count in rows.values_list("endpoint", "state").annotate(count=Count("pk")):
        found[endpoint][state] = count
    return found


def _due(ids: Iterable[UUID]) -> dict[UUID, dict[str, Any]]:
    """Since when something waits whose turn it is: what stands behind a parked version does not count."""
    rows = next_up().filter(endpoint__in=list(ids)).values("endpoint")
    asked = rows.annotate(due=Min("due_at"), owed=Min("created_at", filter=Q(replayed=False)))
    return {row["endpoint"]: dict(row) for row in asked}


def _ahead(ids: Iterable[UUID]) -> dict[UUID, tuple[int, datetime | None]]:
    with connection.cursor() as cursor:
        cursor.execute(AHEAD, [COUNTED, list(ids)])
        return {endpoint: (count, oldest) for endpoint, count, oldest in cursor.fetchall()}


def _first(*moments: datetime | None) -> datetime | None:
    return min((moment for moment in moments if moment), default=None)


__all__ = ["COUNTED", "PLOT_MINUTES", "STALLED_AFTER", "Overview", "duration", "overview"]
