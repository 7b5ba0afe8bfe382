"""Making a table one's own: columns kept for oneself, views under a name with an address of their own."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import NoReverseMatch, path, reverse
from django.views.decorators.http import require_POST, require_safe

from mdm.domains import BY_SLUG
from mdm.errors import NotFound
from stewardship import tables
from stewardship.access import require, signed_in
from stewardship.models import SavedView
from stewardship.permissions import may_propose, may_see
from stewardship.views.located import next_address

RECORDS = "records."
PAGES = {
    "queue": "stewardship:queue",
    "requests": "stewardship:requests",
    "merges": "stewardship:merges",
    "imports": "stewardship:batches",
    "audit": "stewardship:audit",
    "endpoints": "publishing:endpoints",
}


def page_of(table: str) -> str:
    """Where a table is shown. Raises NotFound for one that is nowhere."""
    slug = table.removeprefix(RECORDS)
    try:
        if table.startswith(RECORDS) and slug in BY_SLUG:
            return reverse("stewardship:records", args=[slug])
        if table in PAGES:
            return reverse(PAGES[table])
    except NoReverseMatch:
        pass
    raise NotFound("There is no such table.", "Open the list from the side bar.")


@require_POST
@require(may_propose)
def keep(request: HttpRequest, table: str) -> HttpResponse:
    """Show me this table so from now on; without columns: as it is by itself."""
    page = page_of(table)
    columns = [name for name in request.POST.get("columns", "").split(",") if name]
    dense = request.POST.get("dense") == "yes"
    tables.choose_columns(person=signed_in(request), table=table, columns=columns, dense=dense)
    messages.success(request, "Kept: you see this table so from now on." if columns else "The table is as it was.")
    return redirect(next_address(request, page))


@require_POST
@require(may_propose)
def save(request: HttpRequest, table: str) -> HttpResponse:
    """Save what is shown as a view."""
    page_of(table)
    view = tables.save_view(
        person=signed_in(request), table=table, name=request.POST.get("name", ""),
        query=request.POST.get("query", ""), shared=request.POST.get("shared") == "yes",
    )  # fmt: skip
    messages.success(request, f"Saved as {view.name}. Its address can be sent to a colleague.")
    return redirect(_address(view))


@require_POST
@require(may_propose)
def remove(request: HttpRequest, view_id: UUID) -> HttpResponse:
    """Take one's own view away."""
    view = tables.remove_view(person=signed_in(request), view_id=view_id)
    messages.success(request, f"{view.name} is removed.")
    return redirect(page_of(view.table))


@require_safe
@require(may_see)
def show(request: HttpRequest, view_id: UUID) -> HttpResponse:
    """``/views/ID/``: the table as the view has it. Somebody else's view is found while it is shared."""
    view = SavedView.objects.filter(pk=view_id).first()
    if view is None or not (view.shared or view.owner_id == signed_in(request).pk):
        raise NotFound("There is no such view.", "It was removed, or is no longer shared.")
    return redirect(_address(view))


def _address(view: SavedView) -> str:
    return f"{page_of(view.table)}?{view.query}{'&' if view.query else ''}saved={view.pk}"


urls = [
    path("tables/<str:table>/keep/", keep, name="keep_columns"),
    path("tables/<str:table>/views/", save, name="save_view"),
    path("views/<uuid:view_id>/", show, name="saved_view"),
    path("views/<uuid:view_id>/remove/", remove, name="remove_view"),
]
