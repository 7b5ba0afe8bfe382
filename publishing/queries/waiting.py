"""What of one endpoint waits for another record to be there first."""

from dataclasses import dataclass

from django.db.models import QuerySet

from mdm.models import GoldenRecord
from publishing.models import UNSETTLED, Delivery, DeliveryState, Endpoint, Holding

SHOWN = 20
READ = 500


@dataclass(frozen=True)
class Held:
    """A delivery that waits, and the records its target lacks."""

    delivery: Delivery
    records: tuple[GoldenRecord, ...]


def waiting_for_others(endpoint: Endpoint) -> list[Held]:
    """The oldest deliveries of the lane that wait for another record, with what they wait for. Three queries."""
    waiting: QuerySet[Delivery] = Delivery.objects.filter(endpoint=endpoint, state=DeliveryState.WAITING)
    rows = list(waiting.exclude(refers=[]).select_related("record").defer("body").order_by("rank")[:READ])
    named = {pk for row in rows for pk in row.refers}
    if not named:
        return []
    held = set(
        Holding.objects.filter(endpoint=endpoint, record__in=named, left=False).values_list("record_id", flat=True)
    )
    lacking = Delivery.objects.filter(endpoint=endpoint, record__in=named - held, state__in=UNSETTLED)
    first = {row.record_id: row for row in lacking.select_related("record").defer("body")}
    found = []
    for row in rows:
        before = tuple(
            first[pk].record
            for pk in row.refers
            if pk in first
            and (first[pk].rank < row.rank or (first[pk].rank < row.seq and first[pk].domain != row.domain))
        )
        if before:
            found.append(Held(row, before))
    return found[:SHOWN]
