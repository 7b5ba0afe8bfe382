"""The log: events written with the change, numbered after commit, chained by hash, and verified.

Events of one record commit in version order because they are inserted while the record is locked; the sequencer
numbers whatever is visible in id order, so no reader ever sees a number before its predecessor.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from mdm import bulk, canonical
from mdm.cause import Cause
from mdm.identity import uuid7
from mdm.models import ChangeEvent, EventVerb, GoldenRecord
from mdm.snapshot import Labels, Snapshot, expand
from mdm.spec import Domain

CHANNEL = "assay_log"  # NOTIFY after each numbered batch; the payload is the new head
GENESIS = "0" * 64


def event(
    *,
    domain: Domain,
    record: GoldenRecord,
    verb: EventVerb,
    previous_state: str,
    outward: bool,
    after: Snapshot,
    changed: Sequence[Mapping[str, Any]],
    sources: Sequence[Mapping[str, str]],
    digest: str,
    labels: Labels,
    cause: Cause,
    now: datetime,
) -> ChangeEvent:
    """An unsaved event whose body is the canonical JSON of the whole change."""
    uid = uuid7()
    body = {
        "id": str(uid),
        **_record_facts(domain, record, verb, previous_state),
        "outward": outward,
        **_cause_facts(cause, now),
        "attributes": expand(domain.attributes, after.values, labels),
        "parts": {
            part.name: [expand(part.attributes, row, labels) for row in after.parts[part.name]]
            for part in domain.parts
            if part.name in after.parts
        },
        "extension": after.extension,
        "provenance": after.provenance,
        "changed": list(changed),
        "sources": list(sources),
        "digest": digest,
    }
    return ChangeEvent(
        uid=uid,
        record_id=record.pk,
        domain=domain.name,
        verb=verb,
        version=record.version,
        state=record.state,
        outward=outward,
        occurred_at=now,
        actor=cause.by.name,
        correlation_id=cause.correlation_id,
        changed=[entry.get("attribute") or entry["part"] for entry in changed],
        body=canonical.dumps(body),
    )


def _record_facts(domain: Domain, record: GoldenRecord, verb: EventVerb, previous_state: str) -> dict[str, Any]:
    return {
        "domain": domain.name,
        "verb": str(verb),
        "record": str(record.pk),
        "code": record.code,
        "version": record.version,
        "previous_version": record.version - 1 or None,
        "state": str(record.state),
        "previous_state": previous_state or None,
        "merged_into": str(record.merged_into_id) if record.merged_into_id else None,
        "title": record.title,
    }


def _cause_facts(cause: Cause, now: datetime) -> dict[str, Any]:
    return {
        "occurred_at": now.isoformat(),
        "actor": cause.by.name,
        "actor_kind": cause.by.kind,
        "channel": cause.by.channel,
        "approved_by": cause.approved_by,
        "reason": cause.reason,
        "correlation_id": str(cause.correlation_id),
        "decision_id": str(cause.decision_id) if cause.decision_id else None,
    }


def emit(events: Sequence[ChangeEvent]) -> None:
    """Write events in the transaction of the change they report. Raises RuntimeError outside a transaction."""
    if not connection.in_atomic_block:
        raise RuntimeError("an event outside the transaction of its change would be a second truth")
    bulk.insert(events)


def link_hash(previous: str, seq: int, body: str) -> str:
    """h(n) = SHA-256(h(n-1) | n | body), in hex."""
    return hashlib.sha256(f"{previous}|{seq}|".encode() + body.encode()).hexdigest()


def sequence(limit: int = 1000) -> int:
    """Number up to ``limit`` committed events and chain their hashes. Returns how many.

    One sequencer works at a time: it holds the head's row until it commits, a second one waits there. Calling it
    again, or killing it at any point, leaves no gap: numbers and head move in one transaction.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("INSERT INTO mdm_loghead (id, epoch, seq, hash) SELECT 1, gen_random_uuid(), 0, %s "
                       "WHERE NOT EXISTS (SELECT 1 FROM mdm_loghead) ON CONFLICT DO NOTHING", [GENESIS])  # fmt: skip
        cursor.execute("SELECT seq, hash FROM mdm_loghead WHERE id = 1 FOR UPDATE")
        seq, last = cursor.fetchone()
        cursor.execute("SELECT id, body FROM mdm_changeevent WHERE seq IS NULL ORDER BY id LIMIT %s", [limit])
        rows = cursor.fetchall()
        if not rows:
            return 0
        hashes = []
        for number, (_, body) in enumerate(rows, start=seq + 1):
            last = link_hash(last, number, body)
            hashes.append(last)
        head = seq + len(rows)
        cursor.execute(
            "UPDATE mdm_changeevent SET seq = given.seq, hash = given.hash "
            "FROM unnest(%s::bigint[], %s::bigint[], %s::text[]) AS given(id, seq, hash) "
            "WHERE mdm_changeevent.id = given.id",
            [[row[0] for row in rows], list(range(seq + 1, head + 1)), hashes],
        )
        cursor.execute("UPDATE mdm_loghead SET seq = %s, hash = %s WHERE id = 1", [head, last])
        cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, str(head)])
    return len(rows)


def sequence_all() -> int:
    """Number everything committed so far. Returns how many."""
    total = 0
    while count := sequence():
        total += count
    return total
