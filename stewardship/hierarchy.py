"""The tree a golden record stands in, where its domain refers to itself: everything above, two levels below."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.db import connection
from django.db.models import Count

from mdm.models import GoldenState
from mdm.queries import Reference
from mdm.spec import Attribute, Domain, Kind

MOST_CHILDREN = 50
# A tree deeper than this is a circle somebody entered.
DEEPEST = 30


@dataclass
class Node:
    """A record of the tree; ``more`` counts the children that are not shown."""

    record: Reference
    children: list["Node"] = field(default_factory=list)
    more: int = 0


@dataclass(frozen=True)
class Tree:
    """``above`` from the top down, ``below`` the record's own children with theirs."""

    attribute: Attribute
    above: Sequence[Reference]
    below: Sequence[Node]
    children: int


def parent_attribute(domain: Domain) -> Attribute | None:
    """The attribute by which records of the domain form a tree."""
    return next((a for a in domain.attributes if a.kind is Kind.REFERENCE and a.references == domain.name), None)


def tree(domain: Domain, record_id: UUID) -> Tree | None:
    """The tree around the record, None where the domain has none or the record stands alone. Four queries at most."""
    attribute = parent_attribute(domain)
    if attribute is None:
        return None
    above = _above(domain, attribute, record_id)
    children, total = _children(domain, attribute, [record_id], MOST_CHILDREN)
    below = [Node(child) for _, child in children]
    if below:
        inner, _ = _children(domain, attribute, [node.record.record for node in below], MOST_CHILDREN * 4)
        by_parent: dict[UUID, list[Reference]] = {}
        for parent, child in inner:
            by_parent.setdefault(parent, []).append(child)
        for node in below:
            found = by_parent.get(node.record.record, [])
            node.children = [Node(child) for child in found[:MOST_CHILDREN]]
            node.more = len(found) - len(node.children)
    return Tree(attribute, above, below, total) if above or below else None


def _above(domain: Domain, attribute: Attribute, record_id: UUID) -> list[Reference]:
    table, column = domain.model._meta.db_table, f"{attribute.name}_id"
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH RECURSIVE up (id, height) AS (
                SELECT "{column}", 1 FROM "{table}" WHERE record_id = %s AND "{column}" IS NOT NULL
                UNION
                SELECT step."{column}", up.height + 1 FROM up JOIN "{table}" step ON step.record_id = up.id
                WHERE step."{column}" IS NOT NULL AND up.height < {DEEPEST}
            )
            SELECT golden.id, golden.code, golden.title, golden.domain, golden.state
            FROM up JOIN mdm_goldenrecord golden ON golden.id = up.id ORDER BY up.height DESC
            """,  # noqa: S608 - table and column are the declaration's
            [record_id],
        )
        found = [Reference(*row) for row in cursor.fetchall()]
    return list({reference.record: reference for reference in found}.values())


def _children(
    domain: Domain, attribute: Attribute, parents: Sequence[UUID], limit: int
) -> tuple[list[tuple[UUID, Reference]], int]:
    rows = domain.model._default_manager.filter(
        **{f"{attribute.name}__in": parents, "record__state__in": (GoldenState.ACTIVE, GoldenState.RETIRED)}
    )
    wanted = [f"record__{name}" for name in ("id", "code", "title", "domain", "state")]
    found = rows.order_by("record__title", "record__code").values_list(f"{attribute.name}_id", *wanted)[: limit + 1]
    children = [(row[0], Reference(*row[1:])) for row in found]
    total = len(children)
    if total > limit:
        total = int(rows.aggregate(number=Count("pk"))["number"])
    return children[:limit], total
