"""One import: how far it has come, its numbers, its rows, the questions and golden records that came of it."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.views.decorators.http import require_safe

from matching.leaving import left_out
from mdm.domains import BY_NAME
from mdm.models import Batch, BatchState, Link, RowState
from mdm.values import title_of
from stewardship import arrivals, quarantined, showing
from stewardship.access import require
from stewardship.arrivals import Standing
from stewardship.permissions import may_import, may_see
from stewardship.views.batches import find, numbers

FIRST = 8
PAGE = 50


@require_safe
@require(may_see)
def page(request: HttpRequest, batch_id: UUID) -> HttpResponse:
    """``/imports/<id>/``: steps, figures, what went wrong with the whole file, and the first of what came of it."""
    batch = find(batch_id)
    now = arrivals.standing(batch)
    context = head(batch, "batch") | _live(now)
    questions, records = arrivals.questions(batch), arrivals.golden_records(batch)
    context |= {
        "questions": questions.prefetch_related("members__record")[:FIRST],
        "records": _shown_records(batch, list(records[:FIRST])),
        "header": batch.header,
        "labels": quarantined.column_labels(batch.feed),
        "repeated_by": batch.repeated_by.order_by("-pk")[:FIRST],
        "may_import": may_import(request.user),
        "left_out": left_out(BY_NAME[batch.feed.domain], batch.pk) if now.stage in ("publishing", "done") else [],
    }
    return render(request, "stewardship/batches/page.html", context)


@require_safe
@require(may_see)
def progress(request: HttpRequest, batch_id: UUID) -> HttpResponse:
    """The moving part of the page; once nothing moves any more, the whole page is asked for."""
    now = arrivals.standing(find(batch_id))
    response = render(request, "stewardship/batches/live.html", _live(now))
    if not now.is_moving:
        response.headers["HX-Refresh"] = "true"
    return response


def _live(now: Standing) -> dict[str, Any]:
    waiting = arrivals.in_quarantine([now.batch.pk]).get(now.batch.pk, 0)
    title, text = arrivals.idle_text(now)
    shown = arrivals.progress(now)
    return {
        "batch": now.batch,
        "standing": now,
        "figures": numbers(now, waiting),
        "matched": now.matched,
        "progress": shown,
        # While it moves only the card follows; a badge in the page's head would soon be wrong.
        "badge": "" if now.is_moving else shown["state"],
        "idle_title": title,
        "idle_text": text,
        "poll_url": reverse("stewardship:batch_progress", args=[now.batch.pk]) if now.is_moving else "",
        "failed": now.batch.state == BatchState.FAILED,
    }


def head(batch: Batch, current: str) -> dict[str, Any]:
    """The tabs all pages of one import share, with their numbers."""
    waiting = arrivals.in_quarantine([batch.pk]).get(batch.pk, 0)
    tabs = [
        ("batch", "Overview", "activity", None),
        ("batch_rows", "Rows", "list", batch.rows_read),
        ("batch_quarantine", "Quarantine", "alert-triangle", waiting),
        ("batch_questions", "Questions", "zoom-question", arrivals.questions(batch).count()),
        ("batch_records", "Golden records", "sparkles", arrivals.golden_records(batch).count()),
    ]
    return {
        "batch": batch,
        "domain": BY_NAME[batch.feed.domain],
        "tabs": [
            {
                "label": label,
                "href": reverse(f"stewardship:{name}", args=[batch.pk]),
                "current": name == current,
                "count": count,
                "icon": icon,
            }
            for name, label, icon, count in tabs
        ],
    }


@require_safe
@require(may_see)
def rows(request: HttpRequest, batch_id: UUID) -> HttpResponse:
    """The rows of one kind in file order, each with the golden record its content is part of now."""
    batch = find(batch_id)
    show = request.GET.get("show", "")
    show = show if show in arrivals.SHOWN else "new" if batch.rows_new else "changed" if batch.rows_changed else "new"
    after = request.GET.get("after", "")
    found = arrivals.rows_of(batch, show)
    if after.isascii() and after.isdigit():
        found = found.filter(line__gt=min(int(after), 2**31 - 1))
    shown = list(found[: PAGE + 1])
    behind = arrivals.records_behind(batch, shown[:PAGE])
    secret = bool(quarantined.hidden_columns(batch.feed))
    lines = []
    for row in shown[:PAGE]:
        source, record = behind.get(row.key, (None, None))
        name = title_of(BY_NAME[batch.feed.domain], source.values, row.key) if source and not source.part else row.key
        href = showing.record_address(record.domain, record.code) if record else ""
        lines.append({"row": row, "source": source, "record": record, "name": name, "href": href})
    context = head(batch, "batch_rows") | {
        "lines": lines,
        "show": show,
        "secret": secret,
        "facets": _row_facets(batch, show),
        "next_href": f"?show={show}&after={shown[PAGE - 1].line}" if len(shown) > PAGE else "",
        "previous_href": f"?show={show}" if after else "",
    }
    return render(request, "stewardship/batches/rows.html", context)


def _row_facets(batch: Batch, show: str) -> list[dict[str, Any]]:
    counts: dict[str, int | None] = {
        "new": batch.rows_new,
        "changed": batch.rows_changed,
        "unchanged": batch.rows_unchanged,
        "doubted": arrivals.rows_of(batch, "doubted").count(),
    }
    settled = batch.rows.filter(state__in=[RowState.MENDED, RowState.DISMISSED]).values_list("state", flat=True)
    found = list(settled) if batch.rows_read else []
    counts |= {state: found.count(state) for state in (RowState.MENDED, RowState.DISMISSED)}
    return [
        {"label": label, "href": f"?show={name}", "current": name == show, "count": counts[name]}
        for name, label in arrivals.SHOWN.items()
    ]


@require_safe
@require(may_see)
def questions(request: HttpRequest, batch_id: UUID) -> HttpResponse:
    """Open questions about the golden records this file's rows are part of, surest first."""
    batch = find(batch_id)
    start = _offset(request)
    shown = list(arrivals.questions(batch).prefetch_related("members__record")[start : start + PAGE + 1])
    context = head(batch, "batch_questions") | _paged(start, len(shown))
    return render(request, "stewardship/batches/questions.html", context | {"questions": shown[:PAGE]})


@require_safe
@require(may_see)
def records(request: HttpRequest, batch_id: UUID) -> HttpResponse:
    """The golden records this file's rows are part of, by code."""
    batch = find(batch_id)
    start = _offset(request)
    shown = list(arrivals.golden_records(batch)[start : start + PAGE + 1])
    context = head(batch, "batch_records") | _paged(start, len(shown))
    context["records"] = _shown_records(batch, shown[:PAGE])
    return render(request, "stewardship/batches/records.html", context)


def _offset(request: HttpRequest) -> int:
    text = request.GET.get("from", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 8 else 0


def _paged(start: int, found: int) -> dict[str, str]:
    back = max(0, start - PAGE)
    return {
        "next_href": f"?from={start + PAGE}" if found > PAGE else "",
        "previous_href": (f"?from={back}" if back else "?") if start else "",
    }


def _shown_records(batch: Batch, found: list[Any]) -> list[dict[str, Any]]:
    """Golden records with how the rows of this file came to them. One query."""
    links = Link.objects.filter(record__in=found, source_record__batch=batch, ended_at__isnull=True)
    methods: dict[UUID, list[str]] = {}
    for link in links.select_related("source_record").order_by("pk"):
        methods.setdefault(link.record_id, []).append(str(link.get_method_display()))
    return [
        {
            "record": record,
            "href": showing.record_address(record.domain, record.code),
            "how": " · ".join(dict.fromkeys(methods.get(record.pk, []))),
            "rows": len(methods.get(record.pk, [])),
        }
        for record in found
    ]


urls = [
    path("imports/<uuid:batch_id>/", page, name="batch"),
    path("imports/<uuid:batch_id>/progress/", progress, name="batch_progress"),
    path("imports/<uuid:batch_id>/rows/", rows, name="batch_rows"),
    path("imports/<uuid:batch_id>/questions/", questions, name="batch_questions"),
    path("imports/<uuid:batch_id>/records/", records, name="batch_records"),
]
