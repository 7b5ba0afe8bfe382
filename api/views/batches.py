"""Batches in: a file for a feed, its progress, and the rows that wait in quarantine."""

from typing import Any, BinaryIO
from uuid import UUID

from rest_framework.parsers import BaseParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from api.cursors import list_cursor, read_list_cursor
from api.models import ApiClient
from api.problems import NotKept
from api.scopes import BATCH_WRITE
from api.views.base import ApiView, client_of, only, whole_number
from mdm.errors import Invalid, NotFound
from mdm.filters import typeable
from mdm.intake.feeds import find_feed
from mdm.intake.receiving import receive
from mdm.models import Batch, RowState

PAGE, MOST = 100, 1000
NO_FILE = "Send it as the body with its Content-Length, or as the part `file` of a form. It must not be empty."


class WholeBody(BaseParser):
    """The body itself is the file, whatever its type; it is read as a stream and never held in memory."""

    media_type = "*/*"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> dict[str, Any]:
        return {"file": stream}


class BatchesView(ApiView):
    """Receive a file."""

    scope = BATCH_WRITE
    parser_classes = (MultiPartParser, WholeBody)

    def post(self, request: Request) -> Response:
        only(request.query_params, ("feed", "file_name", "again"))
        form: Any = request.data
        code = typeable(request.query_params.get("feed", "") or str(form.get("feed", "")))
        file, file_name = self._file(request)
        problems = [("feed", "Name the feed the file is for.")] if not code else []
        if file is None:
            problems.append(("file", NO_FILE))
        if problems or file is None:
            raise Invalid("There is nothing to receive.", "Give what is named.", problems)
        feed = find_feed(code)
        again = request.query_params.get("again", "") == "true"
        try:
            batch = receive(feed=feed, file=file, file_name=file_name or code, by=client_of(request).name, again=again)
        except OSError:
            raise NotKept("The file could not be stored.", "Send it again later.") from None
        return Response(shown(batch), status=202, headers={"Location": _href(batch)})

    def _file(self, request: Request) -> tuple[BinaryIO | None, str]:
        data: Any = request.data
        file = data.get("file")
        if isinstance(file, str) or file is None:
            return None, ""
        if hasattr(file, "size"):
            return (file, file.name) if file.size else (None, "")
        return file, typeable(request.query_params.get("file_name", ""))


class BatchView(ApiView):
    """How far a batch of this client has come."""

    scope = BATCH_WRITE

    def get(self, request: Request, batch_id: UUID) -> Response:
        only(request.query_params, ())
        return Response(shown(own_batch(client_of(request), batch_id)))


class QuarantineView(ApiView):
    """The rows of a batch of this client that wait in quarantine, each with all its reasons."""

    scope = BATCH_WRITE

    def get(self, request: Request, batch_id: UUID) -> Response:
        params = request.query_params
        only(params, ("cursor", "limit"))
        limit = whole_number(params.get("limit", ""), "limit", least=1, most=MOST, default=PAGE, cap=True)
        batch = own_batch(client_of(request), batch_id)
        question = {"batch": str(batch.pk)}
        line = int(read_list_cursor(params.get("cursor", ""), question) or 0)
        rows = list(
            batch.rows.filter(state=RowState.QUARANTINED, line__gt=line)
            .order_by("line")
            .values("line", "key", "raw", "problems")[: limit + 1]
        )
        more, rows = len(rows) > limit, rows[:limit]
        return Response(
            {
                "items": rows,
                "next_cursor": list_cursor(str(rows[-1]["line"]), question) if more else None,
                "has_more": more,
            }
        )


def own_batch(client: ApiClient, batch_id: UUID) -> Batch:
    """The batch, if this client sent it: rows are shown as they came, unmasked. NotFound otherwise."""
    batch = Batch.objects.select_related("feed").filter(pk=batch_id, submitted_by=client.name).first()
    if batch is None:
        raise NotFound("This client has sent no such batch.", "The answer to POST /api/v1/batches names its href.")
    return batch


def _href(batch: Batch) -> str:
    return f"/api/v1/batches/{batch.pk}"


def shown(batch: Batch) -> dict[str, Any]:
    """A batch as JSON."""
    return {
        "id": batch.pk,
        "href": _href(batch),
        "feed": batch.feed.code,
        "file_name": batch.file_name,
        "sha256": batch.sha256,
        "size": batch.size,
        "bytes_read": batch.bytes_read,
        "state": batch.state,
        "rows": {
            "read": batch.rows_read,
            "new": batch.rows_new,
            "changed": batch.rows_changed,
            "unchanged": batch.rows_unchanged,
            "quarantined": batch.rows_quarantined,
        },
        "problem": batch.problem,
        "way_out": batch.way_out,
        "repeats": batch.repeats_id,
        "received_at": batch.received_at,
        "started_at": batch.started_at,
        "finished_at": batch.finished_at,
        "quarantine": f"{_href(batch)}/quarantine",
    }
