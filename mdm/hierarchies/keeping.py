"""The verbs of named trees: make one, and carry out moves. Nothing else writes placements."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from uuid import UUID

from django.db import IntegrityError, connection
from django.utils import timezone
from django.utils.text import slugify

from mdm.cause import Cause
from mdm.errors import Invalid, NotFound, Refused
from mdm.hierarchies.edges import Thought, edges
from mdm.hierarchies.reading import below, circles, nodes
from mdm.hierarchies.trees import Tree, kept, parent_attributes
from mdm.models import GoldenRecord, Hierarchy, HierarchyKind, HierarchyMove, MoveVerb, Placement
from mdm.retrying import atomic
from mdm.spec import Domain


@atomic
def make_hierarchy(*, domain: Domain, name: str, kind: str, description: str = "", by: str) -> Hierarchy:
    """Make an empty tree of a domain; its address follows from its name. Raises Invalid with all problems."""
    name, slug = " ".join(name.split()), slugify(name)[:60]
    problems = []
    if not slug:
        problems.append(("name", "Give it a name of letters or digits."))
    elif len(name) > 80:
        problems.append(("name", f"A name has at most 80 characters; this has {len(name)}."))
    taken = slug in {a.name for a in parent_attributes(domain)}
    if taken or Hierarchy.objects.filter(domain=domain.name, slug=slug).exists():
        problems.append(("name", f"{domain.plural} have a hierarchy of this name already."))
    if kind not in HierarchyKind.values:
        problems.append(("kind", "Choose what it is kept for."))
    if len(description) > 300:
        problems.append(("description", f"At most 300 characters; this has {len(description)}."))
    if problems:
        raise Invalid("The hierarchy cannot be made like this.", "Correct what is named.", problems)
    return Hierarchy.objects.create(
        domain=domain.name, slug=slug, name=name, kind=kind, description=description.strip(), created_by=by
    )


def lock(hierarchy_id: int) -> Hierarchy:
    """The tree's row, held until the transaction ends: one change of a tree at a time. Raises NotFound."""
    found = Hierarchy.objects.select_for_update(no_key=True).filter(pk=hierarchy_id).first()
    if found is None:
        raise NotFound("There is no such hierarchy.", "Open the list of hierarchies.")
    return found


@atomic
def carry_out(*, hierarchy_id: int, moves: Sequence[Thought], day: date, cause: Cause) -> int:
    """Place, move and remove records from a day on, all or nothing; the number of the change.

    Places a record has after that day for another reason stay: the new place ends where the next one begins. Each
    record that changes place leaves a ``HierarchyMove``. Raises Invalid naming every circle and every record that
    would be left without its parent.
    """
    hierarchy = lock(hierarchy_id)
    check(hierarchy, moves, day)
    hierarchy.number += 1
    standing = _standing(hierarchy, moves, day)
    said: list[HierarchyMove] = []
    ended: list[Placement] = []
    gone: list[int] = []
    made: list[Placement] = []
    for move in moves:
        here, following = standing.get(move.record, (None, None))
        verb = MoveVerb.REMOVED if not move.present else MoveVerb.MOVED if here else MoveVerb.PLACED
        if (not move.present and here is None) or (move.present and here and here.parent_id == move.parent):
            continue
        said.append(_move(hierarchy, move, verb, here, day, cause))
        until = here.valid_to if here is not None else following
        if here is not None and here.valid_from == day:
            gone.append(here.pk)
        elif here is not None:
            here.valid_to = day
            ended.append(here)
        if move.present:
            made.append(
                Placement(
                    hierarchy=hierarchy, record_id=move.record, parent_id=move.parent, valid_from=day, valid_to=until
                )
            )
    if not said:
        raise Refused("Everything already stands where these moves would put it.", "There is nothing to do.")
    Placement.objects.filter(pk__in=gone).delete()
    Placement.objects.bulk_update(ended, ["valid_to"], batch_size=2000)
    Placement.objects.bulk_create(made, batch_size=2000)
    HierarchyMove.objects.bulk_create(said, batch_size=2000)
    hierarchy.save(update_fields=["number"])
    _look_for_circles()
    return hierarchy.number


def _look_for_circles() -> None:
    """Let the wall speak now, while its no can still be put into words."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS placement_makes_no_circle IMMEDIATE")
            cursor.execute("SET CONSTRAINTS placement_makes_no_circle DEFERRED")
    except IntegrityError as error:
        raise Refused(
            "On a later day, because of moves planned already, a record would stand below itself.",
            "Look at the tree as at the days of the planned moves, and change those first.",
        ) from error


def _move(
    hierarchy: Hierarchy, move: Thought, verb: MoveVerb, here: Placement | None, day: date, cause: Cause
) -> HierarchyMove:
    return HierarchyMove(
        hierarchy=hierarchy,
        number=hierarchy.number,
        record_id=move.record,
        verb=verb,
        before_id=here.parent_id if here else None,
        parent_id=move.parent if move.present else None,
        valid_from=day,
        at=timezone.now(),
        by=cause.by.name,
        approved_by=cause.approved_by,
        reason=cause.reason,
        correlation_id=cause.correlation_id,
    )


def _standing(
    hierarchy: Hierarchy, moves: Sequence[Thought], day: date
) -> Mapping[UUID, tuple[Placement | None, date | None]]:
    """{record: (its placement on the day, the first day after it on which it is placed again)}."""
    later: dict[UUID, date] = {}
    here: dict[UUID, Placement] = {}
    rows = Placement.objects.filter(hierarchy=hierarchy, record__in=[move.record for move in moves])
    for placement in rows.order_by("-valid_from"):
        if placement.valid_from > day:
            later[placement.record_id] = placement.valid_from
        elif placement.valid_to is None or placement.valid_to > day:
            here[placement.record_id] = placement
    return {record: (here.get(record), later.get(record)) for record in here.keys() | later.keys()}


def check(hierarchy: Hierarchy, moves: Sequence[Thought], day: date) -> None:
    """Whether these moves together leave a tree on that day. Raises Invalid naming everything that does not fit."""
    if problems := problems_of(kept(hierarchy), moves, day):
        raise Invalid("These moves do not leave a tree.", "Take back or change what is named.", problems)


def problems_of(tree: Tree, moves: Sequence[Thought], day: date | None) -> list[tuple[str, str]]:
    """(record, sentence) of everything that speaks against the moves on that day. Five queries at most."""
    asked, before = edges(tree, day, moves), edges(tree, day)
    present = {move.record: move.present for move in moves}
    parents = {move.parent for move in moves if move.present and move.parent}
    # Any record may be the parent of another where sources say so; a kept tree grows from what stands in it.
    absent = (
        set()
        if tree.derived
        else parents - nodes(before, parents).keys() - {record for record, stays in present.items() if stays}
    )
    gone = {record for record, stays in present.items() if not stays}
    alone = [pair for pair in below(asked, gone) if pair[1] not in absent]
    around = circles(asked, [move.record for move in moves if move.present])
    titles = titles_of([*present, *parents, *(record for pair in alone for record in pair)])
    problems = [
        (str(move.record), f"{titles[move.record]} would stand below itself, through {titles[move.parent]}.")
        for move in moves
        if move.record in around and move.parent
    ]
    problems += [
        (
            str(move.record),
            f"{titles[move.parent]} does not stand in this tree on that day: {titles[move.record]} cannot.",
        )
        for move in moves
        if move.present and move.parent in absent and move.parent is not None
    ]
    return problems + [
        (str(record), f"{titles[record]} stands below {titles[parent]}, which is taken out.")
        for record, parent in alone
    ]


def titles_of(records: Collection[UUID]) -> dict[UUID, str]:
    """{record: how one calls it}. One query."""
    rows = GoldenRecord.objects.filter(pk__in=records).values_list("pk", "title", "code")
    return {pk: title or code for pk, title, code in rows}
