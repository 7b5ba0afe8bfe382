"""Imports: send a file, and see what became of every file sent."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_POST, require_safe

from mdm.errors import MdmError, NotFound
from mdm.intake.feeds import feeds_for, in_order
from mdm.intake.receiving import receive
from mdm.models import Batch, BatchState, Feed, FeedDraft
from stewardship import arrivals, batch_list, listed, tables
from stewardship.access import is_fragment, require, signed_in
from stewardship.arrivals import Matched, Standing
from stewardship.batch_list import LISTING
from stewardship.listing import address
from stewardship.permissions import may_import, may_see
from stewardship.requests import person
from stewardship.views.drafts import look_at

PAGE = 20
DRAFTS = 5
ACCEPT = ".csv,.txt,.tsv,.xlsx,.json,.jsonl,.ndjson"


class NotKept(MdmError):
    """The file could not be stored on the hub's disk."""

    code = "not-kept"
    http = 507


class UploadForm(forms.Form):
    """A file and, where its name does not say so, the feed it belongs to."""

    feed = forms.ModelChoiceField(
        Feed.objects.none(), required=False, to_field_name="code", empty_label="As the file name says",
        error_messages={"invalid_choice": "There is no such feed any more. Choose one from the list."},
    )  # fmt: skip
    again = forms.BooleanField(required=False, label="Read it even if the same content came before")
    file = forms.FileField(
        error_messages={"required": "Choose a file first.", "empty": "This file is empty: there is nothing to read."}
    )

    def __init__(self, *args: Any, feeds: Sequence[Feed], **options: Any) -> None:
        super().__init__(*args, **options)
        self.known = feeds
        field = self.fields["feed"]
        assert isinstance(field, forms.ModelChoiceField)  # noqa: S101 - declared so above
        field.queryset = Feed.objects.filter(active=True)

    def clean(self) -> dict[str, Any]:
        """The feeds the file goes to: the chosen one, else every one whose pattern names the file."""
        given: dict[str, Any] = super().clean() or {}
        file = given.get("file")
        if file is not None and "feed" in given:
            given["feeds"] = [given["feed"]] if given["feed"] else feeds_for(file.name)
        return given


@require_safe
@require(may_see)
def imports(request: HttpRequest) -> HttpResponse:
    """``/imports/``: the drop zone, and every file, newest first. A fragment is the list alone."""
    return listed.chosen(request) or _list_page(request)


@require_POST
@require(may_import)
def send(request: HttpRequest) -> HttpResponse:
    """Keep the file sent and wake a worker; the page of the import, or the list where it went to several feeds.

    A file no feed's pattern names is looked at instead."""
    form = UploadForm(request.POST, request.FILES, feeds=_feeds())
    if not form.is_valid():
        return _list_page(request, form, status=422)
    file: UploadedFile[Any] = form.cleaned_data["file"]
    if not form.cleaned_data["feeds"]:
        return look_at(request, file)
    batches = []
    try:
        for feed in form.cleaned_data["feeds"]:
            file.seek(0)
            batches.append(
                receive(
                    feed=feed, file=file, file_name=str(file.name), by=person(signed_in(request)).name,  # type: ignore[arg-type]
                    again=form.cleaned_data["again"],
                )
            )  # fmt: skip
    except OSError as error:
        raise NotKept(
            "The file could not be stored: the hub's disk refused it.", "Tell your operator, then send it again."
        ) from error
    if len(batches) == 1:
        return redirect("stewardship:batch", batches[0].pk)
    titles = ", ".join(batch.feed.title for batch in batches)
    messages.success(request, f"{file.name} was received for {len(batches)} feeds: {titles}.")
    return redirect("stewardship:batches")


def _feeds() -> list[Feed]:
    return in_order(list(Feed.objects.filter(active=True).select_related("system")))


def _list_page(request: HttpRequest, form: UploadForm | None = None, *, status: int = 200) -> HttpResponse:
    asked = batch_list.asked(request.GET)
    rows = batch_list.batches(asked)
    part = listed.page(LISTING, rows, sort=request.GET.get("sort", ""), after=request.GET.get("after", ""), limit=PAGE)
    context = listed.shown(request, LISTING, asked, part, reverse("stewardship:batches") + "seen")
    feeds = _feeds()
    context |= {
        "lines": _lines(part.rows),
        "asked": asked,
        "feeds": feeds,
        "facets": _facets(context["kept"]),
        "look_query": _look_query(context["look"]),
        "form": form or UploadForm(feeds=feeds, initial={"feed": request.GET.get("for", "")}),
        "accept": ACCEPT,
        "may_import": may_import(request.user),
        "drafts": open_drafts() if may_import(request.user) else [],
    }
    fragment = is_fragment(request) and request.method == "GET"
    template = "stewardship/batches/results.html" if fragment else "stewardship/batches/list.html"
    response = render(request, template, context, status=status)
    patch_vary_headers(response, ["HX-Request"])
    return response


def open_drafts() -> list[FeedDraft]:
    """The latest files people looked at and have not imported."""
    waiting = FeedDraft.objects.filter(batch=None).select_related("feed")
    return list(waiting.order_by("-pk")[:DRAFTS])


def _facets(asked: dict[str, str]) -> list[dict[str, Any]]:
    states = [("", "All"), *BatchState.choices]
    base = reverse("stewardship:batches")
    return [
        {
            "label": label,
            "href": base + address(asked, state=value),
            "current": asked.get("state", "") == value,
            "count": None,
        }
        for value, label in states
    ]


def _lines(batches: Sequence[Batch]) -> list[dict[str, Any]]:
    """Each batch with where it stands and its numbers. Two queries."""
    ids = [batch.pk for batch in batches]
    counts, waiting = arrivals.matched(ids), arrivals.in_quarantine(ids)
    return [line(batch, counts.get(batch.pk, Matched()), waiting.get(batch.pk, 0)) for batch in batches]


def line(batch: Batch, counts: Matched, in_quarantine: int) -> dict[str, Any]:
    """One line of the list: the batch, its state in a word, numbers with the place where each is explained."""
    stage = arrivals.stage_of(batch, counts)
    rows = reverse("stewardship:batch_rows", args=[batch.pk])
    numbers = {
        "new": (batch.rows_new, f"{rows}?show=new"),
        "changed": (batch.rows_changed, f"{rows}?show=changed"),
        "unchanged": (batch.rows_unchanged, f"{rows}?show=unchanged"),
        "quarantined": (in_quarantine, reverse("stewardship:batch_quarantine", args=[batch.pk])),
    }
    return {
        "batch": batch,
        "stage": stage,
        "numbers": {name: {"count": count, "href": href} for name, (count, href) in numbers.items()},
        "matched": counts,
        "is_moving": stage in ("received", "reading", "matching"),
    }


@require_safe
@require(may_see)
def row(request: HttpRequest, batch_id: UUID) -> HttpResponse:
    """The line of one import in the list, asked for again while it moves."""
    from_list = Batch.objects.select_related("feed__system", "repeats")
    batch = find(batch_id, from_list)
    look = tables.look_of(LISTING.table, request.GET, signed_in(request))
    context = {"line": _lines([batch])[0], "columns": look.columns, "look_query": _look_query(look)}
    return render(request, "stewardship/batches/line.html", context)


@require_safe
@require(may_see)
def seen(request: HttpRequest, ending: str) -> HttpResponseBase:
    """Every import that fits the filters as a file, with the columns and in the order of the list."""
    rows = batch_list.batches(batch_list.asked(request.GET))
    return listed.export(request, LISTING, rows, batch_list.told, ending)


def _look_query(look: tables.Look) -> str:
    """What a line asks for itself with, so that it comes back in the same columns."""
    return f"?{urlencode(look.query)}" if look.own else ""


def find(batch_id: UUID, among: Any = None) -> Batch:
    """The batch, or NotFound in words."""
    rows = among if among is not None else Batch.objects.select_related("feed__system", "repeats")
    batch: Batch | None = rows.filter(pk=batch_id).first()
    if batch is None:
        raise NotFound("There is no such import.", "Look for it in the list of imports.")
    return batch


def numbers(now: Standing, in_quarantine: int) -> list[dict[str, Any]]:
    """The figures of one import, each with the place where it is explained."""
    batch = now.batch
    rows = reverse("stewardship:batch_rows", args=[batch.pk])
    quarantine = reverse("stewardship:batch_quarantine", args=[batch.pk])
    figures: list[dict[str, Any]] = [
        {"label": "Rows read", "value": batch.rows_read},
        {"label": "New", "value": batch.rows_new, "href": f"{rows}?show=new", "note": "keys not known before"},
        {"label": "Changed", "value": batch.rows_changed, "href": f"{rows}?show=changed", "note": "with other content"},
        {"label": "Unchanged", "value": batch.rows_unchanged, "href": f"{rows}?show=unchanged", "note": "seen again"},
        {"label": "In quarantine", "value": in_quarantine, "href": quarantine,
         "tone": "warn" if in_quarantine else "", "note": "to be mended" if in_quarantine else "nothing to mend"},
    ]  # fmt: skip
    return figures


urls = [
    path("imports/", imports, name="batches"),
    path("imports/seen.<str:ending>", seen, name="batches_seen"),
    path("imports/send/", send, name="send_file"),
    path("imports/<uuid:batch_id>/line/", row, name="batch_line"),
]
