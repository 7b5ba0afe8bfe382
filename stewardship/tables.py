"""Tables people make their own: which columns, in which order, how dense, and views under a name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Q
from django.http import QueryDict

from mdm.errors import Invalid, NotFound, Refused
from mdm.retrying import atomic
from stewardship.models import SavedView, TableChoice
from stewardship.models.tables import LONGEST_NAME, LONGEST_QUERY

# Parameters of the address that say how a table looks, not what is in it.
COLUMNS, DENSE, VIEW = "columns", "dense", "saved"
LOOKS = (COLUMNS, DENSE, VIEW)
PICKED, PLACE = "pick", "at."
# Where one reader stands is no part of a view.
PLACES = ("after", "before", "cursor", "page", VIEW)
MOST_COLUMNS = 40
MOST_VIEWS = 100


@dataclass(frozen=True)
class Column:
    """One column a table can show; ``sort`` is its name among the orders, "" where it has none."""

    name: str
    label: str
    number: bool = False
    sort: str = ""
    fit: bool = False


@dataclass(frozen=True)
class Table:
    """What a table can show (``columns``, the first always shown first) and what it shows by itself."""

    name: str
    columns: tuple[Column, ...]
    usual: tuple[str, ...]

    def named(self, names: Sequence[str]) -> list[Column]:
        """The columns of these names, in this order, each once; unknown ones are left out."""
        known = {column.name: column for column in self.columns}
        return [known[name] for name in dict.fromkeys(names) if name in known]


@dataclass(frozen=True)
class Look:
    """A table as it is shown now: its columns in order, and whether it is dense; ``own`` where that is not usual."""

    table: Table
    columns: list[Column]
    dense: bool
    own: bool

    @property
    def query(self) -> dict[str, str]:
        """The parameters that show it so to anybody."""
        return {COLUMNS: ",".join(column.name for column in self.columns), DENSE: "yes" if self.dense else "no"}

    @property
    def panel(self) -> list[dict[str, Any]]:
        """Every column for the panel: those shown in their order, then the others."""
        shown = [column.name for column in self.columns]
        order = [*self.columns, *(column for column in self.table.columns if column.name not in shown)]
        return [
            {"column": column, "shown": column.name in shown, "place": number} for number, column in enumerate(order, 1)
        ]


def look_of(table: Table, asked: Mapping[str, str], person: User) -> Look:
    """How ``person`` sees the table: as the address says, else as they keep it, else as it is by itself. One query."""
    kept = TableChoice.objects.filter(person=person, table=table.name).first()
    names = [name for name in asked.get(COLUMNS, "").split(",") if name]
    columns = table.named(names) or table.named(kept.columns if kept else ()) or table.named(table.usual)
    dense = asked[DENSE] == "yes" if asked.get(DENSE) in ("yes", "no") else bool(kept and kept.dense)
    usual = [column.name for column in columns] == list(table.usual) and not dense
    return Look(table, columns, dense, not usual)


def picked(query: QueryDict) -> dict[str, str]:
    """The address a filled-in panel means: columns by their places, density, up to three orders."""
    places = {name: query.get(f"{PLACE}{name}", "") for name in query.getlist(COLUMNS)}
    ordered = sorted(places, key=lambda name: int(places[name]) if places[name].isdigit() else MOST_COLUMNS)
    sort = [f"{'-' if query.get(f'down{n}') else ''}{name}" for n in "123" if (name := query.get(f"sort{n}", ""))]
    kept = {
        name: str(value)
        for name, value in query.items()
        if name not in (PICKED, COLUMNS, DENSE, "sort", *PLACES) and not name.startswith((PLACE, "sort", "down"))
    }
    look = {COLUMNS: ",".join(ordered[:MOST_COLUMNS]), DENSE: "yes" if query.get(DENSE) else "no"}
    return kept | {name: value for name, value in {"sort": ",".join(dict.fromkeys(sort)), **look}.items() if value}


@atomic
def choose_columns(*, person: User, table: str, columns: Sequence[str], dense: bool) -> None:
    """The person sees this table so from now on. Told twice it is the same. Raises Invalid for too many columns."""
    if len(columns) > MOST_COLUMNS or any(len(name) > 120 for name in columns):
        raise Invalid("No table has that many columns.", f"Choose at most {MOST_COLUMNS}.")
    TableChoice.objects.update_or_create(
        person=person, table=table[:80], defaults={"columns": list(columns), "dense": dense}
    )


@atomic
def save_view(*, person: User, table: str, name: str, query: str, shared: bool) -> SavedView:
    """A view under a name; one's own view of that name is replaced. Raises Invalid with everything that is wrong."""
    name = " ".join(name.split())
    problems = []
    if not name or len(name) > LONGEST_NAME:
        problems.append(("name", f"Give the view a name of 1 to {LONGEST_NAME} characters."))
    if len(query) > LONGEST_QUERY:
        problems.append(("query", "There are too many filters for one view: take some away."))
    others = SavedView.objects.filter(owner=person, table=table).exclude(name=name)
    if others.count() >= MOST_VIEWS:
        problems.append(("name", f"You have {MOST_VIEWS} views of this table: remove one first."))
    if problems:
        raise Invalid("The view was not saved.", "Correct what is named.", problems)
    view, _ = SavedView.objects.update_or_create(
        owner=person, table=table[:80], name=name, defaults={"query": clean(query), "shared": shared}
    )
    return view


@atomic
def remove_view(*, person: User, view_id: UUID) -> SavedView:
    """Take one's own view away. Raises NotFound for one that is not there, Refused for somebody else's."""
    view = SavedView.objects.select_for_update().filter(pk=view_id).first()
    if view is None or not (view.shared or view.owner_id == person.pk):
        raise NotFound("There is no such view.", "It may have been removed.")
    if view.owner_id != person.pk:
        raise Refused("This view is somebody else's.", "Save one of your own under the same name.")
    view.delete()
    return view


def views_of(table: str, person: User) -> list[SavedView]:
    """One's own views of a table and those others share, own ones first, by name. One query."""
    found = SavedView.objects.filter(Q(owner=person) | Q(shared=True), table=table).select_related("owner")
    return sorted(found, key=lambda view: (view.owner_id != person.pk, view.name.casefold()))


def clean(query: str) -> str:
    """A query string without the place of one reader and without blanks."""
    given = QueryDict(query.lstrip("?"), mutable=True)
    for name in PLACES:
        given.pop(name, None)
    kept = QueryDict(mutable=True)
    for name, values in given.lists():
        if any(values):
            kept.setlist(name, [value for value in values if value])
    return kept.urlencode()
