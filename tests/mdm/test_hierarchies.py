"""Trees: those people keep, with walls around them, and those the sources make, on every day."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone

from mdm.domains import BY_NAME
from mdm.errors import Invalid, NotFound, Refused
from mdm.hierarchies import Thought, find_tree, trees_of
from mdm.hierarchies.edges import edges
from mdm.hierarchies.keeping import carry_out, make_hierarchy
from mdm.hierarchies.reading import branch, branches, children, differences, figures, find, nodes, size, ways_up
from mdm.hierarchies.trees import kept
from mdm.models import GoldenRecord, Hierarchy, HierarchyMove, Placement
from tests.factories import check_walls, golden, hospital, source, supplier, why

pytestmark = pytest.mark.django_db
FACILITY = BY_NAME["facility"]
SPRING, SUMMER, AUTUMN = date(2026, 3, 1), date(2026, 6, 1), date(2026, 9, 1)


def hierarchy(name: str = "Legal") -> Hierarchy:
    return make_hierarchy(domain=FACILITY, name=name, kind="legal", by="Olga Owner")


def places(*names: str) -> list[GoldenRecord]:
    return [hospital(name, name) for name in names]


def move(here: Hierarchy, *pairs: tuple[GoldenRecord, GoldenRecord | None], day: date = SPRING) -> int:
    thoughts = [Thought(record.pk, parent.pk if parent else None) for record, parent in pairs]
    return carry_out(hierarchy_id=here.pk, moves=thoughts, day=day, cause=why())


def take_out(here: Hierarchy, *records: GoldenRecord, day: date) -> int:
    thoughts = [Thought(record.pk, None, present=False) for record in records]
    return carry_out(hierarchy_id=here.pk, moves=thoughts, day=day, cause=why())


def drawn(here: Hierarchy, day: date, parent: UUID | None = None) -> dict[str, Any]:
    """The tree as nested titles."""
    found = children(edges(kept(here), day), parent).nodes
    return {node.record.title: drawn(here, day, node.record.record) for node in found}


def test_records_stand_where_they_were_placed_on_each_day() -> None:
    here, (group, north, site) = hierarchy(), places("Group", "North", "Site")
    move(here, (group, None), (north, group), (site, group))
    move(here, (site, north), day=SUMMER)
    take_out(here, site, day=AUTUMN)
    check_walls()
    assert drawn(here, SPRING - timedelta(days=1)) == {}
    assert drawn(here, SPRING) == {"Group": {"North": {}, "Site": {}}}
    assert drawn(here, SUMMER) == {"Group": {"North": {"Site": {}}}}
    assert drawn(here, AUTUMN) == {"Group": {"North": {}}}
    assert [(m.number, m.verb) for m in HierarchyMove.objects.filter(record=site).order_by("id")] == [
        (1, "placed"), (2, "moved"), (3, "removed"),
    ]  # fmt: skip


def test_a_move_leaves_the_places_that_were_planned_for_later() -> None:
    here, (a, b, c, site) = hierarchy(), places("A", "B", "C", "Site")
    move(here, (a, None), (b, None), (c, None), (site, a))
    move(here, (site, b), day=AUTUMN)
    move(here, (site, c), day=SUMMER)
    check_walls()
    assert [next(t for t, below in drawn(here, day).items() if below) for day in (SPRING, SUMMER, AUTUMN)] == list(
        "ACB"
    )


def test_circles_and_branches_cut_loose_are_named_all_at_once() -> None:
    here, (a, b, c, d) = hierarchy(), places("A", "B", "C", "D")
    move(here, (a, None), (b, a), (c, b), (d, c))
    with pytest.raises(Invalid) as refused:
        carry_out(
            hierarchy_id=here.pk,
            moves=[Thought(a.pk, b.pk), Thought(c.pk, None, present=False)],
            day=SUMMER,
            cause=why(),
        )
    assert {text for _, text in refused.value.problems} == {
        "A would stand below itself, through B.",
        "D stands below C, which is taken out.",
    }
    with pytest.raises(Invalid, match="do not leave a tree"):
        move(here, (hospital("E", "E"), hospital("F", "F")))
    assert here.moves.count() == 4


def test_a_circle_that_only_planned_moves_would_close_is_refused() -> None:
    here, (a, b) = hierarchy(), places("A", "B")
    move(here, (a, None), (b, None))
    move(here, (a, b), day=AUTUMN)
    with pytest.raises(Refused, match="On a later day"), transaction.atomic():
        move(here, (b, a), day=SUMMER)
    with pytest.raises(Refused, match="already stands"):
        move(here, (a, None), day=SUMMER)


def test_trees_are_named_once_and_their_addresses_are_free() -> None:
    hierarchy("Legal")
    for name in ("legal ", "Parent", "!!", "x" * 81):
        with pytest.raises(Invalid):
            make_hierarchy(domain=FACILITY, name=name, kind="legal", by="x")
    with pytest.raises(Invalid):
        make_hierarchy(domain=FACILITY, name="Other", kind="nonsense", by="x")
    assert [tree.slug for tree in trees_of(FACILITY)] == ["parent", "legal"]
    with pytest.raises(NotFound):
        find_tree("facilities", "none")


# What PostgreSQL refuses, whatever road the write takes.


def place(here: Hierarchy, record: GoldenRecord, parent: GoldenRecord | None, **days: date) -> Placement:
    given = {"valid_from": SPRING, **days}
    return Placement.objects.create(hierarchy=here, record=record, parent=parent, **given)


def test_one_place_per_record_tree_and_day() -> None:
    here, (a, b, c) = hierarchy(), places("A", "B", "C")
    place(here, a, None), place(here, b, None)
    place(here, c, a, valid_to=SUMMER)
    place(here, c, b, valid_from=SUMMER)
    check_walls()
    with pytest.raises(IntegrityError, match="placement_is_one_per_record_tree_and_day"), transaction.atomic():
        place(here, c, None, valid_from=AUTUMN)


def test_a_circle_is_refused_on_whichever_days_it_stands() -> None:
    here, (a, b, c) = hierarchy(), places("A", "B", "C")
    place(here, a, b, valid_from=SUMMER)
    place(here, b, c)
    place(here, c, a, valid_to=SUMMER)  # until the day before: no circle on any day
    check_walls()
    Placement.objects.filter(record=c).update(valid_to=SUMMER + timedelta(days=1))
    with pytest.raises(DatabaseError, match="would stand below itself"):
        check_walls()


@pytest.mark.parametrize(
    ("wall", "columns"),
    [
        ("placement_is_not_its_own_parent", "parent_id = record_id"),
        ("placement_ends_after_it_starts", "valid_to = valid_from"),
    ],
)
def test_a_placement_that_cannot_be_is_refused(wall: str, columns: str) -> None:
    here, (a,) = hierarchy(), places("A")
    placed = place(here, a, None)
    with pytest.raises(IntegrityError, match=wall), connection.cursor() as cursor:
        cursor.execute(f"UPDATE mdm_placement SET {columns} WHERE id = %s", [placed.pk])  # noqa: S608


def test_a_record_of_another_domain_is_refused() -> None:
    place(hierarchy(), supplier("V1", "Acme"), None)
    with pytest.raises(DatabaseError, match="of another domain"):
        check_walls()


@pytest.mark.parametrize("write", ["UPDATE mdm_hierarchymove SET by = 'x'", "DELETE FROM mdm_hierarchymove"])
def test_what_was_moved_stays_written(write: str) -> None:
    here, (a,) = hierarchy(), places("A")
    move(here, (a, None))
    with pytest.raises(DatabaseError, match="append-only"), connection.cursor() as cursor:
        cursor.execute(write)


@pytest.mark.parametrize(
    ("wall", "change"),
    [
        ("hierarchy_has_a_name", {"name": ""}),
        ("hierarchy_kind_is_known", {"kind": "x"}),
        ("hierarchy_address_is_used_once_per_domain", {"slug": "legal"}),
    ],
)
def test_a_tree_that_cannot_be_is_refused(wall: str, change: dict[str, str]) -> None:
    hierarchy("Legal")
    other = hierarchy("Other")
    with pytest.raises(IntegrityError, match=wall):
        Hierarchy.objects.filter(pk=other.pk).update(**change)


@pytest.mark.parametrize(
    ("wall", "words"),
    [
        ("hierarchy_move_verb_is_known", {"verb": "lifted"}),
        ("hierarchy_move_that_removes_names_no_parent", {"verb": "removed", "number": 2}),
        ("hierarchy_move_is_one_per_record_and_change", {"verb": "moved"}),
    ],
)
def test_a_move_that_cannot_be_is_refused(wall: str, words: dict[str, Any]) -> None:
    here, (a, b) = hierarchy(), places("A", "B")
    move(here, (a, None), (b, None))
    given = {"number": 1, "parent": b, "valid_from": SPRING, "at": timezone.now(), "by": "x", **words}
    with pytest.raises(IntegrityError, match=wall):
        HierarchyMove.objects.create(hierarchy=here, record=a, **given)


# Reading.


def part_of(key: str, name: str, parent: str, **values: object) -> GoldenRecord:
    reference = {"system": "erp", "domain": "facility", "key": parent}
    return golden(source("erp", "facility", key, name=name, city="Reno", parent=reference, **values))


def test_the_tree_of_the_sources_reads_like_any_other() -> None:
    group = hospital("G", "Group")
    site = part_of("S", "Site", "G", beds=120)
    ward = part_of("W", "Ward", "S", beds=30, level="department")
    hospital("X", "Alone")
    tree = find_tree("facilities", "parent")
    asked = edges(tree)
    assert size(asked) == 3
    assert [node.record.title for node in children(asked, None).nodes] == ["Group"]
    assert [(node.record.title, node.below) for node in children(asked, group.pk).nodes] == [("Site", 1)]
    assert [str(one) for one in ways_up(asked, [ward.pk])[ward.pk]] == ["Group", "Site"]
    assert branches(asked, [group.pk, site.pk]) == {group.pk: 2, site.pk: 1}
    assert set(branch(asked, group.pk)) == {site.pk, ward.pk}
    assert [node.record.title for node in find(asked, FACILITY, "war")] == ["Ward"]
    assert find(asked, FACILITY, "alone") == []
    found = {attribute.name: value for attribute, value in figures(asked, FACILITY, group.pk)}
    assert found == {"beds": 150, "level": {"Department": 1}}
    assert size(edges(tree, date(2020, 1, 1))) == 0


def test_the_tree_of_the_sources_as_at_a_past_day(monkeypatch: pytest.MonkeyPatch) -> None:
    group = hospital("G", "Group")
    site = part_of("S", "Site", "G")
    now = timezone.now()
    tomorrow = now.date() + timedelta(days=1)
    monkeypatch.setattr("mdm.hierarchies.edges.timezone.now", lambda: now + timedelta(days=400))
    asked = edges(find_tree("facilities", "parent"), tomorrow)
    assert nodes(asked, [site.pk])[site.pk].parent == group.pk
    assert size(edges(find_tree("facilities", "parent"), tomorrow - timedelta(days=30))) == 0


def test_moves_somebody_thinks_of_are_seen_and_change_nothing() -> None:
    here, (a, b, c, new) = hierarchy(), places("A", "B", "C", "New")
    move(here, (a, None), (b, None), (c, a))
    thoughts = [Thought(c.pk, b.pk), Thought(a.pk, None, present=False), Thought(new.pk, c.pk)]
    before, asked = edges(kept(here), SUMMER), edges(kept(here), SUMMER, thoughts)
    assert [str(one) for one in ways_up(asked, [new.pk])[new.pk]] == ["B", "C"]
    found, counts = differences(before, asked)
    assert counts == {"added": 1, "moved": 1, "removed": 1}
    assert [(d.kind, str(d.record), str(d.before), str(d.after)) for d in found] == [
        ("added", "New", "None", "C"), ("moved", "C", "A", "B"), ("removed", "A", "None", "None"),
    ]  # fmt: skip
    assert drawn(here, SUMMER) == {"A": {"C": {}}, "B": {}}


def test_children_come_by_pages_in_order_of_their_titles() -> None:
    here, (top, *sites) = hierarchy(), places("Top", *(f"Site {n}" for n in range(5)))
    move(here, (top, None), *((site, top) for site in sites))
    asked = edges(kept(here), SPRING)
    first = children(asked, top.pk, limit=2)
    second = children(asked, top.pk, after=first.next, limit=9)
    assert [node.record.title for node in (*first.nodes, *second.nodes)] == [f"Site {n}" for n in range(5)]
    assert (first.total, second.next) == (5, None)
