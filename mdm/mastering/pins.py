"""Which attributes of approved edits hold at this moment, and ending those whose time has come.

Read beside the offers, so that a golden record stays a pure function of its source records, its pins and its rules.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from mdm.cause import Cause
from mdm.errors import Refused
from mdm.mastering.links import end_links
from mdm.models import Pin, SourceRecord, SourceState
from mdm.survivorship import is_blank


def resting(members: Mapping[UUID, Sequence[Any]]) -> dict[int, set[str]]:
    """{approved edit: its attributes that do not count}, of source records as ``open_links`` reads them.

    One query, none where no record has an approved edit.
    """
    home = {source.pk: record for record, sources in members.items() for source in sources if source.system.internal}
    found: dict[int, set[str]] = defaultdict(set)
    if home:
        for pin in Pin.objects.filter(edit__in=home):
            if pin.ended_at is not None or not _holds(pin, members[home[pin.edit_id]]):
                found[pin.edit_id].add(pin.attribute)
    return found


def _ordinary(sources: Iterable[Any]) -> list[Any]:
    return [source for source in sources if not source.system.internal and not source.part]


def _holds(pin: Pin, sources: Sequence[Any]) -> bool:
    if not pin.until_source:
        return True
    speaking = _ordinary(sources)
    if pin.watches_id is None:
        return all(is_blank(source.values.get(pin.attribute)) for source in speaking)
    return any(source.pk == pin.watches_id and source.values.get(pin.attribute) == pin.said for source in speaking)


def watch(edit: SourceRecord, watched: Mapping[str, int | None], sources: Sequence[Any]) -> None:
    """Let these attributes of the edit hold until the source record named (None: any) says something else.

    Raises Refused where one of them does not belong to the record, or speaks where nobody should.
    """
    speaking = {source.pk: source for source in _ordinary(sources)}
    made = []
    for name, number in watched.items():
        if number is not None and number not in speaking:
            raise Refused(
                "The source whose change would end this pin no longer belongs to the record.",
                "Choose another source, or another lifetime.",
            )
        said = speaking[number].values.get(name) if number is not None else None
        pin = Pin(edit=edit, attribute=name, until_source=True, watches_id=number, said=said)
        if not _holds(pin, sources):
            raise Refused("A source has come to say something here since.", "Look at it and propose the pin again.")
        made.append(pin)
    Pin.objects.bulk_create(made)


def end_changed(read: Sequence[Any], cause: Cause, now: datetime) -> None:
    """End for good the pins whose watched source record, one of those read, says something else by now."""
    edits = [source.pk for source in read if source.system.internal]
    if not edits:
        return
    known = {source.pk: source for source in _ordinary(read)}
    over = [
        pin
        for pin in Pin.objects.filter(edit__in=edits, ended_at__isnull=True, watches__isnull=False)
        if (source := known.get(pin.watches_id or 0)) and source.values.get(pin.attribute) != pin.said
    ]
    for pin in over:
        source = known[pin.watches_id or 0]
        _end([pin], cause.by.name, f"{source.system.name} {source.key} says something else", now)
    retire_spent({pin.edit_id for pin in over}, cause, now)


def end_attributes(edits: Mapping[int, Collection[str]], cause: Cause, now: datetime) -> None:
    """End these attributes of these approved edits; those that are over already are left alone."""
    for edit_id, names in edits.items():
        held = {pin.attribute: pin for pin in Pin.objects.filter(edit_id=edit_id, attribute__in=names)}
        fresh = [Pin(edit_id=edit_id, attribute=name) for name in names if name not in held]
        for pin in fresh:
            pin.ended_at, pin.ended_by, pin.end_reason = now, cause.by.name, cause.reason
        Pin.objects.bulk_create(fresh)
        _end([pin for pin in held.values() if pin.ended_at is None], cause.by.name, cause.reason, now)
    retire_spent(set(edits), cause, now)


def _end(pins: Sequence[Pin], by: str, reason: str, now: datetime) -> None:
    Pin.objects.filter(pk__in=[pin.pk for pin in pins]).update(ended_at=now, ended_by=by, end_reason=reason)


def retire_spent(edit_ids: Collection[int], cause: Cause, now: datetime) -> None:
    """Retire the edits of which nothing holds any more, and end their links."""
    if not edit_ids:
        return
    ended: dict[int, set[str]] = defaultdict(set)
    for edit_id, name in Pin.objects.filter(edit__in=edit_ids, ended_at__isnull=False).values_list(
        "edit_id", "attribute"
    ):
        ended[edit_id].add(name)
    edits = SourceRecord.objects.filter(pk__in=edit_ids).exclude(state=SourceState.RETIRED)
    spent = [edit.pk for edit in edits if edit.values.keys() <= ended[edit.pk]]
    SourceRecord.objects.filter(pk__in=spent).update(state=SourceState.RETIRED)
    end_links(spent, cause, now)
