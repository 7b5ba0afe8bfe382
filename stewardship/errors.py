"""The one place where a refusal of the core becomes an answer: a page, or a toast where htmx asked."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from mdm import queries
from mdm.errors import Invalid, MdmError, Stale
from mdm.models import GoldenRecord
from mdm.queries import HistoryEntry
from stewardship.access import is_fragment


@dataclass(frozen=True)
class Moved:
    """A record that changed since it was shown: what happened to it, newest first."""

    record: GoldenRecord
    shown: int
    entries: list[HistoryEntry]


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


def moved(error: Stale) -> list[Moved]:
    """What happened to each record since the version the person saw."""
    known: dict[UUID, GoldenRecord] = GoldenRecord.objects.in_bulk([record_id for record_id, _, _ in error.records])
    return [
        Moved(
            known[record_id], shown, [entry for entry in queries.history(record_id, limit=20) if entry.version > shown]
        )
        for record_id, shown, _ in error.records
        if record_id in known
    ]


def moved_events(error: Stale) -> list[dict[str, Any]]:
    """The same as events for the timeline partial."""
    return [
        {
            "icon": "history",
            "tone": "warn",
            "title": f"{one.record.code} {one.record.title}",
            "who": entry.actor,
            "when": entry.moment,
            "note": f"{entry.verb}, version {entry.version}",
            "reason": entry.reason,
            "changes": [change for change in entry.changes if not change.is_part],
        }
        for one in moved(error)
        for entry in one.entries
    ]
