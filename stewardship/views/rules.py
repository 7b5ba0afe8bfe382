"""Rules of matching: what is in force, drafts, what they would change, and who approved them."""

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from matching import rules, rules_trial
from matching.models import Rematch, RuleSet, RuleState, RuleTrial, TrialState
from matching.rules_content import content_of, differences, digest
from matching.rules_faults import Fault
from mdm.cause import reason_given
from mdm.domains import BY_SLUG, DOMAINS
from mdm.errors import Invalid, NotFound
from mdm.spec import Domain
from stewardship import rules_form, rules_showing
from stewardship.access import is_fragment, require, signed_in
from stewardship.asking import Question, ask
from stewardship.permissions import may_see, may_set_up
from stewardship.requests import person

CHANGES = ("join", "split", "asked", "doubted", "no longer asked")
ACTS = {
    "shipped": "Shipped",
    "drafted": "Drafted",
    "changed": "Changed",
    "tried": "Tried on live data",
    "approved": "Approved",
    "refused": "Refused",
    "withdrawn": "Withdrawn by its author",
    "retired": "Retired",
    "re-matched": "Everything matched again",
    "paused": "Re-match paused",
    "resumed": "Re-match resumed",
    "reverting": "Revert begun",
    "reverted": "Reverted",
    "put back": "In force again",
}


def domain_of(slug: str) -> Domain:
    """The domain of an address. Raises NotFound."""
    if slug not in BY_SLUG:
        raise NotFound(f'There is no kind of record called "{slug}".', "Choose one from the list.")
    return BY_SLUG[slug]


@require_safe
@require(may_see)
def overview(request: HttpRequest) -> HttpResponse:
    """``/rules/``: the rules in force of every domain, drafts waiting, and the latest re-match."""
    sets = list(RuleSet.objects.filter(state__in=(RuleState.APPROVED, RuleState.DRAFT)).select_related("author"))
    runs: dict[str, Rematch] = {}
    for run in Rematch.objects.select_related("rule_set").order_by("domain", "-started_at").distinct("domain"):
        runs[run.domain] = run
    lines = [
        {
            "domain": domain,
            "present": next((s for s in sets if s.domain == domain.name and s.state == RuleState.APPROVED), None),
            "drafts": sum(s.domain == domain.name and s.state == RuleState.DRAFT for s in sets),
            "run": runs.get(domain.name),
        }
        for domain in DOMAINS
    ]
    return render(request, "stewardship/rules/overview.html", {"lines": lines})


@require_safe
@require(may_see)
def of_domain(request: HttpRequest, slug: str) -> HttpResponse:
    """Every rule set of one domain, newest first, and its re-matches."""
    domain = domain_of(slug)
    sets = RuleSet.objects.filter(domain=domain.name).select_related("author", "decided_by").order_by("-number")
    context = {
        "domain": domain,
        "sets": sets,
        "runs": Rematch.objects.filter(domain=domain.name).select_related("rule_set").order_by("-started_at")[:20],
        "may_set_up": may_set_up(request.user),
    }
    return render(request, "stewardship/rules/domain.html", context)


@require_safe
@require(may_see)
def rule_set(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """One rule set: thresholds, weights, blocking, what differs from the rules in force, its trial and its history."""
    domain = domain_of(slug)
    found = rules.find(domain, number)
    present = RuleSet.objects.filter(domain=domain.name, state=RuleState.APPROVED).first()
    against = present.content if present else content_of(domain.matching)
    allowed = may_set_up(request.user)
    trial = rules_trial.newest(found) if found.state == RuleState.DRAFT else None
    context = {
        "domain": domain,
        "one": found,
        "present": present,
        "is_draft": found.state == RuleState.DRAFT,
        "shown": rules_form.shown(domain, found.content),
        "differences": [] if present == found else differences(domain, against, found.content),
        "events": _events(found),
        "runs": found.rematches.order_by("-started_at"),
        "may_set_up": allowed,
        "mine": found.author_id is not None and found.author_id == signed_in(request).pk,
        "refusal": _why_not(request, found, trial, present),
        "hidden_seen": [("seen", digest(found.content))],
        **_tried(found, trial),
    }
    return render(request, "stewardship/rules/rule_set.html", context)


def _why_not(request: HttpRequest, found: RuleSet, trial: RuleTrial | None, present: RuleSet | None) -> str:
    """Why the person cannot approve a draft, "" when they can."""
    if not may_set_up(request.user):
        return "Approving rules needs the role domain owner or administrator."
    if found.author_id is not None and found.author_id == signed_in(request).pk:
        return "You wrote these rules yourself. A colleague has to approve them."
    if trial is None or trial.state != TrialState.DONE or trial.against_id != (present.pk if present else None):
        return "Nobody has seen yet what these rules would change. Try them on live data first."
    return ""


def _tried(found: RuleSet, trial: RuleTrial | None) -> dict[str, Any]:
    """What the card of a trial shows."""
    if trial is None:
        return {"trial": None, "runs_now": False}
    runs = trial.state == TrialState.RUNNING
    return {
        "trial": trial,
        "runs_now": runs,
        "making_keys": not trial.keys_made,
        "poll_url": reverse("stewardship:rule_trial", args=[BY_SLUG_OF[found.domain], found.number]) if runs else "",
        "figures": rules_showing.figures(trial),
        "respected": rules_showing.respected(trial),
        "plot": rules_showing.plot(trial),
        "unchanged": not any(trial.figures.get(name) for name in CHANGES),
        "examples": [] if runs else rules_showing.examples(trial),
    }


BY_SLUG_OF = {domain.name: domain.slug for domain in DOMAINS}


@require_safe
@require(may_see)
def trial(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """The trial of a draft as it stands now, for the page that asks every two seconds."""
    found = rules.find(domain_of(slug), number)
    context = {"one": found, "domain": domain_of(slug), **_tried(found, rules_trial.newest(found))}
    if not is_fragment(request):
        return redirect("stewardship:rule_set", slug, number)
    response = render(request, "stewardship/rules/trial.html", context)
    if not context["runs_now"]:
        response.headers["HX-Refresh"] = "true"  # approving is possible now
    return response


@require_POST
@require(may_set_up)
def try_out(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Begin to try a draft on live data."""
    found = rules.find(domain_of(slug), number)
    rules_trial.start(rule_set_id=found.pk, by=person(signed_in(request)))
    return redirect(reverse("stewardship:rule_set", args=[slug, number]) + "#trial")


@require_http_methods(["GET", "HEAD", "POST"])
@require(may_set_up)
def draft(request: HttpRequest, slug: str) -> HttpResponse:
    """A new draft, begun from the rules in force or from those of ``?from=number``."""
    domain = domain_of(slug)
    start = request.GET.get("from", "")
    begun = rules.find(domain, int(start)) if start.isascii() and start.isdigit() else rules.standing(domain)

    def save(content: Mapping[str, Any], reason: str) -> RuleSet:
        return rules.draft(domain=domain, content=content, by=person(signed_in(request)), reason=reason)

    return _form(request, domain, begun, save, {"begun": begun})


@require_http_methods(["GET", "HEAD", "POST"])
@require(may_set_up)
def change(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Change a draft."""
    domain = domain_of(slug)
    found = rules.find(domain, number)

    def save(content: Mapping[str, Any], reason: str) -> RuleSet:
        seen = request.POST.get("seen", "")
        by = person(signed_in(request))
        return rules.change(rule_set_id=found.pk, content=content, seen=seen, by=by, reason=reason)

    return _form(request, domain, found, save, {"changed": found, "reason": found.reason})


def _form(request: HttpRequest, domain: Domain, begun: RuleSet, save: Any, context: dict[str, Any]) -> HttpResponse:
    content: Mapping[str, Any] = begun.content
    found: list[Fault] = []
    if request.method == "POST":
        content, context["reason"] = rules_form.read(domain, request.POST), request.POST.get("reason", "")
        try:
            kept: RuleSet = save(content, reason_given(context["reason"]))
        except Invalid as refusal:
            found = list(refusal.problems)
        else:
            messages.success(request, f"Rules {kept.number} are a draft. Nothing has changed yet: try them first.")
            return redirect("stewardship:rule_set", domain.slug, kept.number)
    context |= {
        "domain": domain,
        "shown": rules_form.shown(domain, content, found),
        "seen": request.POST.get("seen") or digest(begun.content),
    }
    return render(request, "stewardship/rules/form.html", context, status=422 if found else 200)


@require(may_set_up)
def approve(request: HttpRequest, slug: str, number: int) -> HttpResponseBase:
    """Put a draft in force, with a reason."""
    found = rules.find(domain_of(slug), number)
    seen = request.POST.get("seen") or digest(found.content)

    def act(reason: str) -> str:
        run = rules.approve(rule_set_id=found.pk, seen=seen, by=person(signed_in(request)), reason=reason)
        return reverse("stewardship:rematch", args=[run.pk])

    question = Question(
        title=f"Approve rules {number} of {domain_of(slug).plural.lower()}?",
        text="They are in force at once, and every record is matched again in the background. You can pause and "
        "revert that.",
        verb="Approve",
        back=reverse("stewardship:rule_set", args=[slug, number]),
        reason_required=False,
        hidden=[("seen", seen)],
    )
    return ask(request, question, act)


@require(may_set_up)
def refuse(request: HttpRequest, slug: str, number: int) -> HttpResponseBase:
    """Turn a draft down, or take one's own back, with a reason."""
    found = rules.find(domain_of(slug), number)

    def act(reason: str) -> str:
        rules.refuse(rule_set_id=found.pk, by=person(signed_in(request)), reason=reason)
        return reverse("stewardship:rule_set", args=[slug, number])

    question = Question(
        title=f"Turn down rules {number} of {domain_of(slug).plural.lower()}?",
        text="They stay to be read, and can no longer be approved.",
        verb="Turn down",
        back=reverse("stewardship:rule_set", args=[slug, number]),
        danger=True,
    )
    return ask(request, question, act)


def _events(found: RuleSet) -> list[dict[str, Any]]:
    """Who did what to it, newest first, with what each change of content changed."""
    domain = BY_SLUG[BY_SLUG_OF[found.domain]]
    events: list[dict[str, Any]] = []
    before: Mapping[str, Any] | None = None
    for one in found.acts.order_by("pk"):
        changed = differences(domain, before, one.content) if before and one.content else []
        before = one.content or before
        title = ACTS.get(one.verb, one.verb.capitalize())
        events.append(
            {"icon": "history", "title": title, "who": one.by, "when": one.at, "reason": one.reason, "changes": changed}
        )
    return events[::-1]


urls = [
    path("rules/", overview, name="rules"),
    path("rules/<slug:slug>/", of_domain, name="rules_of"),
    path("rules/<slug:slug>/draft/", draft, name="rules_draft"),
    path("rules/<slug:slug>/<int:number>/", rule_set, name="rule_set"),
    path("rules/<slug:slug>/<int:number>/change/", change, name="rules_change"),
    path("rules/<slug:slug>/<int:number>/try/", try_out, name="rules_try"),
    path("rules/<slug:slug>/<int:number>/trial/", trial, name="rule_trial"),
    path("rules/<slug:slug>/<int:number>/approve/", approve, name="rules_approve"),
    path("rules/<slug:slug>/<int:number>/refuse/", refuse, name="rules_refuse"),
]
