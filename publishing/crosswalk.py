"""The crosswalk to targets: under which id of its own each of them knows a record, and what it holds of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection

from publishing.models import UNSETTLED, Delivery, Holding

# A record and everything merged into it, also by way of others.
FAMILY = """
WITH RECURSIVE family AS (
  SELECT id FROM mdm_goldenrecord WHERE id = %s
  UNION SELECT g.id FROM mdm_goldenrecord g JOIN family f ON g.merged_into_id = f.id
)
SELECT id FROM family
"""


@dataclass(frozen=True)
class Held:
    """What one target has of a record, or of one that was merged into it (``merged``).

    ``state`` is held, left, or that of the oldest delivery it still owes an answer to.
    """

    endpoint: str
    endpoint_name: str
    record: UUID
    code: str
    merged: bool
    local_id: str
    version: int | None
    acknowledged_at: datetime | None
    state: str
    reason: str


def targets_of(record_id: UUID) -> list[Held]:
    """Every target that holds the record or is owed it, by name, then those that know a merged one. Three queries."""
    family = _family(record_id)
    unsettled = Delivery.objects.filter(record_id=record_id, state__in=UNSETTLED).select_related("endpoint", "record")
    owed: dict[UUID, Delivery] = {}
    for row in unsettled.defer("body").order_by("-rank"):
        owed[row.endpoint_id] = row
    holdings = list(Holding.objects.filter(record_id__in=family).select_related("endpoint", "record"))
    found = [
        _held(holding, record_id, owed) for holding in holdings if holding.record_id == record_id or holding.local_id
    ]
    holding_too = {holding.endpoint_id for holding in holdings if holding.record_id == record_id}
    found += [_owed(row) for endpoint_id, row in owed.items() if endpoint_id not in holding_too]
    return sorted(found, key=lambda one: (one.merged, one.endpoint_name, one.code))


def _held(holding: Holding, record_id: UUID, owed: dict[UUID, Delivery]) -> Held:
    merged = holding.record_id != record_id
    row = None if merged else owed.get(holding.endpoint_id)
    return Held(
        endpoint=holding.endpoint.code,
        endpoint_name=holding.endpoint.name,
        record=holding.record_id,
        code=holding.record.code,
        merged=merged,
        local_id=holding.local_id,
        version=holding.version,
        acknowledged_at=holding.acknowledged_at,
        state=str(row.state) if row else "left" if holding.left else "held",
        reason=row.outcome if row else "",
    )


def _owed(row: Delivery) -> Held:
    return Held(
        row.endpoint.code, row.endpoint.name, row.record_id, row.record.code, False, "", None, None,
        str(row.state), row.outcome,
    )  # fmt: skip


def merged_ids(record_id: UUID) -> list[Held]:
    """Under which ids targets know records that were merged into this one. Two queries."""
    others = _family(record_id) - {record_id}
    if not others:
        return []
    rows = Holding.objects.filter(record_id__in=others).exclude(local_id="").select_related("endpoint", "record")
    return sorted((_held(row, record_id, {}) for row in rows), key=lambda one: (one.endpoint_name, one.code))


def _family(record_id: UUID) -> set[UUID]:
    with connection.cursor() as cursor:
        cursor.execute(FAMILY, [record_id])
        return {row[0] for row in cursor.fetchall()}


def by_local_id(endpoint: str, local_id: str) -> Sequence[UUID]:
    """The records a target of this code knows by this id, merged ones as they are. One query."""
    held = Holding.objects.filter(local_id=local_id, endpoint__code=endpoint)
    return list(held.order_by("record__code").values_list("record_id", flat=True)[:10])
