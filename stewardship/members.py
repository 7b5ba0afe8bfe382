"""Golden records as one compares them: values with their source, parts as lines, and which systems know them.

A number of queries that does not grow with the number of records.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from mdm.compiled import Compiled, found_by, prepared
from mdm.domains import BY_NAME
from mdm.mastering import UNTRUSTED, trust_ranks
from mdm.models import GoldenRecord, Link
from mdm.queries import Reference, masked
from mdm.queries.values import columns, read
from mdm.spec import Attribute, Domain, Part
from stewardship.showing import Source, record_address, shown

if TYPE_CHECKING:
    from django.db.models import QuerySet


@dataclass(frozen=True)
class Known:
    """A source record behind a member: the system, the key it has there, when it was last sent."""

    system: Source
    key: str
    seen: datetime
    rank: int


@dataclass(frozen=True)
class Member:
    """One golden record of a comparison. ``values`` and ``lines`` (of parts) are texts as people read them."""

    record: GoldenRecord
    values: Mapping[str, str]
    origins: Mapping[str, str]  # attribute -> code of the system its value comes from
    rules: Mapping[str, str]  # attribute -> the rule that chose it
    dates: Mapping[str, datetime]  # attribute -> when its source last changed it
    lines: Mapping[str, Sequence[str]]
    references: Mapping[str, str]  # golden id -> title, of everything this member points to
    sources: Sequence[Known] = field(default_factory=tuple)

    @property
    def address(self) -> str:
        """Where the record has its page."""
        return record_address(self.record.domain, self.record.code)

    @property
    def seen(self) -> datetime | None:
        """When a source last sent it."""
        return max((known.seen for known in self.sources), default=None)

    @property
    def rank(self) -> tuple[bool, bool, int, int, str]:
        """Sorts the member that should win first: in use, most sources, best trusted, oldest."""
        best = min((known.rank for known in self.sources), default=UNTRUSTED)
        state = self.record.state
        return state == "retired", state == "pending", -len(self.sources), best, self.record.code


def load(domain: Domain, record_ids: Iterable[UUID]) -> list[Member]:
    """The records as members, the one that should win first."""
    records = {one.pk: one for one in found_by(GoldenRecord, "id", list(record_ids))}
    rows = {row["record_id"]: row for row in _values_of(domain.name).values(records=list(records))}
    known = _sources(domain, records)
    dates = _dates(rows.values())
    lines = {part.name: _lines(domain.name, part, list(records)) for part in domain.parts}
    members = [
        _member(domain, record, rows[pk], known[pk], {name: found[pk] for name, found in lines.items()}, dates)
        for pk, record in records.items()
    ]
    return sorted(members, key=lambda member: member.rank)


def worded(attribute: Attribute, value: Any) -> str:
    """A value as people read it; restricted ones masked, blank ones ""."""
    return shown(attribute, masked(attribute, value))


def _member(
    domain: Domain,
    record: GoldenRecord,
    row: Mapping[str, Any],
    sources: Sequence[Known],
    lines: Mapping[str, Sequence[str]],
    dates: Mapping[int, datetime],
) -> Member:
    values = read(domain.attributes, row)
    origins = row["provenance"].items()
    return Member(
        record=record,
        values={a.name: worded(a, values[a.name]) for a in domain.attributes},
        origins={name: origin["source"] for name, origin in origins},
        rules={name: origin["rule"] for name, origin in origins},
        dates={name: dates[pk] for name, origin in origins if (pk := origin.get("source_record")) in dates},
        lines=lines,
        references={str(v.record): v.title or v.code for v in values.values() if isinstance(v, Reference)},
        sources=sources,
    )


def _dates(rows: Iterable[Mapping[str, Any]]) -> dict[int, datetime]:
    """{source record: when it last changed} of every source record a value of these rows comes from. One query."""
    wanted = {origin.get("source_record") for row in rows for origin in row["provenance"].values()} - {None}
    with prepared(len(wanted)) as cursor:
        cursor.execute("SELECT id, as_of FROM mdm_sourcerecord WHERE id = ANY(%s::bigint[])", [list(wanted)])
        return dict(cursor.fetchall())


def _sources(domain: Domain, record_ids: Iterable[UUID]) -> Mapping[UUID, list[Known]]:
    ranks = trust_ranks(domain)
    found: dict[UUID, list[Known]] = defaultdict(list)
    for record_id, system_id, code, name, key, seen in _LINKED.rows(records=list(record_ids)):
        found[record_id].append(Known(Source(code, name), key, seen, ranks.get(system_id, UNTRUSTED)))
    return found


def _linked(records: list[UUID]) -> "QuerySet[Any, Any]":
    links = Link.objects.filter(record_id__in=records, ended_at__isnull=True, source_record__part="")
    return (
        links.filter(source_record__system__internal=False)
        .exclude(source_record__state="retired")
        .order_by("source_record__system__code", "source_record__key")
        .values_list(
            "record_id",
            "source_record__system_id",
            "source_record__system__code",
            "source_record__system__name",
            "source_record__key",
            "source_record__last_seen_at",
        )
    )


_LINKED = Compiled(_linked, records=[uuid4()])


@cache
def _values_of(domain: str) -> Compiled[Any]:
    """Everything that is read of the records of a domain, put into SQL once."""
    asked = BY_NAME[domain]
    names = ("record_id", "provenance", *columns(asked.attributes))
    rows = asked.model._default_manager
    return Compiled(lambda records: rows.filter(record_id__in=records).values(*names), records=[uuid4()])


@cache
def _rows_of(domain: str, part: str) -> Compiled[Any]:
    """The same of a part."""
    (asked,) = (one for one in BY_NAME[domain].parts if one.name == part)
    names = ("record_id", *columns(asked.attributes))
    rows = asked.model._default_manager.order_by("part_key")
    return Compiled(lambda records: rows.filter(record_id__in=records).values(*names), records=[uuid4()])


def _lines(domain: str, part: Part, record_ids: list[UUID]) -> Mapping[UUID, list[str]]:
    found: dict[UUID, list[str]] = defaultdict(list)
    for row in _rows_of(domain, part.name).values(records=record_ids):
        values = read(part.attributes, row)
        texts = [worded(attribute, values[attribute.name]) for attribute in part.attributes]
        found[row["record_id"]].append(" · ".join(text for text in texts if text))
    return found
