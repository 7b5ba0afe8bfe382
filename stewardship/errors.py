"""The one place where a refusal of the core becomes an answer: a page, or a toast where htmx asked."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from mdm import queries
from mdm.domains import BY_NAME
from mdm.errors import Invalid, MdmError, Stale
from mdm.models import GoldenRecord
from stewardship import showing
from stewardship.access import is_fragment


class RefusalMiddleware:
    """Answers every MdmError a page lets through; the API words its own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """The answer to a refusal; any other error is Django's."""
        if not isinstance(error, MdmError) or request.path.startswith("/api/"):
            return None
        return answer(request, error)


def answer(request: HttpRequest, error: MdmError) -> HttpResponse:
    """What was refused, why, and the way out, with the error's own HTTP code. A stale act shows what changed."""
    if is_fragment(request):
        response = render(request, "stewardship/refusal_toast.html", {"text": worded(error)}, status=error.http)
        response.headers["HX-Reswap"] = "none"
        return response
    context = {
        "error": error,
        "problems": [problem for _, problem in error.problems] if isinstance(error, Invalid) else [],
        "events": moved_events(error) if isinstance(error, Stale) else [],
        "back": request.headers.get("Referer", "/"),
    }
    return render(request, "stewardship/refusal.html", context, status=error.http)


def worded(error: MdmError) -> str:
    """The whole refusal as one text."""
    problems = [problem for _, problem in error.problems] if isinstance(error, Invalid) else []
    return " ".join(part for part in (error.message, *problems, error.way_out) if part)


def moved_events(error: Stale) -> list[dict[str, Any]]:
    """What happened to each record since the version the person saw, as events for ``partials/timeline.html``."""
    known: dict[UUID, GoldenRecord] = GoldenRecord.objects.in_bulk([record_id for record_id, _, _ in error.records])
    events: list[dict[str, Any]] = []
    for record_id, shown, _ in error.records:
        if (record := known.get(record_id)) is None:
            continue
        entries = [entry for entry in queries.history(record_id, limit=20) if entry.version > shown]
        events += [
            event | {"title": f"{record.code} {record.title}: {event['title'].lower()}"}
            for event in showing.timeline(BY_NAME[record.domain], entries)
        ]
    return events
