"""Writing golden records down: values, parts, version and event in one go, for any number of records of a domain.

Called only by the verbs of this package, inside their transaction and with the records locked.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import models

from mdm import bulk, log
from mdm.cause import Cause
from mdm.compiled import asked_by, pipelined, prepared
from mdm.domains import BY_NAME
from mdm.mastering.compose import (
    EXTENSION_PREFIX,
    Composition,
    compose,
    extension_attributes,
    identifiers,
    search_text,
)
from mdm.mastering.offers import Member, load, open_links
from mdm.mastering.pins import end_changed
from mdm.models import GoldenRecord, GoldenState, SourceState
from mdm.models.log import EventVerb
from mdm.quality import failed
from mdm.snapshot import Snapshot, changes, record_labels
from mdm.spec import Domain, Part, Severity
from mdm.values import Layout, columns, layout, plain_row, title_of

RECORD_FIELDS = (
    "id", "state", "suspected", "held_by", "known_outside", "version", "merged_into", "title", "search_text",
    "identifiers", "updated_at",
)  # fmt: skip


@dataclass
class Marking:
    """What a verb wants said about one record, beyond what its sources decide."""

    verb: EventVerb = EventVerb.CHANGED
    state: GoldenState | None = None
    merged_into: UUID | None = None
    forced: bool = False  # a version even if no value changed: the crosswalk or the state did
    frozen: bool = False  # keep the values as they are (a loser of a merge has no sources of its own)


@dataclass
class Stored:
    """What the golden tables hold about a set of records of one domain before the write."""

    values: dict[UUID, models.Model] = field(default_factory=dict)
    parts: dict[str, dict[UUID, dict[str, models.Model]]] = field(default_factory=dict)


def read_stored(domain: Domain, record_ids: Iterable[UUID]) -> Stored:
    """The typed rows and part rows of these records, part rows by their key. One query each."""
    ids = list(record_ids)
    if not ids:
        return Stored(parts={part.name: {} for part in domain.parts})
    stored = Stored()
    with pipelined(len(ids)):
        values = asked_by(domain.model, "record_id", ids)
        parts: dict[str, Callable[[], list[Any]]] = {
            part.name: asked_by(part.model, "record_id", ids) for part in domain.parts
        }
        stored.values = {row.pk: row for row in values()}
        for name, found in parts.items():
            rows: dict[UUID, dict[str, models.Model]] = defaultdict(dict)
            for row in found():
                rows[row.record_id][row.part_key] = row
            stored.parts[name] = rows
    return stored


def stored_snapshot(domain: Domain, stored: Stored, record_id: UUID) -> Snapshot:
    """The values, parts, extension and provenance the golden tables hold for one record; empty when new."""
    row: Any = stored.values.get(record_id)
    if row is None:
        return Snapshot({}, {}, {}, {})
    parts = {}
    for part in domain.parts:
        rows = stored.parts[part.name].get(record_id, {})
        if rows:
            parts[part.name] = [plain_row(part.attributes, rows[key]) for key in sorted(rows)]
    return Snapshot(plain_row(domain.attributes, row), parts, row.extension, row.provenance)


def composed_snapshot(composed: Composition, before: Snapshot, version: int) -> Snapshot:
    """The composition as a snapshot; provenance says since which version each value has been the same."""
    provenance = {}
    for name, origin in composed.provenance.items():
        own = name.removeprefix(EXTENSION_PREFIX)
        now = composed.extension.get(own) if name != own else composed.values.get(name)
        then = before.extension.get(own) if name != own else before.values.get(name)
        held = before.provenance.get(name, {})
        since = held.get("since", version) if held and now == then else version
        provenance[name] = {**origin, "since": since}
    return Snapshot(dict(composed.values), composed.plain_parts(), dict(composed.extension), provenance)


def compositions(domain: Domain, record_ids: Iterable[UUID]) -> tuple[dict[UUID, Composition], list[Member]]:
    """What the sources now make of these records, and the source records that were read for it."""
    members = open_links(record_ids)
    offers = load(domain, members)
    added = extension_attributes(domain)
    composed = {
        record_id: compose(domain, added, offers.get(record_id, []), members.get(record_id, []))
        for record_id in record_ids
    }
    return composed, [source for sources in members.values() for source in sources]


def unedited(domain: Domain, record_id: UUID) -> Composition:
    """What the sources alone would make of the record, had nobody edited it. Writes nothing."""
    members = [source for source in open_links([record_id]).get(record_id, []) if not source.system.internal]
    offers = load(domain, {record_id: members})
    return compose(domain, extension_attributes(domain), offers.get(record_id, []), members)


def write(
    domain: Domain, records: Mapping[UUID, GoldenRecord], markings: Mapping[UUID, Marking], cause: Cause, now: datetime
) -> list[UUID]:
    """Recompute the locked records and write what changed: values, parts, version, event. Returns the ids written.

    New records (those marked as created) are always written. Guarantees one version and one event per id returned.
    """
    stored = read_stored(domain, [pk for pk in records if markings[pk].verb is not EventVerb.CREATED])
    live = [record_id for record_id in records if not markings[record_id].frozen]
    composed, read = compositions(domain, live)
    written: list[_Written] = []
    places = layout(domain.attributes)
    for record_id, record in records.items():
        change = _change(domain, record, markings[record_id], stored, composed.get(record_id), places)
        if change is not None:
            written.append(change)
    labels = record_labels(domain, [change.after for change in written] + [change.before for change in written])
    with pipelined(len(written)):
        _save(domain, written, stored, now)
        _save_versions(domain, written, labels, cause, now)
        _settle(read)
    end_changed(read, cause, now)
    return [change.record.pk for change in written]


def write_all(
    records: Mapping[UUID, GoldenRecord], markings: Mapping[UUID, Marking], cause: Cause, now: datetime
) -> list[UUID]:
    """Write locked records of any domains, one domain at a time, in the order of the domains' names."""
    written: list[UUID] = []
    for name in sorted({record.domain for record in records.values()}):
        mine = {pk: record for pk, record in records.items() if record.domain == name}
        written += write(BY_NAME[name], mine, markings, cause, now)
    return written


@dataclass
class _Written:
    record: GoldenRecord
    marking: Marking
    before: Snapshot
    after: Snapshot
    composed: Composition | None
    previous_state: str
    is_new: bool
    row: bulk.Row  # of the typed table, and of its version


def _change(
    domain: Domain,
    record: GoldenRecord,
    marking: Marking,
    stored: Stored,
    composed: Composition | None,
    places: Layout,
) -> _Written | None:
    is_new = marking.verb is EventVerb.CREATED
    before = stored_snapshot(domain, stored, record.pk)
    version = 1 if is_new else record.version + 1
    after = composed_snapshot(composed, before, version) if composed is not None else before
    if not (is_new or marking.forced) and after == before:
        return None
    previous_state = "" if is_new else record.state
    record.version = version
    record.held_by = _holds(domain, after)
    record.state = _state(record, marking, is_new=is_new)
    if marking.verb is EventVerb.ACTIVATED and record.state == GoldenState.PENDING:
        marking = replace(marking, verb=EventVerb.CHANGED)  # no longer suspected, but a rule still holds it
    if marking.state is not None:
        record.merged_into_id = marking.merged_into
    record.known_outside = record.known_outside or record.state in (GoldenState.ACTIVE, GoldenState.MERGED)
    record.title = title_of(domain, after.values, record.code)
    if composed is not None:
        record.search_text = search_text(domain, record.code, record.title, composed)
        record.identifiers = identifiers(domain, composed)
    row = {"record_id": record.pk, "extension": after.extension, "provenance": after.provenance}
    row |= columns(places, after.values)
    return _Written(record, marking, before, after, composed, previous_state, is_new, row)


def _holds(domain: Domain, after: Snapshot) -> list[str]:
    """The messages of the rules that hold the record back."""
    return [rule.message for rule in failed(domain.validations, after.values, Severity.HOLD, after.parts)]


def _state(record: GoldenRecord, marking: Marking, *, is_new: bool) -> str:
    """What the verb says, where nothing holds the record back; a record once active is not held again."""
    if marking.verb is EventVerb.ACTIVATED:
        record.suspected = False
    asked = record.state if marking.state is None else marking.state
    if is_new:
        record.suspected = record.state == GoldenState.PENDING
    if is_new or asked == GoldenState.PENDING or marking.verb is EventVerb.ACTIVATED:
        waits = bool(record.held_by) or record.suspected
        return GoldenState.PENDING if waits else GoldenState.ACTIVE
    return asked


def _save(domain: Domain, written: Sequence[_Written], stored: Stored, now: datetime) -> None:
    for change in written:
        change.record.updated_at = now
    bulk.insert([change.record for change in written if change.is_new])
    moved = bulk.plain([change.record for change in written if not change.is_new], RECORD_FIELDS)
    bulk.update(GoldenRecord, moved, by=["id"])
    bulk.insert_plain(domain.model, [change.row for change in written if change.is_new])
    bulk.update(domain.model, [change.row for change in written if not change.is_new], by=["record_id"])
    for part in domain.parts:
        _save_part(part, written, stored)


def _save_part(part: Part, written: Sequence[_Written], stored: Stored) -> None:
    model: Any = part.model
    gone: list[int] = []
    fresh: list[bulk.Row] = []
    moved: list[bulk.Row] = []
    places = layout(part.attributes)
    for change in written:
        if change.composed is None:
            continue
        held: Mapping[str, Any] = stored.parts[part.name].get(change.record.pk, {})
        rows = change.composed.parts.get(part.name, {})
        gone += [row.pk for key, row in held.items() if key not in rows]
        for key, row in rows.items():
            old = held.get(key)
            if old is not None and (old.source_record_id, plain_row(part.attributes, old)) == (
                row.source_record,
                row.values,
            ):
                continue
            place = {"record_id": change.record.pk, "part_key": key, "source_record_id": row.source_record}
            (fresh if old is None else moved).append(place | columns(places, row.values))
    if gone:
        model.objects.filter(pk__in=gone).delete()
    bulk.insert_plain(model, fresh)
    bulk.update(model, moved, by=["record_id", "part_key"])


def _save_versions(
    domain: Domain, written: Sequence[_Written], labels: Mapping[UUID, tuple[str, str]], cause: Cause, now: datetime
) -> None:
    version_model: Any = domain.model.history.model  # type: ignore[attr-defined]
    everyone = {
        "actor": cause.by.name,
        "actor_kind": cause.by.kind,
        "channel": cause.by.channel,
        "approved_by": cause.approved_by,
        "correlation_id": cause.correlation_id,
        "decision_id": cause.decision_id,
        "history_date": now,
        "history_change_reason": cause.reason,
        "history_user_id": cause.by.user_id,
    }
    versions, events = [], []
    for change in written:
        record, after = change.record, change.after
        changed = changes(domain, change.before, after, labels)
        sources = change.composed.sources if change.composed is not None else []
        digest = after.digest(record, sources)
        versions.append(
            {
                **change.row,
                "version": record.version,
                "record_code": record.code,
                "state": str(record.state),
                "merged_into_id": record.merged_into_id,
                "parts": after.parts,
                "sources": sources,
                "changed": changed,
                "cause": str(change.marking.verb),
                "digest": digest,
                "history_type": "+" if change.is_new else "~",
                **everyone,
            }
        )
        events.append(
            log.event(
                domain=domain, record=record, verb=change.marking.verb, previous_state=change.previous_state,
                outward=record.known_outside,
                after=after, changed=changed, sources=sources, digest=digest, labels=labels, cause=cause, now=now,
            )
        )  # fmt: skip
    bulk.insert_plain(version_model, versions)
    log.emit(events)


def _settle(read: Sequence[Member]) -> None:
    """Mark the source records as linked, unless their content moved on after it was read: those stay waiting.

    Each is looked up by its id alone (``OFFSET`` keeps it so): asked for together with the state, PostgreSQL may read
    all that waits for each batch.
    Part rows are not settled here, as one that now names another parent has still to move.
    Nor does it wait for whoever is storing or matching one at this moment: they would in turn wait for this.
    """
    waiting = [source for source in read if source.state == SourceState.WAITING and not source.part]
    if not waiting:
        return
    with prepared(len(waiting)) as cursor:
        cursor.execute(
            """
            UPDATE mdm_sourcerecord SET state = 'linked'
            WHERE id IN (
              SELECT held.id FROM unnest(%s::bigint[], %s::text[]) AS seen(id, content_hash)
              CROSS JOIN LATERAL (
                SELECT id, content_hash, state FROM mdm_sourcerecord WHERE id = seen.id
                OFFSET 0 FOR NO KEY UPDATE SKIP LOCKED
              ) held
              WHERE held.content_hash = seen.content_hash AND held.state = 'waiting'
            )
            """,
            [[source.pk for source in waiting], [source.content_hash for source in waiting]],
        )
