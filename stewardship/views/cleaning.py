"""Cleaning the columns of a feed: near-identical spellings grouped, put together, withdrawn."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.views.decorators.http import require_http_methods, require_POST

from matching import spellings
from mdm.domains import BY_NAME
from mdm.errors import Invalid
from mdm.intake import cleaning
from mdm.intake.cleaning import Place
from mdm.intake.feeds import plan_of
from mdm.intake.receiving import receive, stored_file
from mdm.models import Feed
from stewardship import quarantined
from stewardship.access import require, signed_in
from stewardship.permissions import may_see, may_set_up
from stewardship.requests import person
from stewardship.views.feeds import find_feed

GROUPS = 40
SHOWN = 200  # spellings of a preview


@require_http_methods(["GET", "HEAD"])
@require(may_see)
def page(request: HttpRequest, code: str) -> HttpResponse:
    """``/feeds/<code>/clean/``: the columns with their different texts; with ``?place=`` the groups of one."""
    feed = find_feed(code)
    chosen = request.GET.get("place", "")
    return _page(request, feed, chosen)


@require_POST
@require(may_set_up)
def put_together(request: HttpRequest, code: str) -> HttpResponse:
    """Show what the ticked groups would change, or make it so: the feed's next version, its last file read again."""
    feed = find_feed(code)
    chosen = request.POST.get("place", "")
    changes = _changes(request.POST)
    try:
        place = _visible(feed, chosen)
        if request.POST.get("act") != "apply":
            concerned = cleaning.preview(feed, place, changes)
            return _page(
                request, feed, chosen, {"concerned": concerned[:SHOWN], "all_concerned": concerned, "changes": changes}
            )
        by = person(signed_in(request)).name
        stored = cleaning.put_together(code=code, place=chosen, changes=changes, by=by)
    except Invalid as refusal:
        return _page(request, feed, chosen, {"refusal": refusal}, status=refusal.http)
    said = f"{len(changes)} {'spelling is' if len(changes) == 1 else 'spellings are'} read as their targets from now on"
    batch = cleaning.last_file(stored)
    if "again" in request.POST and batch is not None and stored.version != feed.version:
        again = receive(feed=stored, file=stored_file(batch), file_name=batch.file_name, by=by)
        messages.success(request, f"{said}, and {batch.file_name} is being read again.")
        return redirect("stewardship:batch", again.pk)
    messages.success(request, f"{said} (version {stored.version} of the feed).")
    return redirect(f"{reverse('stewardship:clean_feed', args=[code])}?{urlencode({'place': chosen})}")


@require_POST
@require(may_set_up)
def withdraw(request: HttpRequest, code: str) -> HttpResponse:
    """Read the ticked spellings as they are sent again."""
    chosen = request.POST.get("place", "")
    written = request.POST.getlist("written")
    stored = cleaning.withdraw(code=code, place=chosen, written=written, by=person(signed_in(request)).name)
    messages.success(
        request, f"{len(written)} withdrawn: read as sent from the next file on (version {stored.version})."
    )
    return redirect(f"{reverse('stewardship:clean_feed', args=[code])}?{urlencode({'place': chosen})}")


def _changes(form: QueryDict) -> dict[str, str]:
    """{spelling: target} of every ticked spelling in every ticked group."""
    changes: dict[str, str] = {}
    for number in form.getlist("use"):
        target = str(form.get(f"target-{number}", ""))
        changes |= {str(text): target for text in form.getlist(f"member-{number}")}
    changes |= dict(zip(form.getlist("written"), form.getlist("to"), strict=False))
    return changes


def _visible_places(feed: Feed) -> list[Place]:
    hidden = quarantined.hidden_columns(feed)
    return [place for place in cleaning.places(plan_of(feed)) if not hidden & set(place.cell.columns)]


def _visible(feed: Feed, code: str) -> Place:
    cleaning.find_place(plan_of(feed), code)
    return next((place for place in _visible_places(feed) if place.code == code), None) or cleaning.find_place(
        plan_of(feed), ""
    )


def _page(
    request: HttpRequest, feed: Feed, chosen: str, more: dict[str, Any] | None = None, *, status: int = 200
) -> HttpResponse:
    context: dict[str, Any] = {
        "feed": feed,
        "domain": BY_NAME[feed.domain],
        "may_set_up": may_set_up(request.user),
        **(more or {}),
    }
    visible = _visible_places(feed)
    place = _visible(feed, chosen) if chosen else None
    try:
        held = cleaning.held(feed, [place] if place else visible)
    except Invalid as refusal:
        return render(request, "stewardship/cleaning/page.html", context | {"nothing": refusal}, status=status)
    if place is None:
        context["lines"] = [_line(feed, one, held[one.code].counts) for one in visible]
        return render(request, "stewardship/cleaning/page.html", context, status=status)
    rules = cleaning.rules_of(feed.definition, place)
    asked = {text: rows for text, rows in held[place.code].counts.items() if text not in rules}
    groups = spellings.group(asked)
    context |= {
        "place": place,
        "label": _label(feed, place),
        "groups": list(enumerate(groups[:GROUPS])),
        "number": len(groups),
        "rows": held[place.code].rows,
        "batch": held[place.code].batch,
        "different": len(held[place.code].counts),
        "rules": sorted(rules.items(), key=lambda one: (one[1], one[0])),
    }
    return render(request, "stewardship/cleaning/place.html", context, status=status)


def _line(feed: Feed, place: Place, counts: Any) -> dict[str, Any]:
    return {
        "place": place,
        "label": _label(feed, place),
        "columns": _listed(place.cell.columns),
        "different": len(counts),
        "rows": sum(counts.values()),
        "rules": len(cleaning.rules_of(feed.definition, place)),
    }


def _label(feed: Feed, place: Place) -> str:
    part = next((part for part in BY_NAME[feed.domain].parts if part.name == place.part), None)
    return f"{part.one}: {place.cell.label}" if part else place.cell.label


def _listed(columns: Sequence[str]) -> str:
    return ", ".join(columns)


urls = [
    path("feeds/<slug:code>/clean/", page, name="clean_feed"),
    path("feeds/<slug:code>/clean/together/", put_together, name="put_together"),
    path("feeds/<slug:code>/clean/withdraw/", withdraw, name="withdraw_spellings"),
]
