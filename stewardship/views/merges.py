"""Past merges, each of which can be taken back."""

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.views.decorators.http import require_safe

from mdm.domains import BY_NAME, DOMAINS
from stewardship import merges as read
from stewardship.access import is_fragment, require
from stewardship.permissions import may_decide, may_see

STATES = (("", "All"), ("standing", "Standing"), ("undone", "Taken back"))


@require_safe
@require(may_see)
def merges(request: HttpRequest) -> HttpResponse:
    """``/merges/``; ``?record=SUP-1`` for one record's, ``?after=`` pages on. A fragment is the list alone."""
    asked = {name: request.GET.get(name, "") for name in ("domain", "record", "state")}
    asked["domain"] = asked["domain"] if asked["domain"] in BY_NAME else ""
    asked["state"] = asked["state"] if asked["state"] in dict(STATES) else ""
    found = read.page(read.Filters(**asked), after=request.GET.get("after", ""))
    context = {
        "page": found,
        "asked": asked,
        "domains": BY_NAME,
        "tabs": [
            {"label": label, "href": _address(asked | {"domain": name}), "current": asked["domain"] == name}
            for name, label in (("", "All"), *((domain.name, domain.plural) for domain in DOMAINS))
        ],
        "states": [
            {
                "label": label,
                "href": _address(asked | {"state": name}),
                "current": asked["state"] == name,
                "count": None,
            }
            for name, label in STATES
        ],
        "next_href": _address(asked | {"after": found.next}) if found.next else "",
        "previous_href": _address(asked) if request.GET.get("after") else "",
        "may_decide": may_decide(request.user),
    }
    template = "stewardship/merges_results.html" if is_fragment(request) else "stewardship/merges.html"
    return render(request, template, context)


def _address(asked: dict[str, str]) -> str:
    query = urlencode({name: value for name, value in asked.items() if value})
    return reverse("stewardship:merges") + (f"?{query}" if query else "")


urls = [path("merges/", merges, name="merges")]
