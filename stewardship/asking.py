"""Asking for the reason of an act on a page of its own, where no dialog asked for it before."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from mdm.errors import Invalid
from stewardship.access import reason_of


@dataclass(frozen=True, kw_only=True)
class Question:
    """What the page says; ``hidden`` are (name, value) pairs the form sends along, ``back`` where Cancel leads."""

    title: str
    text: str
    verb: str
    back: str
    danger: bool = False
    reason_required: bool = True
    hidden: Sequence[tuple[str, object]] = ()


def ask(request: HttpRequest, question: Question, act: Callable[[str], str]) -> HttpResponse:
    """GET asks, POST acts with the reason given and goes where ``act`` says.

    A missing reason is asked for again; every other refusal is answered by the middleware.
    """
    problems: Sequence[tuple[str, str]] = ()
    if request.method == "POST":
        try:
            return redirect(act(reason_of(request)))
        except Invalid as refusal:
            problems = refusal.problems or [("reason", refusal.message)]
    context = {"question": question, "problems": problems, "reason": request.POST.get("reason", "")}
    return render(request, "stewardship/reason.html", context, status=422 if problems else 200)
