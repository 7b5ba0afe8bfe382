"""Golden records as the API shows them: plain JSON from the shapes of the read side."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from mdm.domains import BY_NAME
from mdm.queries import (
    CrosswalkEntry,
    Hit,
    ListRow,
    PartRow,
    PastRecord,
    Provenance,
    RecordDetail,
    Reference,
    Value,
)
from publishing.crosswalk import Held

Json = dict[str, Any]


def href(domain: str, record_id: UUID) -> str:
    """Where the record lives in the API."""
    return f"/api/v1/{BY_NAME[domain].slug}/{record_id}"


def onward(reference: Reference | None) -> Json | None:
    """Where a merged record's facts are now."""
    if reference is None:
        return None
    return {
        "id": reference.record,
        "code": reference.code,
        "title": reference.title,
        "href": href(reference.domain, reference.record),
    }


def list_row(row: ListRow, fields: Sequence[str]) -> Json:
    """One line of a list; with ``fields`` only those attributes."""
    values = row.values if not fields else {name: row.values[name] for name in fields if name in row.values}
    return {
        "id": row.id,
        "code": row.code,
        "domain": row.domain,
        "state": row.state,
        "version": row.version,
        "title": row.title,
        "updated_at": row.updated_at,
        "merged_into": row.merged_into,
        "href": href(row.domain, row.id),
        "attributes": values,
        "extension": row.extension,
    }


def detail(record: RecordDetail) -> Json:
    """A record whole, as it is now."""
    return {
        **_identity(record),
        "created_at": record.created_at,
        "updated_at": record.updated_at,
        "merged_into": onward(record.redirect),
        "absorbed": [onward(loser) for loser in record.absorbed],
        "attributes": {value.attribute.name: value.value for value in record.values},
        "extension": {_bare(value): value.value for value in record.extension if value.value is not None},
        "parts": {shown.part.name: [_part_row(row) for row in shown.rows] for shown in record.parts},
        "provenance": {
            value.attribute.name: _origin(value.provenance, value)
            for value in (*record.values, *record.extension)
            if value.provenance
        },
        "crosswalk": [_link(entry) for entry in record.crosswalk],
        "identifiers": record.identifiers,
        "held_by": record.held_by,
        "as_of": None,
    }


def past(record: PastRecord, merged_into: Reference | None) -> Json:
    """The record as it was: the same keys, with what was known then."""
    return {
        **_identity(record),
        "created_at": None,
        "updated_at": record.valid_from,
        "merged_into": onward(merged_into),
        "absorbed": [],
        "attributes": record.attributes,
        "extension": record.extension,
        "parts": record.parts,
        "provenance": {name: _past_origin(origin) for name, origin in record.provenance.items()},
        "crosswalk": [dict(source) for source in record.sources],
        "identifiers": [],
        "held_by": [],
        "targets": [],
        "as_of": {
            "valid_from": record.valid_from,
            "valid_to": record.valid_to,
            "sequence": record.seq,
            "verb": record.entry.verb,
            "actor": record.entry.actor,
            "reason": record.entry.reason,
            "approved_by": record.entry.approved_by,
        },
    }


def targets(found: Iterable[Held]) -> list[Json]:
    """Where the record is now, target by target."""
    return [
        {
            "endpoint": one.endpoint,
            "local_id": one.local_id or None,
            "version": one.version,
            "acknowledged_at": one.acknowledged_at,
            "state": one.state,
            "reason": one.reason or None,
            "merged_from": {"id": one.record, "code": one.code} if one.merged else None,
        }
        for one in found
    ]


def hit(found: Hit) -> Json:
    """A record a look-up found: the one that holds the facts now, and the one that was found first."""
    now = found.redirect or Reference(found.id, found.code, found.title, found.domain, found.state)
    return {
        "id": now.record,
        "code": now.code,
        "domain": now.domain,
        "state": now.state,
        "title": now.title,
        "href": href(now.domain, now.record),
        "matched": found.matched,
        "found_by": found.why,
        "merged_from": {"id": found.id, "code": found.code} if found.redirect else None,
    }


def _identity(record: RecordDetail | PastRecord) -> Json:
    return {
        "id": record.id,
        "code": record.code,
        "domain": record.domain.name,
        "state": record.state,
        "version": record.version,
        "title": record.title,
        "href": href(record.domain.name, record.id),
    }


def _bare(value: Value) -> str:
    return value.attribute.name.removeprefix("ext.")


def _origin(origin: Provenance, value: Value) -> Json:
    return {
        "source_record": origin.source_record,
        "system": origin.source,
        "key": origin.key,
        "rule": origin.rule,
        "since_version": origin.since,
        "seen_at": origin.seen,
        "others": [
            {"system": other.source, "key": other.key, "value": other.value, "agrees": other.agrees}
            for other in value.others
        ],
    }


def _past_origin(origin: Mapping[str, Any]) -> Json:
    return {
        "source_record": origin.get("source_record"),
        "system": origin.get("source"),
        "key": origin.get("key"),
        "rule": origin.get("rule"),
        "since_version": origin.get("since"),
        "seen_at": None,
        "others": [],
    }


def _part_row(row: PartRow) -> Json:
    return {**row.values, "source": {"system": row.source, "key": row.source_key}}


def _link(entry: CrosswalkEntry) -> Json:
    return {
        "system": entry.system,
        "key": entry.key,
        "source_record": entry.source_record,
        "method": entry.method,
        "score": entry.score,
        "since": entry.since,
        "by": entry.by,
        "reason": entry.reason,
        "file": entry.file or None,
        "line": entry.line,
        "seen_at": entry.seen,
    }
