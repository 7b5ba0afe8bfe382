"""Who is told otherwise when records move in the tree endpoints select by: a fragment for the page of a draft."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from mdm.errors import Invalid
from publishing.access import sees
from publishing.queries.sides import TREE, sides_of

MOST = 100


@require_GET
@sees
def sides(request: HttpRequest) -> HttpResponse:
    """``tree`` is DOMAIN.ATTRIBUTE, ``moves`` are RECORD.PARENT between commas, the parent blank for the top."""
    by_place = request.GET.get("tree", "") == TREE
    rows = sides_of(_read(request.GET.get("moves", ""))) if by_place else []
    return render(request, "publishing/sides.html", {"rows": rows, "by_place": by_place})


def _read(text: str) -> list[tuple[UUID, UUID | None]]:
    try:
        pairs = [one.partition(".") for one in text.split(",")[:MOST] if one]
        return [(UUID(record), UUID(parent) if parent else None) for record, _, parent in pairs]
    except ValueError:
        raise Invalid("These moves cannot be understood.", "Open the draft anew.") from None
