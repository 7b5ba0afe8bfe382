"""What was found out about a list: how far the check is, its rows, the file to take away, and taking it away."""

from pathlib import PurePath
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.views.decorators.http import require_POST, require_safe

from mdm.errors import NotFound
from stewardship.access import is_fragment, require, signed_in
from stewardship.lists import keeping, telling
from stewardship.models import CheckedList
from stewardship.models.lists import UNDER_WAY
from stewardship.permissions import may_check, may_see
from stewardship.seen import FORMATS, download
from stewardship.views.lists import head


@require_safe
@require(may_see)
def page(request: HttpRequest, list_id: UUID) -> HttpResponse:
    """``/lists/ID/?show=errors``: how far the check is, and the rows of one kind. A fragment is the moving part."""
    user = signed_in(request)
    one = keeping.find(list_id, user)
    moving = one.state in UNDER_WAY
    mine = one.owner_id == user.pk
    context = head(one, "list") | {
        "moving": moving,
        "mine": mine and may_check(user),
        "progress": telling.progress(one),
        "figures": telling.figures(one) if one.rows_done else [],
        "poll_url": reverse("stewardship:list", args=[one.pk]) if moving else "",
        "waits": telling.waits_long(one),
        "days": keeping.KEPT.days,
    }
    if is_fragment(request):
        response = render(request, "stewardship/lists/live.html", context)
        if not moving:
            response.headers["HX-Refresh"] = "true"
        return response
    if not moving:
        context |= _rows(request, one)
    return render(request, "stewardship/lists/page.html", context)


def _rows(request: HttpRequest, one: CheckedList) -> dict[str, object]:
    usual = "errors" if one.counts.get("errors") else "all"
    show = request.GET.get("show", usual)
    show = show if show in telling.SHOWN else usual
    text = request.GET.get("after", "")
    after = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
    found = telling.rows(one, show, after)
    return {
        "lines": telling.with_links(found[: telling.PAGE]),
        "show": show,
        "facets": telling.facets(one, show),
        "next_href": f"?show={show}&after={found[telling.PAGE - 1].line}" if len(found) > telling.PAGE else "",
        "previous_href": f"?show={show}" if after else "",
        "files": _files(one.document.get("dialect", {}).get("format", "csv"), one.pk),
    }


def _files(family: str, list_id: UUID) -> list[tuple[str, str]]:
    """(label, address) of the files to take away, the kind the list came in first."""
    labels = {"csv": "CSV", "xlsx": "Workbook (XLSX)", "jsonl": "JSON lines"}
    order = sorted(labels, key=lambda ending: ending != family)
    return [(labels[ending], reverse("stewardship:list_file", args=[list_id, ending])) for ending in order]


@require_safe
@require(may_check)
def file(request: HttpRequest, list_id: UUID, ending: str) -> HttpResponseBase:
    """One's own list as it came, each row with its number, errors, and the record found with its score."""
    user = signed_in(request)
    one = keeping.find(list_id, user)
    if ending not in FORMATS or one.owner_id != user.pk or one.state in UNDER_WAY or not one.rows_done:
        raise NotFound("There is no such file.", "Have the list checked first.")
    labels, rows = telling.annotated(one)
    return download(
        request, name=f"{PurePath(one.file_name).stem[:80]}-checked", ending=ending, labels=labels, rows=rows
    )


@require_POST
@require(may_check)
def cancel(request: HttpRequest, list_id: UUID) -> HttpResponse:
    """Stop checking; what was found out stays."""
    one = keeping.cancel(list_id=list_id, user=signed_in(request))
    messages.success(request, f"Stopped after {one.rows_done:,} rows.")
    return redirect("stewardship:list", one.pk)


@require_POST
@require(may_check)
def remove(request: HttpRequest, list_id: UUID) -> HttpResponse:
    """Take the list away with its file."""
    name = keeping.remove(list_id=list_id, user=signed_in(request))
    messages.success(request, f"{name} is gone, with all that was found out about it.")
    return redirect("stewardship:lists")


urls = [
    path("lists/<uuid:list_id>/", page, name="list"),
    path("lists/<uuid:list_id>/checked.<str:ending>", file, name="list_file"),
    path("lists/<uuid:list_id>/cancel/", cancel, name="cancel_list"),
    path("lists/<uuid:list_id>/remove/", remove, name="remove_list"),
]
