"""What the pages of publishing show. Reads only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from uuid import UUID

from django.db.models import Count, F, Min, Q, QuerySet
from django.db.models.functions import Trunc

from mdm.models import ChangeEvent, LogHead
from publishing import outcomes
from publishing.clock import now
from publishing.lanes import next_up
from publishing.models import (
    LIVE,
    UNSETTLED,
    Attempt,
    Delivery,
    DeliveryState,
    Endpoint,
    EndpointState,
    Holding,
)

PLOT_MINUTES = 60
STALLED_AFTER = timedelta(seconds=30)


@dataclass(frozen=True)
class Minute:
    """What was answered in one minute."""

    at: datetime
    taken: int
    failed: int


@dataclass(frozen=True)
class Overview:
    """One endpoint as the list shows it. ``behind`` counts events the cursor has not come to yet."""

    endpoint: Endpoint
    waiting: int
    parked: int
    delivered: int
    behind: int
    owed_since: datetime | None
    due_since: datetime | None
    head: int
    minutes: tuple[Minute, ...]
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
        if self.endpoint.state not in LIVE or held or self.rests_until or self.due_since is None:
            return False
        return self.moment - self.due_since > STALLED_AFTER


def overview(endpoints: QuerySet[Endpoint]) -> list[Overview]:
    """Every endpoint with its backlog and its last hour, by name. A few queries for each."""
    moment = now()
    head = LogHead.objects.values_list("seq", flat=True).first() or 0
    return [_one(endpoint, head, moment) for endpoint in endpoints.select_related("lane").order_by("name")]


def _one(endpoint: Endpoint, head: int, moment: datetime) -> Overview:
    counts = Delivery.objects.filter(endpoint=endpoint).aggregate(
        waiting=Count("pk", filter=Q(state__in=[DeliveryState.WAITING, DeliveryState.IN_FLIGHT])),
        parked=Count("pk", filter=Q(state=DeliveryState.PARKED)),
        delivered=Count("pk", filter=Q(state=DeliveryState.DELIVERED)),
        oldest=Min("created_at", filter=Q(state=DeliveryState.WAITING)),
    )
    due = next_up().filter(endpoint=endpoint).aggregate(first=Min("due_at"))["first"]
    ahead = ChangeEvent.objects.filter(seq__gt=endpoint.lane.cursor_low, outward=True)
    if endpoint.domains:
        ahead = ahead.filter(domain__in=endpoint.domains)
    behind = ahead.aggregate(count=Count("pk"), oldest=Min("occurred_at"))
    return Overview(
        endpoint=endpoint,
        waiting=counts["waiting"],
        parked=counts["parked"],
        delivered=counts["delivered"],
        behind=behind["count"],
        owed_since=_first(counts["oldest"], behind["oldest"]),
        due_since=_first(due, behind["oldest"]),
        head=head,
        minutes=_minutes(endpoint, moment),
        moment=moment,
    )


def _first(*moments: datetime | None) -> datetime | None:
    return min((moment for moment in moments if moment), default=None)


def _minutes(endpoint: Endpoint, moment: datetime) -> tuple[Minute, ...]:
    last = moment.replace(second=0, microsecond=0)
    first = last - timedelta(minutes=PLOT_MINUTES - 1)
    rows = (
        Attempt.objects.filter(endpoint=endpoint, at__gte=first)
        .annotate(minute=Trunc("at", "minute"))
        .values("minute")
        .annotate(
            taken=Count("pk", filter=Q(outcome_code=outcomes.ACCEPTED.code)),
            failed=Count("pk", filter=~Q(outcome_code=outcomes.ACCEPTED.code)),
        )
    )
    known = {row["minute"]: (row["taken"], row["failed"]) for row in rows}
    times = (first + timedelta(minutes=number) for number in range(PLOT_MINUTES))
    return tuple(Minute(at, *known.get(at, (0, 0))) for at in times)


@dataclass(frozen=True)
class ParkedGroup:
    """Parked records that share a reason."""

    code: str
    count: int
    deliveries: tuple[Delivery, ...]


def parked_counts() -> list[tuple[str, str, int]]:
    """(code, name, records parked) of every endpoint that parked any, by name. One query."""
    held = Count("deliveries", filter=Q(deliveries__state=DeliveryState.PARKED))
    found = Endpoint.objects.annotate(held=held).filter(held__gt=0).order_by("name")
    return list(found.values_list("code", "name", "held"))


def parked(endpoint: Endpoint, *, each: int = 10) -> list[ParkedGroup]:
    """Parked records by business code, the most frequent first, with the oldest ``each`` of every code."""
    rows = Delivery.objects.filter(endpoint=endpoint, state=DeliveryState.PARKED)
    counts = rows.values("outcome_code").annotate(count=Count("pk")).order_by("-count", "outcome_code")
    return [
        ParkedGroup(
            code=row["outcome_code"],
            count=row["count"],
            deliveries=tuple(
                rows.filter(outcome_code=row["outcome_code"]).select_related("record").order_by("seq")[:each]
            ),
        )
        for row in counts
    ]


def recent_attempts(endpoint: Endpoint, *, limit: int = 25) -> Sequence[Attempt]:
    """The last calls, newest first, with their record."""
    rows = Attempt.objects.filter(endpoint=endpoint).select_related("delivery__record")
    return list(rows.order_by("-at", "-pk")[:limit])


@dataclass(frozen=True)
class Whereabouts:
    """Where a record is with one endpoint: what it acknowledged, what it is still owed, what went wrong last."""

    endpoint: Endpoint
    holding: Holding | None
    newest: Delivery | None
    owed: Delivery | None

    @property
    def state(self) -> str:
        """One word for the badge: held, parked, waiting, on its way, not sent, not for it."""
        if self.owed:
            return str(self.owed.state)
        if self.holding:
            return "delivered"
        return str(self.newest.state) if self.newest else "not sent"

    @property
    def trouble(self) -> str:
        """Why the record is not there yet, in words; blank where it is."""
        if not self.owed:
            return ""
        if self.owed.outcome:
            return self.owed.outcome
        if self.endpoint.state not in LIVE:
            return f"{self.endpoint.name} is {EndpointState(self.endpoint.state).label.lower()}."
        return self.endpoint.lane.last_failure if self.endpoint.lane.failures else ""


def deliveries_of(record_id: UUID, domain: str = "") -> list[Whereabouts]:
    """Where the record is now, endpoint by endpoint; without those that do not want its ``domain``. Four queries."""
    endpoints = [
        endpoint
        for endpoint in Endpoint.objects.select_related("lane").order_by("name")
        if not domain or not endpoint.domains or domain in endpoint.domains
    ]
    holdings = {holding.endpoint_id: holding for holding in Holding.objects.filter(record_id=record_id)}
    rows = Delivery.objects.filter(record_id=record_id).defer("body")
    newest = {row.endpoint_id: row for row in rows.order_by("endpoint_id", "-seq").distinct("endpoint_id")}
    unsettled = rows.filter(state__in=UNSETTLED)
    owed = {row.endpoint_id: row for row in unsettled.order_by("endpoint_id", "seq").distinct("endpoint_id")}
    return [
        Whereabouts(endpoint, holdings.get(endpoint.pk), newest.get(endpoint.pk), owed.get(endpoint.pk))
        for endpoint in endpoints
    ]


def history_of(delivery: Delivery) -> Sequence[Attempt]:
    """Every try of one delivery, newest first."""
    return list(Attempt.objects.filter(delivery=delivery).order_by(F("pk").desc()))
