"""Past merges, each of which can be taken back."""

from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import render
from django.urls import path, reverse
from django.views.decorators.http import require_safe

from mdm.domains import BY_NAME, DOMAINS
from stewardship import listed
from stewardship import merges as read
from stewardship.access import is_fragment, require
from stewardship.listing import address
from stewardship.permissions import may_decide, may_see

STATES = (("", "All"), ("standing", "Standing"), ("undone", "Taken back"))


@require_safe
@require(may_see)
def merges(request: HttpRequest) -> HttpResponse:
    """``/merges/``; ``?record=SUP-1`` for one record's, ``?after=`` pages on. A fragment is the list alone."""
    if onward := listed.chosen(request):
        return onward
    asked = _asked(request.GET)
    rows = read.merges(read.Filters(**asked))
    part = listed.page(read.LISTING, rows, sort=request.GET.get("sort", ""), after=request.GET.get("after", ""))
    context = listed.shown(request, read.LISTING, asked, part, reverse("stewardship:merges") + "seen")
    kept = context["kept"]
    context |= {
        "asked": asked,
        "slugs": {name: domain.slug for name, domain in BY_NAME.items()},
        "tabs": [
            {"label": label, "href": address(kept, domain=name), "current": asked["domain"] == name}
            for name, label in (("", "All"), *((domain.name, domain.plural) for domain in DOMAINS))
        ],
        "states": [
            {"label": label, "href": address(kept, state=name), "current": asked["state"] == name, "count": None}
            for name, label in STATES
        ],
        "may_decide": may_decide(request.user),
    }
    template = "stewardship/merges_results.html" if is_fragment(request) else "stewardship/merges.html"
    return render(request, template, context)


@require_safe
@require(may_see)
def seen(request: HttpRequest, ending: str) -> HttpResponseBase:
    """Every merge that fits the filters as a file, with the columns and in the order of the list."""
    rows = read.merges(read.Filters(**_asked(request.GET)))
    return listed.export(request, read.LISTING, rows, read.told, ending)


def _asked(query: QueryDict) -> dict[str, str]:
    asked = {name: query.get(name, "") for name in ("domain", "record", "state")}
    asked["domain"] = asked["domain"] if asked["domain"] in BY_NAME else ""
    asked["state"] = asked["state"] if asked["state"] in dict(STATES) else ""
    return asked


urls = [path("merges/", merges, name="merges"), path("merges/seen.<str:ending>", seen, name="merges_seen")]
