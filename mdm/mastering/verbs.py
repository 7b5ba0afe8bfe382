"""What may happen to golden records, one verb each. Every verb is one transaction that writes values, version and
event together, locks in primary-key order, and refreshes the records that refer to what moved."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from mdm import canonical
from mdm.cause import Cause
from mdm.domains import BY_NAME
from mdm.errors import NotFound
from mdm.identity import uuid7
from mdm.mastering.edits import check_values
from mdm.mastering.links import LinkTo, end_links, open_links_for, require_unlinked
from mdm.mastering.locks import lock_records, require_state, require_versions
from mdm.mastering.offers import dependents
from mdm.mastering.write import Marking, write, write_all
from mdm.models import STEWARDSHIP, GoldenRecord, GoldenState, LinkMethod, SourceRecord, SourceState, SourceSystem
from mdm.models.log import EventVerb
from mdm.spec import Domain


@dataclass(frozen=True)
class NewRecord:
    """Source records that together become one new golden record."""

    source_record_ids: tuple[int, ...]
    state: GoldenState = GoldenState.ACTIVE
    score: float | None = None
    explanation: Any = None


@transaction.atomic
def create(*, domain: Domain, records: Sequence[NewRecord], cause: Cause) -> list[UUID]:
    """Make one golden record of each group of unlinked source records. Returns their ids, in order.

    A record that fails a holding rule is created pending. Raises Refused when a source record is linked already.
    """
    if not records:
        return []
    now = timezone.now()
    require_unlinked([source for record in records for source in record.source_record_ids])
    codes = _take_codes(domain, len(records))
    made = [
        GoldenRecord(id=uuid7(), code=code, domain=domain.name, state=record.state, created_at=now, updated_at=now)
        for code, record in zip(codes, records, strict=True)
    ]
    pairs = list(zip(made, records, strict=True))
    open_links_for(
        [
            LinkTo(source, golden.pk, LinkMethod.NEW, record.score, record.explanation)
            for golden, record in pairs
            for source in record.source_record_ids
        ],
        cause,
        now,
    )
    markings = {golden.pk: Marking(verb=EventVerb.CREATED) for golden in made}
    write(domain, {golden.pk: golden for golden in made}, markings, cause, now)
    _refresh_dependents([s for record in records for s in record.source_record_ids], set(markings), cause, now)
    return [golden.pk for golden in made]


def _take_codes(domain: Domain, count: int) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO mdm_codecounter (domain, last) VALUES (%s, %s) "
            "ON CONFLICT (domain) DO UPDATE SET last = mdm_codecounter.last + excluded.last RETURNING last",
            [domain.name, count],
        )
        last = cursor.fetchone()[0]
    return [f"{domain.prefix}-{number:07d}" for number in range(last - count + 1, last + 1)]


@transaction.atomic
def link(*, links: Sequence[LinkTo], cause: Cause) -> list[UUID]:
    """Link unlinked source records to golden records that are not merged. Returns the golden records written.

    Raises Refused for a source record that is linked already, WrongState for a merged golden record.
    """
    if not links:
        return []
    now = timezone.now()
    records = lock_records(link.record_id for link in links)
    for record in records.values():
        require_state(record, GoldenState.PENDING, GoldenState.ACTIVE, GoldenState.RETIRED)
    require_unlinked([link.source_record_id for link in links])
    open_links_for(links, cause, now)
    written = write_all(records, {pk: Marking(forced=True) for pk in records}, cause, now)
    _refresh_dependents([link.source_record_id for link in links], set(records), cause, now)
    return written


@transaction.atomic
def unlink(*, source_record_ids: Sequence[int], cause: Cause) -> list[UUID]:
    """Take source records out of their golden record; each becomes a golden record of its own. Returns the new ids.

    Raises Refused when a golden record would be left without any source record.
    """
    now = timezone.now()
    sources = list(SourceRecord.objects.filter(pk__in=source_record_ids))
    if len(sources) != len(set(source_record_ids)):
        raise NotFound("One of these source records does not exist.", "Reload the record and choose again.")
    held = end_links(source_record_ids, cause, now)
    records = lock_records(held.values())
    write_all(records, {pk: Marking(forced=True) for pk in records}, cause, now)
    made: list[UUID] = []
    for source in sources:
        made += create(domain=BY_NAME[source.domain], records=[NewRecord((source.pk,))], cause=cause)
    return made


@transaction.atomic
def refresh(*, record_ids: Iterable[UUID], cause: Cause) -> list[UUID]:
    """Recompute golden records from their sources. Returns those that changed; a second call returns none."""
    records = lock_records(record_ids)
    live = {pk: record for pk, record in records.items() if record.state != GoldenState.MERGED}
    return write_all(live, {pk: Marking() for pk in live}, cause, timezone.now())


def _refresh_dependents(source_record_ids: Sequence[int], done: set[UUID], cause: Cause, now: datetime) -> list[UUID]:
    """Recompute the records whose references now resolve elsewhere."""
    others = dependents(source_record_ids) - done
    if not others:
        return []
    records = {pk: record for pk, record in lock_records(others).items() if record.state != GoldenState.MERGED}
    return write_all(records, {pk: Marking() for pk in records}, cause, now)


@transaction.atomic
def activate(*, record_ids: Iterable[UUID], cause: Cause) -> list[UUID]:
    """Let pending records become active, and so be published. Records not pending are left alone."""
    records = lock_records(record_ids)
    pending = {pk: record for pk, record in records.items() if record.state == GoldenState.PENDING}
    marking = Marking(verb=EventVerb.ACTIVATED, state=GoldenState.ACTIVE, forced=True)
    return write_all(pending, dict.fromkeys(pending, marking), cause, timezone.now())


@transaction.atomic
def retire(*, record_id: UUID, expected: int | None, cause: Cause) -> None:
    """Take an active or pending record out of use; it stays resolvable. Raises Stale or WrongState."""
    _change_state(
        record_id, expected, (GoldenState.ACTIVE, GoldenState.PENDING), GoldenState.RETIRED, EventVerb.RETIRED, cause
    )


@transaction.atomic
def reinstate(*, record_id: UUID, expected: int | None, cause: Cause) -> None:
    """Bring a retired record back into use. Raises Stale or WrongState."""
    _change_state(record_id, expected, (GoldenState.RETIRED,), GoldenState.ACTIVE, EventVerb.REINSTATED, cause)


def _change_state(
    record_id: UUID,
    expected: int | None,
    allowed: tuple[GoldenState, ...],
    state: GoldenState,
    verb: EventVerb,
    cause: Cause,
) -> None:
    records = lock_records([record_id])
    require_versions(records, {record_id: expected} if expected is not None else None)
    require_state(records[record_id], *allowed)
    write_all(records, {record_id: Marking(verb=verb, state=state, forced=True)}, cause, timezone.now())


@transaction.atomic
def contribute(
    *,
    record_id: UUID,
    values: Mapping[str, Any],
    expected: int | None,
    cause: Cause,
    valid_until: datetime | None = None,
) -> int:
    """Let an approved edit survive: it enters as a source record of the internal source, trusted above all others
    for exactly the attributes it sets; None blanks an attribute. Returns the source record's id.

    Raises Stale, WrongState for a merged record, Invalid naming every value that does not fit.
    """
    now = timezone.now()
    records = lock_records([record_id])
    require_versions(records, {record_id: expected} if expected is not None else None)
    record = records[record_id]
    require_state(record, GoldenState.PENDING, GoldenState.ACTIVE, GoldenState.RETIRED)
    fitting = check_values(BY_NAME[record.domain], record_id, values)
    source = SourceRecord.objects.create(
        system=SourceSystem.objects.get_or_create(
            code=STEWARDSHIP, defaults={"name": "Stewardship", "kind": "Approved edits", "internal": True}
        )[0],
        domain=record.domain,
        key=str(uuid7()),
        values=fitting,
        content_hash=canonical.digest(fitting),
        state=SourceState.LINKED,
        as_of=now,
        first_seen_at=now,
        last_seen_at=now,
        valid_until=valid_until,
        author=cause.by.name,
        reason=cause.reason,
    )
    open_links_for([LinkTo(source.pk, record_id, LinkMethod.EDIT)], cause, now)
    write_all(records, {record_id: Marking(forced=True)}, cause, now)
    return source.pk


@transaction.atomic
def withdraw(*, source_record_ids: Sequence[int], cause: Cause) -> list[UUID]:
    """End approved edits (their lifetime is over, or a person takes them back); the sources decide again.

    Edits withdrawn before are left alone. Returns the golden records written.
    """
    edits = SourceRecord.objects.filter(pk__in=source_record_ids, system__internal=True).exclude(
        state=SourceState.RETIRED
    )
    held = end_links(list(edits.values_list("pk", flat=True)), cause, timezone.now())
    records = lock_records(held.values())
    edits.update(state=SourceState.RETIRED)
    return write_all(records, {pk: Marking(forced=True) for pk in records}, cause, timezone.now())


def end_expired_edits(*, cause: Cause) -> list[UUID]:
    """Withdraw the approved edits whose lifetime is over. Returns the golden records written; repeating finds none."""
    over = SourceRecord.objects.filter(system__internal=True, valid_until__lte=timezone.now()).exclude(
        state=SourceState.RETIRED
    )
    return withdraw(source_record_ids=list(over.values_list("pk", flat=True)), cause=cause)
