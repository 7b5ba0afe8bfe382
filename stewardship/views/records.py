"""Lists of golden records: filter, sort, page through, take away as CSV."""

from collections.abc import Iterator, Mapping
from typing import Any

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
from stewardship import listing, showing
from stewardship.access import is_fragment, require
from stewardship.permissions import may_propose, may_see
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
    query = listing.asked(request.GET)
    context: dict[str, Any] = {"domain": domain, "query": query, "q": query.get("q", "")}
    kept = query | _order(request)
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
    context |= _results(domain, page, kept) | {
        "facets": listing.facets(kept, numbers),
        "chips": listing.chips(domain, kept),
        "total": _total(query, numbers),
        "all_records": sum(numbers.values()),
        "sort_target": "results",
        "export_href": reverse("stewardship:records_csv", args=[slug]) + listing.address(kept),
    }
    fragment = is_fragment(request)
    if not fragment:
        context |= {"choices": listing.choices(domain), "kept": kept.items(), "may_propose": may_propose(request.user)}
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


def _results(domain: Domain, page: ListPage, kept: Mapping[str, str]) -> dict[str, Any]:
    known = {attribute.name: attribute for attribute in domain.attributes}
    columns = [known[name] for name in domain.columns if name != domain.title]
    sources = listing.source_counts([row.id for row in page.rows])
    return {
        "columns": columns,
        "rows": [_row(domain, columns, row, sources.get(row.id, 0)) for row in page.rows],
        "previous_href": listing.address(kept) + _place(kept, "before", page.previous) if page.previous else "",
        "next_href": listing.address(kept) + _place(kept, "after", page.next) if page.next else "",
    }


def _place(kept: Mapping[str, str], side: str, place: str) -> str:
    return f"{'&' if kept else ''}{side}={place}"


def _row(domain: Domain, columns: list[Attribute], row: ListRow, sources: int) -> dict[str, Any]:
    cells = [
        {
            "label": column.label,
            "value": showing.shown(column, row.values[column.name]),
            "href": showing.address_of(column, row.values[column.name]),
            "number": column.kind in (Kind.DECIMAL, Kind.INTEGER),
        }
        for column in columns
    ]
    return {
        "title": row.title or row.code,
        "code": row.code,
        "state": row.state,
        "href": showing.record_address(domain.name, row.code),
        "cells": cells,
        "sources": sources,
        "updated_at": row.updated_at,
    }


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
    path("records/<slug:slug>/export.csv", records_csv, name="records_csv"),
    path("records/<slug:slug>/filter-value/", value_field, name="filter_value"),
]
