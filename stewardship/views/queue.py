"""The work queue: everything that waits for a person, best first."""

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, path, reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from mdm.domains import BY_NAME
from stewardship import queue
from stewardship.access import is_fragment, require, signed_in
from stewardship.permissions import may_decide, may_see
from stewardship.queue import AGES, BANDS, Filters, Standing
from stewardship.requests import person
from stewardship.review import last_decision, told


@require_safe
@require(may_see)
def work_queue(request: HttpRequest) -> HttpResponse:
    """``/``: one line per question; ``?after=`` pages on. A fragment is the list alone."""
    user, filters = signed_in(request), Filters.read(request.GET)
    found = queue.page(filters, user, after=request.GET.get("after", ""))
    counts = queue.count_by_domain(filters, user)
    total = counts[filters.domain] if filters.domain else sum(counts.values())
    context: dict[str, Any] = {
        "page": found,
        "filters": filters,
        "query": filters.query(),
        "total": total,
        "next_href": f"{_address(filters)}{'&' if filters.query() else '?'}after={found.next}" if found.next else "",
        "previous_href": _address(filters) if request.GET.get("after") else "",
        "tabs": _tabs(filters, counts),
        "bands": _facets(filters, "band", ((name, label) for name, (label, _, _) in BANDS.items())),
        "ages": _facets(filters, "age", ((name, label) for name, (label, _, _) in AGES.items())),
        "sources": queue.sources(),
        "orders": queue.ORDERS,
        "domains": BY_NAME,
        "may_decide": may_decide(user),
        "now": timezone.now(),
        "me": person(user).name,
        "fragment": is_fragment(request),
    }
    if is_fragment(request):
        return render(request, "stewardship/queue_results.html", context)
    standing = queue.standing(user)
    last = last_decision(user)
    context |= {
        "figures": _figures(standing),
        "last_decision": last,
        "last_told": told(last) if last else "",
    }
    return render(request, "stewardship/queue.html", context)


def _address(filters: Filters, **changed: str) -> str:
    return reverse("stewardship:queue") + filters.query(**changed)


def _tabs(filters: Filters, counts: dict[str, int]) -> list[dict[str, Any]]:
    everything = {
        "label": "All", "href": _address(filters, domain=""), "current": not filters.domain,
        "count": sum(counts.values()),
    }  # fmt: skip
    return [
        everything,
        *(
            {
                "label": BY_NAME[name].plural,
                "href": _address(filters, domain=name),
                "current": filters.domain == name,
                "count": number,
                "icon": BY_NAME[name].icon,
            }
            for name, number in counts.items()
        ),
    ]


def _facets(filters: Filters, part: str, known: Iterable[tuple[str, str]]) -> list[dict[str, Any]]:
    """Quick filters of one part; pressing the chosen one takes it off again."""
    chosen = getattr(filters, part)
    return [
        {
            "label": label,
            "href": _address(filters, **{part: "" if chosen == name else name}),
            "current": chosen == name,
            "count": None,
        }
        for name, label in known
    ]


def _figures(standing: Standing) -> list[dict[str, Any]]:
    return [
        {"label": "Questions", "value": standing.questions, "note": f"{standing.pending:,} records wait for an answer"},
        {
            "label": "Change requests", "value": standing.requests, "note": "waiting for approval",
            "href": _link("stewardship:requests"),
        },
        {
            "label": "Quarantined rows", "value": standing.quarantined, "note": "to be mended",
            "href": _link("stewardship:quarantine") or _link("stewardship:batches"),
        },
        {"label": "Decided by you today", "value": standing.decided_today, "href": _link("stewardship:merges"),
         "note": "see past merges"},
    ]  # fmt: skip


def _link(name: str) -> str:
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""


urls = [path("", work_queue, name="queue")]
