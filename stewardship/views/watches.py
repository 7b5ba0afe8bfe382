"""A folder a feed watches: set up, paused, looked into now; its files with their counts; held ones decided."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.views.decorators.http import require_http_methods, require_POST

from mdm.domains import BY_NAME
from mdm.errors import Invalid
from mdm.intake import watching
from mdm.models import Coverage, Feed, FeedWatch, MissingRows, WatchRunState
from stewardship.access import require, signed_in
from stewardship.permissions import may_import, may_see, may_set_up
from stewardship.requests import person
from stewardship.views.feeds import find_feed

RUNS = 50
FIRST: dict[str, Any] = {"most_missing": 10, "every_minutes": 5}
FIELDS = ("folder", "pattern", "coverage", "missing", "most_missing", "every_minutes", "owner_mail")


@require_http_methods(["GET", "HEAD"])
@require(may_see)
def page(request: HttpRequest, code: str) -> HttpResponse:
    """``/feeds/<code>/watch/``: what is watched, and what became of every file."""
    return _page(request, find_feed(code))


@require_POST
@require(may_set_up)
def set_watch(request: HttpRequest, code: str) -> HttpResponse:
    """Watch a folder, or change how it is watched."""
    feed = find_feed(code)
    typed = {name: request.POST.get(name, "").strip() for name in FIELDS}
    try:
        watching.set_watch(
            code=code, folder=typed["folder"], pattern=typed["pattern"], coverage=typed["coverage"],
            missing=typed["missing"] or MissingRows.KEEP, most_missing=_number(typed["most_missing"]),
            every_minutes=_number(typed["every_minutes"]), owner=person(signed_in(request)).name,
            owner_mail=typed["owner_mail"],
        )  # fmt: skip
    except Invalid as refusal:
        return _page(request, feed, {"refusal": refusal, "typed": typed}, status=refusal.http)
    messages.success(request, "The folder is watched. Files that lie there already are looked at within a minute.")
    return redirect("stewardship:watch", code)


def _number(text: str) -> int:
    """The whole number typed; one that is none is out of every range."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else -1


@require_POST
@require(may_set_up)
def pause(request: HttpRequest, code: str) -> HttpResponse:
    """Pause the watch, or resume it."""
    watch = watching.pause(code=code, paused=request.POST.get("act") == "pause")
    messages.success(request, "The watch is paused." if watch.paused else "The watch goes on; it looks now.")
    return redirect("stewardship:watch", code)


@require_POST
@require(may_import)
def run_now(request: HttpRequest, code: str) -> HttpResponse:
    """Look into the folder now."""
    watching.run_now(code=code)
    messages.success(request, "The folder is looked into as soon as a worker is free.")
    return redirect("stewardship:watch", code)


@require_POST
@require(may_import)
def decide(request: HttpRequest, code: str, run_id: int) -> HttpResponse:
    """Take a held file all the same, or leave it out."""
    by = person(signed_in(request)).name
    if request.POST.get("act") == "take":
        batch = watching.take_held(run_id=run_id, by=by)
        messages.success(request, f"{batch.file_name} is being imported.")
    else:
        run = watching.leave_out(run_id=run_id, by=by)
        messages.success(request, f"{run.file_name} is left out.")
    return redirect("stewardship:watch", code)


def _page(request: HttpRequest, feed: Feed, more: dict[str, Any] | None = None, *, status: int = 200) -> HttpResponse:
    watch = FeedWatch.objects.filter(feed=feed).first()
    runs = list(watch.runs.select_related("batch").order_by("-pk")[:RUNS]) if watch else []
    first = FIRST | {"pattern": feed.file_pattern, "owner_mail": signed_in(request).email}
    context: dict[str, Any] = {
        "feed": feed,
        "domain": BY_NAME[feed.domain],
        "watch": watch,
        "runs": runs,
        "held": [run for run in runs if run.state == WatchRunState.HELD],
        "base": settings.WATCH_FOLDER.name,
        "coverages": Coverage.choices,
        "missing_choices": MissingRows.choices,
        "may_set_up": may_set_up(request.user),
        "may_import": may_import(request.user),
        "typed": {name: getattr(watch, name) for name in FIELDS} if watch else first,
        **(more or {}),
    }
    return render(request, "stewardship/feeds/watch.html", context, status=status)


urls = [
    path("feeds/<slug:code>/watch/", page, name="watch"),
    path("feeds/<slug:code>/watch/set/", set_watch, name="set_watch"),
    path("feeds/<slug:code>/watch/pause/", pause, name="pause_watch"),
    path("feeds/<slug:code>/watch/now/", run_now, name="run_watch"),
    path("feeds/<slug:code>/watch/<int:run_id>/decide/", decide, name="decide_held"),
]
