"""Which endpoints would hear of other records if facilities moved: those that select by a subtree of their tree."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from mdm.domains.facilities import FACILITY
from publishing.models import Endpoint
from publishing.selection import chosen

TREE = f"{FACILITY.name}.parent"  # what ``publishing.selection.SUBTREE`` walks


@dataclass(frozen=True)
class Sides:
    """How many of the moved branches come into the selection of an endpoint, and how many leave it."""

    endpoint: Endpoint
    enter: int
    leave: int


def sides_of(moves: Sequence[tuple[UUID, UUID | None]]) -> list[Sides]:
    """The endpoints for which these (facility, new parent) change sides. Three queries for each that selects by
    place, and one."""
    found = []
    present = dict(
        FACILITY.model._default_manager.filter(pk__in=[record for record, _ in moves]).values_list("pk", "parent_id")
    )
    for endpoint in Endpoint.objects.order_by("name"):
        places = chosen(endpoint).places
        if not places:
            continue
        turned = [
            (
                all(str(record) in place for place in places),
                all(_stays(place, record, present.get(record), parent) for place in places),
            )
            for record, parent in moves
        ]
        enter, leave = sum(now and not then for then, now in turned), sum(then and not now for then, now in turned)
        if enter or leave:
            found.append(Sides(endpoint, enter, leave))
    return found


def _stays(place: frozenset[str], record: UUID, before: UUID | None, parent: UUID | None) -> bool:
    """Whether the facility lies in the place below its new parent, or is what the selection names."""
    named = str(record) in place and str(before) not in place
    return named or str(parent) in place
