"""Review of one question: the group side by side, the live preview, the verdict, the next question."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path, reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from matching.models import MatchCandidate
from mdm.errors import Invalid, MdmError, Refused, Stale, WrongState
from stewardship import blind, errors, graph, opinions, queue, related, reporting, review, workflow
from stewardship.access import is_fragment, reason_of, require, signed_in
from stewardship.choosing import LETTERS, Choice, read_choice, read_shown
from stewardship.dry_run import rehearse
from stewardship.models import Decision, Verb
from stewardship.permissions import may_decide, may_see
from stewardship.queue import Filters

SNOOZES = ((1, "until tomorrow"), (7, "for a week"), (30, "for a month"))
AHEAD = "X-Assay-Ahead"  # fetched before anybody looks at it: nothing is claimed yet
Act = Callable[[HttpRequest, int], Decision]


@require_safe
@require(may_see)
def page(request: HttpRequest, candidate_id: int) -> HttpResponse:
    """``/review/12/``: the question; whoever may decide claims it by opening it."""
    question = review.candidate(candidate_id)
    return render(request, _template(request), _context(request, question, choice=read_choice(request.GET)))


@require_POST
@require(may_decide)
def preview(request: HttpRequest, candidate_id: int) -> HttpResponse:
    """The grid and the impact for what is chosen so far; posted, as a large group fits no address. Writes nothing."""
    question = review.candidate(candidate_id)
    group = review.case(question, read_choice(request.POST), veiled=_shown_blind(request)).group
    context = {"group": group, "may_decide": True, "letters": LETTERS, "case_id": candidate_id}
    return render(request, "stewardship/review_preview.html", context)


@require_POST
@require(may_decide)
def add(request: HttpRequest, candidate_id: int) -> HttpResponse:
    """The question with one more record, found by name or code, ticked. Writes nothing."""
    question, choice = review.candidate(candidate_id), read_choice(request.POST)
    problems = []
    try:
        choice = review.with_record(question, choice, request.POST.get("add", ""))
    except MdmError as error:
        problems = [f"{error.message} {error.way_out}"]
    context = _context(request, question, choice=choice)
    context |= {"problems": problems, "reason": request.POST.get("reason", "")}
    return render(request, _template(request), context)


@require_POST
@require(may_decide)
def groups(request: HttpRequest, candidate_id: int) -> HttpResponse:
    """The question with the groups a threshold leaves ticked and lettered; values chosen stay. Writes nothing."""
    question, choice = review.candidate(candidate_id), read_choice(request.POST)
    drawn = _graph(request, question, review.case(question, choice))
    if drawn is not None and drawn.level.groups:
        choice = drawn.chosen(choice)
    context = _context(request, question, choice=choice) | {"reason": request.POST.get("reason", "")}
    return render(request, _template(request), context)


def _graph(request: HttpRequest, question: MatchCandidate, case: review.Case) -> graph.Graph | None:
    asked = request.POST if request.method == "POST" else request.GET
    threshold = graph.threshold_of(asked.get("threshold", ""), case.domain.matching.review)
    return graph.of_question(question, case.group.members, threshold)


@require_POST
@require(may_decide)
def wider(request: HttpRequest, candidate_id: int) -> HttpResponse:
    """The question with more of its records side by side; what is chosen stays. Writes nothing."""
    context = _context(request, review.candidate(candidate_id), choice=read_choice(request.POST))
    return render(request, _template(request), context | {"reason": request.POST.get("reason", "")})


@require_POST
@require(may_decide)
def sight(request: HttpRequest, candidate_id: int) -> HttpResponse:
    """The question as the person wants to see questions from now on; what is chosen stays. Decides nothing."""
    question = review.candidate(candidate_id)
    blind.choose(person=signed_in(request), blind=request.POST.get("sight") == "blind")
    context = _context(request, question, choice=read_choice(request.POST))
    return render(request, _template(request), context | {"reason": request.POST.get("reason", "")})


def _shown_blind(request: HttpRequest) -> bool:
    """Whether the page that posts this was shown blind, whatever was chosen meanwhile."""
    return request.POST.get("blind") == "yes"


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
        reason=reason_of(request),
        others_differ=request.POST.get("others") == "differ",
        edit=choice.edit(),
        others=choice.others(),
        added=choice.added,
        blind=_shown_blind(request),
    )


def _reject(request: HttpRequest, candidate_id: int) -> Decision:
    return workflow.reject_candidate(candidate_id=candidate_id, blind=_shown_blind(request), **_seen(request))


def _relate(request: HttpRequest, candidate_id: int) -> Decision:
    kind, first = related.read_option(request.POST.get("relation", ""))
    return workflow.relate_candidate(
        candidate_id=candidate_id, kind=kind, first=first, blind=_shown_blind(request), **_seen(request)
    )


def _keep(request: HttpRequest, candidate_id: int) -> Decision:
    return workflow.keep_together(candidate_id=candidate_id, **_seen(request))


def _split(request: HttpRequest, candidate_id: int) -> Decision:
    return workflow.split_off(candidate_id=candidate_id, **_seen(request))


def _take_out(request: HttpRequest, candidate_id: int) -> Decision:
    again = bool(request.POST.get("may_join_again"))
    return workflow.take_out_misfit(candidate_id=candidate_id, may_join_again=again, **_seen(request))


def _skip(request: HttpRequest, candidate_id: int) -> Decision:
    days = request.POST.get("days", "1")
    known = {str(number): number for number, _ in SNOOZES}
    return workflow.skip_candidate(
        candidate_id=candidate_id,
        until=timezone.now() + timedelta(days=known.get(days, 1)),
        user=signed_in(request),
        reason=reason_of(request),
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
            return _again(request, question, stale, stale=stale, stale_events=errors.moved_events(stale))
        except Invalid as invalid:
            return _again(request, question, invalid, problems=[text for _, text in invalid.problems])
        except WrongState as decided:  # by somebody else meanwhile: the case as it is says by whom
            now = review.candidate(candidate_id)
            return _again(request, now, decided, problems=[f"{decided.message} {decided.way_out}"])
        if decision.verb == Verb.MERGE and not _settled(candidate_id):
            coming = candidate_id  # the members ticked out are still a question
        return go_on(request, coming, review.told(decision), decision)

    return decide


@require_POST
@require(may_decide)
def dry_run(request: HttpRequest, candidate_id: int) -> HttpResponse:
    """The merge as chosen, carried out and taken back: the exact events, or everything that would fail."""
    found = rehearse(lambda: _merge(request, candidate_id))
    return render(request, "stewardship/review_dry_run.html", {"found": found})


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
    return go_on(request, decision.candidate_id, f"Undone: {text}", None)


def _seen(request: HttpRequest) -> dict[str, Any]:
    return {
        "shown": read_shown(request.POST),
        "user": signed_in(request),
        "reason": reason_of(request),
    }


def _settled(candidate_id: int) -> bool:
    return review.candidate(candidate_id).state not in ("open", "skipped")


def _context(request: HttpRequest, question: MatchCandidate, *, choice: Choice | None = None) -> dict[str, Any]:
    user, filters = signed_in(request), Filters.read(request.GET)
    decides = may_decide(user)
    case = review.case(question, choice, veiled=decides and blind.is_blind(user))
    last = review.last_decision(user) if decides else None
    ahead = AHEAD in request.headers
    nearby = queue.nearby(question, filters, user)
    return {
        "case": case,
        "group": case.group,
        "domain": case.domain,
        "graph": None if case.conflict or case.blind else _graph(request, question, case),
        "query": filters.query(),
        "next_id": queue.after(question, nearby, filters, user),
        "previous_id": queue.preceding(question, filters, user),
        "nearby": nearby,
        "waiting": queue.waiting(filters, user).count(),
        "relation_options": related.options(
            [one.record for one in case.group.members], case.suggestions, numbered=True
        ),
        "held_by": "" if ahead or not (decides and case.open) else _claimed(question, user),
        "ahead": ahead,
        "may_decide": decides,
        "may_undo_this": bool(case.decision and decides and workflow.may_undo(case.decision, user)),
        "reports": () if case.blind else reporting.of_question(question),
        "opinions": opinions.of_question(question, user if case.open else None),
        "last_decision": last,
        "last_told": review.told(last) if last else "",
        "snoozes": SNOOZES,
        "letters": LETTERS,
        "case_id": question.pk,
        "fragment": is_fragment(request),
    }


def _claimed(question: MatchCandidate, user: User) -> str:
    return workflow.claim_candidate(candidate_id=question.pk, user=user)


@require_safe
@require(may_decide)
def claim(request: HttpRequest, candidate_id: int) -> HttpResponse:
    """What a question fetched ahead asks once it is looked at: claims it, and says who else is at it."""
    held = _claimed(review.candidate(candidate_id), signed_in(request))
    return render(request, "stewardship/review_held.html", {"held_by": held})


def _template(request: HttpRequest) -> str:
    return "stewardship/review_case.html" if is_fragment(request) else "stewardship/review.html"


def _again(request: HttpRequest, question: MatchCandidate, error: MdmError, **told: Any) -> HttpResponse:
    """The case as it is now with everything that was chosen and typed, and why nothing was decided."""
    context = _context(request, question, choice=read_choice(request.POST))
    context |= {"reason": request.POST.get("reason", ""), **told}
    return render(request, _template(request), context, status=error.http)


def go_on(request: HttpRequest, coming: int | None, text: str, decision: Decision | None) -> HttpResponse:
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
    path("review/<int:candidate_id>/claim/", claim, name="review_claim"),
    path("review/<int:candidate_id>/preview/", preview, name="review_preview"),
    path("review/<int:candidate_id>/add/", add, name="review_add"),
    path("review/<int:candidate_id>/wider/", wider, name="review_wider"),
    path("review/<int:candidate_id>/sight/", sight, name="review_sight"),
    path("review/<int:candidate_id>/groups/", groups, name="review_groups"),
    path("review/<int:candidate_id>/dry-run/", dry_run, name="review_dry_run"),
    path("review/<int:candidate_id>/merge/", _deciding(_merge), name="review_merge"),
    path("review/<int:candidate_id>/reject/", _deciding(_reject), name="review_reject"),
    path("review/<int:candidate_id>/relate/", _deciding(_relate), name="review_relate"),
    path("review/<int:candidate_id>/skip/", _deciding(_skip), name="review_skip"),
    path("review/<int:candidate_id>/keep/", _deciding(_keep), name="review_keep"),
    path("review/<int:candidate_id>/split/", _deciding(_split), name="review_split"),
    path("review/<int:candidate_id>/take-out/", _deciding(_take_out), name="review_take_out"),
    path("decisions/<uuid:decision_id>/undo/", undo, name="undo"),
]
