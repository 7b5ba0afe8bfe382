"""Mapped rows -> source rows and source records, a chunk at a time and set by set."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils import timezone

from mdm.canonical import digest, dumps
from mdm.compiled import prepared
from mdm.intake.mapping import Mapped, Target
from mdm.intake.plan import Plan
from mdm.models import RowState, SourceSystem

ROW_COLUMNS = "id, batch_id, line, raw, cells, key, state, problems, settled_by"
STAGE = """
CREATE TEMP TABLE IF NOT EXISTS intake_stage (
  key text, parent_key text, "values" jsonb, parts jsonb, warnings jsonb, content_hash text, row_id bigint,
  as_of timestamptz)
"""
FEW = 20
STAGED = """
WITH intake_stage (key, parent_key, "values", parts, warnings, content_hash, row_id, as_of) AS MATERIALIZED (
  SELECT * FROM unnest(%(column0)s::text[], %(column1)s::text[], %(column2)s::jsonb[], %(column3)s::jsonb[],
    %(column4)s::jsonb[], %(column5)s::text[], %(column6)s::bigint[], %(column7)s::timestamptz[])
)
"""
UPSERT = """
INSERT INTO mdm_sourcerecord AS known
  (system_id, domain, part, key, parent_key, stub, "values", parts, warnings, content_hash, state, row_id, batch_id,
   as_of, first_seen_at, last_seen_at, author, reason)
SELECT %(system)s::bigint, %(domain)s, %(part)s, key, parent_key, false, "values", parts, warnings, content_hash,
       'waiting', row_id, %(batch)s::uuid, as_of, %(now)s::timestamptz, %(now)s::timestamptz, '', ''
FROM intake_stage ORDER BY key
ON CONFLICT ON CONSTRAINT source_record_key_is_unique_in_its_source DO UPDATE SET
  parent_key = excluded.parent_key, stub = false, "values" = excluded."values", parts = excluded.parts,
  former = CASE WHEN known.state = 'linked'
    THEN jsonb_build_object('values', known."values", 'parts', known.parts, 'stub', known.stub) ELSE known.former END,
  warnings = excluded.warnings, content_hash = excluded.content_hash, state = 'waiting', row_id = excluded.row_id,
  batch_id = excluded.batch_id, as_of = excluded.as_of, last_seen_at = excluded.last_seen_at
RETURNING id, key
"""
STUBS = """
INSERT INTO mdm_sourcerecord
  (system_id, domain, part, key, parent_key, stub, "values", parts, warnings, content_hash, state, batch_id,
   as_of, first_seen_at, last_seen_at, author, reason)
SELECT (s->>0)::bigint, s->>1, '', s->>2, '', true, s->3, '{}', '[]', s->>4, 'waiting', %(batch)s,
       %(now)s, %(now)s, %(now)s, '', ''
FROM jsonb_array_elements(%(stubs)s::jsonb) AS s
ON CONFLICT ON CONSTRAINT source_record_key_is_unique_in_its_source DO NOTHING
"""


@dataclass(slots=True)
class Counts:
    """What became of the rows of one chunk."""

    read: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    quarantined: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Where the rows of one batch go. ``systems`` are the ids of all source systems by code."""

    batch_id: UUID
    system_id: int
    domain: str
    part: str
    systems: dict[str, int]


def destination(batch_id: UUID, system_id: int, plan: Plan) -> Destination:
    """The destination of a batch read by this plan. One query."""
    systems = dict(SourceSystem.objects.values_list("code", "pk"))
    return Destination(batch_id=batch_id, system_id=system_id, domain=plan.domain, part=plan.part, systems=systems)


def known_hashes(to: Destination, keys: Sequence[str]) -> dict[str, tuple[int, str]]:
    """{key: (source record id, content hash)} of those the hub holds already."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT key, id, content_hash FROM mdm_sourcerecord"
            " WHERE system_id = %s AND domain = %s AND part = %s AND key = ANY(%s)",
            [to.system_id, to.domain, to.part, list(keys)],
        )
        return {key: (record_id, content) for key, record_id, content in cursor.fetchall()}


def write_rows(to: Destination, rows: Sequence[tuple[Mapped, str]]) -> list[int]:
    """Keep rows verbatim, each with its state; their ids in order. Cells are kept of quarantined rows only."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence('mdm_sourcerow', 'id')) FROM generate_series(1, %s)", [len(rows)]
        )
        ids = [row_id for (row_id,) in cursor.fetchall()]
        with cursor.copy(f"COPY mdm_sourcerow ({ROW_COLUMNS}) FROM STDIN") as copy:
            for row_id, (mapped, state) in zip(ids, rows, strict=True):
                waits = state == RowState.QUARANTINED
                copy.write_row(
                    (
                        row_id,
                        to.batch_id,
                        mapped.line,
                        mapped.raw,
                        dumps(mapped.cells) if waits else None,
                        mapped.key,
                        state,
                        dumps(mapped.problems) if waits else "[]",
                        "",
                    )
                )
    return ids


def write_records(to: Destination, rows: Sequence[tuple[Mapped, int]]) -> list[int]:
    """Insert or replace the source records of these rows (each with its row id) and what they refer to; all wait.

    Keys must differ. The source record ids are given back, in no order.
    """
    if not rows:
        return []
    now = timezone.now()
    ids = _upsert(to, [_staged(mapped, row_id, now) for mapped, row_id in rows], now)
    _write_references(to, rows, ids)
    _write_stubs(to, (stub for mapped, _row in rows for stub in mapped.stubs), now)
    return list(ids.values())


def _upsert(to: Destination, staged: Sequence[tuple[Any, ...]], now: datetime) -> dict[str, int]:
    """{key: source record id} of these rows, inserted or replaced. A few travel within the statement."""
    asked: dict[str, Any] = {
        "system": to.system_id, "domain": to.domain, "part": to.part, "batch": to.batch_id, "now": now,
    }  # fmt: skip
    if len(staged) <= FEW:
        columns = [list(column) for column in zip(*staged, strict=True)]
        with prepared() as cursor:
            cursor.execute(STAGED + UPSERT, asked | {f"column{place}": one for place, one in enumerate(columns)})
            return {key: record_id for record_id, key in cursor.fetchall()}
    with connection.cursor() as cursor:
        cursor.execute(STAGE)
        cursor.execute("TRUNCATE intake_stage")
        with cursor.copy("COPY intake_stage FROM STDIN") as copy:
            for row in staged:
                copy.write_row(row)
        cursor.execute(UPSERT, asked)
        return {key: record_id for record_id, key in cursor.fetchall()}


def _staged(mapped: Mapped, row_id: int, now: datetime) -> tuple[Any, ...]:
    return (
        mapped.key,
        mapped.parent_key,
        dumps(mapped.values),
        dumps(mapped.parts),
        dumps(mapped.warnings),
        mapped.content_hash,
        row_id,
        mapped.as_of or now,
    )


def _write_references(to: Destination, rows: Sequence[tuple[Mapped, int]], ids: dict[str, int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM mdm_sourcereference WHERE source_record_id = ANY(%s)", [list(ids.values())])
        if not any(mapped.references for mapped, _row in rows):
            return
        with cursor.copy(
            "COPY mdm_sourcereference (source_record_id, attribute, system_id, domain, key) FROM STDIN"
        ) as copy:
            for mapped, _row in rows:
                for attribute, (system, domain, key) in mapped.references:
                    copy.write_row((ids[mapped.key], attribute, to.systems[system], domain, key))


def _write_stubs(to: Destination, stubs: Iterable[tuple[Target, str]], now: datetime) -> None:
    """A record known only by its name, where the hub knows none of that key yet; sorted, so that no two lock up."""
    wanted = sorted(set(stubs))
    if not wanted:
        return
    rows = [
        [to.systems[system], domain, key, {title: key}, digest(["stub", {title: key}])]
        for (system, domain, key), title in wanted
    ]
    with connection.cursor() as cursor:
        cursor.execute(STUBS, {"stubs": dumps(rows), "batch": to.batch_id, "now": now})


def touch(record_ids: Sequence[int]) -> None:
    """These source records were seen again, unchanged."""
    if record_ids:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE mdm_sourcerecord SET last_seen_at = %s WHERE id = ANY(%s)", [timezone.now(), list(record_ids)]
            )
