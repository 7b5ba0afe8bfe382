"""Quarantine: rows that could not be taken, every reason beside its cell; mended, sent again, dismissed, downloaded."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from mdm.errors import NotFound
from mdm.filters import typeable
from mdm.intake.quarantine import as_csv, dismiss, mend, send_again
from mdm.models import Batch, BatchState, RowState, SourceRow
from stewardship import quarantined
from stewardship.access import is_fragment, reason_of, require, signed_in
from stewardship.permissions import may_import, may_see
from stewardship.quarantined import BadRow
from stewardship.requests import person
from stewardship.views.batches import find
from stewardship.views.batches_page import head

PAGE = 25
CELL = "cell:"  # begins the name of a field that holds a cell; the rest is the column


@require_safe
@require(may_see)
def everything(request: HttpRequest) -> HttpResponse:
    """``/quarantine/``: every row that waits, newest file first."""
    feed = typeable(request.GET.get("feed", ""))
    found = quarantined.waiting()
    if feed:
        found = found.filter(batch__feed__code=feed)
    start = _start(request)
    rows = list(found[start : start + PAGE + 1])
    context: dict[str, Any] = _page(rows, start, {"feed": feed} if feed else {}) | {
        "total": found.count(),
        "facets": _feed_facets(feed),
        "may_import": may_import(request.user),
        "back": request.get_full_path(),
        "asked": bool(feed),
    }
    return render(request, "stewardship/quarantine/everything.html", context)


@require_safe
@require(may_see)
def of_batch(request: HttpRequest, batch_id: UUID) -> HttpResponse:
    """``/imports/<id>/quarantine/``: the rows of one file that wait, and the mistakes several of them share."""
    batch = find(batch_id)
    column = typeable(request.GET.get("column", ""))
    found = quarantined.waiting(batch)
    total = found.count()
    if column:
        found = found.filter(problems__contains=[{"column": column}])
    start = _start(request)
    rows = list(found[start : start + PAGE + 1])
    for row in rows:
        row.batch = batch
    context = head(batch, "batch_quarantine") | _page(rows, start, {"column": column} if column else {}) | {
        "total": total,
        "shared": quarantined.shared(batch) if total else [],
        "column": column,
        "label": quarantined.column_labels(batch.feed).get(column, column),
        "may_import": may_import(request.user),
        "back": request.get_full_path(),
        "settled": batch.rows.filter(state__in=[RowState.MENDED, RowState.DISMISSED]).count(),
        "mended": batch.rows.filter(state=RowState.MENDED).exists(),
        "unread": batch.state in (BatchState.RECEIVED, BatchState.READING),
    }  # fmt: skip
    return render(request, "stewardship/quarantine/batch.html", context)


def _page(rows: Sequence[SourceRow], start: int, asked: Mapping[str, str]) -> dict[str, Any]:
    query = QueryDict(mutable=True)
    query.update(dict(asked))
    places = {}
    for name, place, there in (
        ("next_href", start + PAGE, len(rows) > PAGE),
        ("previous_href", max(0, start - PAGE), start > 0),
    ):
        query["from"] = str(place)
        places[name] = f"?{query.urlencode()}" if there else ""
    return {"rows": [quarantined.described(row, row.batch) for row in rows[:PAGE]], **places}


def _start(request: HttpRequest) -> int:
    text = request.GET.get("from", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 8 else 0


def _feed_facets(current: str) -> list[dict[str, Any]]:
    counts = quarantined.by_feed()
    base = reverse("stewardship:quarantine")
    everything = {"label": "All feeds", "href": base, "current": not current, "count": sum(n for _, _, n in counts)}
    return [everything] + [
        {"label": title, "href": f"{base}?feed={code}", "current": code == current, "count": number}
        for code, title, number in counts
    ]


def _row(row_id: int) -> BadRow:
    found = SourceRow.objects.select_related("batch__feed__system").filter(pk=row_id).first()
    if found is None or not (found.state == RowState.QUARANTINED or found.problems or found.cells):
        raise NotFound("There is no such row in quarantine.", "Look at the quarantine of the import.")
    return quarantined.described(found, found.batch)


@require_safe
@require(may_see)
def row(request: HttpRequest, row_id: int) -> HttpResponse:
    """One row with its cells as fields; a fragment is the row opened in its list."""
    context = {"bad": _row(row_id), "may_import": may_import(request.user), "back": _back(request, row_id)}
    template = "stewardship/quarantine/mend.html" if is_fragment(request) else "stewardship/quarantine/row.html"
    return render(request, template, context)


@require_POST
@require(may_import)
def mend_row(request: HttpRequest, row_id: int) -> HttpResponse:
    """Send the row again with the cells as typed: taken, or all the reasons there are now (422)."""
    before = _row(row_id)
    mended = mend(row_id=row_id, cells=_typed(request.POST, before), by=person(signed_in(request)).name)
    taken = mended.state != RowState.QUARANTINED
    back = _back(request, row_id)
    if is_fragment(request):
        context = {"bad": _row(row_id), "taken": taken, "tried": True, "may_import": True, "back": back}
        return render(request, "stewardship/quarantine/mend.html", context, status=200 if taken else 422)
    if taken:
        messages.success(request, f"Line {mended.line} was taken and waits to be matched.")
        return redirect(back)
    context = {"bad": _row(row_id), "tried": True, "may_import": True, "back": back}
    return render(request, "stewardship/quarantine/row.html", context, status=422)


def _typed(form: QueryDict, bad: BadRow) -> dict[str, str]:
    """The cells that were changed; a hidden cell left blank keeps what it holds."""
    held = {cell.column: cell for cell in (*bad.wrong, *bad.others)}
    typed = {name.removeprefix(CELL): str(value) for name, value in form.items() if name.startswith(CELL)}
    return {
        column: value.replace("\r\n", "\n")
        for column, value in typed.items()
        if column not in held
        or (value.strip() if held[column].hidden else value.replace("\r\n", "\n") != held[column].value)
    }


@require_POST
@require(may_import)
def dismiss_rows(request: HttpRequest) -> HttpResponse:
    """Leave the ticked rows out for good, with a reason; they are kept."""
    ids = [int(text) for text in request.POST.getlist("rows") if text.isascii() and text.isdigit() and len(text) < 19]
    back = _back(request, None)
    if not ids:
        messages.error(request, "No row was dismissed: tick the rows first.")
        return redirect(back)
    number = dismiss(row_ids=ids, by=person(signed_in(request)).name, reason=reason_of(request))
    messages.success(request, f"{number} {'row was' if number == 1 else 'rows were'} dismissed.")
    return redirect(back)


@require_POST
@require(may_import)
def send_all(request: HttpRequest, batch_id: UUID) -> HttpResponse:
    """Send every row of the file's quarantine again, by the feed as it is now."""
    batch = find(batch_id)
    taken, still = send_again(batch_id=batch.pk, by=person(signed_in(request)).name)
    text = f"{taken:,} of {taken + still:,} rows were taken."
    if still:
        messages.warning(request, f"{text} {still:,} are still wrong; their reasons are up to date.")
    else:
        messages.success(request, f"{text} The quarantine of this file is empty.")
    return redirect("stewardship:batch_quarantine", batch.pk)


@require_safe
@require(may_import)
def download(request: HttpRequest, batch_id: UUID) -> StreamingHttpResponse:
    """The rows that wait as CSV, each with all its reasons, to be corrected at the source; memory stays flat.

    The cells are whole, restricted ones too: only people who may mend them get the file.
    """
    batch: Batch = find(batch_id)
    stem = "".join(sign if sign.isalnum() or sign in "-_" else "-" for sign in batch.file_name.rpartition(".")[0])
    response = StreamingHttpResponse(_lines(batch), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{stem or "rows"}-quarantine.csv"'
    return response


def _lines(batch: Batch) -> Any:
    yield "\ufeff"
    yield from as_csv(batch)


def _back(request: HttpRequest, row_id: int | None) -> str:
    """The list the person came from: what the form says, if it is ours, else the whole quarantine."""
    given = request.POST.get("back", "") or request.GET.get("back", "")
    if given and url_has_allowed_host_and_scheme(given, allowed_hosts=None):
        return given
    batch = SourceRow.objects.filter(pk=row_id).values_list("batch_id", flat=True).first() if row_id else None
    return reverse("stewardship:batch_quarantine", args=[batch]) if batch else reverse("stewardship:quarantine")


urls = [
    path("quarantine/", everything, name="quarantine"),
    path("quarantine/dismiss/", dismiss_rows, name="dismiss_rows"),
    path("quarantine/<int:row_id>/", row, name="quarantined_row"),
    path("quarantine/<int:row_id>/mend/", mend_row, name="mend_row"),
    path("imports/<uuid:batch_id>/quarantine/", of_batch, name="batch_quarantine"),
    path("imports/<uuid:batch_id>/quarantine/rows.csv", download, name="quarantine_csv"),
    path("imports/<uuid:batch_id>/quarantine/send-again/", send_all, name="send_again"),
]
