"""What stands in a tree: its tops, the children of a record by pages, the way up, the size of branches, a search."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection

from mdm.filters import bears, typeable
from mdm.hierarchies.edges import Edges
from mdm.models import GoldenRecord
from mdm.queries.shapes import Reference
from mdm.spec import Attribute, Domain, Kind

# A tree deeper than this is a circle somebody entered.
DEEPEST = 60
MOST_FOUND = 50
MOST_SORTED = 3000
# A record whose parent does not stand in the tree is shown on top, so that nothing is lost from sight.
_TOP = "(e.parent_id IS NULL OR NOT EXISTS (SELECT 1 FROM edges up WHERE up.record_id = e.parent_id))"
_GOLDEN = "golden.id, golden.code, golden.title, golden.domain, golden.state"


@dataclass(frozen=True)
class Node:
    """A record in a tree: its parent there, and how many stand right below it. ``orphan``: its parent is not there."""

    record: Reference
    parent: UUID | None
    below: int
    orphan: bool = False


@dataclass(frozen=True)
class Children:
    """A page of children in order of their titles; ``next`` is the place to go on from, "" at the end."""

    nodes: Sequence[Node]
    total: int
    next: tuple[str, str] | None


def _rows(edges: Edges, question: str, *params: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(*edges.ask(question, *params))
        return list(cursor.fetchall())


def children(edges: Edges, parent: UUID | None, *, after: tuple[str, str] | None = None, limit: int = 100) -> Children:
    """The records right below ``parent``, or on top of the tree, after a title and code. Two queries."""
    within = f"FROM edges e WHERE {'e.parent_id = %s' if parent else _TOP}"
    own = [parent] if parent else []
    beyond = "WHERE (golden.title, golden.code) > (%s, %s)" if after else ""
    found = _rows(
        edges,
        f"""SELECT {_GOLDEN}, here.parent_id, (SELECT count(*) FROM edges c WHERE c.parent_id = golden.id)
        FROM (SELECT e.record_id, e.parent_id {within}) here JOIN mdm_goldenrecord golden ON golden.id = here.record_id
        {beyond} ORDER BY golden.title, golden.code LIMIT %s""",  # noqa: S608 - fixed texts
        *own, *(after or ()), limit + 1,
    )  # fmt: skip
    ((total,),) = _rows(edges, f"SELECT count(*) {within}", *own)
    nodes = [_node(row, orphan=parent is None and row[5] is not None) for row in found[:limit]]
    last = nodes[-1].record if len(found) > limit else None
    return Children(nodes, total, (last.title, last.code) if last else None)


def _node(row: Sequence[Any], *, orphan: bool = False) -> Node:
    return Node(Reference(*row[:5]), row[5], row[6], orphan)


def nodes(edges: Edges, records: Collection[UUID]) -> dict[UUID, Node]:
    """{record: its node} of those that stand in the tree. One query."""
    found = _rows(
        edges,
        f"""SELECT {_GOLDEN}, e.parent_id, (SELECT count(*) FROM edges c WHERE c.parent_id = golden.id)
        FROM edges e JOIN mdm_goldenrecord golden ON golden.id = e.record_id WHERE e.record_id = ANY(%s)""",  # noqa: S608
        list(records),
    )
    return {row[0]: _node(row) for row in found}


def ways_up(edges: Edges, records: Collection[UUID]) -> dict[UUID, list[Reference]]:
    """{record: everything above it, from the top down}. One query."""
    found = _rows(
        edges,
        f"""SELECT up.start, {_GOLDEN} FROM ({_UP}) up JOIN mdm_goldenrecord golden ON golden.id = up.id
        WHERE up.id <> up.start ORDER BY up.height DESC""",  # noqa: S608 - fixed texts
        list(records),
    )
    ways: dict[UUID, list[Reference]] = {record: [] for record in records}
    for start, *reference in found:
        ways[start].append(Reference(*reference))
    return ways


_UP = f"""
    WITH RECURSIVE climb (start, id, height) AS (
        SELECT record_id, record_id, 0 FROM edges WHERE record_id = ANY(%s)
        UNION
        SELECT climb.start, e.parent_id, climb.height + 1 FROM climb JOIN edges e ON e.record_id = climb.id
        WHERE e.parent_id IS NOT NULL AND e.parent_id <> climb.start AND climb.height < {DEEPEST}
    )
    SELECT start, id, min(height) AS height FROM climb GROUP BY start, id"""  # noqa: S608 - a number


def branches(edges: Edges, tops: Collection[UUID]) -> dict[UUID, int]:
    """{record: how many stand below it at any depth}. One query."""
    found = _rows(
        edges,
        """SELECT top, count(*) FROM (
            WITH RECURSIVE below (top, id) AS (
                SELECT e.parent_id, e.record_id FROM edges e WHERE e.parent_id = ANY(%s)
                UNION
                SELECT below.top, e.record_id FROM below JOIN edges e ON e.parent_id = below.id
            ) SELECT top, id FROM below WHERE id <> top) found GROUP BY top""",
        list(tops),
    )
    return dict(found)


def branch(edges: Edges, top: UUID) -> list[UUID]:
    """Every record below ``top``, without it. One query."""
    found = _rows(
        edges,
        """SELECT id FROM (
            WITH RECURSIVE below (id) AS (
                SELECT e.record_id FROM edges e WHERE e.parent_id = %s
                UNION
                SELECT e.record_id FROM below JOIN edges e ON e.parent_id = below.id
            ) SELECT id FROM below) found WHERE id <> %s""",
        top,
        top,
    )
    return [row[0] for row in found]


def circles(edges: Edges, records: Collection[UUID]) -> set[UUID]:
    """Those of the records that stand below themselves. One query."""
    found = _rows(
        edges,
        """SELECT DISTINCT start FROM (
            WITH RECURSIVE climb (start, id) AS (
                SELECT e.record_id, e.parent_id FROM edges e WHERE e.record_id = ANY(%s) AND e.parent_id IS NOT NULL
                UNION
                SELECT climb.start, e.parent_id FROM climb JOIN edges e ON e.record_id = climb.id
                WHERE e.parent_id IS NOT NULL AND climb.id <> climb.start
            ) SELECT start FROM climb WHERE id = start) found""",
        list(records),
    )
    return {row[0] for row in found}


def below(edges: Edges, parents: Collection[UUID]) -> list[tuple[UUID, UUID]]:
    """(child, parent) of everything right below these records. One query."""
    return _rows(edges, "SELECT record_id, parent_id FROM edges WHERE parent_id = ANY(%s)", list(parents))


def size(edges: Edges) -> int:
    """How many records stand in the tree. One query."""
    ((count,),) = _rows(edges, "SELECT count(*) FROM edges")
    return int(count)


def figures(edges: Edges, domain: Domain, top: UUID) -> list[tuple[Attribute, dict[str, int] | Any]]:
    """What a branch adds up to, ``top`` included: sums of its numbers, counts by each choice. One query.

    [(attribute, sum or {choice: count})], those nothing is known of left out.
    """
    numbers = [a for a in domain.attributes if a.kind in (Kind.INTEGER, Kind.DECIMAL)]
    choices = [a for a in domain.attributes if a.choices]
    if not numbers and not choices:
        return []
    wanted = [f"sum(v.{a.name})" for a in numbers]
    wanted += [f"count(*) FILTER (WHERE v.{a.name} = %s)" for a in choices for _ in a.choices]
    words = [name for a in choices for name, _ in a.choices]
    ids = [top, *branch(edges, top)]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {', '.join(wanted)} FROM {domain.model._meta.db_table} v WHERE v.record_id = ANY(%s)",  # noqa: S608
            [*words, ids],
        )
        row = list(cursor.fetchone() or ())
    found: list[tuple[Attribute, Any]] = [(a, row.pop(0)) for a in numbers]
    for attribute in choices:
        counted = {label: row.pop(0) for _, label in attribute.choices}
        found.append((attribute, {label: count for label, count in counted.items() if count}))
    return [(attribute, value) for attribute, value in found if value]


def find(edges: Edges, domain: Domain, text: str, *, limit: int = MOST_FOUND) -> list[Node]:
    """Records of the tree that bear the text in a name, code or key, in order of their titles. Two queries."""
    asked = typeable(text)
    if not asked.strip():
        return []
    named = GoldenRecord.objects.filter(domain=domain.name).filter(bears(asked)).values_list("pk", flat=True)
    found = nodes(edges, list(named[:5000]))
    return sorted(found.values(), key=lambda node: (node.record.title, node.record.code))[:limit]


@dataclass(frozen=True)
class Difference:
    """A record that stands elsewhere in two readings of a tree: ``kind`` is added, moved or removed."""

    record: Reference
    kind: str
    before: Reference | None
    after: Reference | None


def differences(one: Edges, other: Edges, *, limit: int = 500) -> tuple[list[Difference], Mapping[str, int]]:
    """What differs between two readings, and how many of each kind. Three queries; records by title."""
    ids = _pairs(one), _pairs(other)
    kinds: dict[UUID, str] = {}
    for record in ids[0].keys() | ids[1].keys():
        if record not in ids[0]:
            kinds[record] = "added"
        elif record not in ids[1]:
            kinds[record] = "removed"
        elif ids[0][record] != ids[1][record]:
            kinds[record] = "moved"
    counts = {kind: sum(found == kind for found in kinds.values()) for kind in ("added", "moved", "removed")}
    if len(kinds) > MOST_SORTED:  # too many to be read one by one: those of each kind, not in order of titles
        kinds = dict(sorted(kinds.items(), key=lambda pair: (pair[1], pair[0]))[:limit])
    wanted = set(kinds) | {parent for pairs in ids for record in kinds if (parent := pairs.get(record))}
    known = {
        row[0]: Reference(*row)
        for row in GoldenRecord.objects.filter(pk__in=wanted).values_list("id", "code", "title", "domain", "state")
    }
    found = [
        Difference(known[record], kind, known.get(ids[0].get(record)), known.get(ids[1].get(record)))  # type: ignore[arg-type]
        for record, kind in kinds.items()
    ]
    found.sort(key=lambda one: (one.kind, one.record.title, one.record.code))
    return found[:limit], counts


def _pairs(edges: Edges) -> dict[UUID, UUID | None]:
    return dict(_rows(edges, "SELECT record_id, parent_id FROM edges"))
