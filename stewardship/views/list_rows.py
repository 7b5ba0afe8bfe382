"""What was found out about a list: how far the check is, its rows, the file to take away, and taking it away."""

from pathlib import PurePath
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.views.decorators.http import require_POST, require_safe

from mdm.errors import Invalid, MdmError, NotFound, Refused
from stewardship.access import is_fragment, require, signed_in
from stewardship.lists import acting, keeping, telling
from stewardship.models import CheckedList, Outcome
from stewardship.models.lists import ACTING, BEING_CHECKED, UNDER_WAY
from stewardship.permissions import may_check, may_propose, may_see
from stewardship.seen import FORMATS, download
from stewardship.views.lists import head


@require_safe
@require(may_see)
def page(request: HttpRequest, list_id: UUID) -> HttpResponse:
    """``/lists/ID/?show=errors``: how far the check is, and the rows of one kind. A fragment is the moving part."""
    user = signed_in(request)
    one = keeping.find(list_id, user)
    context = _context(one, user)
    if is_fragment(request):
        response = render(request, "stewardship/lists/live.html", context)
        if one.state not in UNDER_WAY:
            response.headers["HX-Refresh"] = "true"
        return response
    return _page(request, one, context)


def _context(one: CheckedList, user: User) -> dict[str, Any]:
    moving = one.state in UNDER_WAY
    mine = one.owner_id == user.pk
    return head(one, "list") | {
        "moving": moving,
        "mine": mine and may_check(user),
        "progress": telling.act(one) if one.state in ACTING else telling.progress(one),
        "figures": telling.figures(one) if one.rows_done else [],
        "poll_url": reverse("stewardship:list", args=[one.pk]) if moving else "",
        "waits": telling.waits_long(one),
        "days": keeping.KEPT.days,
        "checking": one.state in BEING_CHECKED,
        "possible": one.counts.get(Outcome.CHANGED, 0),
        "beside": one.counts.get(Outcome.BESIDE, 0),
        "still_open": one.counts.get(Outcome.PROPOSED, 0),
    }


def _page(
    request: HttpRequest, one: CheckedList, context: dict[str, Any], refusal: MdmError | None = None
) -> HttpResponse:
    if one.state not in UNDER_WAY:
        context |= _rows(request, one)
    context |= {"refusal": refusal, "reason": request.POST.get("reason", "")}
    return render(request, "stewardship/lists/page.html", context, status=refusal.http if refusal else 200)


def _rows(request: HttpRequest, one: CheckedList) -> dict[str, Any]:
    show = _kind(request, one)
    text = request.GET.get("after", "")
    after = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
    found = telling.rows(one, show, after)
    return {
        "lines": telling.with_links(one, found[: telling.PAGE]),
        "show": show,
        "facets": telling.facets(one, show),
        "next_href": f"?show={show}&after={found[telling.PAGE - 1].line}" if len(found) > telling.PAGE else "",
        "previous_href": f"?show={show}" if after else "",
        "files": _files(one.document.get("dialect", {}).get("format", "csv"), one.pk),
    }


def _kind(request: HttpRequest, one: CheckedList) -> str:
    """The kind of rows asked for; by itself those somebody has to look at."""
    usual = next((name for name in ("failed", "wrong", "errors") if one.counts.get(name)), "all")
    show = request.GET.get("show", usual)
    return show if show in telling.kinds(one) else usual


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
    labels, rows = telling.annotated(one, _kind(request, one) if "show" in request.GET else "all")
    return download(
        request, name=f"{PurePath(one.file_name).stem[:80]}-checked", ending=ending, labels=labels, rows=rows
    )


@require_POST
@require(may_propose)
def propose(request: HttpRequest, list_id: UUID) -> HttpResponse:
    """Propose every change that is possible, as one act."""
    user = signed_in(request)
    try:
        acting.propose_all(
            list_id=list_id, user=user, reason=request.POST.get("reason", ""), beside="beside" in request.POST
        )
    except (Invalid, Refused) as refusal:
        one = keeping.find(list_id, user)
        return _page(request, one, _context(one, user), refusal)
    return redirect("stewardship:list", list_id)


@require_POST
@require(may_propose)
def withdraw(request: HttpRequest, list_id: UUID) -> HttpResponse:
    """Withdraw every change nobody has decided yet."""
    acting.withdraw_all(list_id=list_id, user=signed_in(request))
    return redirect("stewardship:list", list_id)


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
    path("lists/<uuid:list_id>/propose/", propose, name="propose_list"),
    path("lists/<uuid:list_id>/withdraw/", withdraw, name="withdraw_list"),
    path("lists/<uuid:list_id>/cancel/", cancel, name="cancel_list"),
    path("lists/<uuid:list_id>/remove/", remove, name="remove_list"),
]
