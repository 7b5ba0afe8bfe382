"""Related, not the same: suggestions from evidence, and what people said, which bars matching from asking again."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from matching import verdicts
from matching.features import make_feature
from matching.models import Relation, RelationKind
from mdm.cause import Cause
from mdm.errors import NotFound, Refused
from mdm.mastering import Source, follow_merges, open_links
from mdm.models import GoldenRecord, GoldenState, Link
from mdm.retrying import atomic
from mdm.spec import Domain, Feature, Relating

# What is said on the page of the first record, and on that of the second.
WORDS: Mapping[str, tuple[str, str]] = {
    RelationKind.PARENT: ("Parent of", "Belongs to"),
    RelationKind.SUCCESSOR: ("Succeeded by", "Successor of"),
    RelationKind.EQUIVALENT: ("Equivalent to", "Equivalent to"),
    RelationKind.OTHER: ("Related to", "Related to"),
}
DIRECTED = (RelationKind.PARENT, RelationKind.SUCCESSOR)
# A record of more sources says the same thing again and again.
_MOST_SOURCES = 20
MOST_LIKELY = 8


@dataclass(frozen=True)
class Suggestion:
    """A relation the evidence speaks for. ``first`` is None where the evidence does not say which is which."""

    kind: RelationKind
    first: UUID | None
    because: str


@dataclass(frozen=True)
class Related:
    """One relation as seen from one of its records: ``words`` finish with the other one ("Parent of" Acme East)."""

    id: int
    kind: str
    words: str
    other: GoldenRecord
    by: str
    at: datetime
    reason: str


def suggest(domain: Domain, left: UUID, right: UUID) -> list[Suggestion]:
    """Relations the source records of two golden records speak for, each kind once. Writes nothing. One query."""
    if not domain.matching.relations:
        return []
    ours, theirs = (sources[:_MOST_SOURCES] for sources in _sources(left, right))
    pairs = list(product(ours, theirs))
    found: dict[str, Suggestion] = {}
    for relating in domain.matching.relations:
        unless = relating.unless
        if relating.kind in found or (unless and any(_shared(unless, a, unless, b) for a, b in pairs)):
            continue
        spoken = [first for a, b in pairs if (first := _speaks(relating, a, b)) is not None]
        if spoken:
            named = {1: left, 2: right}.get(spoken[0])
            found[relating.kind] = Suggestion(RelationKind(relating.kind), named, relating.because)
    return list(found.values())


def likely(domain: Domain, record: GoldenRecord) -> list[tuple[Suggestion, GoldenRecord]]:
    """Records in use that bear the same values as this one, where such values declare a relation: the same drug of
    another maker shares no key with it, so matching never compares the two.

    At most MOST_LIKELY of each kind, those already related left aside; a query for each of them.
    """
    known = {one.other.pk for one in related(record.pk)} | {record.pk}
    found = []
    for relating in domain.matching.relations:
        same = _same_values(domain, relating, record.pk)
        if relating.one != relating.other or not same:
            continue
        rows = domain.model._default_manager.filter(record__state=GoldenState.ACTIVE, **same).exclude(record__in=known)
        for pk in rows.order_by("record__code").values_list("record_id", flat=True)[:MOST_LIKELY]:
            spoken = [one for one in suggest(domain, record.pk, pk) if one.kind == relating.kind]
            found += [(one, pk) for one in spoken]
            known.add(pk)
    records = GoldenRecord.objects.in_bulk([pk for _, pk in found])
    return [(suggestion, records[pk]) for suggestion, pk in found]


def _same_values(domain: Domain, relating: Relating, record_id: UUID) -> dict[str, str]:
    """What another golden record must hold to be alike, as a filter; empty where this one is silent on any of it."""
    names = relating.one.attributes
    if any("." in name for name in names):
        return {}
    own = domain.model._default_manager.filter(record=record_id).values_list(*names).first() or ()
    return {f"{name}__iexact": value for name, value in zip(names, own, strict=False)} if own and all(own) else {}


@atomic
def relate(
    *, kind: RelationKind, first: UUID, second: UUID, cause: Cause, candidate_id: int | None = None
) -> tuple[int, tuple[int, ...]]:
    """Keep that two golden records are related and not the same; their source records are ruled out as one.

    Another relation of the two is withdrawn first; said again it changes nothing. Returns the relation's id and the
    non-matches written. Raises NotFound, Refused for one record, or records of two domains.
    """
    holders = follow_merges([first, second])
    records = GoldenRecord.objects.in_bulk([holders[first], holders[second]])
    if len(records) < 2:
        raise Refused("A relation needs two different records.", "They may have become one; reload the page.")
    if len({record.domain for record in records.values()}) > 1:
        raise Refused("Records of two domains are not related in this way.", "Choose two records of one domain.")
    ruled = verdicts.bar(first=_source_ids(holders[first]), second=_source_ids(holders[second]), cause=cause)
    standing = list(_standing(records).select_for_update())
    same = next((one for one in standing if _says(one, kind, holders[first])), None)
    if same is not None:
        return same.pk, ruled
    for one in standing:
        _withdraw(one, cause.by.name)
    made = Relation.objects.create(
        kind=kind,
        first_id=holders[first],
        second_id=holders[second],
        candidate_id=candidate_id,
        by=cause.by.name,
        reason=cause.reason,
        at=timezone.now(),
    )
    return made.pk, ruled


@atomic
def withdraw(*, relation_id: int, by: str) -> None:
    """Take one relation back; that the two are not the same stands until that is taken back too. Repeatable."""
    found = Relation.objects.select_for_update().filter(pk=relation_id).first()
    if found is None:
        raise NotFound("There is no such relation.", "Reload the page.")
    if found.withdrawn_at is None:
        _withdraw(found, by)


def related(record_id: UUID) -> list[Related]:
    """What people said this record is related to, merged records followed, newest first. A fixed number of queries."""
    bearing = {record_id, *_merged_into(record_id)}
    rows = Relation.objects.filter(Q(first__in=bearing) | Q(second__in=bearing), withdrawn_at__isnull=True)
    relations = list(rows.order_by("-at", "-pk"))
    holders = follow_merges({pk for one in relations for pk in (one.first_id, one.second_id)})
    records = GoldenRecord.objects.in_bulk(list(set(holders.values())))
    found = []
    for one in relations:
        is_first = one.first_id in bearing
        other = holders[one.second_id if is_first else one.first_id]
        if other != record_id:
            words = WORDS[one.kind][0 if is_first else 1]
            found.append(Related(one.pk, one.kind, words, records[other], one.by, one.at, one.reason))
    return found


@dataclass(frozen=True)
class Listed:
    """One relation between the records its two ends are today; ``words`` lead from the first to the second."""

    id: int
    kind: str
    words: str
    first: GoldenRecord
    second: GoldenRecord
    by: str
    at: datetime
    reason: str


@dataclass(frozen=True)
class Page:
    """Relations in the order they were said; ``next`` is the place the following page begins after, if there is one."""

    relations: Sequence[Listed]
    next: int | None


def standing(*, domains: Collection[str], kinds: Collection[str], record: UUID | None, after: int, limit: int) -> Page:
    """A page of what people said and did not take back, merges followed; between records that became one nothing
    is left to say. ``kinds``: none for all. A fixed number of queries, or one more for each merge in a row.
    """
    rows = Relation.objects.filter(withdrawn_at__isnull=True, first__domain__in=domains, pk__gt=after)
    if kinds:
        rows = rows.filter(kind__in=kinds)
    if record is not None:
        bearing = {record, *_merged_into(record)}
        rows = rows.filter(Q(first__in=bearing) | Q(second__in=bearing))
    found = list(rows.order_by("pk")[: limit + 1])
    more, found = len(found) > limit, found[:limit]
    holders = follow_merges({pk for one in found for pk in (one.first_id, one.second_id)})
    records = GoldenRecord.objects.in_bulk(list(set(holders.values())))
    listed = [
        Listed(
            one.pk, one.kind, WORDS[one.kind][0], records[holders[one.first_id]], records[holders[one.second_id]],
            one.by, one.at, one.reason,
        )
        for one in found
        if holders[one.first_id] != holders[one.second_id]
    ]  # fmt: skip
    return Page(listed, found[-1].pk if more else None)


def between(left: UUID, right: UUID) -> Related | None:
    """The relation that stands between two records, seen from the left one."""
    return next((one for one in related(left) if one.other.pk == right), None)


def _says(relation: Relation, kind: RelationKind, first: UUID) -> bool:
    return relation.kind == kind and (kind not in DIRECTED or relation.first_id == first)


def _standing(records: Collection[UUID]) -> Any:
    return Relation.objects.filter(first__in=records, second__in=records, withdrawn_at__isnull=True)


def _withdraw(relation: Relation, by: str) -> None:
    relation.withdrawn_by, relation.withdrawn_at = by, timezone.now()
    relation.save(update_fields=["withdrawn_by", "withdrawn_at"])


def _merged_into(record_id: UUID) -> set[UUID]:
    """Every record that has become this one, over any number of merges."""
    found: set[UUID] = set()
    fresh = {record_id}
    while fresh:
        rows = GoldenRecord.objects.filter(merged_into__in=fresh).values_list("pk", flat=True)
        fresh = set(rows) - found
        found |= fresh
    return found


def _source_ids(record_id: UUID) -> list[int]:
    links = Link.objects.filter(
        record=record_id, ended_at__isnull=True, source_record__part="", source_record__system__internal=False
    )
    return list(links.values_list("source_record_id", flat=True))


def _sources(left: UUID, right: UUID) -> tuple[list[Source], list[Source]]:
    held = open_links([left, right])
    ours, theirs = (_sent(held.get(pk, ())) for pk in (left, right))
    return ours, theirs


def _sent(sources: Sequence[Source]) -> list[Source]:
    return [one for one in sources if not one.part and not one.system.internal]


def _speaks(relating: Relating, left: Source, right: Source) -> int | None:
    """1 or 2: the left or the right record comes first; 0: they are related, in no order; None: nothing speaks for it.

    A parent by evidence that reads the same on both sides may be either.
    """
    forth = _shared(relating.one, left, relating.other, right)
    if relating.one == relating.other:
        return 0 if forth else None
    back = _shared(relating.one, right, relating.other, left)
    if forth and back:
        return 0
    return 2 if forth else 1 if back else None


def _shared(one: Feature, left: Source, other: Feature, right: Source) -> bool:
    return not set(_texts(one, left)).isdisjoint(_texts(other, right))


def _texts(feature: Feature, record: Source) -> Iterable[str]:
    return make_feature(feature, record.values, record.parts, _unresolved)


def _unresolved(reference: Mapping[str, Any]) -> str | None:
    """References are left as the source wrote them: what is compared here are names and identifiers."""
    return None
