"""The log: events written with the change, numbered after commit, chained by hash, and verified.

Events of one record commit in version order because they are inserted while the record is locked; the sequencer
numbers whatever is visible in id order, so no reader ever sees a number before its predecessor.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from mdm import bulk, canonical
from mdm.cause import Cause
from mdm.compiled import prepared
from mdm.gaps import Gaps, Running, running
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
) -> bulk.Row:
    """The row of an event, whose body is the canonical JSON of the whole change."""
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
    return {
        "uid": uid,
        "record_id": record.pk,
        "domain": domain.name,
        "verb": str(verb),
        "version": record.version,
        "state": str(record.state),
        "outward": outward,
        "occurred_at": now,
        "actor": cause.by.name,
        "correlation_id": cause.correlation_id,
        "changed": [entry.get("attribute") or entry["part"] for entry in changed],
        "body": canonical.dumps(body),
    }


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


def emit(events: Sequence[bulk.Row]) -> None:
    """Write rows of events in the transaction of the change they report. Raises RuntimeError outside a transaction.

    The transaction has its number before its events have theirs, which ``mdm.gaps`` relies on.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("an event outside the transaction of its change would be a second truth")
    if not events:
        return
    with prepared() as cursor:
        cursor.execute("SELECT pg_current_xact_id()")
    bulk.insert_plain(ChangeEvent, events)


def link_hash(previous: str, seq: int, body: str) -> str:
    """h(n) = SHA-256(h(n-1) | n | body), in hex."""
    return hashlib.sha256(f"{previous}|{seq}|".encode() + body.encode()).hexdigest()


# While a transaction is held open (a backup, say), each batch leaves a dead version of the head, which everybody who
# looks for its id comes across. The newest has the highest number: it is looked for from that end, written in place.
_HEAD = (
    "SELECT ctid::text, seq, hash, mark, gaps::text, pg_current_snapshot()::text, pg_current_xact_id()::text, "
    "set_config('enable_sort', 'off', true) FROM mdm_loghead ORDER BY seq DESC LIMIT 1 FOR UPDATE"
)
# Read in order of the id, by the index made for that, as nothing may be sorted (``sequence``). The index of the numbers
# looks cheaper as soon as statistics know of a few without one, and holds, while a transaction is held open, each event
# that ever had none.
_ALL = "SELECT id, body FROM mdm_changeevent WHERE seq IS NULL ORDER BY id LIMIT %s"
# The inner limit also keeps the planner from joining where it should look up.
_ABOVE = (
    "(SELECT e.id, e.body FROM unnest(%s::bigint[], %s::bigint[]) AS gap(low, high) JOIN LATERAL "
    "(SELECT id, body FROM mdm_changeevent WHERE seq IS NULL AND id BETWEEN gap.low AND gap.high "
    "AND id BETWEEN %s AND %s ORDER BY id LIMIT %s) e ON true) UNION ALL "
    "(SELECT id, body FROM mdm_changeevent WHERE seq IS NULL AND id > %s ORDER BY id LIMIT %s)"
)


def begin() -> None:
    """The log has a head and a first life. Repeating it changes nothing."""
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH head AS (INSERT INTO mdm_loghead (id, epoch, seq, hash, mark, gaps) "
            "SELECT 1, gen_random_uuid(), 0, %s, 0, '[]' "
            "WHERE NOT EXISTS (SELECT 1 FROM mdm_loghead) ON CONFLICT DO NOTHING RETURNING epoch) "
            "INSERT INTO mdm_logepoch (epoch, from_seq, from_hash, reason, by, at) "
            "SELECT epoch, 1, %s, 'The log began.', 'Assay', clock_timestamp() FROM head",
            [GENESIS, GENESIS],
        )


def sequence(limit: int = 1000, gaps: Gaps | None = None) -> int:
    """Number up to ``limit`` committed events and chain their hashes. Returns how many.

    One sequencer works at a time: it holds the head's row until it commits, a second one waits there. Calling it
    again, or killing it at any point, leaves no gap: numbers and head move in one transaction. ``gaps`` is what the
    caller remembers of earlier batches; it must be thrown away where a call raised, and is found in the head's row by
    the next one. Without it everything unnumbered is looked for.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        if gaps is not None:
            # Which gaps are read depends on who had ended: both questions must see the same moment.
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute(_HEAD)
        if (found := cursor.fetchone()) is None:
            begin()
            cursor.execute(_HEAD)
            found = cursor.fetchone()
        place, seq, last, mark, kept, snapshot, own, _ = found
        if gaps is None:
            cursor.execute(_ALL, [limit])
            rows = cursor.fetchall()
        else:
            if mark != gaps.mark:
                gaps.remember(mark, json.loads(kept))
            rows = _unnumbered(cursor, limit, gaps, running(snapshot, int(own)))
        if not rows:
            return 0
        hashes = []
        for number, (_, body) in enumerate(rows, start=seq + 1):
            last = link_hash(last, number, body)
            hashes.append(last)
        head = seq + len(rows)
        ids = [row[0] for row in rows]
        cursor.execute(
            "UPDATE mdm_changeevent SET seq = given.seq, hash = given.hash "
            "FROM unnest(%s::bigint[], %s::bigint[], %s::text[]) AS given(id, seq, hash) "
            "WHERE mdm_changeevent.id = given.id AND mdm_changeevent.id BETWEEN %s AND %s",
            [ids, list(range(seq + 1, head + 1)), hashes, ids[0], ids[-1]],
        )
        mark, kept = (gaps.mark, json.dumps(gaps.kept())) if gaps is not None else (mark, kept)
        cursor.execute(
            "UPDATE mdm_loghead SET seq = %s, hash = %s, mark = %s, gaps = %s::jsonb WHERE ctid = %s::tid",
            [head, last, mark, kept, place],
        )
        if cursor.rowcount != 1:
            raise RuntimeError("the head of the log moved while it was held")
        cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, str(head)])
    return len(rows)


def _unnumbered(cursor: Any, limit: int, gaps: Gaps, now: Running) -> list[tuple[int, str]]:
    """Committed events without a number that may have appeared since the last batch, by id.

    One snapshot for all: with two, version 3 of a record could be seen by the second and version 2, in a gap below,
    be missed by the first.
    """
    due = gaps.due(now)
    lows, highs = [low for low, _ in due], [high for _, high in due]
    # The outer bounds are for the planner: it looks into the partitions they lie in, not into all.
    bounds = [lows[0], max(highs)] if due else [0, 0]
    cursor.execute(_ABOVE, [lows, highs, *bounds, limit + 1, gaps.mark, limit])
    rows = sorted(cursor.fetchall())
    # Where more came than was asked for, what lies in a gap may be visible and yet unread: no gap is given up.
    whole = len(rows) <= limit
    rows = rows[:limit]
    gaps.saw([row[0] for row in rows], now, whole=whole)
    return rows


def sequence_all() -> int:
    """Number everything committed so far. Returns how many."""
    total = 0
    while count := sequence():
        total += count
    return total
