"""What the auditor asks: every change by person, record, attribute and time, with before, after, reason, approval."""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Q, QuerySet

from mdm import canonical
from mdm.domains import BY_NAME
from mdm.errors import Invalid, NotFound
from mdm.filters import typeable
from mdm.filters.fields import uuid_or_none
from mdm.masking import masked_body
from mdm.models import ChangeEvent
from mdm.queries.changes import changes_of
from mdm.queries.shapes import AuditEntry, AuditEvent, AuditPage, Change

CSV_HEADER = (
    "sequence", "moment", "person", "kind", "channel", "domain", "record", "code", "title", "verb", "version", "state",
    "attribute", "before", "after", "source", "rule", "reason", "approved by", "correlation",
)  # fmt: skip


# Jumps from name to name in the index instead of reading the whole log.
ACTORS = """
WITH RECURSIVE known(actor) AS (
  (SELECT actor FROM mdm_changeevent ORDER BY actor LIMIT 1)
  UNION ALL
  SELECT (SELECT actor FROM mdm_changeevent WHERE actor > known.actor ORDER BY actor LIMIT 1)
  FROM known WHERE known.actor IS NOT NULL
)
SELECT actor FROM known WHERE actor IS NOT NULL
"""


@dataclass(frozen=True, slots=True)
class AuditFilters:
    """Everything is optional and joined by *and*. ``record`` is an id or code; ``attribute`` may name a part;
    ``since`` (included) and ``until`` (not included) bound the time."""

    person: str = ""
    record: str = ""
    domain: str = ""
    attribute: str = ""
    verb: str = ""
    since: datetime | None = None
    until: datetime | None = None
    correlation_id: UUID | None = None


def audit_entries(filters: AuditFilters, *, before: str = "", limit: int = 50) -> AuditPage:
    """Changes newest first. An unknown record gives an empty page; one query."""
    events = _events(filters)
    if before:
        if not before.isascii() or not before.isdigit():
            raise Invalid("This place in the list is not one of ours.", "Start at the first page.")
        events = events.filter(pk__lt=int(before))
    found = list(events.order_by("-pk")[: limit + 1])
    entries = [_entry(event) for event in found[:limit]]
    return AuditPage(entries, next=str(entries[-1].id) if len(found) > limit else "")


def audit_csv(filters: AuditFilters) -> Iterator[str]:
    """The same as CSV text, line by line, one line per changed attribute, header first; memory stays flat.

    Cells a spreadsheet would calculate are defused by a leading apostrophe.
    """
    yield _line(CSV_HEADER)
    for event in _events(filters).order_by("-pk").iterator(chunk_size=500):
        entry = _entry(event)
        for change in entry.changes or (Change("", "", None, None, "", ""),):
            if not filters.attribute or change.attribute == filters.attribute:
                yield _line(_cells(entry, change))


def audit_json_lines(filters: AuditFilters) -> Iterator[str]:
    """The same as JSON lines: each event whole with number and hash, restricted values masked; memory stays flat."""
    for event in _events(filters).order_by("-pk").iterator(chunk_size=500):
        body = masked_body(json.loads(event.body))
        yield canonical.dumps({"sequence": event.seq, "hash": event.hash, "event": body}) + "\n"


def audit_event(event_id: int) -> AuditEvent:
    """One change whole, by the id its entry carries. Raises NotFound; two queries."""
    event = ChangeEvent.objects.filter(pk=event_id).first()
    if event is None:
        raise NotFound("There is no such change.", "Look for it in the audit list.")
    before = ChangeEvent.objects.filter(seq=event.seq - 1).values_list("hash", flat=True) if event.seq else ()
    previous = next(iter(before), None) or ""
    return AuditEvent(_entry(event), event.uid, event.hash or "", previous, masked_body(json.loads(event.body)))


def actors() -> list[str]:
    """Everybody who ever changed anything, by name; as many index look-ups as there are names."""
    with connection.cursor() as cursor:
        cursor.execute(ACTORS)
        return [name for (name,) in cursor.fetchall()]


def _events(filters: AuditFilters) -> QuerySet[ChangeEvent]:
    asked = Q()
    if filters.record:
        by_id = uuid_or_none(filters.record)
        asked &= Q(record_id=by_id) if by_id else Q(record__code=typeable(filters.record).upper())
    if filters.attribute:
        asked &= Q(changed__contains=[filters.attribute])
    plain = {
        "actor": filters.person,
        "domain": filters.domain,
        "verb": filters.verb,
        "occurred_at__gte": filters.since,
        "occurred_at__lt": filters.until,
        "correlation_id": filters.correlation_id,
    }
    given = {name: typeable(value) if isinstance(value, str) else value for name, value in plain.items() if value}
    return ChangeEvent.objects.filter(asked, **given)


def _entry(event: ChangeEvent) -> AuditEntry:
    body: dict[str, Any] = json.loads(event.body)
    return AuditEntry(
        id=event.pk,
        seq=event.seq,
        moment=event.occurred_at,
        actor=event.actor,
        actor_kind=body.get("actor_kind", ""),
        channel=body.get("channel", ""),
        domain=event.domain,
        record=event.record_id,
        code=body.get("code", ""),
        title=body.get("title", ""),
        verb=event.verb,
        version=event.version,
        state=event.state,
        reason=body.get("reason", ""),
        approved_by=body.get("approved_by", ""),
        correlation_id=event.correlation_id,
        changes=changes_of(BY_NAME[event.domain], body.get("changed", ())),
        decision_id=uuid_or_none(body.get("decision_id") or ""),
    )


def _cells(entry: AuditEntry, change: Change) -> tuple[Any, ...]:
    return (
        entry.seq, entry.moment.isoformat(), entry.actor, entry.actor_kind, entry.channel, entry.domain, entry.record,
        entry.code, entry.title, entry.verb, entry.version, entry.state, change.attribute, change.before, change.after,
        change.source, change.rule, entry.reason, entry.approved_by, entry.correlation_id,
    )  # fmt: skip


def _line(cells: tuple[Any, ...]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow([_defused(cell) for cell in cells])
    return text.getvalue()


def _defused(cell: Any) -> str:
    if cell is None:
        return ""
    text = canonical.dumps(cell) if isinstance(cell, dict | list) else str(cell)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
