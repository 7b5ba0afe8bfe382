"""What must hold between a record and its parent in a tree: the words a domain declares its roll-up checks with.

Each word is a condition in SQL under which an edge fails, with ``child`` and ``parent`` being the typed rows, ``c`` and
``p`` the identities. Some hold in every tree and are declared here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from mdm.domains import BY_NAME
from mdm.hierarchies.edges import Edges
from mdm.hierarchies.trees import parent_attribute
from mdm.queries.shapes import Reference
from mdm.spec import Domain, Rollup

Condition = tuple[str, list[Any]]

EVERYWHERE = (
    Rollup(
        check="parent_stands",
        attributes=(),
        label="Parents stand in the tree",
        message="Its parent does not stand in this tree, so that it is shown on top.",
    ),
    Rollup(
        check="not_merged",
        attributes=(),
        label="No merged records",
        message="It was merged into another record, which should stand here in its place.",
    ),
    Rollup(
        check="parent_in_use",
        attributes=(),
        label="No active record below a retired one",
        message="It is active, and its parent is retired.",
    ),
)


def _parent_stands(domain: Domain, rollup: Rollup) -> Condition:
    return "e.parent_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM edges up WHERE up.record_id = e.parent_id)", []


def _not_merged(domain: Domain, rollup: Rollup) -> Condition:
    return "c.state = 'merged'", []


def _parent_in_use(domain: Domain, rollup: Rollup) -> Condition:
    return "c.state = 'active' AND p.state = 'retired'", []


def _dates_within_parent(domain: Domain, rollup: Rollup) -> Condition:
    first, last = rollup.attributes
    sooner = f"child.{first} < parent.{first}"
    return f"({sooner} OR parent.{last} < coalesce(child.{last}, 'infinity'))", []


def _levels_in_order(domain: Domain, rollup: Rollup) -> Condition:
    (name,) = rollup.attributes
    levels = [value for a in domain.attributes if a.name == name for value, _ in a.choices]
    return f"array_position(%s, child.{name}::text) <= array_position(%s, parent.{name}::text)", [levels, levels]


def _within_parents_place(domain: Domain, rollup: Rollup) -> Condition:
    (name,) = rollup.attributes
    place = BY_NAME[next(a.references for a in domain.attributes if a.name == name)]
    above = parent_attribute(place)
    onward = f"{above.name}_id" if above else "NULL::uuid"
    return (
        f"""parent.{name}_id NOT IN (
            WITH RECURSIVE up (id) AS (
                SELECT child.{name}_id
                UNION
                SELECT place.{onward} FROM up JOIN {place.model._meta.db_table} place ON place.record_id = up.id
                WHERE place.{onward} IS NOT NULL
            ) SELECT id FROM up WHERE id IS NOT NULL) AND child.{name}_id IS NOT NULL""",  # noqa: S608 - declared names
        [],
    )


ROLLUPS: Mapping[str, Callable[[Domain, Rollup], Condition]] = {
    "parent_stands": _parent_stands,
    "not_merged": _not_merged,
    "parent_in_use": _parent_in_use,
    "dates_within_parent": _dates_within_parent,
    "levels_in_order": _levels_in_order,
    "within_parents_place": _within_parents_place,
}


@dataclass(frozen=True)
class Failing:
    """The records that fail a check, in order of their titles, each with its parent; ``total`` counts all of them."""

    rollup: Rollup
    total: int
    first: Sequence[tuple[Reference, Reference | None]]


def rollups_of(domain: Domain) -> tuple[Rollup, ...]:
    """What is checked in every tree of the domain."""
    return (*EVERYWHERE, *domain.rollups)


def failing(edges: Edges, domain: Domain, rollup: Rollup, *, start: int = 0, limit: int = 0) -> Failing:
    """Who fails a check, ``limit`` of them from ``start`` on. Two queries, one where nobody is asked for."""
    condition, params = ROLLUPS[rollup.check](domain, rollup)
    table = domain.model._meta.db_table
    question = f"""FROM edges e
        JOIN mdm_goldenrecord c ON c.id = e.record_id JOIN {table} child ON child.record_id = e.record_id
        LEFT JOIN mdm_goldenrecord p ON p.id = e.parent_id LEFT JOIN {table} parent ON parent.record_id = e.parent_id
        WHERE {condition}"""
    with connection.cursor() as cursor:
        cursor.execute(*edges.ask(f"SELECT count(*) {question}", *params))
        total = cursor.fetchone()[0]
        rows = []
        if limit and total:
            wanted = "c.id, c.code, c.title, c.domain, c.state, p.id, p.code, p.title, p.domain, p.state"
            paged = f"SELECT {wanted} {question} ORDER BY c.title, c.code OFFSET %s LIMIT %s"
            cursor.execute(*edges.ask(paged, *params, start, limit))
            rows = cursor.fetchall()
    return Failing(
        rollup, total, [(Reference(*row[:5]), Reference(*row[5:]) if row[5] is not None else None) for row in rows]
    )
