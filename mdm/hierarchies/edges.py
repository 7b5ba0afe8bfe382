"""A tree on a day as one SQL question: (record_id, parent_id) of everything that stands in it.

Everything that reads trees puts its own question behind this one, so that today, a past day, next year and a draft
cost the same and read the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone

from mdm.hierarchies.trees import Tree
from mdm.queries.shapes import VISIBLE

_NAMED = """
    SELECT record_id, parent_id FROM mdm_placement
    WHERE hierarchy_id = %s AND valid_from <= %s AND (valid_to IS NULL OR valid_to > %s)"""
# A record nobody refers to and that refers to nobody stands in no tree.
_NOW = """
    SELECT here.record_id, here.{column} AS parent_id
    FROM {table} here JOIN mdm_goldenrecord golden ON golden.id = here.record_id AND golden.state = ANY(%s)
    WHERE here.{column} IS NOT NULL OR EXISTS (
        SELECT 1 FROM {table} child JOIN mdm_goldenrecord g ON g.id = child.record_id AND g.state = ANY(%s)
        WHERE child.{column} = here.record_id)"""
_THEN = """
    SELECT here.record_id, here.{column} AS parent_id FROM ({past}) here
    WHERE here.{column} IS NOT NULL OR EXISTS (SELECT 1 FROM ({past}) child WHERE child.{column} = here.record_id)"""
# Version numbers have no gaps: the last one of a day is the one whose follower came later.
_PAST = """
        SELECT v.record_id, v.{column} FROM {versions} v
        WHERE v.history_date < %s AND v.state = ANY(%s) AND NOT EXISTS (
            SELECT 1 FROM {versions} n
            WHERE n.record_id = v.record_id AND n.version = v.version + 1 AND n.history_date < %s)"""
_OVERLAID = """
base AS NOT MATERIALIZED ({base}),
thought (record_id, parent_id, present) AS (SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::boolean[])),
edges AS (
    SELECT record_id, parent_id FROM base WHERE record_id NOT IN (SELECT record_id FROM thought)
    UNION ALL
    SELECT record_id, parent_id FROM thought WHERE present
    UNION
    SELECT parent_id, NULL FROM thought WHERE present AND parent_id IS NOT NULL
      AND parent_id NOT IN (SELECT record_id FROM thought) AND parent_id NOT IN (SELECT record_id FROM base)
)"""


@dataclass(frozen=True)
class Thought:
    """A move that is only thought of: where the record would stand, or that it would stand nowhere."""

    record: UUID
    parent: UUID | None
    present: bool = True


@dataclass(frozen=True)
class Edges:
    """``WITH RECURSIVE`` clauses that end in one named ``edges``, and their parameters."""

    clauses: str
    params: tuple[Any, ...]

    def ask(self, question: str, *params: Any) -> tuple[str, list[Any]]:
        """The question behind the clauses, ready to be executed."""
        return f"WITH RECURSIVE {self.clauses} {question}", [*self.params, *params]


def edges(tree: Tree, day: date | None = None, thoughts: Sequence[Thought] = ()) -> Edges:
    """The tree on a day (today without one), with moves somebody thinks of."""
    base, params = _base(tree, day)
    if not thoughts:
        return Edges(f"edges AS NOT MATERIALIZED ({base})", tuple(params))
    columns = ([one.record for one in thoughts], [one.parent for one in thoughts], [one.present for one in thoughts])
    return Edges(_OVERLAID.format(base=base), (*params, *columns))


def _base(tree: Tree, day: date | None) -> tuple[str, list[Any]]:
    today = timezone.now().date()
    if tree.attribute is None:
        return _NAMED, [tree.hierarchy.pk if tree.hierarchy else None, day or today, day or today]
    states = [str(state) for state in VISIBLE]
    model: Any = tree.domain.model
    names = {
        "table": model._meta.db_table,
        "versions": model.history.model._meta.db_table,
        "column": f"{tree.attribute.name}_id",
    }
    if day is None or day >= today:  # nobody knows yet what sources will say
        return _NOW.format(**names), [states, states]
    end = day + timedelta(days=1)
    past = [end, states, end]
    return _THEN.format(past=_PAST.format(**names), **names), [*past, *past]
