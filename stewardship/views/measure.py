"""How good matching is, by domain: precision and recall from decisions, calibration, scores, blocking, proposals."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.views.decorators.http import require_POST, require_safe

from matching import checking, proposing, sampling
from matching.measured import NEAR, picture
from mdm.domains import DOMAINS
from mdm.errors import NotFound
from mdm.spec import Domain
from stewardship import measures
from stewardship.access import require, signed_in
from stewardship.permissions import may_decide, may_see, may_set_up
from stewardship.requests import person

CHECKS = (20, 50, 100)


@require_safe
@require(may_see)
def first(request: HttpRequest) -> HttpResponse:
    """``/measure/`` leads to the first domain."""
    return redirect("stewardship:measure_domain", DOMAINS[0].slug)


@require_safe
@require(may_see)
def page(request: HttpRequest, slug: str) -> HttpResponse:
    """``/measure/suppliers/``: figures with intervals, plots with their tables, and what can be done about them."""
    found = picture(_domain(slug))
    context = {
        "found": found,
        "domain": found.domain,
        "figures": measures.figures(found),
        "bands": measures.bands(found),
        **measures.plots(found),
        "blocking": measures.blocking(found),
        "undone": measures.undone(found),
        "proposal": proposing.proposal(found.domain),
        "near": NEAR,
        "enough": measures.ENOUGH,
        "checks": CHECKS,
        "may_decide": may_decide(request.user),
        "may_set_up": may_set_up(request.user),
        "queue_href": f"{reverse('stewardship:queue')}?domain={found.domain.name}&order=teaches",
        "tabs": [
            {
                "label": domain.plural,
                "href": reverse("stewardship:measure_domain", args=[domain.slug]),
                "current": domain.name == found.domain.name,
                "icon": domain.icon,
            }
            for domain in DOMAINS
        ],
    }
    return render(request, "stewardship/measure/page.html", context)


@require_POST
@require(may_decide)
def again(request: HttpRequest, slug: str) -> HttpResponse:
    """Measure a fresh random sample."""
    domain = _domain(slug)
    made = sampling.measure(domain=domain, by=person(signed_in(request)).name)
    messages.success(request, f"Measured {made.figures['sampled']:,} of {made.figures['records']:,} source rows.")
    return redirect("stewardship:measure_domain", slug)


@require_POST
@require(may_decide)
def check(request: HttpRequest, slug: str) -> HttpResponse:
    """Draw links and near pairs at random and put them into the queue."""
    domain = _domain(slug)
    numbers = {name: _number(request.POST.get(name, "")) for name in ("links", "near")}
    asked = checking.ask(domain=domain, **numbers)
    if asked:
        messages.success(request, f"{asked} random checks wait in the queue.")
    else:
        messages.info(request, "There is nothing left to draw: all of it is or was asked.")
    return redirect("stewardship:measure_domain", slug)


@require_POST
@require(may_set_up)
def propose(request: HttpRequest, slug: str) -> HttpResponse:
    """Make a draft rule set of what the decisions suggest; somebody else approves it."""
    made = proposing.draft_from_decisions(domain=_domain(slug), by=person(signed_in(request)))
    messages.success(request, f"Drafted: {made}. Nothing changes before somebody else approves it.")
    return redirect("stewardship:rule_set", slug, made.number)


def _domain(slug: str) -> Domain:
    found = next((domain for domain in DOMAINS if domain.slug == slug), None)
    if found is None:
        raise NotFound("There is no such kind of record.", "Choose one of the list.")
    return found


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0


urls = [
    path("measure/", first, name="measure"),
    path("measure/<slug:slug>/", page, name="measure_domain"),
    path("measure/<slug:slug>/again/", again, name="measure_again"),
    path("measure/<slug:slug>/check/", check, name="measure_check"),
    path("measure/<slug:slug>/propose/", propose, name="measure_propose"),
]
