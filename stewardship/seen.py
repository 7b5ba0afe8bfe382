"""Files of exactly what a table shows: the rows under its filters in its order, its columns, masked as on the page."""

import json
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from django.http import FileResponse, HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.utils import timezone
from openpyxl import Workbook

from stewardship.access import signed_in
from stewardship.requests import person
from stewardship.tabular import csv_line, defused

WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FORMATS = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson", "xlsx": WORKBOOK}
LABELS = {"csv": "CSV", "xlsx": "Excel workbook", "jsonl": "JSON lines"}
MOST_SHEET_ROWS = 1_048_575
Rows = Iterable[Sequence[Any]]

logger = logging.getLogger(__name__)


def kinds_of_file(address: Callable[[str], str]) -> list[tuple[str, str]]:
    """(label, address) of each kind of file, for a menu; ``address`` is asked with its ending."""
    return [(label, address(ending)) for ending, label in LABELS.items()]


def download(request: HttpRequest, *, name: str, ending: str, labels: Sequence[str], rows: Rows) -> HttpResponseBase:
    """The rows as CSV, JSON lines or a workbook; who took what with which filters stands in the log."""
    logger.info(
        "Export of %s (%s) by %s: %s", name, ending, person(signed_in(request)).name,
        request.GET.urlencode() or "everything",
    )  # fmt: skip
    file = f"{name}-{timezone.now():%Y%m%d-%H%M%S}.{ending}"
    if ending == "xlsx":
        return FileResponse(_workbook(labels, rows), as_attachment=True, filename=file, content_type=FORMATS[ending])
    write: Callable[[Sequence[str], Rows], Iterator[str]] = _csv if ending == "csv" else _json_lines
    response = StreamingHttpResponse(write(labels, rows), content_type=FORMATS[ending])
    response.headers["Content-Disposition"] = f'attachment; filename="{file}"'
    return response


def _csv(labels: Sequence[str], rows: Rows) -> Iterator[str]:
    yield "\ufeff" + csv_line(labels)
    for row in rows:
        yield csv_line(row)


def _json_lines(labels: Sequence[str], rows: Rows) -> Iterator[str]:
    for row in rows:
        yield json.dumps(dict(zip(labels, row, strict=True)), ensure_ascii=False, default=str) + "\n"


def _workbook(labels: Sequence[str], rows: Rows) -> Any:
    """A workbook on disk, written row by row, gone when it is closed."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Assay")
    sheet.freeze_panes = "B2"
    sheet.append(list(labels))
    for number, row in enumerate(rows):
        if number >= MOST_SHEET_ROWS:
            break
        sheet.append([value if isinstance(value, int | float) else defused(value) for value in row])
    with NamedTemporaryFile(suffix=".xlsx", delete=False) as kept:
        place = Path(kept.name)
    book.save(place)
    opened = place.open("rb")
    place.unlink()
    return opened
