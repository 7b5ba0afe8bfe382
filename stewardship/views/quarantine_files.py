"""Quarantine by file: the corrected rows sent back, and what was mended told to the source."""

from collections.abc import Iterator
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.views.decorators.http import require_POST, require_safe

from mdm.errors import Invalid
from mdm.intake.quarantine import mend_by_file, mended_as_csv
from mdm.intake.readers import Dialect, UnreadableFile, read
from mdm.models import Batch
from stewardship.access import require, signed_in
from stewardship.permissions import may_import
from stewardship.requests import person
from stewardship.tabular import plain
from stewardship.views.batches import find

LINE, REASONS = "Line", "Reasons"
MOST = 5_000  # rows of one corrected file; more are mended at the source


@require_POST
@require(may_import)
def send(request: HttpRequest, batch_id: UUID) -> HttpResponse:
    """Send the rows of a corrected file again, each found by its line."""
    batch = find(batch_id)
    try:
        rows = _rows(request, batch)
        taken, still, settled = mend_by_file(batch_id=batch.pk, rows=rows, by=person(signed_in(request)).name)
    except Invalid as refusal:
        said = " ".join(dict.fromkeys(message for _, message in refusal.problems)) or refusal.message
        messages.error(request, f"Nothing was changed. {said} {refusal.way_out}")
        return redirect("stewardship:batch_quarantine", batch.pk)
    text = f"{taken:,} of {taken + still:,} rows were taken."
    text += f" {settled:,} lines do not wait here and were left alone." if settled else ""
    if still:
        messages.warning(request, f"{text} {still:,} are still wrong; their reasons are up to date.")
    else:
        messages.success(request, text)
    return redirect("stewardship:batch_quarantine", batch.pk)


def _rows(request: HttpRequest, batch: Batch) -> dict[int, dict[str, str]]:
    """{line: cells} of the file sent. Raises Invalid in words for what is no such file."""
    file = request.FILES.get("file")
    if file is None:
        raise Invalid("Choose the corrected file first.", "It is the download of this page, with its cells corrected.")
    rows: dict[int, dict[str, str]] = {}
    try:
        with read(file, Dialect(), expected_columns=[LINE]) as reading:  # type: ignore[arg-type]  # a binary file
            columns = [name for name in reading.header if name not in (LINE, REASONS)]
            for row in reading:
                number = row.cells.get(LINE, "").strip()
                if not (number.isascii() and number.isdigit() and len(number) < 10):
                    raise Invalid(f"Line {row.line} of the file names no line: “{number[:40]}”.", "Keep that column.")
                rows[int(number)] = {name: plain(row.cells.get(name, "")) for name in columns}
                if len(rows) > MOST:
                    raise Invalid(f"At most {MOST:,} rows are mended by one file.", "Send it in pieces.")
    except UnreadableFile as error:
        raise Invalid(error.message, "Send the download of this page back, with its cells corrected.") from error
    if LINE in batch.header:
        raise Invalid(f'This file has a column "{LINE}" of its own.', "Mend its rows on this page.")
    return rows


@require_safe
@require(may_import)
def mended(request: HttpRequest, batch_id: UUID) -> StreamingHttpResponse:
    """What people mended in this file, a changed cell a line, to be corrected at the source."""
    batch = find(batch_id)
    response = StreamingHttpResponse(_lines(batch), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="mended.csv"'
    return response


def _lines(batch: Batch) -> Iterator[str]:
    yield "\ufeff"
    yield from mended_as_csv(batch)


urls = [
    path("imports/<uuid:batch_id>/quarantine/by-file/", send, name="mend_by_file"),
    path("imports/<uuid:batch_id>/quarantine/mended.csv", mended, name="mended_csv"),
]
