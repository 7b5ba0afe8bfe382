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
    system_code: str,
    domain: str,
    key: str,
    *,
    as_of: datetime = MARCH,
    parts: Any = None,
    part: str = "",
    parent_key: str = "",
    **values: Any,
) -> SourceRecord:
    """A waiting source record with its references registered; with ``part``, a row of the record ``parent_key``."""
    made = SourceRecord.objects.create(
        system=system(system_code),
        domain=domain,
        part=part,
        parent_key=parent_key,
        key=key,
        values=values,
        parts=parts or {},
        content_hash=canonical.digest([values, parts or {}]),
        as_of=as_of,
        first_seen_at=as_of,
        last_seen_at=as_of,
    )
    _register(made)
    return made


def send_again(sent: SourceRecord, values: Any, parts: Any, as_of: datetime) -> None:
    """The source sends other values and parts for the same key; it waits, as intake leaves it."""
    sent.values, sent.parts, sent.as_of, sent.last_seen_at = values, parts, as_of, as_of
    sent.content_hash, sent.state = canonical.digest([values, parts]), "waiting"
    sent.save(update_fields=["values", "parts", "as_of", "last_seen_at", "content_hash", "state"])
    sent.references.all().delete()
    _register(sent)


def _register(sent: SourceRecord) -> None:
    rows = [("", sent.values), *((f"{part}.", row) for part, rows in sent.parts.items() for row in rows)]
    SourceReference.objects.bulk_create(
        SourceReference(
            source_record=sent, attribute=prefix + attribute, system=system(value["system"]),
            domain=value["domain"], key=value["key"],
        )
        for prefix, row in rows
        for attribute, value in row.items()
        if isinstance(value, dict) and "key" in value
    )  # fmt: skip


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
