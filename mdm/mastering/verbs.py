"""What may happen to golden records, one verb each. Every verb is one transaction that writes values, version and
event together, takes its turn and then locks in primary-key order, and refreshes the records that refer to what moved.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils import timezone

from mdm.cause import Cause
from mdm.domains import BY_NAME
from mdm.errors import NotFound
from mdm.identity import uuid7
from mdm.mastering.choosing import Settled, enter
from mdm.mastering.edits import check_values
from mdm.mastering.links import LinkTo, end_links, open_links_for, part_rows, require_something_left, require_unlinked
from mdm.mastering.locks import domains_of, lock_records, require_state, require_versions
from mdm.mastering.offers import dependents, open_links, parents_of
from mdm.mastering.pins import end_attributes, watch
from mdm.mastering.turns import take_turn
from mdm.mastering.write import Marking, write, write_all
from mdm.models import (
    ChangeEvent,
    CodeCounter,
    GoldenRecord,
    GoldenState,
    Link,
    LinkMethod,
    Pin,
    SourceRecord,
    SourceState,
)
from mdm.models.log import EventVerb
from mdm.retrying import atomic
from mdm.spec import Domain


@dataclass(frozen=True)
class NewRecord:
    """Source records that together become one new golden record."""

    source_record_ids: tuple[int, ...]
    state: GoldenState = GoldenState.ACTIVE
    score: float | None = None
    explanation: Any = None


@atomic
def create(
    *, domain: Domain, records: Sequence[NewRecord], cause: Cause, beside: bool = False, codes: Sequence[str] = ()
) -> list[UUID]:
    """Make one golden record of each group of unlinked source records. Returns their ids, in order.

    A record that fails a holding rule is created pending. Raises Refused when a source record is linked already.
    ``beside`` as in ``take_turn``; ``codes`` were taken before, those that are missing are taken now.
    """
    if not records:
        return []
    take_turn(relinking=[domain.name], beside=beside)
    now = timezone.now()
    require_unlinked([source for record in records for source in record.source_record_ids])
    codes = [*codes[: len(records)], *take_codes(domain, len(records) - len(codes))]
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


@atomic
def take_codes(domain: Domain, count: int) -> list[str]:
    """Codes nobody else is given. Whoever else takes some waits until the transaction ends."""
    if count <= 0:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO mdm_codecounter (domain, last) VALUES (%s, %s) "
            "ON CONFLICT (domain) DO UPDATE SET last = mdm_codecounter.last + excluded.last RETURNING last",
            [domain.name, count],
        )
        last = cursor.fetchone()[0]
    return [f"{domain.prefix}-{number:07d}" for number in range(last - count + 1, last + 1)]


def give_back_codes(domain: Domain, codes: Sequence[str]) -> None:
    """Take back codes nobody bears, where nobody was given later ones; otherwise they stay unused."""
    if codes:
        first, last = (int(code.rpartition("-")[2]) for code in (codes[0], codes[-1]))
        if last - first + 1 == len(codes):
            CodeCounter.objects.filter(domain=domain.name, last=last).update(last=first - 1)


@atomic
def link(*, links: Sequence[LinkTo], cause: Cause, beside: bool = False) -> list[UUID]:
    """Link unlinked source records to golden records that are not merged. Returns the golden records written.

    Raises Refused for a source record that is linked already, WrongState for a merged golden record. ``beside`` as in
    ``take_turn``.
    """
    if not links:
        return []
    take_turn(relinking=domains_of(link.record_id for link in links), beside=beside)
    now = timezone.now()
    records = lock_records(link.record_id for link in links)
    for record in records.values():
        require_state(record, GoldenState.PENDING, GoldenState.ACTIVE, GoldenState.RETIRED)
    require_unlinked([link.source_record_id for link in links])
    open_links_for(links, cause, now)
    written = write_all(records, {pk: Marking(forced=True) for pk in records}, cause, now)
    _refresh_dependents([link.source_record_id for link in links], set(records), cause, now)
    return written


def unlink(*, source_record_ids: Sequence[int], cause: Cause) -> list[UUID]:
    """Take source records out of their golden record, each with its part rows; each becomes a golden record of its
    own. Returns the new ids, in the order of the source records.

    Raises NotFound, and Refused when a golden record would be left without any source record.
    """
    return split(groups=[(pk,) for pk in dict.fromkeys(source_record_ids)], cause=cause)


@atomic
def split(*, groups: Sequence[Sequence[int]], cause: Cause) -> list[UUID]:
    """Take groups of source records of one domain out of their golden records, each with its part rows; each group
    becomes one golden record. No source record is named twice. Returns the new ids, in the order of the groups.

    Raises NotFound, and Refused when a golden record would be left without any source record.
    """
    now = timezone.now()
    asked = [pk for group in groups for pk in group]
    sources = SourceRecord.objects.in_bulk(asked)
    if len(sources) != len(asked):
        raise NotFound("One of these source records does not exist.", "Reload the record and choose again.")
    take_turn(relinking={source.domain for source in sources.values()})
    rows = part_rows(asked)
    leaving = [tuple(one for pk in group for one in (pk, *rows[pk])) for group in groups]
    held = Link.objects.filter(source_record__in=asked, ended_at__isnull=True).values_list("record_id", flat=True)
    records = lock_records(held)
    end_links([pk for group in leaving for pk in group], cause, now)
    require_something_left(records)
    write_all(records, {pk: Marking(forced=True) for pk in records}, cause, now)
    made: list[UUID] = []
    for group in leaving:
        made += create(domain=BY_NAME[sources[group[0]].domain], records=[NewRecord(group)], cause=cause)
    return made


@atomic
def follow_parents(*, domain: Domain, source_record_ids: Sequence[int], cause: Cause) -> list[UUID]:
    """Link part rows where the record they are part of is linked, moving those that are elsewhere, and recompute.

    Those whose parent is not linked yet are left alone. Returns the golden records written; repeating writes none.
    """
    take_turn(relinking=[domain.name])
    now = timezone.now()
    homes = parents_of(source_record_ids)
    links = Link.objects.filter(source_record__in=list(homes), ended_at__isnull=True)
    held = dict(links.values_list("source_record_id", "record_id"))
    records = lock_records({*homes.values(), *held.values()})
    astray = [pk for pk, home in homes.items() if held.get(pk) != home]
    end_links([pk for pk in astray if pk in held], cause, now)
    open_links_for([LinkTo(pk, homes[pk], LinkMethod.PARENT) for pk in astray], cause, now)
    moved = {homes[pk] for pk in astray} | {held[pk] for pk in astray if pk in held}
    return write_all(records, {pk: Marking(forced=pk in moved) for pk in records}, cause, now)


@atomic
def refresh(*, record_ids: Iterable[UUID], cause: Cause) -> list[UUID]:
    """Recompute golden records from their sources. Returns those that changed; a second call returns none."""
    wanted = set(record_ids)
    take_turn(composing=domains_of(wanted))
    records = lock_records(wanted)
    live = {pk: record for pk, record in records.items() if record.state != GoldenState.MERGED}
    return write_all(live, {pk: Marking() for pk in live}, cause, timezone.now())


def _refresh_dependents(source_record_ids: Sequence[int], done: set[UUID], cause: Cause, now: datetime) -> list[UUID]:
    """Recompute the records whose references now resolve elsewhere."""
    others = dependents(source_record_ids) - done
    if not others:
        return []
    records = {pk: record for pk, record in lock_records(others).items() if record.state != GoldenState.MERGED}
    return write_all(records, {pk: Marking() for pk in records}, cause, now)


@atomic
def activate(*, record_ids: Iterable[UUID], cause: Cause) -> list[UUID]:
    """No longer suspect pending records, so that they become active, and published, unless a rule holds them.

    Records that are not suspected are left alone. Returns those that were.
    """
    wanted = set(record_ids)
    take_turn(composing=domains_of(wanted))
    records = lock_records(wanted)
    pending = {pk: record for pk, record in records.items() if record.state == GoldenState.PENDING and record.suspected}
    marking = Marking(verb=EventVerb.ACTIVATED, state=GoldenState.ACTIVE, forced=True)
    return write_all(pending, dict.fromkeys(pending, marking), cause, timezone.now())


@atomic
def retire(*, record_id: UUID, expected: int | None, cause: Cause) -> None:
    """Take an active or pending record out of use; it stays resolvable. Raises Stale or WrongState."""
    _change_state(
        record_id, expected, (GoldenState.ACTIVE, GoldenState.PENDING), GoldenState.RETIRED, EventVerb.RETIRED, cause
    )


@atomic
def reinstate(*, record_id: UUID, expected: int | None, cause: Cause) -> None:
    """Bring a retired record back: into use, or, where it never was in use, to what held it back before.

    Raises Stale or WrongState.
    """
    was_active = ChangeEvent.objects.filter(record_id=record_id, state=GoldenState.ACTIVE).exists()
    state = GoldenState.ACTIVE if was_active else GoldenState.PENDING
    _change_state(record_id, expected, (GoldenState.RETIRED,), state, EventVerb.REINSTATED, cause)


def _change_state(
    record_id: UUID,
    expected: int | None,
    allowed: tuple[GoldenState, ...],
    state: GoldenState,
    verb: EventVerb,
    cause: Cause,
) -> None:
    take_turn(composing=domains_of([record_id]))
    records = lock_records([record_id])
    require_versions(records, {record_id: expected} if expected is not None else None)
    require_state(records[record_id], *allowed)
    write_all(records, {record_id: Marking(verb=verb, state=state, forced=True)}, cause, timezone.now())


@atomic
def contribute(
    *,
    record_id: UUID,
    values: Mapping[str, Any],
    expected: int | None,
    cause: Cause,
    valid_until: datetime | None = None,
    until: Mapping[str, int | None] = MappingProxyType({}),
) -> int:
    """Let an approved edit survive: it enters as a source record of the internal source, trusted above all others
    for exactly the attributes it sets; None blanks an attribute. Returns the source record's id.

    ``until`` names attributes that hold only until a source record says something else: {attribute: that source
    record, or None for any}. Raises Stale, WrongState for a merged record, Refused where that has happened already,
    Invalid naming every value that does not fit.
    """
    take_turn(composing=domains_of([record_id]))
    now = timezone.now()
    records = lock_records([record_id])
    require_versions(records, {record_id: expected} if expected is not None else None)
    record = records[record_id]
    require_state(record, GoldenState.PENDING, GoldenState.ACTIVE, GoldenState.RETIRED)
    fitting = check_values(BY_NAME[record.domain], record_id, values)
    source = enter(BY_NAME[record.domain], str(uuid7()), Settled(fitting, {}), cause, now, valid_until)
    if until:
        watch(source, until, open_links([record_id])[record_id])
    open_links_for([LinkTo(source.pk, record_id, LinkMethod.EDIT)], cause, now)
    write_all(records, {record_id: Marking(forced=True)}, cause, now)
    return source.pk


@atomic
def unpin(*, record_id: UUID, attributes: Collection[str], cause: Cause) -> list[UUID]:
    """End what approved edits set for these attributes of a record; the sources decide about them again.

    Returns the golden records written: none where nothing was pinned, also the second time.
    """
    take_turn(composing=domains_of([record_id]))
    now = timezone.now()
    records = lock_records([record_id])
    edits = SourceRecord.objects.filter(
        system__internal=True, links__record=record_id, links__ended_at__isnull=True
    ).exclude(state=SourceState.RETIRED)
    pinned = {edit.pk: names for edit in edits if (names := edit.values.keys() & set(attributes))}
    over = set(Pin.objects.filter(edit__in=pinned, ended_at__isnull=False).values_list("edit_id", "attribute"))
    ending = {pk: left for pk, names in pinned.items() if (left := {n for n in names if (pk, n) not in over})}
    end_attributes(ending, cause, now)
    return write_all(records, {record_id: Marking(forced=True)}, cause, now) if ending else []


@atomic
def withdraw(*, source_record_ids: Sequence[int], cause: Cause) -> list[UUID]:
    """End approved edits (their lifetime is over, or a person takes them back); the sources decide again.

    Edits withdrawn before are left alone. Returns the golden records written.
    """
    edits = SourceRecord.objects.filter(pk__in=source_record_ids, system__internal=True)
    take_turn(composing=set(edits.values_list("domain", flat=True)))
    standing = Link.objects.filter(source_record__in=edits, ended_at__isnull=True)
    records = lock_records(standing.values_list("record_id", flat=True))
    ended = end_links(list(edits.values_list("pk", flat=True)), cause, timezone.now())
    edits.update(state=SourceState.RETIRED)
    records = {pk: record for pk, record in records.items() if pk in ended.values()}
    return write_all(records, {pk: Marking(forced=True) for pk in records}, cause, timezone.now())


def end_expired_edits(*, cause: Cause) -> list[UUID]:
    """Withdraw the approved edits whose lifetime is over. Returns the golden records written; repeating finds none."""
    over = SourceRecord.objects.filter(system__internal=True, valid_until__lte=timezone.now()).exclude(
        state=SourceState.RETIRED
    )
    return withdraw(source_record_ids=list(over.values_list("pk", flat=True)), cause=cause)
