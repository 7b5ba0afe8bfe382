"""Counts beside every filter of the queue, all at once: one pass over what waits, the rest is sums of small numbers."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.contrib.auth.models import User
from django.db import connection

from mdm.work import kinds
from stewardship.asked import ME, NOBODY, QUESTIONS, Filters
from stewardship.work.listing import AGE, CLOCK, chosen, statement
from stewardship.work.places import ROOTED

# Dimension -> the SQL it is grouped by; each is a filter of the same name.
DIMENSIONS: Mapping[str, str] = {
    "kind": "kind",
    "domain": "domain",
    "band": "band",
    "age": AGE,
    "due": CLOCK,
    "assignee": "coalesce(assignee_id, 0)",
    "mine": "CASE WHEN mine THEN 'yes' ELSE '' END",
    "parked": "CASE WHEN away IS NULL THEN '' ELSE 'yes' END",
}


class Cell(NamedTuple):
    """How much work falls together in every dimension."""

    kind: str
    domain: str
    band: str
    age: str
    due: str
    assignee: int
    mine: str
    parked: str
    reason: str
    number: int


@dataclass(frozen=True)
class Facets:
    """The cells of what waits, with the filters they are read under."""

    cells: Sequence[Cell]
    filters: Filters
    me: int
    people: Mapping[str, int]

    @property
    def total(self) -> int:
        """How much fits all filters."""
        return sum(cell.number for cell in self.cells if self._fits(cell, ""))

    def counted(self, dimension: str) -> Counter[Any]:
        """{value: how much fits} of one dimension, its own filter left aside."""
        found: Counter[Any] = Counter()
        for cell in self.cells:
            if self._fits(cell, dimension):
                found[getattr(cell, dimension)] += cell.number
        return found

    def held(self) -> Counter[int]:
        """{person: how much of theirs is not put off}, whatever else is filtered; 0 stands for nobody."""
        found: Counter[int] = Counter()
        for cell in self.cells:
            if not cell.parked:
                found[cell.assignee] += cell.number
        return found

    def _fits(self, cell: Cell, aside: str) -> bool:
        asked = self.filters
        if asked.order == "teaches" and cell.kind not in QUESTIONS:
            return False
        return (
            all(
                name == aside or getattr(asked, name) in ("", getattr(cell, name))
                for name in ("kind", "domain", "band", "age", "due", "mine", "reason")
            )
            and (aside == "parked" or asked.parked == cell.parked)
            and (aside == "assignee" or not asked.assignee or self._person() == cell.assignee)
        )

    def _person(self) -> int:
        asked = self.filters.assignee
        return self.me if asked == ME else 0 if asked == NOBODY else self.people.get(asked, -1)


def facets(filters: Filters, user: User, people: Mapping[str, int]) -> Facets:
    """Everything that waits, counted; ``people`` is {user name: id}. Reasons are told apart within one kind only.

    Two queries whatever the size.
    """
    made = statement(Filters(legal=filters.legal, facility=filters.facility, source=filters.source), user)
    told_apart = f"CASE WHEN kind = '{filters.kind}' THEN reason ELSE '' END" if filters.kind in kinds() else "''"
    columns = ", ".join(f"{sql} AS d_{name}" for name, sql in DIMENSIONS.items())
    sql = f"""
WITH {made.with_} SELECT {columns}, {told_apart} AS d_reason, count(*)::int FROM work WHERE {made.narrowed}
GROUP BY {", ".join(str(number) for number in range(1, len(DIMENSIONS) + 2))}
"""
    with connection.cursor() as cursor:
        cursor.execute(sql, made.given)
        cells = [Cell(*row) for row in cursor.fetchall()]
    return Facets(cells, filters, user.pk, people)


def by_source(filters: Filters, user: User) -> dict[str, int]:
    """{code of a source system: how much of it fits}, its own filter left aside. Two queries."""
    return _counted(
        filters.without("source"),
        user,
        """
SELECT y.code, count(*)::int FROM (
    SELECT kind, key, system_id FROM fitting WHERE system_id IS NOT NULL
    UNION
    SELECT a.kind, a.key, s.system_id FROM about a
    JOIN mdm_link l ON l.record_id = a.record_id AND l.ended_at IS NULL
    JOIN mdm_sourcerecord s ON s.id = l.source_record_id
) told JOIN mdm_sourcesystem y ON y.id = told.system_id GROUP BY y.code
""",
    )


def by_place(filters: Filters, user: User, part: str) -> dict[str, int]:
    """{code of a facility: how much concerns it or what is below it}, ``part``'s own filter left aside. Two queries."""
    return _counted(
        filters.without(part),
        user,
        """
SELECT g.code, count(DISTINCT (a.kind, a.key))::int FROM about a
JOIN concerned ON concerned.record_id = a.record_id JOIN mdm_goldenrecord g ON g.id = concerned.root GROUP BY g.code
""",
        before=f"{ROOTED}, ",
    )


def _counted(filters: Filters, user: User, counting: str, before: str = "") -> dict[str, int]:
    """What fits, as ``fitting``, and every record it is about, as ``about`` (kind, key, record_id), counted."""
    made = chosen(filters, user)
    members = " UNION ALL ".join(
        f"SELECT '{kind.name}' AS kind, key, record_id FROM ({kind.members}) m"
        for kind in kinds().values()
        if kind.members
    )
    sql = f"""
WITH RECURSIVE {before}{made.with_},
fitting AS MATERIALIZED (SELECT kind, key, record_id, system_id FROM work WHERE {made.narrowed}),
about AS MATERIALIZED (
    SELECT kind, key, record_id FROM fitting WHERE record_id IS NOT NULL
    UNION
    SELECT f.kind, f.key, m.record_id FROM fitting f JOIN ({members}) m ON m.kind = f.kind AND m.key = f.key
)
{counting}"""
    with connection.cursor() as cursor:
        cursor.execute(sql, made.given)
        return dict(cursor.fetchall())
