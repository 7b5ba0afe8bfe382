"""What the linked source records offer: values with trust and time, references already resolved."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

import orjson

from mdm.compiled import Compiled, prepared
from mdm.mastering.pins import resting
from mdm.models import Link, SourceRecord, SourceSystem
from mdm.spec import Attribute, Domain, Kind
from mdm.survivorship import PIN_RANK, Offer

UNTRUSTED = 100


class Member(NamedTuple):
    """What counts of a linked source record. A batch reads thousands, and an instance of the model costs ten of it."""

    pk: int
    system: SourceSystem
    part: str
    key: str
    values: Mapping[str, Any]
    parts: Mapping[str, Any]
    state: str
    content_hash: str
    as_of: datetime

    @property
    def system_id(self) -> int:
        """The id of its source system."""
        return self.system.pk


Source: TypeAlias = "SourceRecord | Member"
_SYSTEMS = Compiled(SourceSystem.objects.all)


def trust_ranks(domain: Domain) -> dict[int, int]:
    """{source system id: rank} for one domain; systems without a row rank 100."""
    with prepared() as cursor:
        cursor.execute("SELECT system_id, rank FROM mdm_sourcetrust WHERE domain = %s", [domain.name])
        return dict(cursor.fetchall())


def open_links(record_ids: Iterable[UUID]) -> dict[UUID, list[Member]]:
    """{golden record: its linked source records that count}, source records in id order. Two queries."""
    ids = list(record_ids)
    systems = {system.pk: system for system in _SYSTEMS.records()}
    found: dict[UUID, list[Member]] = defaultdict(list)
    with prepared(len(ids)) as cursor:
        cursor.execute(
            """
            SELECT l.record_id, s.id, s.system_id, s.part, s.key, s."values", s.parts, s.state, s.content_hash, s.as_of
            FROM mdm_link l JOIN mdm_sourcerecord s ON s.id = l.source_record_id
            WHERE l.record_id = ANY(%s::uuid[]) AND l.ended_at IS NULL AND s.state <> 'retired' ORDER BY s.id
            """,
            [ids],
        )
        for record, pk, system, part, key, values, parts, state, content, as_of in cursor.fetchall():
            said, rows = orjson.loads(values), orjson.loads(parts)
            found[record].append(Member(pk, systems[system], part, key, said, rows, state, content, as_of))
    return found


def load(domain: Domain, members: Mapping[UUID, Sequence[Source]]) -> dict[UUID, list[Offer]]:
    """The offers behind each golden record, references resolved to golden ids or blanked, and what no longer holds of
    approved edits left out. Five queries at most."""
    ranks = trust_ranks(domain)
    everyone = [source for sources in members.values() for source in sources]
    rests = resting(members)
    golden = resolve_references(domain, everyone)
    pointing = any(attribute.references for part in domain.parts for attribute in part.attributes)
    return {
        record_id: [
            _without(_offer(domain, source, ranks, golden, str(record_id), pointing=pointing), rests.get(source.pk))
            for source in sources
        ]
        for record_id, sources in members.items()
    }


def _without(offer: Offer, names: Collection[str] | None) -> Offer:
    """The offer without the attributes that do not count."""
    if not names:
        return offer
    return replace(offer, values={name: value for name, value in offer.values.items() if name not in names})


def _offer(
    domain: Domain, source: Source, ranks: Mapping[int, int], golden: Mapping[Any, str], own: str, *, pointing: bool
) -> Offer:
    """``pointing``: parts of this domain may refer to other records."""
    values, parts = dict(source.values), source.parts
    if source.part:  # one row of a part, sent in a file of its own
        values, parts = {}, {source.part: [dict(source.values)]}
    _resolve(domain.attributes, values, source, golden, own)
    if pointing:
        parts = {name: [dict(row) for row in rows] for name, rows in parts.items()}
        for part in domain.parts:
            for row in parts.get(part.name, ()):
                _resolve(part.attributes, row, source, golden, own)
    rank = PIN_RANK if source.system.internal else ranks.get(source.system_id, UNTRUSTED)
    return Offer(source.pk, source.system.code, source.key, rank, source.as_of, values, parts)


def _resolve(
    attributes: Iterable[Attribute], values: dict[str, Any], source: Source, golden: Mapping[Any, str], own: str
) -> None:
    """References as golden ids; a record that merged with what it referred to does not refer to itself."""
    for attribute in attributes:
        if attribute.kind is Kind.REFERENCE and isinstance(values.get(attribute.name), Mapping):
            target = golden.get(_address(values[attribute.name], source))
            values[attribute.name] = target if target != own else None


def _address(reference: Mapping[str, str], source: Source) -> Any:
    if "record" in reference:
        return reference["record"]
    return (reference.get("system", source.system.code), reference["domain"], reference["key"])


def _references(domain: Domain, source: Source) -> Iterable[Mapping[str, str]]:
    for attribute in () if source.part else domain.attributes:
        if attribute.kind is Kind.REFERENCE and isinstance(source.values.get(attribute.name), Mapping):
            yield source.values[attribute.name]
    for part in domain.parts:
        pointing = [a.name for a in part.attributes if a.kind is Kind.REFERENCE]
        rows = [source.values] if source.part == part.name else source.parts.get(part.name, ())
        for row in rows if pointing else ():
            yield from (row[name] for name in pointing if isinstance(row.get(name), Mapping))


def resolve_references(domain: Domain, sources: Sequence[Source]) -> dict[Any, str]:
    """{address: golden id} of every reference made; an address is (system, domain, key) or a golden id as text.

    Goes through the crosswalk, so a target that merged is already the winner; golden ids follow merges.
    """
    addresses = {_address(reference, source) for source in sources for reference in _references(domain, source)}
    keys: dict[tuple[str, str], set[str]] = defaultdict(set)
    for address in addresses:
        if isinstance(address, tuple):
            keys[address[0], address[1]].add(address[2])
    resolved: dict[Any, str] = {}
    for (system, name), wanted in keys.items():
        links = Link.objects.filter(
            ended_at__isnull=True,
            source_record__system__code=system,
            source_record__domain=name,
            source_record__part="",
            source_record__key__in=wanted,
        ).values_list("source_record__key", "record_id")
        resolved.update({(system, name, key): str(record) for key, record in links})
    by_id = [UUID(address) for address in addresses if isinstance(address, str)]
    resolved.update({str(asked): str(now) for asked, now in follow_merges(by_id).items()})
    return resolved


def follow_merges(record_ids: Iterable[UUID]) -> dict[UUID, UUID]:
    """{asked id: the id that answers for it now}, through any number of merges; unknown ids are absent."""
    answer = {record_id: record_id for record_id in record_ids}
    known: dict[UUID, UUID | None] = {}
    frontier = set(answer)
    while frontier:
        with prepared(len(frontier)) as cursor:
            cursor.execute("SELECT id, merged_into_id FROM mdm_goldenrecord WHERE id = ANY(%s::uuid[])", [[*frontier]])
            found: dict[UUID, UUID | None] = dict(cursor.fetchall())
        known.update(found)
        frontier = {target for target in found.values() if target is not None and target not in known}
    final: dict[UUID, UUID] = {}
    for asked in answer:
        current = asked
        while (target := known.get(current)) is not None:
            current = target
        if asked in known:
            final[asked] = current
    return final


def parents_of(part_row_ids: Iterable[int]) -> dict[int, UUID]:
    """{part row: the golden record its parent is linked to}, in the order of the parents' keys.

    Asks by key, one query for each source and domain: a join would be planned by statistics that a bulk load has just
    made stale (26 s instead of 30 ms for 3,000 rows).
    """
    rows = SourceRecord.objects.filter(pk__in=list(part_row_ids)).order_by("parent_key", "pk")
    children = list(rows.values_list("pk", "system_id", "domain", "parent_key"))
    keys: dict[tuple[int, str], set[str]] = defaultdict(set)
    for _, system_id, domain, key in children:
        keys[system_id, domain].add(key)
    homes: dict[tuple[int, str, str], UUID] = {}
    for (system_id, domain), wanted in keys.items():
        parents = SourceRecord.objects.filter(system_id=system_id, domain=domain, part="", key__in=wanted)
        known = dict(parents.values_list("pk", "key"))
        links = Link.objects.filter(source_record__in=list(known), ended_at__isnull=True)
        homes |= {
            (system_id, domain, known[parent]): record
            for parent, record in links.values_list("source_record_id", "record_id")
        }
    return {
        pk: homes[system_id, domain, key]
        for pk, system_id, domain, key in children
        if (system_id, domain, key) in homes
    }


def dependents(source_record_ids: Iterable[int], record_ids: Iterable[UUID] = ()) -> set[UUID]:
    """Golden records whose sources refer to one of these source records by that source's own key, or, in an approved
    edit, to one of these golden records or to one that merged into it."""
    rows, records = list(source_record_ids), list(record_ids)
    with prepared(len(rows) + len(records)) as cursor:
        cursor.execute(_REFERRING, [rows])
        found = {record for (record,) in cursor.fetchall()}
        if records:
            cursor.execute(_EDITED, [records])
            found |= {record for (record,) in cursor.fetchall()}
    return found


_REFERRING = """
        SELECT DISTINCT link.record_id
        FROM mdm_sourcerecord target
        JOIN mdm_sourcereference ref
          ON ref.system_id = target.system_id AND ref.domain = target.domain AND ref.key = target.key
        JOIN mdm_link link ON link.source_record_id = ref.source_record_id AND link.ended_at IS NULL
        WHERE target.id = ANY(%s::bigint[]) AND target.part = ''
"""
_EDITED = """
        WITH RECURSIVE target (id) AS (
          SELECT unnest(%s::uuid[])
          UNION SELECT merged.id FROM mdm_goldenrecord merged JOIN target ON merged.merged_into_id = target.id
        )
        SELECT link.record_id FROM target
        JOIN mdm_goldenrecord record ON record.id = target.id
        JOIN mdm_sourcesystem system ON system.internal
        JOIN mdm_sourcereference ref
          ON ref.system_id = system.id AND ref.domain = record.domain AND ref.key = target.id::text
        JOIN mdm_link link ON link.source_record_id = ref.source_record_id AND link.ended_at IS NULL
"""
