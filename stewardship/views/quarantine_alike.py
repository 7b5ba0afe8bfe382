"""Mending many rows at once: one new value for every row of a file that holds the same wrong one, tried first."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.views.decorators.http import require_http_methods

from mdm.errors import Invalid, NotFound
from mdm.filters import typeable
from mdm.intake.quarantine import mend_alike
from stewardship import quarantined
from stewardship.access import require, signed_in
from stewardship.permissions import may_import
from stewardship.quarantined import ALIKE_AT_ONCE
from stewardship.requests import person
from stewardship.views.batches import find


@require_http_methods(["GET", "HEAD", "POST"])
@require(may_import)
def alike(request: HttpRequest, batch_id: UUID) -> HttpResponse:
    """``?column=&value=``: the rows; with ``new`` what would become of each; POST sends exactly these rows again."""
    batch = find(batch_id)
    asked = request.POST if request.method == "POST" else request.GET
    column, value = typeable(asked.get("column", "")), typeable(asked.get("value", ""))
    if not column or column in quarantined.hidden_columns(batch.feed):
        raise NotFound("There is no such group of rows.", "Choose one in the quarantine of the import.")
    new = asked.get("new")
    if request.method == "POST":
        return _mend(request, batch_id, column, new)
    rows = list(quarantined.alike(batch, column, value)[: ALIKE_AT_ONCE + 1])
    more, rows = len(rows) > ALIKE_AT_ONCE, rows[:ALIKE_AT_ONCE]
    context: dict[str, Any] = {
        "batch": batch,
        "column": column,
        "label": quarantined.column_labels(batch.feed).get(column, column),
        "value": value,
        "new": value if new is None else new,
        "tried": new is not None,
        "more": more,
        "at_once": ALIKE_AT_ONCE,
    }
    context |= _preview(batch, rows, column, new) if new is not None else {"rows": [(row, None) for row in rows]}
    return render(request, "stewardship/quarantine/alike.html", context)


def _preview(batch: Any, rows: list[Any], column: str, new: str) -> dict[str, Any]:
    tried = quarantined.tried(batch, rows, {column: new})
    good = sum(not mapped.problems for _, mapped in tried)
    hidden, labels = quarantined.hidden_columns(batch.feed), quarantined.column_labels(batch.feed)
    shown = [
        (row, {"key": mapped.key, "reasons": [quarantined.reason(one, labels, hidden) for one in mapped.problems]})
        for row, mapped in tried
    ]
    return {"rows": shown, "good": good, "bad": len(tried) - good}


def _mend(request: HttpRequest, batch_id: UUID, column: str, new: str | None) -> HttpResponse:
    ids = [int(text) for text in request.POST.getlist("rows") if text.isascii() and text.isdigit() and len(text) < 19]
    problems = [] if ids else [("rows", "No row is chosen.")]
    problems += [("new", "Say what the new value is.")] if new is None else []
    if problems or new is None:
        raise Invalid("Nothing was mended.", "Choose rows and a value, look at the preview, then mend.", problems)
    by = person(signed_in(request)).name
    taken, still = mend_alike(batch_id=batch_id, row_ids=ids[:ALIKE_AT_ONCE], cells={column: new}, by=by)
    text = f"{taken:,} {'row was' if taken == 1 else 'rows were'} taken and wait to be matched."
    if still:
        messages.warning(request, f"{text} {still:,} are still wrong for other reasons.")
    else:
        messages.success(request, text)
    return redirect("stewardship:batch_quarantine", batch_id)


urls = [path("imports/<uuid:batch_id>/quarantine/alike/", alike, name="mend_alike")]
