"""Deciding a filtered set at once: the preview, the progress, the report, the way back."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path, reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from mdm.errors import Invalid, Refused
from stewardship import bulk
from stewardship.access import is_fragment, reason_of, require, signed_in
from stewardship.asked import Filters
from stewardship.models import BulkDecision, BulkVerb
from stewardship.permissions import may_decide


@require_http_methods(["GET", "HEAD", "POST"])
@require(may_decide)
def start(request: HttpRequest) -> HttpResponse:
    """``/bulk/?domain=supplier&band=likely``: what the filters of the queue choose; a POST decides it."""
    user, filters = signed_in(request), Filters.read(request.GET)
    problems: list[str] = []
    if request.method == "POST":
        seen = request.POST.get("expected", "")
        try:
            made = bulk.begin(
                verb=request.POST.get("verb", ""),
                filters=filters,
                expected=int(seen) if seen.isascii() and seen.isdigit() else 0,
                reason=reason_of(request),
                user=user,
            )
            return redirect("stewardship:bulk_run", made.pk)
        except Invalid as invalid:
            problems = [text for _, text in invalid.problems]
        except Refused as refused:
            problems = [f"{refused.message} {refused.way_out}"]
    context = {
        "preview": bulk.preview(filters, user),
        "most": bulk.MOST,
        "verbs": BulkVerb.choices,
        "chosen": request.POST.get("verb", ""),
        "reason": request.POST.get("reason", ""),
        "query": filters.query(),
        "problems": problems,
    }
    return render(request, "stewardship/bulk/preview.html", context, status=422 if problems else 200)


@require_safe
@require(may_decide)
def run(request: HttpRequest, bulk_id: UUID) -> HttpResponse:
    """How far it is, and once it has ended what was done and what was not. A fragment is the progress alone."""
    made = get_object_or_404(BulkDecision.objects.select_related("begun_by"), pk=bulk_id)
    back = made.state in ("undoing", "undone")
    total = len(made.questions)
    context = {
        "made": made,
        "total": total,
        "done": total - len(made.decisions) - len(made.failures) if back else made.reached,
        "left": len(made.decisions),
        "back": back,
        "poll_url": "" if made.ended_at else reverse("stewardship:bulk_run", args=[made.pk]),
        "query": made.asked,
    }
    template = "stewardship/bulk/progress.html" if is_fragment(request) else "stewardship/bulk/run.html"
    return render(request, template, context)


@require_POST
@require(may_decide)
def undo(request: HttpRequest, bulk_id: UUID) -> HttpResponse:
    """Undo all of it."""
    bulk.undo_all(bulk_id=bulk_id, user=signed_in(request))
    return redirect("stewardship:bulk_run", bulk_id)


urls = [
    path("bulk/", start, name="bulk"),
    path("bulk/<uuid:bulk_id>/", run, name="bulk_run"),
    path("bulk/<uuid:bulk_id>/undo/", undo, name="bulk_undo"),
]
