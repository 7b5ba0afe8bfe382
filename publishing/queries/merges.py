"""What a merge touches at each target: what it has of the members, under which ids of its own, and what it is told."""

from collections.abc import Mapping, Sequence
from uuid import UUID, uuid4

from django.db.models import QuerySet

from mdm.compiled import Compiled, found_by
from mdm.models import EventVerb, GoldenRecord
from mdm.targets import Consequence, LocalRecord, Merging, TargetOfMerge
from publishing.models import LIVE, UNSETTLED, Delivery, Endpoint, EndpointState, Holding
from publishing.selection import read

At = dict[UUID, dict[UUID, LocalRecord]]


def targets_of(merges: Sequence[Merging]) -> list[TargetOfMerge]:
    """Every endpoint that holds a record that goes, or is about to, by name. Four queries.

    Whoever holds a record is told that it merged, whatever it selects (``publishing.owing``), unless it asked for
    other kinds of messages or other domains.
    """
    everyone = {pk for one in merges for pk in (one.winner, *one.losers)}
    records = {one.pk: one for one in found_by(GoldenRecord, "id", list(everyone))}
    known = _known(records)
    found = []
    for endpoint in Endpoint.objects.filter(pk__in=known).order_by("name"):
        there = known[endpoint.pk]
        told = _hears(endpoint, next(iter(records.values())).domain)
        consequences = [
            Consequence(there[pk], there.get(one.winner), records[one.winner].code, told)
            for one in merges
            for pk in one.losers
            if pk in there
        ]
        if consequences:
            found.append(TargetOfMerge(endpoint.code, endpoint.name, consequences, _holding_back(endpoint)))
    return found


def _known(records: Mapping[UUID, GoldenRecord]) -> At:
    """{endpoint: {record: what it has of it}}; what the last unsettled delivery says counts before what it holds."""
    found: At = {}
    for held in found_by(Holding, "record_id", list(records), 'AND NOT "left"'):
        local = LocalRecord(records[held.record_id].code, held.local_id, held.version)
        found.setdefault(held.endpoint_id, {})[held.record_id] = local
    for endpoint_id, record_id, leaves in _OWED.rows(records=list(records)):
        there = found.setdefault(endpoint_id, {})
        if leaves:
            there.pop(record_id, None)
        else:
            there.setdefault(record_id, LocalRecord(records[record_id].code, "", None))
    return found


def _owed(records: list[UUID]) -> QuerySet[Delivery, tuple[UUID, UUID, bool]]:
    rows = Delivery.objects.filter(record__in=records, state__in=UNSETTLED).order_by("seq")
    return rows.values_list("endpoint_id", "record_id", "leaves")


_OWED = Compiled(_owed, records=[uuid4()])


def _hears(endpoint: Endpoint, domain: str) -> bool:
    """Whether it is told of merges in this domain at all."""
    selection, _ = read(endpoint.selection, judge=False)
    types = selection.types
    return (not endpoint.domains or domain in endpoint.domains) and (not types or EventVerb.MERGED in types)


def _holding_back(endpoint: Endpoint) -> str:
    return "" if endpoint.state in LIVE else str(EndpointState(endpoint.state).label).lower()
