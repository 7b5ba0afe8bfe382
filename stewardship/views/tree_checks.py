"""Looking over a tree: what its roll-up checks find, and what differs between two days."""

from datetime import timedelta
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.urls import path
from django.utils import timezone

from mdm.errors import NotFound
from mdm.hierarchies import find_tree
from mdm.hierarchies.edges import edges
from mdm.hierarchies.reading import differences
from mdm.hierarchies.rollups import failing, rollups_of
from stewardship.access import require
from stewardship.permissions import may_see
from stewardship.trees.showing import tree_address
from stewardship.views.trees import read_day, view_of

PAGE = 50
MOST = 500


@require(may_see)
def tree_checks(request: HttpRequest, slug: str, name: str) -> HttpResponseBase:
    """Every roll-up check with the number that fail; ``check`` lists those of one, by pages."""
    view = view_of(request, slug, name)
    rollups = rollups_of(view.tree.domain)
    counted = [failing(view.edges, view.tree.domain, rollup) for rollup in rollups]
    chosen = request.GET.get("check", "")
    context = {"view": view, "tree": view.tree, "counted": counted, "chosen": None}
    if chosen:
        found = next((one for one in counted if one.rollup.check == chosen), None)
        if found is None:
            raise NotFound("There is no such check.", "Open the checks of the tree.")
        page = Paginator(range(found.total), PAGE).get_page(request.GET.get("page"))
        start = (page.number - 1) * PAGE
        rows = failing(view.edges, view.tree.domain, found.rollup, start=start, limit=PAGE).first
        context |= {
            "chosen": found,
            "rows": [(child, parent, view.link(at=child.code)) for child, parent in rows],
            "previous_href": _turn(chosen, page.previous_page_number()) if page.has_previous() else "",
            "next_href": _turn(chosen, page.next_page_number()) if page.has_next() else "",
        }
    return render(request, "stewardship/trees/checks.html", context)


def _turn(check: str, number: int) -> str:
    return f"?{urlencode({'check': check, 'page': number})}"


@require(may_see)
def tree_compare(request: HttpRequest, slug: str, name: str) -> HttpResponseBase:
    """What was added, moved and taken out between two days; a month back and today unless asked otherwise."""
    tree, today = find_tree(slug, name), timezone.now().date()
    first = read_day(request.GET.get("from", "")) or today - timedelta(days=30)
    last = read_day(request.GET.get("to", "")) or today
    found, counts = differences(edges(tree, first), edges(tree, last), limit=MOST)
    address = tree_address(tree)
    context = {
        "tree": tree,
        "address": address,
        "first": first,
        "last": last,
        "found": found,
        "counts": counts,
        "total": sum(counts.values()),
    }
    return render(request, "stewardship/trees/compare.html", context)


urls = [
    path("hierarchies/<slug:slug>/<slug:name>/checks/", tree_checks, name="tree_checks"),
    path("hierarchies/<slug:slug>/<slug:name>/compare/", tree_compare, name="tree_compare"),
]
