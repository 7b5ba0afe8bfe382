"""What taking records apart would do: it is done in a transaction that is rolled back, so that nothing can differ."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from mdm import queries
from mdm.domains import BY_NAME
from mdm.errors import MdmError
from mdm.models import ChangeEvent, GoldenRecord, Link, LinkMethod, SourceRecord, SourceReference
from mdm.retrying import atomic
from mdm.spec import Attribute, Domain
from stewardship import showing
from stewardship.models import ChangeRequest, Decision, RequestState
from stewardship.showing import Source

MOST = 50  # more references than this are counted, not listed


@dataclass(frozen=True)
class Outcome:
    """One record afterwards. ``kind`` is stays, back (under its old id) or new."""

    record: GoldenRecord
    kind: str
    sources: Sequence[tuple[Source, str]]
    changes: Sequence[Mapping[str, str]]


@dataclass(frozen=True)
class Pointer:
    """A reference of another record: before and after, or, where it stays, why and what its source says."""

    title: str
    href: str
    label: str
    before: str
    after: str
    why: str = ""


@dataclass(frozen=True)
class Foresight:
    """``returning`` and ``staying`` are references; ``edits`` (labels, who, when) stay with the record that is left;
    ``moving`` are open requests with the code they go to; ``refusal`` says why it cannot be done."""

    outcomes: Sequence[Outcome] = ()
    returning: Sequence[Pointer] = ()
    more: int = 0
    staying: Sequence[Pointer] = ()
    edits: Sequence[tuple[str, str, datetime]] = ()
    moving: Sequence[tuple[ChangeRequest, str]] = ()
    events: Sequence[tuple[str, str]] = ()
    refusal: MdmError | None = field(default=None)


class _Back(Exception):
    def __init__(self, seen: Foresight) -> None:
        self.seen = seen


def foresee(act: Callable[[], Decision]) -> Foresight:
    """What ``act`` would do; nothing of it is kept. A refusal is part of the answer."""
    try:
        _try(act)
    except _Back as back:
        return back.seen
    except MdmError as refusal:
        return Foresight(refusal=refusal)
    raise AssertionError("unreachable")


@atomic
def _try(act: Callable[[], Decision]) -> None:
    with transaction.atomic():
        raise _Back(_seen(act()))


def _seen(decision: Decision) -> Foresight:
    domain = BY_NAME[decision.domain]
    kinds = {
        UUID(row["record"]): "stays" if row.get("winner") else "back" if row.get("merged") else "new"
        for row in decision.records
    }
    events = list(ChangeEvent.objects.filter(correlation_id=decision.correlation_id).order_by("pk"))
    records = GoldenRecord.objects.in_bulk({event.record_id for event in events} | kinds.keys())
    names = showing.systems()
    pointing = list(dict.fromkeys(event.record_id for event in events if event.record_id not in kinds))
    left = [pk for pk, kind in kinds.items() if kind == "stays"]
    gone = [pk for pk, kind in kinds.items() if kind != "stays"]
    return Foresight(
        outcomes=[_outcome(domain, records[pk], kind, decision, names) for pk, kind in kinds.items()],
        returning=[one for pk in pointing[:MOST] for one in _moved(records[pk], decision)],
        more=max(0, len(pointing) - MOST),
        staying=_staying(left, gone),
        edits=_edits(domain, left),
        moving=_requests(decision),
        events=[(records[event.record_id].code, event.verb) for event in events],
    )


def _changes(record: GoldenRecord, decision: Decision) -> list[dict[str, str]]:
    """What the act changes in the record, one line for each attribute."""
    entries = [one for one in queries.history(record.pk, limit=4) if one.correlation_id == decision.correlation_id]
    lines: dict[str, dict[str, str]] = {}
    for entry in reversed(entries):
        for line in showing.change_lines(BY_NAME[record.domain], entry.changes):
            first = lines.get(line["label"], line)
            lines[line["label"]] = line | {"before": first["before"]}
    return [line for line in lines.values() if line["before"] != line["after"]]


def _outcome(
    domain: Domain, record: GoldenRecord, kind: str, decision: Decision, names: Mapping[str, Source]
) -> Outcome:
    links = Link.objects.filter(
        record=record, ended_at=None, source_record__part="", source_record__system__internal=False
    ).order_by("source_record__system__code", "source_record__key")
    known = links.values_list("source_record__system__code", "source_record__key")
    changes = _changes(record, decision) if kind != "new" else []
    return Outcome(record, kind, [(names[code], key) for code, key in known[:MOST]], changes)


def _moved(record: GoldenRecord, decision: Decision) -> list[Pointer]:
    href = showing.record_address(record.domain, record.code)
    return [
        Pointer(record.title or record.code, href, line["label"], line["before"], line["after"])
        for line in _changes(record, decision)
    ]


def _staying(left: Iterable[UUID], gone: Iterable[UUID]) -> list[Pointer]:
    """References that a source gives to what leaves, and that point to what is left all the same."""
    targets = SourceRecord.objects.filter(links__record__in=list(gone), links__ended_at=None, part="")
    pairs = list(targets.values_list("system_id", "domain", "key")[:MOST])
    stays = set(left)
    found: list[Pointer] = []
    for system, name, key in pairs:
        references = SourceReference.objects.filter(system=system, domain=name, key=key).values_list(
            "attribute", "source_record__links__record"
        )
        given = references.filter(source_record__links__ended_at=None)[:MOST]
        found += [one for attribute, pk in given if (one := _kept(pk, attribute, stays))]
    return found


def _kept(record_id: UUID, name: str, stays: set[UUID]) -> Pointer | None:
    record = GoldenRecord.objects.get(pk=record_id)
    domain = BY_NAME[record.domain]
    attribute = next((one for one in domain.attributes if one.name == name), None)
    row: Any = domain.model._default_manager.filter(pk=record_id).first()
    if attribute is None or row is None or getattr(row, f"{name}_id") not in stays:
        return None
    held = GoldenRecord.objects.get(pk=getattr(row, f"{name}_id"))
    said = SourceRecord.objects.select_related("system").get(pk=row.provenance[name]["source_record"])
    why = f"{said.author} set it: {said.reason}" if said.system.internal else f"{said.system.name} says so"
    return Pointer(
        record.title or record.code,
        showing.record_address(record.domain, record.code),
        attribute.label,
        held.title,
        held.title,
        why,
    )


def _edits(domain: Domain, left: Iterable[UUID]) -> list[tuple[str, str, datetime]]:
    labels: dict[str, Attribute] = {attribute.name: attribute for attribute in domain.attributes}
    links = Link.objects.select_related("source_record").filter(
        record__in=list(left), ended_at=None, method=LinkMethod.EDIT
    )
    return [
        (
            ", ".join(labels[name].label if name in labels else name for name in link.source_record.values),
            link.source_record.author,
            link.linked_at,
        )
        for link in links.order_by("linked_at")[:MOST]
    ]


def _requests(decision: Decision) -> list[tuple[ChangeRequest, str]]:
    waiting = ChangeRequest.objects.select_related("record", "requested_by").filter(
        record__in=[row["record"] for row in decision.records], state=RequestState.OPEN
    )
    return [
        (one, one.record.code)
        for one in waiting
        if one.record is not None and one.moves and one.moves[-1].get("why") == decision.reason
    ]
