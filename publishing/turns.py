"""Whose turn it is in a lane: versions of a record one after another, and nobody before those it names.

A delivery waits for what has a lower rank only, or, of another domain, for what the log tells earlier. Domains refer to
each other in one direction (``mdm.domains.DOMAINS``), so nothing ever waits in a circle. What shares a rank changed
sides together (``publishing.realigning``) and is told as it is now, when no tree has a circle either.
"""

from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, F, Func, OuterRef, Q, QuerySet, Subquery
from django.db.models.lookups import IsNull
from django.db.models.sql.compiler import SQLCompiler

from mdm.models import GoldenRecord
from publishing.models import UNSETTLED, Delivery, DeliveryState, Holding


class _Lacks(Func):
    """Whether one of the records a delivery names stands before it unsettled, and the target does not hold it."""

    SQL = (
        "EXISTS (SELECT 1 FROM unnest({refers}) AS named(id) WHERE (SELECT e.id FROM publishing_delivery e "
        "WHERE e.endpoint_id = {endpoint} AND e.record_id = named.id AND e.state IN ('waiting', 'in_flight', 'parked') "
        "AND (e.rank <= {rank} OR (e.rank < {seq} AND e.domain <> {domain})) LIMIT 1) IS NOT NULL "
        "AND (SELECT h.id FROM publishing_holding h WHERE h.endpoint_id = {endpoint} AND h.record_id = named.id "
        'AND NOT h."left" LIMIT 1) IS NULL)'
    )
    NAMES = ("refers", "endpoint", "rank", "seq", "domain")
    output_field = BooleanField()

    def __init__(self, *given: Any, **extra: Any) -> None:
        super().__init__(*(given or map(F, ("refers", "endpoint_id", "rank", "seq", "domain"))), **extra)

    def as_sql(
        self,
        compiler: SQLCompiler,
        connection: BaseDatabaseWrapper,
        function: str | None = None,
        template: str | None = None,
        arg_joiner: str | None = None,
        **extra_context: Any,
    ) -> tuple[str, tuple[str | int, ...]]:
        """Columns only, so there is nothing to pass along; per name one look-up by index."""
        columns = [compiler.compile(source)[0] for source in self.get_source_expressions()]
        return self.SQL.format(**dict(zip(self.NAMES, columns, strict=True))), ()


def _none(rows: QuerySet[Any]) -> IsNull:
    """Whether there is no such row, looked up by index for each outer row.

    NOT EXISTS would do, but becomes a join planned by guesses: 7 s were seen where this takes 1 ms.
    """
    return IsNull(Subquery(rows.order_by().values("pk")[:1]), True)


def _earlier() -> QuerySet[Delivery]:
    """Unsettled versions of the outer delivery's record that stand before it, or are on their way already.

    A newer one is on its way where an older one was asked for again meanwhile.
    """
    before = Q(rank__lt=OuterRef("rank")) | Q(rank=OuterRef("rank"), seq__lt=OuterRef("seq"))
    return Delivery.objects.filter(
        before | Q(state=DeliveryState.IN_FLIGHT),
        endpoint_id=OuterRef("endpoint_id"),
        record_id=OuterRef("record_id"),
        state__in=UNSETTLED,
    )


def next_up() -> QuerySet[Delivery]:
    """Deliveries whose turn it is: they wait, no earlier version of their record is unsettled, none on its way,
    and nothing they name lacks.

    What never was a delivery of the endpoint (a domain or record it does not take) holds nobody up.
    """
    return Delivery.objects.filter(_none(_earlier()), Q(refers=[]) | ~Q(_Lacks()), state=DeliveryState.WAITING)


def coming() -> QuerySet[Delivery]:
    """Deliveries that wait for nothing but their predecessors' normal course.

    What a refused version holds back, and what waits for a record the target lacks, may wait for ever.
    """
    refused = Delivery.objects.filter(
        Q(state=DeliveryState.PARKED) | Q(state=DeliveryState.WAITING, refusals__gt=0),
        endpoint_id=OuterRef("endpoint_id"),
        record_id=OuterRef("record_id"),
    )
    return Delivery.objects.filter(_none(refused), Q(refers=[]) | ~Q(_Lacks()), state=DeliveryState.WAITING)


def waits_for(delivery: Delivery) -> list[GoldenRecord]:
    """The records this delivery names that its target has to be given first, by code; none where it is its turn."""
    if delivery.state != DeliveryState.WAITING or not delivery.refers:
        return []
    held = Holding.objects.filter(endpoint_id=delivery.endpoint_id, record_id__in=delivery.refers, left=False)
    before = Q(rank__lte=delivery.rank) | (Q(rank__lt=delivery.seq) & ~Q(domain=delivery.domain))
    missing = Delivery.objects.filter(
        before, endpoint_id=delivery.endpoint_id, record_id__in=delivery.refers, state__in=UNSETTLED
    ).exclude(record_id__in=held.values("record_id"))
    return list(GoldenRecord.objects.filter(pk__in=missing.values("record_id")).order_by("code"))
