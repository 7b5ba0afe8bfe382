"""Lists of golden records: filter, sort, page through, take away as CSV."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.cache import patch_vary_headers

from mdm import queries
from mdm.domains import BY_SLUG
from mdm.errors import Invalid, NotFound
from mdm.mastering.compose import EXTENSION_PREFIX, extension_attributes
from mdm.queries import ListPage, ListRow, Reference
from mdm.spec import Attribute, Domain, Kind
from stewardship import listing, seen, showing, tables
from stewardship.access import is_fragment, require, signed_in
from stewardship.permissions import may_propose, may_see
from stewardship.tables import Column, Look, Table
from stewardship.tabular import csv_line

PAGE = 50
EXPORT_PAGE = 1000
DEFAULT_ORDER = "code"


def domain_of(slug: str) -> Domain:
    """The domain with this slug; NotFound names those there are."""
    if slug not in BY_SLUG:
        raise NotFound("There is no such kind of record.", f"There are {', '.join(BY_SLUG)}.")
    return BY_SLUG[slug]


@require(may_see)
def records(request: HttpRequest, slug: str) -> HttpResponseBase:
    """The list of a domain. Filters, order and place are in the address, so that it can be sent to a colleague."""
    domain = domain_of(slug)
    if added := request.GET.get("filter"):
        value = ",".join(request.GET.getlist("value")).strip()
        return redirect(request.path + listing.address(listing.asked(request.GET) | _order(request), **{added: value}))
    if tables.PICKED in request.GET:
        return redirect(f"{request.path}?{urlencode(tables.picked(request.GET))}")
    query = listing.asked(request.GET)
    look = tables.look_of(table_of(domain), request.GET, signed_in(request))
    context: dict[str, Any] = {"domain": domain, "query": query, "q": query.get("q", ""), "look": look}
    kept = query | _order(request) | {name: request.GET[name] for name in tables.LOOKS if request.GET.get(name)}
    code = 200
    try:
        page = queries.list_records(
            domain,
            query,
            order=request.GET.get("sort") or DEFAULT_ORDER,
            after=request.GET.get("after", ""),
            before=request.GET.get("before", ""),
            limit=PAGE,
            states=listing.WORKED_ON,
        )
        numbers = listing.counts(domain, query)
    except Invalid as refusal:
        page, numbers, code = ListPage([], "", ""), queries.count_by_state(domain), refusal.http
        context["refusal"] = refusal
        context["problems"] = [problem for _, problem in refusal.problems]
    context |= _results(domain, look, page, kept) | {
        "facets": listing.facets(kept, numbers),
        "chips": listing.chips(domain, kept),
        "total": _total(query, numbers),
        "all_records": sum(numbers.values()),
        "sort_target": "results",
    }
    fragment = is_fragment(request)
    if not fragment:
        context |= {"choices": listing.choices(domain), "kept": kept.items(), "may_propose": may_propose(request.user)}
        context |= _tools(domain, look, kept)
    template = "stewardship/records/results.html" if fragment else "stewardship/records/list.html"
    response = render(request, template, context, status=code)
    patch_vary_headers(response, ["HX-Request"])
    return response


def _order(request: HttpRequest) -> dict[str, str]:
    return {"sort": request.GET["sort"]} if request.GET.get("sort") else {}


def _total(query: Mapping[str, str], numbers: Mapping[str, int]) -> int:
    asked = query.get("state", "")
    chosen = numbers if asked == "all" else [state for state in asked.split(",") if state] or listing.WORKED_ON
    return sum(numbers.get(state, 0) for state in chosen)


def table_of(domain: Domain) -> Table:
    """What the list of a domain can show, and what it shows by itself; the name always stands first."""
    numbers = (Kind.DECIMAL, Kind.INTEGER)
    orders = queries.orders_of(domain)
    attributes = [
        Column(one.name, one.label, number=one.kind in numbers, sort=one.name if one.name in orders else "")
        for one in domain.attributes
        if one.name != domain.title
    ]
    code = Column("code", "Code", sort="code", fit=True)
    ends = (
        Column("state", "Record state", fit=True),
        Column("sources", "Sources", number=True, fit=True),
        Column("updated", "Last changed", sort="updated", fit=True),
    )
    shown = [name for name in domain.columns if name != domain.title]
    columns = (code, *attributes, *ends)
    return Table(f"records.{domain.slug}", columns, ("code", *shown, *(column.name for column in ends)))


def _tools(domain: Domain, look: Look, kept: Mapping[str, str]) -> dict[str, Any]:
    """What the menus above the list need."""
    sorted_by = [{"name": one.lstrip("-"), "down": one.startswith("-")} for one in kept.get("sort", "").split(",")]
    shown = listing.address({name: kept[name] for name in kept if name != tables.VIEW} | look.query)
    everything = listing.address({name: value for name, value in kept.items() if name not in tables.LOOKS})
    whole = reverse("stewardship:records_csv", args=[domain.slug]) + everything
    files = seen.kinds_of_file(lambda ending: reverse("stewardship:records_seen", args=[domain.slug, ending]) + shown)
    return {
        "orders": [("title", "Name"), *((column.sort, column.label) for column in look.table.columns if column.sort)],
        "sorted_by": [*sorted_by, *({"name": "", "down": False} for _ in range(3))][:3],
        "files": [*files, ("Every attribute, CSV", whole)],
        "filters_kept": [(name, value) for name, value in kept.items() if name not in (*tables.LOOKS, "sort")],
    }


def _results(domain: Domain, look: Look, page: ListPage, kept: Mapping[str, str]) -> dict[str, Any]:
    return {
        "columns": look.columns,
        "rows": _rows(domain, look.columns, page),
        "previous_href": listing.address(kept) + _place(kept, "before", page.previous) if page.previous else "",
        "next_href": listing.address(kept) + _place(kept, "after", page.next) if page.next else "",
    }


def _place(kept: Mapping[str, str], side: str, place: str) -> str:
    return f"{'&' if kept else ''}{side}={place}"


def _rows(domain: Domain, columns: Sequence[Column], page: ListPage) -> list[dict[str, Any]]:
    wanted = any(column.name == "sources" for column in columns)
    sources = listing.source_counts([row.id for row in page.rows]) if wanted else {}
    known = {attribute.name: attribute for attribute in domain.attributes}
    return [
        {
            "title": row.title or row.code,
            "state": row.state,
            "sources": sources.get(row.id, 0),
            "href": showing.record_address(domain.name, row.code),
            "cells": [_cell(column, known.get(column.name), row, sources.get(row.id, 0)) for column in columns],
        }
        for row in page.rows
    ]


def _cell(column: Column, attribute: Attribute | None, row: ListRow, sources: int) -> dict[str, Any]:
    if attribute is None:
        own = {"code": row.code, "state": row.state, "sources": sources, "updated": row.updated_at}
        return {"column": column, "kind": column.name, "value": own[column.name]}
    value = row.values[column.name]
    shown = showing.shown(attribute, value)
    return {"column": column, "kind": "", "value": shown, "href": showing.address_of(attribute, value)}


@require(may_see)
def value_field(request: HttpRequest, slug: str) -> HttpResponse:
    """The field for the value of a filter to be added, fitting the filter chosen; a fragment."""
    field = listing.value_field(domain_of(slug), request.GET.get("filter", ""))
    return render(request, "stewardship/records/value_field.html", field)


@require(may_see)
def records_csv(request: HttpRequest, slug: str) -> StreamingHttpResponse:
    """Everything the list shows under its filters, all pages, as CSV; memory stays flat."""
    domain = domain_of(slug)
    query = listing.asked(request.GET)
    order = request.GET.get("sort") or DEFAULT_ORDER
    first = _export_page(domain, query, order, "")
    response = StreamingHttpResponse(_lines(domain, query, order, first), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{domain.slug}.csv"'
    return response


@require(may_see)
def records_seen(request: HttpRequest, slug: str, ending: str) -> HttpResponseBase:
    """What the list shows, all pages: its filters, order and columns, masked as on the page."""
    domain = domain_of(slug)
    if ending not in seen.FORMATS:
        raise NotFound("There is no such kind of file.", f"There are {', '.join(seen.FORMATS)}.")
    look = tables.look_of(table_of(domain), request.GET, signed_in(request))
    query, order = listing.asked(request.GET), request.GET.get("sort") or DEFAULT_ORDER
    first = _export_page(domain, query, order, "")
    labels = ["Name", *(column.label for column in look.columns)]
    rows = _seen_rows(domain, look.columns, query, order, first)
    return seen.download(request, name=domain.slug, ending=ending, labels=labels, rows=rows)


def _seen_rows(
    domain: Domain, columns: Sequence[Column], query: Mapping[str, str], order: str, page: ListPage
) -> Iterator[list[Any]]:
    while True:
        for row in _rows(domain, columns, page):
            yield [row["title"], *(_written(cell) for cell in row["cells"])]
        if not page.next:
            return
        page = _export_page(domain, query, order, page.next)


def _written(cell: Mapping[str, Any]) -> Any:
    value = cell["value"]
    return value.isoformat(timespec="seconds") if cell["kind"] == "updated" else value


def _export_page(domain: Domain, query: Mapping[str, str], order: str, after: str) -> ListPage:
    return queries.list_records(domain, query, order=order, after=after, limit=EXPORT_PAGE, states=listing.WORKED_ON)


def _lines(domain: Domain, query: Mapping[str, str], order: str, page: ListPage) -> Iterator[str]:
    added = extension_attributes(domain)
    labels = [attribute.label for attribute in (*domain.attributes, *added)]
    yield "\ufeff" + csv_line(["code", "id", "state", "version", *labels, "source records", "last changed"])
    while True:
        sources = listing.source_counts([row.id for row in page.rows])
        for row in page.rows:
            extension = [row.extension.get(one.name.removeprefix(EXTENSION_PREFIX)) for one in added]
            values = [_plain(row.values[attribute.name]) for attribute in domain.attributes]
            moment = row.updated_at.isoformat(timespec="seconds")
            yield csv_line(
                [row.code, row.id, row.state, row.version, *values, *extension, sources.get(row.id, 0), moment]
            )
        if not page.next:
            return
        page = _export_page(domain, query, order, page.next)


def _plain(value: Any) -> Any:
    return f"{value.code} {value.title}" if isinstance(value, Reference) else value


urls = [
    path("records/<slug:slug>/", records, name="records"),
    path("records/<slug:slug>/seen.<str:ending>", records_seen, name="records_seen"),
    path("records/<slug:slug>/export.csv", records_csv, name="records_csv"),
    path("records/<slug:slug>/filter-value/", value_field, name="filter_value"),
]
