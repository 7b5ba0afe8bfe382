"""Who did what to an endpoint, and how its settings changed."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from publishing.access import sees
from publishing.models import Endpoint
from publishing.views.common import endpoint_of
from publishing.views.tabs import frame

SHOWN = 100
QUIET = {"updated_at", "created_at", "state", "state_reason"}  # states have their own lines: the interventions


@dataclass(frozen=True)
class Change:
    """Settings that changed at one time."""

    at: datetime
    by: str
    reason: str
    fields: tuple[tuple[str, Any, Any], ...]


@require_GET
@sees
def history(request: HttpRequest, code: str) -> HttpResponse:
    """What people did, and every change of the settings with before and after."""
    endpoint = endpoint_of(code)
    context = {
        **frame(request, endpoint),
        "interventions": endpoint.interventions.select_related("delivery__record")
        .defer("delivery__body")
        .order_by("-pk")[:SHOWN],
        "changes": list(_changes(endpoint)),
    }
    return render(request, "publishing/history.html", context)


def _changes(endpoint: Endpoint) -> Iterator[Change]:
    """Versions of the settings, newest first; those in which only the state moved are left out."""
    rows = list(endpoint.history.select_related("history_user").order_by("-history_date", "-history_id")[: SHOWN + 1])
    names = [field.name for field in rows[0].tracked_fields if field.name not in QUIET] if rows else []
    for after, before in zip(rows, [*rows[1:], None], strict=True):
        if before is None:
            if len(rows) <= SHOWN:
                yield Change(after.history_date, _who(after), after.history_change_reason or "", ())
            return
        fields = tuple(
            (name, getattr(before, name), getattr(after, name))
            for name in names
            if getattr(before, name) != getattr(after, name)
        )
        if fields:
            yield Change(after.history_date, _who(after), after.history_change_reason or "", fields)


def _who(row: Any) -> str:
    user = row.history_user
    return (user.get_full_name() or user.get_username()) if user else "Assay"
