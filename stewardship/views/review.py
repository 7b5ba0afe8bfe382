"""Review of one question: the group side by side, the live preview, the verdict, the next question."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path, reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from matching.models import MatchCandidate
from mdm.errors import Refused, Stale
from stewardship import errors, queue, related, review, workflow
from stewardship.access import is_fragment, require, signed_in
from stewardship.models import Decision, Verb
from stewardship.permissions import may_decide, may_see
from stewardship.queue import Filters
from stewardship.review import Choice

SNOOZES = ((1, "until tomorrow"), (7, "for a week"), (30, "for a month"))
Act = Callable[[HttpRequest, int], Decision]


@require_safe
@require(may_see)
def page(request: HttpRequest, candidate_id: int) -> HttpResponse:
    """``/review/12/``: the question; whoever may decide claims it by opening it."""
    question = review.candidate(candidate_id)
    return render(request, _template(request), _context(request, question, choice=read_choice(request.GET)))


@require_safe
@require(may_see)
def preview(request: HttpRequest, candidate_id: int) -> HttpResponse:
    """The grid and the impact for the winner and members chosen so far. Writes nothing."""
    question = review.candidate(candidate_id)
    group = review.case(question, read_choice(request.GET)).group
    return render(request, "stewardship/review_preview.html", {"group": group})


def _merge(request: HttpRequest, candidate_id: int) -> Decision:
    choice = read_choice(request.POST)
    if choice.winner is None:
        raise Refused("No winner is chosen.", "Choose the record that survives.")
    return workflow.merge_candidate(
        candidate_id=candidate_id,
        winner_id=choice.winner,
        record_ids=sorted(choice.ticked or ()),
        shown=read_shown(request.POST),
        user=signed_in(request),
        reason=request.POST.get("reason", ""),
        others_differ=request.POST.get("others") == "differ",
    )


def _reject(request: HttpRequest, candidate_id: int) -> Decision:
    return workflow.reject_candidate(candidate_id=candidate_id, **_seen(request))


def _relate(request: HttpRequest, candidate_id: int) -> Decision:
    kind, first = related.read_option(request.POST.get("relation", ""))
    return workflow.relate_candidate(candidate_id=candidate_id, kind=kind, first=first, **_seen(request))


def _keep(request: HttpRequest, candidate_id: int) -> Decision:
    return workflow.keep_together(candidate_id=candidate_id, **_seen(request))


def _split(request: HttpRequest, candidate_id: int) -> Decision:
    return workflow.split_off(candidate_id=candidate_id, **_seen(request))


def _skip(request: HttpRequest, candidate_id: int) -> Decision:
    days = request.POST.get("days", "1")
    known = {str(number): number for number, _ in SNOOZES}
    return workflow.skip_candidate(
        candidate_id=candidate_id,
        until=timezone.now() + timedelta(days=known.get(days, 1)),
        user=signed_in(request),
        reason=request.POST.get("reason", ""),
    )


def _deciding(act: Act) -> Callable[..., HttpResponseBase]:
    """A view that runs one verb and goes on to the next question; stale, it shows the case again and what changed."""

    @require_POST
    @require(may_decide)
    def decide(request: HttpRequest, candidate_id: int) -> HttpResponse:
        question = review.candidate(candidate_id)
        user, filters = signed_in(request), Filters.read(request.GET)
        coming = queue.following(question, filters, user)
        try:
            decision = act(request, candidate_id)
        except Stale as stale:
            return _stale(request, question, stale)
        if decision.verb == Verb.MERGE and not _settled(candidate_id):
            coming = candidate_id  # the members ticked out are still a question
        return _go_on(request, coming, review.told(decision), decision)

    return decide


@require_POST
@require(may_decide)
def undo(request: HttpRequest, decision_id: UUID) -> HttpResponse:
    """Take a decision back and show its question again."""
    decision = get_object_or_404(Decision, pk=decision_id)
    text = review.told(decision)
    workflow.undo(decision_id=decision_id, user=signed_in(request))
    if decision.candidate_id is None:
        messages.success(request, f"Undone: {text}")
        return _elsewhere(request, reverse("stewardship:merges"))
    return _go_on(request, decision.candidate_id, f"Undone: {text}", None)


def read_choice(asked: QueryDict) -> Choice:
    """The winner and the ticks of a form; a form that was never shown (``chosen``) has made no choice."""
    if "chosen" not in asked:
        return Choice()
    winner = _uuid(asked.get("winner", ""))
    ticked = (_uuid(record_id) for record_id in asked.getlist("records"))
    return Choice(winner, frozenset(record_id for record_id in ticked if record_id))


def read_shown(posted: QueryDict) -> dict[UUID, int]:
    """{record: version} as the page showed them, from its ``shown`` fields."""
    found: dict[UUID, int] = {}
    for pair in posted.getlist("shown"):
        name, _, version = pair.partition(":")
        record_id = _uuid(name)
        if record_id and version.isascii() and version.isdigit():
            found[record_id] = int(version)
    return found


def _seen(request: HttpRequest) -> dict[str, Any]:
    return {
        "shown": read_shown(request.POST),
        "user": signed_in(request),
        "reason": request.POST.get("reason", ""),
    }


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _settled(candidate_id: int) -> bool:
    return review.candidate(candidate_id).state not in ("open", "skipped")


def _context(request: HttpRequest, question: MatchCandidate, *, choice: Choice | None = None) -> dict[str, Any]:
    user, filters = signed_in(request), Filters.read(request.GET)
    decides = may_decide(user)
    case = review.case(question, choice)
    last = review.last_decision(user) if decides else None
    return {
        "case": case,
        "group": case.group,
        "domain": case.domain,
        "query": filters.query(),
        "next_id": queue.following(question, filters, user),
        "previous_id": queue.preceding(question, filters, user),
        "nearby": queue.nearby(question, filters, user),
        "waiting": queue.waiting(filters, user).count(),
        "relation_options": related.options(
            [one.record for one in case.group.members], case.suggestions, numbered=True
        ),
        "held_by": workflow.claim_candidate(candidate_id=question.pk, user=user) if decides and case.open else "",
        "may_decide": decides,
        "may_undo_this": bool(case.decision and decides and workflow.may_undo(case.decision, user)),
        "last_decision": last,
        "last_told": review.told(last) if last else "",
        "snoozes": SNOOZES,
        "fragment": is_fragment(request),
    }


def _template(request: HttpRequest) -> str:
    return "stewardship/review_case.html" if is_fragment(request) else "stewardship/review.html"


def _stale(request: HttpRequest, question: MatchCandidate, stale: Stale) -> HttpResponse:
    """The case as it is now, the same members ticked, with what happened since it was shown."""
    context = _context(request, question, choice=read_choice(request.POST))
    context |= {"stale": stale, "stale_events": errors.moved_events(stale)}
    return render(request, _template(request), context, status=stale.http)


def _go_on(request: HttpRequest, coming: int | None, text: str, decision: Decision | None) -> HttpResponse:
    """The next question with a toast, in place where htmx asked; the queue when nothing is left."""
    filters = Filters.read(request.GET)
    if coming is None:
        messages.success(request, f"{text} Nothing else waits here.")
        return _elsewhere(request, reverse("stewardship:queue") + filters.query())
    address = reverse("stewardship:review", args=[coming]) + filters.query()
    if not is_fragment(request):
        messages.success(request, text)
        return redirect(address)
    context = _context(request, review.candidate(coming)) | {"toast": text, "toast_decision": decision}
    response = render(request, "stewardship/review_case.html", context)
    response.headers["HX-Push-Url"] = address
    return response


def _elsewhere(request: HttpRequest, address: str) -> HttpResponse:
    if is_fragment(request):
        return HttpResponse(headers={"HX-Redirect": address})
    return redirect(address)


urls = [
    path("review/<int:candidate_id>/", page, name="review"),
    path("review/<int:candidate_id>/preview/", preview, name="review_preview"),
    path("review/<int:candidate_id>/merge/", _deciding(_merge), name="review_merge"),
    path("review/<int:candidate_id>/reject/", _deciding(_reject), name="review_reject"),
    path("review/<int:candidate_id>/relate/", _deciding(_relate), name="review_relate"),
    path("review/<int:candidate_id>/skip/", _deciding(_skip), name="review_skip"),
    path("review/<int:candidate_id>/keep/", _deciding(_keep), name="review_keep"),
    path("review/<int:candidate_id>/split/", _deciding(_split), name="review_split"),
    path("decisions/<uuid:decision_id>/undo/", undo, name="undo"),
]
