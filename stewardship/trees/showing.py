"""A tree as the pages show it: which branches are open, what a node is, how every move reads."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.urls import reverse

from mdm.hierarchies import Thought, Tree
from mdm.hierarchies.edges import Edges, edges
from mdm.hierarchies.reading import Node, branches, children, figures, nodes, ways_up
from mdm.models import HierarchyMove
from mdm.queries.values import references_to
from stewardship import showing
from stewardship.models import DraftMove, TreeDraft
from stewardship.trees.drafting import thoughts_of

PAGE = 100


@dataclass(frozen=True)
class Asked:
    """A tree as somebody looks at it: on a day, and with their own draft where there is one."""

    tree: Tree
    day: date | None = None
    draft: TreeDraft | None = None
    thoughts: Sequence[Thought] = ()

    @property
    def edges(self) -> Edges:
        """What the reading side asks."""
        return edges(self.tree, self.day, self.thoughts)

    @property
    def address(self) -> str:
        """Where the tree is shown."""
        return tree_address(self.tree)

    @property
    def empty_text(self) -> str:
        """What to do where nothing stands."""
        if self.tree.derived:
            return "No source names a parent of any record. Place a record on the right: a change request follows."
        if self.day and self.draft is None:
            return "On that day the tree was empty."
        return "Place the first record on top by its code, then others below it."

    def link(self, **params: object) -> str:
        """The address with a day and more."""
        given = {"on": self.day.isoformat() if self.day and self.draft is None else "", **params}
        query = urlencode({name: value for name, value in given.items() if value not in ("", None)})
        return f"{self.address}?{query}" if query else self.address


def tree_address(tree: Tree, page: str = "tree") -> str:
    """Where a tree, or one of its pages, is shown."""
    return reverse(f"stewardship:{page}", args=[tree.domain.slug, tree.slug])


def asked(tree: Tree, *, day: date | None, draft: TreeDraft | None) -> Asked:
    """The tree with a draft on the draft's own day, or as it is on a day."""
    if draft is None:
        return Asked(tree, day)
    return Asked(tree, draft.day if draft.hierarchy_id else None, draft, thoughts_of(draft))


@dataclass
class Branch:
    """A node as the list shows it: ``inner`` is filled where it is open."""

    node: Node
    total: int
    href: str
    mark: str = ""
    selected: bool = False
    inner: "Level | None" = None


@dataclass
class Level:
    """The children of one node, by pages: ``more`` leads to those that follow."""

    branches: list[Branch] = field(default_factory=list)
    more: str = ""
    left: int = 0


def level(
    view: Asked,
    parent: UUID | None,
    *,
    parent_code: str = "",
    after: tuple[str, str] | None = None,
    way: Sequence[UUID] = (),
) -> Level:
    """The children of ``parent``, those on the ``way`` opened down to its end. A page of them may be left out where
    the way goes through one that lies beyond it: that one is then shown first."""
    page = children(view.edges, parent, after=after, limit=PAGE)
    found = list(page.nodes)
    if way and after is None and way[0] not in {node.record.record for node in found}:
        found[:0] = nodes(view.edges, [way[0]]).values()
    sizes = branches(view.edges, [node.record.record for node in found if node.below])
    marks = {thought.record: "moved" for thought in view.thoughts}
    made = []
    for node in found:
        record, code = node.record.record, node.record.code
        open_here = bool(way) and record == way[0]
        here = Branch(
            node, sizes.get(record, 0), view.link(at=code), marks.get(record, ""), open_here and len(way) == 1
        )
        if open_here and node.below:
            here.inner = level(view, record, parent_code=code, way=way[1:])
        made.append(here)
    more = view.link(below=parent_code or "top", title=page.next[0], code=page.next[1]) if page.next else ""
    return Level(made, more, page.total - len(page.nodes) if after is None else 0)


def panel(view: Asked, node: Node) -> dict[str, Any]:
    """Everything beside the tree about one node."""
    record = node.record
    tree, way = view.tree, ways_up(view.edges, [record.record])[record.record]
    moves: list[HierarchyMove] = []
    if tree.hierarchy is not None:
        history = HierarchyMove.objects.filter(hierarchy=tree.hierarchy, record=record.record)
        moves = list(history.select_related("before", "parent").order_by("-id")[:10])
    return {
        "node": node,
        "record_href": showing.record_address(tree.domain.name, record.code),
        "way": [(one, view.link(at=one.code)) for one in way],
        "branch": branches(view.edges, [record.record]).get(record.record, 0),
        "figures": [
            (attribute, value if isinstance(value, Mapping) else None, value)
            for attribute, value in figures(view.edges, tree.domain, record.record)
        ],
        "moves": moves,
        "thought": next((one for one in view.thoughts if one.record == record.record), None),
        "link": view.link(at=record.code),
    }


def way_to(view: Asked, record: UUID | None) -> list[UUID]:
    """The records from the top down to this one, itself included; nothing where it does not stand in the tree."""
    if record is None or record not in nodes(view.edges, [record]):
        return []
    return [*(one.record for one in ways_up(view.edges, [record])[record]), record]


@dataclass(frozen=True)
class MoveLine:
    """One drafted move in words."""

    record: Any
    kind: str
    before: str
    after: str
    conflict: str = ""


def move_lines(moves: Collection[DraftMove], conflicts: Mapping[UUID, str]) -> list[MoveLine]:
    """The moves of a draft: what each record is, where it stood and where it shall stand. One query."""
    ids = {one for m in moves for one in (m.record_id, m.parent_id, m.before_id) if one}
    known = references_to(ids)

    def place(present: bool, parent: UUID | None) -> str:
        return "not in the tree" if not present else str(known[parent]) if parent else "on top"

    return [
        MoveLine(
            known[m.record_id],
            "removed" if not m.present else "moved" if m.was_present else "added",
            place(m.was_present, m.before_id),
            place(m.present, m.parent_id),
            conflicts.get(m.record_id, ""),
        )
        for m in moves
    ]
