"""Lists people make their own: sorted by any column, columns chosen, paged by place, taken away as they are seen."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import ValidationError
from django.db.models import F, Model, Q, QuerySet
from django.db.models.expressions import OrderBy
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect

from mdm.errors import Invalid, NotFound
from stewardship import seen, tables
from stewardship.access import signed_in
from stewardship.listing import address
from stewardship.tables import Look, Table

PAGE = 50
EXPORT_PAGE = 500
MOST_ORDERS = 3
Rows = QuerySet[Any]


@dataclass(frozen=True, kw_only=True)
class Listing:
    """A table over rows of one model. ``head`` is what its first column is called, which always stands first;
    ``orders`` are {name of an order: field}, ``usual`` the order where none is asked for."""

    table: Table
    head: str
    orders: Mapping[str, str]
    usual: str

    def order(self, asked: str) -> list[tuple[str, bool]]:
        """(field, downwards) of up to three known orders, and the key last. Unknown names are passed over."""
        names = [name for name in asked.split(",") if name.lstrip("-") in self.orders][:MOST_ORDERS]
        chosen = [(self.orders[name.lstrip("-")], name.startswith("-")) for name in names or [self.usual]]
        return [*chosen, ("pk", chosen[0][1])]


@dataclass(frozen=True)
class Part:
    """Rows of one page, and the key of its last one where more follow."""

    rows: list[Any]
    next: str


def page(listing: Listing, rows: Rows, *, sort: str = "", after: str = "", limit: int = PAGE) -> Part:
    """The rows after the one with the key ``after``, blanks last whichever way. Two queries at most.

    Raises Invalid for a place that is not in the list, or no longer.
    """
    order = listing.order(sort)
    if after:
        rows = rows.filter(_beyond(order, _place(order, rows, after)))
    found: list[Model] = list(rows.order_by(*_ordering(order))[: limit + 1])
    return Part(found[:limit], str(found[limit - 1].pk) if len(found) > limit else "")


def _ordering(order: Sequence[tuple[str, bool]]) -> list[OrderBy]:
    return [F(name).desc(nulls_last=True) if down else F(name).asc(nulls_last=True) for name, down in order]


def _place(order: Sequence[tuple[str, bool]], rows: Rows, after: str) -> tuple[Any, ...]:
    try:
        found = rows.filter(pk=after).values_list(*(name for name, _ in order)).first()
    except (ValidationError, ValueError):
        found = None
    if found is None:
        raise Invalid("This place in the list is not one of ours.", "Start at the first page.")
    return tuple(found)


def _beyond(order: Sequence[tuple[str, bool]], place: Sequence[Any]) -> Q:
    """What comes later than the place: blanks come last, so nothing but blanks is later than a blank."""
    later, same = Q(pk__in=()), Q()
    for (name, down), value in zip(order, place, strict=True):
        if value is None:
            same &= Q(**{f"{name}__isnull": True})
            continue
        later |= same & (Q(**{f"{name}__{'lt' if down else 'gt'}": value}) | Q(**{f"{name}__isnull": True}))
        same &= Q(**{name: value})
    return later


def chosen(request: HttpRequest) -> HttpResponseRedirect | None:
    """Where the filled-in panel of columns leads; None where none was filled in."""
    if tables.PICKED not in request.GET:
        return None
    return HttpResponseRedirect(f"{request.path}?{urlencode(tables.picked(request.GET))}")


def shown(request: HttpRequest, listing: Listing, asked: Mapping[str, str], part: Part, files: str) -> dict[str, Any]:
    """What the table and the menus above it need. ``asked`` are the filters in force; ``files`` is the address of
    the files of what is seen, without the ending."""
    look = tables.look_of(listing.table, request.GET, signed_in(request))
    sort = request.GET.get("sort", "")
    own = {"sort": sort, **{name: request.GET.get(name, "") for name in tables.LOOKS}}
    kept = {name: value for name, value in {**asked, **own}.items() if value}
    ways = [{"name": one.lstrip("-"), "down": one.startswith("-")} for one in sort.split(",")]
    taken = address({**{name: kept[name] for name in kept if name != tables.VIEW}, **look.query})
    labels = {column.sort: column.label for column in listing.table.columns if column.sort}
    return {
        "look": look,
        "columns": look.columns,
        "head": listing.head,
        "rows": part.rows,
        "next_href": f"{address(kept)}{'&' if kept else ''}after={part.next}" if part.next else "",
        "previous_href": address(kept) if request.GET.get("after") else "",
        "orders": [(name, labels.get(name, listing.head)) for name in listing.orders],
        "sorted_by": [*ways, *({"name": "", "down": False} for _ in range(MOST_ORDERS))][:MOST_ORDERS],
        "files": seen.kinds_of_file(lambda ending: f"{files}.{ending}{taken}"),
        "look_kept": [(name, value) for name, value in own.items() if value],
        "filters_kept": [(name, value) for name, value in asked.items() if value],
        "kept": kept,
        "sort_target": "results",
    }


Cells = Callable[[Sequence[Any]], Iterable[Mapping[str, Any]]]


def export(request: HttpRequest, listing: Listing, rows: Rows, cells: Cells, ending: str) -> HttpResponseBase:
    """Everything the list shows under its filters, in its order, with its columns. ``cells`` tells of some rows what
    stands in each column, "" naming the first one; it is asked once for many rows, and memory stays flat."""
    look = tables.look_of(listing.table, request.GET, signed_in(request))
    found = rows.order_by(*_ordering(listing.order(request.GET.get("sort", "")))).iterator(chunk_size=EXPORT_PAGE)
    return taken(request, look, listing.head, _told(found, cells), ending)


def taken(
    request: HttpRequest, look: Look, head: str, told: Iterable[Mapping[str, Any]], ending: str
) -> HttpResponseBase:
    """A file of what is told, with the columns of the look; ``head`` is what the first one is called."""
    if ending not in seen.FORMATS:
        raise NotFound("There is no such kind of file.", f"There are {', '.join(seen.FORMATS)}.")
    labels = [head, *(column.label for column in look.columns)]
    rows = ([one[""], *(one.get(column.name) for column in look.columns)] for one in told)
    return seen.download(request, name=look.table.name, ending=ending, labels=labels, rows=rows)


def _told(found: Iterator[Any], cells: Cells) -> Iterator[Mapping[str, Any]]:
    while some := list(islice(found, EXPORT_PAGE)):
        yield from cells(some)
