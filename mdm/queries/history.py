"""What happened to a golden record, and what it was at a time."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import models

from mdm.domains import BY_NAME
from mdm.errors import Invalid, NotFound
from mdm.masking import masked_body
from mdm.models import ChangeEvent, GoldenRecord
from mdm.queries.changes import changes_of
from mdm.queries.shapes import HistoryEntry, PastRecord
from mdm.spec import Domain


def history(record_id: UUID, *, before: int | None = None, limit: int = 50) -> Sequence[HistoryEntry]:
    """Versions newest first, below version ``before``; NotFound for an unknown record. Three queries."""
    domain = _domain_of(record_id)
    versions = versions_of(domain, record_id).order_by("-version")
    rows: list[Any] = list(versions.filter(version__lt=before)[:limit] if before else versions[:limit])
    numbers = dict(
        ChangeEvent.objects.filter(record_id=record_id, version__in=[row.version for row in rows]).values_list(
            "version", "seq"
        )
    )
    return [_entry(domain, row, numbers.get(row.version)) for row in rows]


def as_of(
    record_id: UUID, *, moment: datetime | None = None, seq: int | None = None, version: int | None = None
) -> PastRecord:
    """The record as it was at a moment, at a place in the log, or in a version (give exactly one).

    NotFound when it did not exist yet. Restricted values are masked. References read as they read then.
    """
    if [moment, seq, version].count(None) != 2:
        raise Invalid("One point in time is asked for.", "Give a moment, a sequence or a version, and only one.")
    domain = _domain_of(record_id)
    versions = versions_of(domain, record_id)
    if seq is not None:
        numbered = ChangeEvent.objects.filter(record_id=record_id, seq__lte=seq)
        version = numbered.aggregate(last=models.Max("version"))["last"] or 0
    asked = versions.filter(version=version) if moment is None else versions.filter(history_date__lte=moment)
    row: Any = asked.order_by("-version").first()
    if row is None:
        raise NotFound("The record did not exist then.", "Ask for a later time; its history names the first one.")
    until = versions.filter(version=row.version + 1).values_list("history_date", flat=True).first()
    event = ChangeEvent.objects.get(record_id=record_id, version=row.version)
    return _past(domain, row, event, until)


def _past(domain: Domain, row: Any, event: ChangeEvent, until: datetime | None) -> PastRecord:
    body: Mapping[str, Any] = masked_body(json.loads(event.body))
    return PastRecord(
        id=row.record_id,
        code=row.record_code,
        domain=domain,
        state=row.state,
        version=row.version,
        title=body.get("title", ""),
        merged_into=str(row.merged_into_id) if row.merged_into_id else None,
        valid_from=row.history_date,
        valid_to=until,
        seq=event.seq,
        attributes=body.get("attributes", {}),
        parts=body.get("parts", {}),
        extension=body.get("extension", {}),
        provenance=body.get("provenance", {}),
        sources=body.get("sources", []),
        entry=_entry(domain, row, event.seq),
    )


def _domain_of(record_id: UUID) -> Domain:
    name = GoldenRecord.objects.filter(pk=record_id).values_list("domain", flat=True).first()
    if name is None:
        raise NotFound(f"There is no golden record {record_id}.", "Search for it by name, code or any identifier.")
    return BY_NAME[name]


def versions_of(domain: Domain, record_id: UUID) -> models.QuerySet[Any]:
    """The version rows of a record."""
    model: type[models.Model] = domain.model.history.model  # type: ignore[attr-defined]
    return model._default_manager.filter(record_id=record_id)


def _entry(domain: Domain, row: Any, seq: int | None) -> HistoryEntry:
    return HistoryEntry(
        version=row.version,
        verb=row.cause,
        state=row.state,
        moment=row.history_date,
        actor=row.actor,
        actor_kind=row.actor_kind,
        channel=row.channel,
        reason=row.history_change_reason or "",
        approved_by=row.approved_by,
        correlation_id=row.correlation_id,
        decision_id=row.decision_id,
        seq=seq,
        changes=changes_of(domain, row.changed),
    )
