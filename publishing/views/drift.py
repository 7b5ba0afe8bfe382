"""Drift: what targets hold otherwise than they were given, and what people do about it."""

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import path, re_path, reverse
from django.views.decorators.http import require_GET, require_POST

from publishing.access import SETS_UP, actor, acts, may_act, sees, sets_up
from publishing.asking import ask
from publishing.drift import VERBS, Done
from publishing.queries.drift import (
    KINDS,
    STATES,
    Asked,
    Comparing,
    Page,
    comparing,
    comparing_all,
    differences,
    page,
)
from publishing.views.common import endpoint_of, reason_of
from publishing.views.common import page as answer
from publishing.views.tabs import frame

MOST = 5000
SAID = {
    "send-again": "{:,} sent again: gone from here when the next comparison no longer finds them.",
    "adopt": "{:,} adopted: the values are the hub's now, and go to every system that takes the record.",
    "leave": "{:,} left as they are, until the system's value changes.",
}


@require_GET
@sees
def drift(request: HttpRequest) -> HttpResponse:
    """Every difference of every endpoint."""
    asked = Asked.read(request.GET)
    systems = comparing_all()
    context = _context(request, asked) | {"systems": systems, "nothing": _nothing(systems)}
    return answer(request, "publishing/drift.html", "publishing/drift_results.html", context)


@require_GET
@sees
def drift_of(request: HttpRequest, code: str) -> HttpResponse:
    """What one endpoint holds otherwise than it was given."""
    endpoint = endpoint_of(code)
    context = _context(request, Asked.read(request.GET, endpoint=code))
    now = comparing(endpoint)
    context |= {**frame(request, endpoint), "comparing": now, "nothing": _nothing([now])}
    return answer(request, "publishing/drift_of.html", "publishing/drift_results.html", context)


def _nothing(systems: Sequence[Comparing]) -> str:
    """What an empty list says: a system nobody compared may differ in everything."""
    return "Nothing differs" if any(one.last for one in systems) else "Nothing was compared yet"


@require_GET
@sees
def comparison(request: HttpRequest, code: str) -> HttpResponse:
    """How the comparison of one endpoint stands: a fragment, asked for again while it runs."""
    now = comparing(endpoint_of(code))
    context = {"comparing": now, "may_act": may_act(request.user)}
    response = render(request, "publishing/drift_check.html", context)
    if now.running is None:
        response.headers["HX-Refresh"] = "true"  # the list below is another one now
    return response


def _context(request: HttpRequest, asked: Asked) -> dict[str, Any]:
    found = page(asked)
    return {
        "asked": asked,
        "found": found,
        "states": _facets(asked, "state", STATES, found.states, found),
        "kinds": _facets(asked, "kind", KINDS, found.kinds, found),
        "back": request.get_full_path(),
        "filter_query": asked.query().removeprefix("?"),
        "next_href": asked.query(after=found.next_after) if found.next_after else "",
        "first_href": asked.query() if asked.after else "",
        "may_act": may_act(request.user),
        "may_adopt": sets_up(request.user),
    }


def _facets(asked: Asked, name: str, words: Any, counts: Any, found: Page) -> list[dict[str, Any]]:
    chosen = getattr(asked, name)
    every = [
        {"label": "All", "href": asked.query(kind=""), "current": not asked.kind, "count": sum(found.kinds.values())}
    ]
    return (every if name == "kind" else []) + [
        {
            "label": label,
            "href": asked.query(**{name: value}),
            "current": chosen == value,
            "count": counts.get(value, 0),
        }
        for value, label in ((str(value), label) for value, label in words.items())
        if name == "state" or counts.get(value)
    ]


@require_POST
@acts
def act_on_drift(request: HttpRequest, verb: str) -> HttpResponse:
    """Send again, adopt or leave the ticked differences or all of a filter; says of how many it was not possible."""
    if verb == "adopt" and not sets_up(request.user):
        raise PermissionDenied(SETS_UP)
    ids = _chosen(request)
    if not ids:
        messages.warning(request, "Nothing is ticked: tick the differences, or choose all of the filter.")
        return redirect(_back(request))
    done: Done = VERBS[verb](differences=ids, by=actor(request), reason=reason_of(request))
    if done.count:
        messages.success(request, SAID[verb].format(done.count))
    for why, count in done.reasons.items():
        messages.warning(request, f"{count:,} not possible. {why}")
    if not done.count and not done.refused:
        messages.warning(request, "Somebody has dealt with them meanwhile; nothing was changed.")
    if len(ids) == MOST:
        messages.info(request, f"At most {MOST:,} at a time. For more, replay what is missing from the system's page.")
    return redirect(_back(request))


def _chosen(request: HttpRequest) -> list[int]:
    if request.POST.get("all"):
        asked = Asked.read(QueryDict(request.POST.get("filter", "")))
        return list(differences(asked).order_by("pk").values_list("pk", flat=True)[:MOST])
    given = request.POST.getlist("difference")
    return sorted({int(one) for one in given if one.isascii() and one.isdigit() and len(one) < 19})


def _back(request: HttpRequest) -> str:
    back = request.POST.get("back", "")
    ours = back.startswith(reverse("publishing:endpoints")) and "\\" not in back and "//" not in back
    return back if ours else reverse("publishing:drift")


@require_POST
@acts
def compare_now(request: HttpRequest, code: str) -> HttpResponse:
    """Ask the target what it holds; a worker compares."""
    endpoint = endpoint_of(code)
    ask(endpoint=endpoint, by=actor(request))
    messages.success(request, f"{endpoint.name} is asked what it holds.")
    return redirect("publishing:drift_of", code=code)


urls = [
    path("drift/", drift, name="drift"),
    re_path(r"^drift/(?P<verb>send-again|adopt|leave)/$", act_on_drift, name="act_on_drift"),
    path("<slug:code>/drift/", drift_of, name="drift_of"),
    path("<slug:code>/drift/comparison/", comparison, name="comparison"),
    path("<slug:code>/drift/compare/", compare_now, name="compare_now"),
]
