"""What I decided today: every decision with its way back, one by one or all back to a point."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.views.decorators.http import require_POST, require_safe

from stewardship import session
from stewardship.access import require, signed_in
from stewardship.permissions import may_decide


@require_safe
@require(may_decide)
def today(request: HttpRequest) -> HttpResponse:
    """``/decisions/today/``: one line per decision of the last twelve hours."""
    lines = session.lines(signed_in(request))
    context = {"lines": lines, "standing": sum(line.standing for line in lines), "hours": session.HOURS}
    return render(request, "stewardship/session.html", context)


@require_POST
@require(may_decide)
def undo_back(request: HttpRequest, decision_id: UUID) -> HttpResponse:
    """Undo from the newest decision back to this one, and say what could not be undone."""
    done = session.undo_back_to(decision_id=decision_id, user=signed_in(request))
    if done.number:
        messages.success(request, f"{done.number} decision{'' if done.number == 1 else 's'} undone.")
    for problem in done.problems[:5]:
        messages.error(request, f"Not undone: {problem}")
    return redirect("stewardship:session")


urls = [
    path("decisions/today/", today, name="session"),
    path("decisions/<uuid:decision_id>/undo-back/", undo_back, name="undo_back"),
]
