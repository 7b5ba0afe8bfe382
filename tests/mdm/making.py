"""Source records and golden records for tests, made the way the product makes them."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from mdm import canonical
from mdm.domains import BY_NAME
from mdm.mastering import Actor, Cause, NewRecord, create
from mdm.models import GoldenRecord, SourceRecord, SourceReference, SourceSystem, SourceTrust

STEWARD = Actor(name="Stella Steward", kind="person", channel="page")
MARCH = datetime(2026, 3, 1, tzinfo=UTC)


def why(reason: str = "test") -> Cause:
    """A cause by the steward."""
    return Cause(by=STEWARD, reason=reason)


def system(code: str, **ranks: int) -> SourceSystem:
    """A source system with its trust per domain: ``system("erp", supplier=1)``."""
    found, _ = SourceSystem.objects.get_or_create(code=code, defaults={"name": code.upper()})
    for domain, rank in ranks.items():
        SourceTrust.objects.update_or_create(system=found, domain=domain, defaults={"rank": rank})
    return found


def source(
    system_code: str, domain: str, key: str, *, as_of: datetime = MARCH, parts: Any = None, **values: Any
) -> SourceRecord:
    """A waiting source record with its references registered."""
    made = SourceRecord.objects.create(
        system=system(system_code),
        domain=domain,
        key=key,
        values=values,
        parts=parts or {},
        content_hash=canonical.digest([values, parts or {}]),
        as_of=as_of,
        first_seen_at=as_of,
        last_seen_at=as_of,
    )
    for attribute, value in values.items():
        if isinstance(value, dict) and "key" in value:
            SourceReference.objects.create(
                source_record=made, attribute=attribute, system=system(value["system"]),
                domain=value["domain"], key=value["key"],
            )  # fmt: skip
    return made


def golden(*sources: SourceRecord, state: str = "active") -> GoldenRecord:
    """One golden record made of these source records."""
    ids = create(
        domain=BY_NAME[sources[0].domain],
        records=[NewRecord(tuple(s.pk for s in sources), state=state)],  # type: ignore[arg-type]
        cause=why("made for a test"),
    )
    return reload(ids[0])


def reload(record_id: UUID) -> GoldenRecord:
    """The record as the database has it now."""
    return GoldenRecord.objects.get(pk=record_id)
