"""Second opinions on a question: the dialog that asks and says, and the act itself."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.views.decorators.http import require_POST, require_safe

from matching.models import MatchCandidate
from mdm.errors import Invalid
from stewardship import opinions, queue, review
from stewardship.access import is_fragment, require, signed_in
from stewardship.models import OpinionVerdict
from stewardship.permissions import may_decide
from stewardship.queue import Filters
from stewardship.views.review import go_on
from stewardship.work.colleagues import colleagues


@require_safe
@require(may_decide)
def form(request: HttpRequest, candidate_id: int) -> HttpResponse:
    """``/review/12/opinion/``: what one thinks, and whom to ask; the form alone where the page asks for it."""
    return _show(request, review.candidate(candidate_id))


@require_POST
@require(may_decide)
def say(request: HttpRequest, candidate_id: int) -> HttpResponse:
    """Keep it and go on to the next question; what does not fit is shown again as it was typed."""
    question, user, filters = review.candidate(candidate_id), signed_in(request), Filters.read(request.GET)
    given: dict[str, Any] = {
        "verdict": request.POST.get("verdict", ""),
        "reason": request.POST.get("reason", ""),
        "ask": request.POST.getlist("ask"),
    }
    coming = queue.following(question, filters, user)
    try:
        told = opinions.say(candidate_id=candidate_id, user=user, **given)
    except Invalid as refusal:
        return _show(request, question, given, refusal)
    return go_on(request, coming or candidate_id, told, None)


def _show(
    request: HttpRequest, question: MatchCandidate, given: dict[str, Any] | None = None, refusal: Invalid | None = None
) -> HttpResponse:
    user, filters = signed_in(request), Filters.read(request.GET)
    said = opinions.of_question(question, user)
    known = {one.person_id for one in (*said.given, *said.owed)}
    own = said.own
    context = {
        "question": question,
        "query": filters.query(),
        "back": reverse("stewardship:review", args=[question.pk]) + filters.query(),
        "verdicts": OpinionVerdict.choices,
        "own": own,
        "people": [one for one in colleagues() if one.decides and one.pk != user.pk and one.pk not in known],
        "given": given or {"verdict": own.verdict if own else "", "reason": own.reason if own else "", "ask": []},
        "problems": refusal.problems if refusal else (),
    }
    template = "stewardship/opinion_form.html" if is_fragment(request) else "stewardship/opinion.html"
    answer = render(request, template, context, status=422 if refusal else 200)
    if refusal and is_fragment(request):  # the case stays; only the form in its dialog is shown anew
        answer.headers["HX-Retarget"], answer.headers["HX-Reswap"] = "#opinion-form", "innerHTML"
    return answer


urls = [
    path("review/<int:candidate_id>/opinion/", form, name="opinion"),
    path("review/<int:candidate_id>/opinion/say/", say, name="say_opinion"),
]
