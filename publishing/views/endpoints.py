"""The list of endpoints, the overview of one, and what is done to an endpoint as a whole."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from publishing import endpoints, notices, verbs
from publishing.access import actor, acts, may_act, sees, sets, sets_up
from publishing.advice import advice_for
from publishing.models import Endpoint, EndpointKind, EndpointState
from publishing.outcomes import Fate
from publishing.plot import plot
from publishing.queries import calls, programs, waiting
from publishing.queries.again import choices
from publishing.queries.minutes import HOUR, SPANS, buckets
from publishing.queries.overview import overview
from publishing.queries.parked import Asked, groups_of
from publishing.views.common import endpoint_of, page, reason_of
from publishing.views.tabs import frame

STANDING = (EndpointState.PAUSED, EndpointState.DISABLED)
VERBS: dict[str, tuple[Callable[..., None], str]] = {
    "pause": (verbs.pause, "{} is paused. Its place in the log is kept."),
    "try-now": (verbs.try_now, "{} is tried again now."),
    "disable": (verbs.disable, "{} is disabled. Its place in the log is kept."),
}


@require_GET
@sees
def endpoint_list(request: HttpRequest) -> HttpResponse:
    """Every endpoint: state, lag, backlog, parked, last success, the last hour; and whether publishing lives."""
    rows = overview(Endpoint.objects.all())
    asked = request.GET.get("state", "")
    asked = asked if asked in EndpointState.values else ""
    context = {
        "rows": [row for row in rows if asked in ("", row.endpoint.state)],
        "any": bool(rows),
        "state": asked,
        "facets": _facets(Counter(row.endpoint.state for row in rows), asked),
        "stalled": [row for row in rows if row.stalled],
        "life": programs.life(),
        "notices": notices.unseen(),
        "may_act": may_act(request.user),
        "may_set_up": sets_up(request.user),
    }
    return page(request, "publishing/endpoints.html", "publishing/endpoints_live.html", context)


def _facets(counts: Counter[str], asked: str) -> list[dict[str, Any]]:
    every: list[dict[str, Any]] = [{"label": "All", "href": "?", "current": not asked, "count": sum(counts.values())}]
    return every + [
        {"label": label, "href": f"?state={state}", "current": asked == state, "count": counts[state]}
        for state, label in EndpointState.choices
        if counts[state] or asked == state
    ]


@require_POST
@acts
def see_notices(request: HttpRequest) -> HttpResponse:
    """The notices shown were read; they leave the pages and stay in the history."""
    ids = [int(one) for one in request.POST.getlist("notice") if one.isascii() and one.isdigit() and len(one) < 19]
    notices.see(notices=ids, by=actor(request))
    code = request.POST.get("endpoint", "")
    return redirect("publishing:endpoint", code=code) if code else redirect("publishing:endpoints")


@require_GET
@sees
def endpoint_page(request: HttpRequest, code: str) -> HttpResponse:
    """The overview of one endpoint: its lane, a plot, what is parked and what waits, the last calls."""
    [row] = overview(Endpoint.objects.filter(pk=endpoint_of(code).pk))
    endpoint = row.endpoint
    span = SPANS.get(request.GET.get("span", ""), HOUR)
    shown = row.minutes if span is HOUR else buckets([endpoint.pk], row.moment, span)[endpoint.pk]
    context = {
        **frame(request, endpoint, parked=row.parked),
        "row": row,
        "plot": plot(shown),
        "span": span,
        "spans": [{"label": one.label, "code": one.code, "current": one is span} for one in SPANS.values()],
        "groups": groups_of(Asked(endpoint=code)) if row.parked else (),
        "held": waiting.waiting_for_others(endpoint),
        "attempts": [(one, advice_for(one.outcome_code)) for one in calls.recent(endpoint)],
        "choices": choices(row) if endpoint.state in STANDING else (),
        "life": programs.life(),
        "notices": [notice for notice in notices.unseen() if notice.endpoint_id == endpoint.pk],
    }
    return page(request, "publishing/endpoint.html", "publishing/endpoint_live.html", context)


@require_POST
@acts
def act(request: HttpRequest, code: str, verb: str) -> HttpResponse:
    """Pause, try now or disable, with the reason given."""
    endpoint = endpoint_of(code)
    call, said = VERBS[verb]
    call(endpoint=endpoint, by=actor(request), reason=reason_of(request))
    messages.success(request, said.format(endpoint.name))
    return redirect("publishing:endpoint", code=code)


GOES_ON = {
    "resume": "{} goes on where it stopped.",
    "latest": "{} is told each record once, as it is now.",
    "skip": "{} goes on with what happens from now on.",
}


@require_POST
@acts
def resume(request: HttpRequest, code: str) -> HttpResponse:
    """Go on where it stopped, with the latest state of each record, or from now on."""
    endpoint = endpoint_of(code)
    choice = request.POST.get("choice", "resume")
    verbs.resume(endpoint=endpoint, by=actor(request), reason=reason_of(request), choice=choice)
    messages.success(request, GOES_ON[choice].format(endpoint.name))
    return redirect("publishing:endpoint", code=code)


@require_POST
@sets
def verify(request: HttpRequest, code: str) -> HttpResponse:
    """Ask the target whether it listens, and say what it answered."""
    endpoint = endpoint_of(code)
    result = endpoints.verify(endpoint=endpoint, by=actor(request))
    if result.outcome.fate is Fate.ACCEPTED:
        messages.success(request, f"{endpoint.name} answered in {result.duration_ms} ms and proved itself.")
    else:
        messages.error(request, result.words)
    return redirect("publishing:endpoint", code=code)


@require_POST
@sets
def rotate(request: HttpRequest, code: str) -> HttpResponse:
    """A new signing secret, shown this once."""
    endpoint = endpoint_of(code)
    secret = endpoints.rotate_secret(endpoint=endpoint, by=actor(request))
    return show_secret(request, endpoint, secret, old=True)


def show_secret(request: HttpRequest, endpoint: Endpoint, secret: str, *, old: bool) -> HttpResponse:
    """A signing secret, this once; no cache keeps it. ``old`` says that another one goes on signing for a day."""
    context = {"endpoint": endpoint, "secret": secret, "old": old, "is_webhook": endpoint.kind == EndpointKind.WEBHOOK}
    response = render(request, "publishing/secret.html", context)
    response.headers["Cache-Control"] = "no-store"
    return response
