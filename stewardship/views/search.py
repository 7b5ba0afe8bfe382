"""Search over all domains by any name, code, identifier or source key, and its suggestions while typing."""

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.cache import patch_vary_headers

from mdm import queries
from mdm.domains import BY_NAME, DOMAINS
from mdm.models import GoldenState
from mdm.queries import Hit
from stewardship import showing
from stewardship.access import is_fragment, require
from stewardship.finding import examples, reasons_of
from stewardship.permissions import may_see

MOST = 100
SUGGESTED = 8
SHORTEST = 2
EXACT = ("code", "identifier", "key")


@require(may_see)
def search(request: HttpRequest) -> HttpResponseBase:
    """Hits by domain, exact ones on top. ``jump`` goes straight to the record where exactly one is meant."""
    text = request.GET.get("q", "").strip()
    domain = request.GET.get("domain", "")
    domain = domain if domain in BY_NAME else ""
    context: dict[str, Any] = {"q": text, "search_query": text, "domain": domain}
    if text:
        found = queries.search(text, [domain] if domain else None, limit=MOST)
        exact = [hit for hit in found.hits if hit.why in EXACT]
        if request.GET.get("jump") and len(exact) == len(found.hits) and (only := _only(exact)):
            messages.info(request, f"Found by {reasons_of(exact, text)[only.id]}.")
            return redirect(_address(only))
        context |= _grouped(found.hits, exact, text) | {"more": found.more, "near": found.near}
    else:
        context["examples"] = examples()
    fragment = is_fragment(request)
    template = "stewardship/search/results.html" if fragment else "stewardship/search/page.html"
    response = render(request, template, context)
    patch_vary_headers(response, ["HX-Request"])
    return response


def _only(exact: Sequence[Hit]) -> Hit | None:
    """The one record meant: alone, or with records that were merged into it."""
    living = [hit for hit in exact if hit.state != GoldenState.MERGED] or list(exact)
    if len(living) == 1 and all(hit.redirect is None or hit.redirect.record == living[0].id for hit in exact):
        return living[0]
    return living[0] if len(exact) == 1 else None


def _grouped(hits: Sequence[Hit], exact: Sequence[Hit], text: str) -> dict[str, Any]:
    reasons = reasons_of(exact, text)
    named = [hit for hit in hits if hit.why not in EXACT]
    groups = [
        {
            "domain": domain,
            "rows": [_row(hit, "") for hit in named if hit.domain == domain.name],
            "href": f"{reverse('stewardship:records', args=[domain.slug])}?q=",
        }
        for domain in DOMAINS
    ]
    return {
        "exact": [_row(hit, reasons[hit.id]) for hit in exact],
        "groups": [group for group in groups if group["rows"]],
        "found": len(hits),
    }


def _row(hit: Hit, reason: str) -> dict[str, Any]:
    domain = BY_NAME[hit.domain]
    known = (hit.title.casefold(), hit.code.casefold())
    also = hit.matched if hit.why == "name" and hit.matched.casefold() not in known else ""
    redirect_to = hit.redirect if hit.state == GoldenState.MERGED else None
    return {
        "hit": hit,
        "domain": domain,
        "title": hit.title or hit.code,
        "href": _address(hit),
        "reason": reason,
        "also": also,
        "onward": redirect_to,
        "onward_href": showing.record_address(redirect_to.domain, redirect_to.code) if redirect_to else "",
    }


def _address(hit: Hit) -> str:
    return showing.record_address(hit.domain, hit.code)


@require(may_see)
def suggestions(request: HttpRequest) -> HttpResponseBase:
    """The first few hits, for the box on top of every page; a fragment."""
    text = request.GET.get("q", "").strip()
    rows: list[dict[str, Any]] = []
    if len(text) >= SHORTEST:
        found = queries.search(text, limit=SUGGESTED)
        exact = [hit for hit in found.hits if hit.why in EXACT]
        reasons = reasons_of(exact, text)
        rows = [_row(hit, reasons.get(hit.id, "")) for hit in found.hits]
    return render(request, "stewardship/search/suggestions.html", {"rows": rows, "q": text, "shortest": SHORTEST})


@require(may_see)
def choose(request: HttpRequest) -> HttpResponseBase:
    """Options for a field that names a golden record of one domain, as a fragment for its datalist."""
    domain = request.GET.get("domain", "")
    text = request.GET.get(request.GET.get("field", "q"), "").strip()
    hits: Sequence[Hit] = ()
    if domain in BY_NAME and len(text) >= SHORTEST:
        hits = [hit for hit in queries.search(text, [domain], limit=SUGGESTED).hits if hit.state != GoldenState.MERGED]
    return render(request, "stewardship/search/options.html", {"hits": hits})


urls = [
    path("search/", search, name="search"),
    path("search/suggestions/", suggestions, name="suggestions"),
    path("search/choose/", choose, name="choose"),
]
