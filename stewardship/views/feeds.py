"""Feeds: how the files of each source become source records; their versions, a dry run, and how to change them."""

import tomllib
from collections.abc import Mapping
from difflib import unified_diff
from typing import Any

from django.contrib import messages
from django.db.models import Max, OuterRef, Subquery, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.views.decorators.http import require_http_methods, require_safe

from mdm.domains import BY_NAME
from mdm.errors import Invalid, NotFound
from mdm.intake.compiling import TOP, compile_feed
from mdm.intake.feeds import in_order, save_feed
from mdm.intake.surroundings import look_around
from mdm.models import Batch, Feed, SourceTrust
from stewardship import trial
from stewardship.access import require, signed_in
from stewardship.permissions import may_import, may_see, may_set_up
from stewardship.requests import person
from stewardship.toml_text import toml_text

LARGEST = 256 * 1024  # a feed document is written by hand
BATCHES = 8
VERSIONS = 50


@require_safe
@require(may_see)
def feeds(request: HttpRequest) -> HttpResponse:
    """``/feeds/``: every feed in the order files are read, with its last import."""
    latest = Batch.objects.filter(feed=OuterRef("pk")).order_by("-pk")
    found = Feed.objects.select_related("system").annotate(
        rows=Sum("batches__rows_read"),
        last_at=Max("batches__received_at"),
        last_id=Subquery(latest.values("pk")[:1]),
        last_name=Subquery(latest.values("file_name")[:1]),
    )
    lines = [{"feed": feed, "domain": BY_NAME[feed.domain]} for feed in in_order(list(found))]
    return render(request, "stewardship/feeds/list.html", {"lines": lines, "may_set_up": may_set_up(request.user)})


def find_feed(code: str) -> Feed:
    """The feed, or NotFound in words."""
    feed = Feed.objects.select_related("system").filter(code=code).first()
    if feed is None:
        raise NotFound(f'There is no feed "{code}".', "Look at the list of feeds.")
    return feed


@require_safe
@require(may_see)
def feed(request: HttpRequest, code: str) -> HttpResponse:
    """One feed: its document, its versions with what changed, its files, and whom the hub believes in this domain."""
    found = find_feed(code)
    trust = SourceTrust.objects.filter(domain=found.domain).select_related("system").order_by("rank", "system__name")
    context = {
        "feed": found,
        "domain": BY_NAME[found.domain],
        "text": _text(found.definition),
        "versions": _versions(found),
        "batches": found.batches.order_by("-pk")[:BATCHES],
        "trust": trust,
        "may_set_up": may_set_up(request.user),
        "may_import": may_import(request.user),
    }
    return render(request, "stewardship/feeds/feed.html", context)


def _text(definition: Mapping[str, Any]) -> str:
    """A feed document in the order people write it: what it is for, how it is written, then attribute by attribute."""
    domain = BY_NAME.get(str(definition.get("domain", "")))
    words = [*TOP, "columns", "joined_by", "parent", "updated"]
    if domain is not None:
        words += [attribute.name for attribute in domain.attributes]
        words += [attribute.name for part in domain.parts for attribute in part.attributes]
    return toml_text(definition, words)


def _versions(found: Feed) -> list[dict[str, Any]]:
    """Versions newest first, each with the lines that changed against the one before."""
    rows = list(found.history.order_by("-version", "-history_date")[: VERSIONS + 1])
    known = {row.version: row for row in reversed(rows)}
    shown = []
    for number, row in sorted(known.items(), reverse=True):
        before = known.get(number - 1)
        changed = _differences(before.definition, row.definition) if before else []
        shown.append(
            {"number": number, "at": row.history_date, "reason": row.history_change_reason, "changed": changed}
        )
    return shown[:VERSIONS]


def _differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(kind, line) of a line-by-line comparison: added, removed or kept lines around a change."""
    kinds = {"+": "added", "-": "removed", " ": "kept"}
    lines = unified_diff(_text(before).splitlines(), _text(after).splitlines(), lineterm="", n=1)
    return [(kinds.get(line[:1], "kept"), line[1:]) for line in list(lines)[2:] if not line.startswith("@@")]


@require_safe
@require(may_see)
def document(request: HttpRequest, code: str) -> HttpResponse:
    """The feed's TOML document, to be kept, changed and sent back."""
    found = find_feed(code)
    response = HttpResponse(_text(found.definition), content_type="application/toml; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{found.code}.toml"'
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@require(may_set_up)
def change(request: HttpRequest) -> HttpResponse:
    """A feed document typed or sent as a file: checked with all its problems at once, and stored when asked to."""
    if request.method != "POST":
        start = request.GET.get("feed", "")
        text = _text(find_feed(start).definition) if start else ""
        return render(request, "stewardship/feeds/change.html", {"text": text, "code": start})
    text = _given(request)
    context: dict[str, Any] = {"text": text, "code": request.GET.get("feed", "")}
    try:
        parsed = _parsed(text)
        plan = compile_feed(parsed, look_around())
    except Invalid as refusal:
        context["refusal"] = refusal
        return render(request, "stewardship/feeds/change.html", context, status=refusal.http)
    if request.POST.get("act") != "save":
        known = Feed.objects.filter(code=plan.feed).first()
        context |= {
            "plan": plan,
            "domain": BY_NAME[plan.domain],
            "known": known,
            "differences": _differences(known.definition, parsed) if known else [],
        }
        return render(request, "stewardship/feeds/change.html", context)
    before = Feed.objects.filter(code=plan.feed).values_list("version", flat=True).first()
    stored = save_feed(document=parsed, by=person(signed_in(request)).name)
    same = "is as it was; nothing changed" if stored.version == before else f"is stored as version {stored.version}"
    messages.success(request, f"The feed {stored.title} {same}.")
    return redirect("stewardship:feed", stored.code)


def _given(request: HttpRequest) -> str:
    """The text of the file, where one was sent, else what was typed."""
    file = request.FILES.get("file")
    if file is None:
        return request.POST.get("document", "").replace("\r\n", "\n")
    return str(file.read(LARGEST + 1), "utf-8", "replace")


def _parsed(text: str) -> dict[str, Any]:
    if not text.strip():
        raise Invalid("There is no document.", "Type one, or choose a file.", [("document", "It is blank.")])
    if len(text) > LARGEST:
        raise Invalid("The document is too long.", "A feed has a few hundred lines at most.")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Invalid("This is no TOML document.", "Correct the line named.", [("document", f"{error}.")]) from error


@require_http_methods(["GET", "HEAD", "POST"])
@require(may_import)
def dry_run(request: HttpRequest, code: str) -> HttpResponse:
    """A few rows, pasted or as a file: what would become of each. Nothing is stored."""
    found = find_feed(code)
    context: dict[str, Any] = {"feed": found, "domain": BY_NAME[found.domain], "most": trial.MOST, "text": ""}
    status = 200
    if request.method == "POST":
        context["text"] = request.POST.get("rows", "")
        try:
            file = request.FILES.get("file")
            if file is None and not context["text"].strip():
                raise Invalid("There are no rows to try.", "Paste some, or choose a file.", [("rows", "It is blank.")])
            context["tried"] = trial.try_file(found, file) if file else trial.try_text(found, context["text"])  # type: ignore[arg-type]
        except Invalid as refusal:
            context["refusal"], status = refusal, refusal.http
    return render(request, "stewardship/feeds/dry_run.html", context, status=status)


urls = [
    path("feeds/", feeds, name="feeds"),
    path("feeds/change/", change, name="change_feed"),
    path("feeds/<slug:code>/", feed, name="feed"),
    path("feeds/<slug:code>/document.toml", document, name="feed_document"),
    path("feeds/<slug:code>/dry-run/", dry_run, name="dry_run"),
]
