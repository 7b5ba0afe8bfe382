"""The calls of one endpoint: every try with its request and its answer."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from publishing.access import sees
from publishing.advice import advice_for
from publishing.queries.calls import RESULTS, Asked, calls, codes
from publishing.views.common import endpoint_of, page, readable
from publishing.views.tabs import frame


@require_GET
@sees
def call_list(request: HttpRequest, code: str) -> HttpResponse:
    """Calls, newest first, by what came of them, a page at a time."""
    endpoint = endpoint_of(code)
    asked = Asked.read(request.GET)
    found, before = calls(endpoint, asked)
    facets = [{"label": "All", "href": asked.query(result="", code=""), "current": not (asked.result or asked.code)}]
    facets += [
        {"label": label, "href": asked.query(result=result, code=""), "current": asked.result == result}
        for result, label in RESULTS.items()
    ]
    context = {
        **frame(request, endpoint),
        "calls": [(attempt, advice_for(attempt.outcome_code), readable(attempt.answer)) for attempt in found],
        "facets": [facet | {"count": None} for facet in facets],
        "codes": [(value, advice_for(value).name, count) for value, count in codes(endpoint) if value != "ACCEPTED"],
        "asked": asked,
        "next_href": asked.query(before=before) if before else "",
        "first_href": asked.query() if asked.before else "",
    }
    return page(request, "publishing/calls.html", "publishing/calls_results.html", context)
