"""Where one record is now, endpoint by endpoint."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from mdm.models import GoldenRecord
from publishing.models import (
    LIVE,
    UNSETTLED,
    Delivery,
    DeliveryState,
    Endpoint,
    EndpointKind,
    EndpointState,
    Holding,
    Receipt,
)

VERSIONS = 12


@dataclass(frozen=True)
class Whereabouts:
    """Where a record is with one endpoint: what it acknowledged, what it is still owed, what it said, what it waits
    for. ``versions`` are its latest deliveries there, oldest first."""

    endpoint: Endpoint
    holding: Holding | None
    owed: Delivery | None
    receipt: Receipt | None = None
    versions: tuple[Delivery, ...] = ()
    waits_for: tuple[GoldenRecord, ...] = ()

    @property
    def newest(self) -> Delivery | None:
        """The latest delivery, settled or not."""
        return self.versions[-1] if self.versions else None

    @property
    def told(self) -> Delivery | None:
        """The delivery to look at: the one that is owed, else the latest."""
        return self.owed or self.newest

    @property
    def left(self) -> bool:
        """Whether the endpoint was told that the record is none of its business any more."""
        return bool(self.holding and self.holding.left)

    @property
    def state(self) -> str:
        """One word for the badge: delivered, parked, waiting, on its way, not sent, withdrawn, refused."""
        if self.owed:
            return str(self.owed.state)
        if self.receipt and not self.receipt.accepted:
            return "rejected"
        if self.left:
            return "withdrawn"
        if self.holding:
            return "delivered"
        return str(self.newest.state) if self.newest else "not sent"

    @property
    def trouble(self) -> str:
        """Why the record is not there yet, in words; blank where it is."""
        if self.owed:
            return self._why_owed(self.owed)
        if self.receipt and not self.receipt.accepted:
            return self.receipt.reason or "The target took the message and rejected the record later."
        if self.left:
            return "It no longer fits what this system is told about; it was told so."
        return ""

    def _why_owed(self, owed: Delivery) -> str:
        if owed.outcome:
            return owed.outcome
        if self.endpoint.state not in LIVE:
            return f"{self.endpoint.name} is {EndpointState(self.endpoint.state).label.lower()}."
        if self.waits_for:
            named = ", ".join(record.title or record.code for record in self.waits_for)
            return f"It names {named}, which {self.endpoint.name} does not hold yet: that goes first."
        return self.endpoint.lane.last_failure if self.endpoint.lane.failures else ""

    @property
    def local_id(self) -> str:
        """What the target calls the record, from its answer or its receipt."""
        return (self.holding.local_id if self.holding else "") or (self.receipt.local_id if self.receipt else "")

    @property
    def may_resend(self) -> bool:
        """Whether the latest delivery can be sent again by hand."""
        return self.told is not None and self.told.state in ("delivered", "waiting", "parked")


def deliveries_of(record_id: UUID, domain: str = "") -> list[Whereabouts]:
    """Where the record is now, endpoint by endpoint; without those that do not want its ``domain``.

    Five queries, and one more where it waits for other records.
    """
    endpoints = [
        endpoint
        for endpoint in Endpoint.objects.select_related("lane").order_by("name")
        if endpoint.kind != EndpointKind.WITNESS and (not domain or not endpoint.domains or domain in endpoint.domains)
    ]
    holdings = {holding.endpoint_id: holding for holding in Holding.objects.filter(record_id=record_id)}
    told = _told(record_id)
    receipts = Receipt.objects.filter(record_id=record_id).order_by("endpoint_id", "-id").distinct("endpoint_id")
    said = {receipt.endpoint_id: receipt for receipt in receipts}
    owed = {pk: next((row for row in rows if row.state in UNSETTLED), None) for pk, rows in told.items()}
    first = _awaited(owed.values())
    return [
        Whereabouts(
            endpoint, holdings.get(endpoint.pk), owed.get(endpoint.pk), _current(said, holdings, endpoint.pk),
            tuple(told.get(endpoint.pk, ())[-VERSIONS:]), first.get(endpoint.pk, ()),
        )
        for endpoint in endpoints
    ]  # fmt: skip


def _current(said: dict[UUID, Receipt], holdings: dict[UUID, Holding], endpoint_id: UUID) -> Receipt | None:
    """The last receipt, unless it is about a version the target has moved on from."""
    receipt, holding = said.get(endpoint_id), holdings.get(endpoint_id)
    return None if receipt and holding and receipt.version < holding.version else receipt


def awaited_by(delivery: Delivery) -> tuple[GoldenRecord, ...]:
    """The records that have to be at the target before this delivery goes; none where it waits for no other."""
    if delivery.state != DeliveryState.WAITING:
        return ()
    return _awaited([delivery]).get(delivery.endpoint_id, ())


def _told(record_id: UUID) -> dict[UUID, list[Delivery]]:
    """{endpoint: its deliveries of the record, oldest first}. Without bodies: a record has a handful of each."""
    found: dict[UUID, list[Delivery]] = {}
    for row in Delivery.objects.filter(record_id=record_id).defer("body").order_by("endpoint_id", "seq"):
        found.setdefault(row.endpoint_id, []).append(row)
    return found


def _awaited(owed: Iterable[Delivery | None]) -> dict[UUID, tuple[GoldenRecord, ...]]:
    """{endpoint: records that have to be there first}."""
    wanting = [row for row in owed if row and row.refers]
    if not wanting:
        return {}
    ids = {pk for row in wanting for pk in row.refers}
    at = {row.endpoint_id for row in wanting}
    held = set(Holding.objects.filter(endpoint__in=at, record__in=ids).values_list("endpoint_id", "record_id"))
    open_rows = Delivery.objects.filter(endpoint__in=at, record__in=ids, state__in=UNSETTLED).select_related("record")
    waiting = {(row.endpoint_id, row.record_id): row for row in open_rows.defer("body")}
    return {
        row.endpoint_id: tuple(
            waiting[row.endpoint_id, pk].record
            for pk in row.refers
            if (row.endpoint_id, pk) in waiting
            and (row.endpoint_id, pk) not in held
            and waiting[row.endpoint_id, pk].rank < row.rank
        )
        for row in wanting
    }
