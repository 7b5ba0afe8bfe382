"""Open requests go where the value they are about goes: after merges, after unmerges, and past each other."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.utils import timezone

from mdm import canonical
from mdm.cause import Cause
from mdm.domains import BY_NAME
from mdm.mastering import follow_merges
from mdm.models import GoldenRecord, Link
from mdm.spec import Domain
from mdm.values import plain_row
from stewardship.models import ChangeRequest, Decision, RequestState, Verb

MOVING = ("values", "before", "origins", "watching")
WAITING = (RequestState.OPEN, RequestState.SCHEDULED)


def held(record: GoldenRecord) -> dict[str, Any]:
    """{attribute: JSON value} of what the record holds now, those administrators added included."""
    return held_by(BY_NAME[record.domain], [record.pk])[record.pk]


def held_by(domain: Domain, record_ids: Iterable[UUID]) -> dict[UUID, dict[str, Any]]:
    """{record: {attribute: JSON value}} of what these records hold now. One query."""
    rows: Mapping[UUID, Any] = domain.model._default_manager.in_bulk(list(record_ids))
    return {
        pk: {**plain_row(domain.attributes, row), **{f"ext.{name}": value for name, value in row.extension.items()}}
        for pk, row in rows.items()
    }


def origins(record: GoldenRecord, names: Iterable[str]) -> dict[str, int]:
    """{attribute: the source record its value came from}, of those that have a value."""
    model: Any = BY_NAME[record.domain].model
    provenance = model._default_manager.values_list("provenance", flat=True).get(pk=record.pk)
    return {name: provenance[name]["source_record"] for name in names if name in provenance}


def digest_of(record_id: UUID, version: int, values: Mapping[str, Any], unpins: Iterable[str]) -> str:
    """What an approval names, so that what is approved is what was read."""
    return canonical.digest([str(record_id), version, values, sorted(unpins)])


def follow(record_ids: Iterable[UUID], cause: Cause) -> list[ChangeRequest]:
    """Open requests on these records move to the records that hold what they are about, as these merged or came apart.

    One about values that are in different records now becomes one request for each. What was proposed and what it was
    proposed against stay as they were, so that a value that differs there is seen as a conflict. Locks the requests.
    Returns those that moved; repeating it moves none.
    """
    waiting = ChangeRequest.objects.select_for_update(no_key=True, of=("self",)).filter(
        record__in=list(record_ids), state__in=WAITING
    )
    moved = []
    for request in waiting.order_by("requested_at"):
        moved += _follow(request, cause)
    return moved


def _follow(request: ChangeRequest, cause: Cause) -> list[ChangeRequest]:
    where = _homes(request)
    own = request.record_id if request.record_id in where else max(where, key=lambda pk: (len(where[pk]), str(pk)))
    if set(where) == {request.record_id}:
        return []
    records = GoldenRecord.objects.in_bulk([*where, request.record_id])
    before = records[request.record_id]
    told = {"from": before.code, "at": timezone.now().isoformat(), "by": cause.by.name, "why": cause.reason}
    going = [(request if pk == own else _sibling(request), records[pk], names) for pk, names in where.items()]
    for one, record, names in going:
        one.record, one.base_version = record, record.version
        one.moves = [*one.moves, told | {"to": record.code, "attributes": sorted(names)}]
        for part in MOVING:
            setattr(one, part, {name: value for name, value in getattr(one, part).items() if name in names})
        one.unpins = [name for name in one.unpins if name in names]
        one.digest = digest_of(record.pk, one.base_version, one.values, one.unpins)
        moved = [*MOVING, "unpins", "record", "base_version", "moves", "digest"]
        one.save(update_fields=moved if one is request else None)
        if one is not request:
            _announce(one)
    return [one for one, *_ in going]


def _homes(request: ChangeRequest) -> dict[UUID, set[str]]:
    """{record: the attributes of the request whose value it holds}; what came from nowhere stays with the request."""
    links = Link.objects.filter(source_record__in=request.origins.values(), ended_at=None)
    holders = dict(links.values_list("source_record_id", "record_id"))
    assert request.record_id is not None  # noqa: S101 - only requests about a record follow one
    stays = follow_merges([request.record_id])[request.record_id]
    where: dict[UUID, set[str]] = defaultdict(set)
    blank = set()
    for name in (*request.values, *request.unpins):
        holder = holders.get(request.origins.get(name, 0))
        if holder is None:
            blank.add(name)
        else:
            where[holder].add(name)
    if blank:
        where[stays if stays in where or len(where) != 1 else next(iter(where))] |= blank
    return where


def _sibling(request: ChangeRequest) -> ChangeRequest:
    return ChangeRequest(
        record_id=request.record_id,
        domain=request.domain,
        base_version=request.base_version,
        values=request.values,
        before=request.before,
        origins=request.origins,
        moves=request.moves,
        beside=request.beside,
        suggested=request.suggested,
        reason=request.reason,
        valid_until=request.valid_until,
        watching=request.watching,
        unpins=request.unpins,
        holds_from=request.holds_from,
        state=request.state,
        decided_by=request.decided_by,
        decided_at=request.decided_at,
        answer=request.answer,
        requested_by=request.requested_by,
    )


def _announce(request: ChangeRequest) -> None:
    assert request.record is not None  # noqa: S101 - set by whoever made it
    Decision.objects.create(
        verb=Verb.PROPOSE,
        domain=request.domain,
        request=request,
        records=[{"record": str(request.record_id), "code": request.record.code, "version": request.base_version}],
        reason=request.reason,
        decided_by=request.requested_by,
    )


def catch_up(record: GoldenRecord) -> int:
    """Open requests on the record whose values still stand are about its newest version. Returns how many.

    Those that propose for a value that has changed keep their base, and are shown as a conflict.
    """
    now, caught = held(record), 0
    for request in ChangeRequest.objects.filter(record=record, state=RequestState.OPEN):
        if all(now.get(name) == old for name, old in request.before.items()) and request.base_version < record.version:
            request.base_version = record.version
            request.save(update_fields=["base_version"])
            caught += 1
    return caught
