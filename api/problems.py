"""One shape for everything that goes wrong (RFC 9457), with a stable code and the way out, never a stack trace."""

import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from api.rendering import PROBLEM
from mdm.domains import DOMAINS
from mdm.errors import Invalid, MdmError

logger = logging.getLogger(__name__)

# What the same request may answer differently later, without anybody correcting anything.
RETRYABLE = (408, 429, 502, 503, 504)


class CursorInvalid(MdmError):
    """The cursor was not made by this installation, or was altered."""

    code = "cursor-invalid"
    http = 400


class CursorFilterMismatch(MdmError):
    """The cursor belongs to a question with other filters."""

    code = "cursor-filter-mismatch"
    http = 400


class StartAnew(MdmError):
    """The feed cannot go on from here. ``snapshot`` are the lists to read, ``oldest_cursor`` where the feed begins."""

    def __init__(self, message: str, *, oldest_cursor: str) -> None:
        super().__init__(message, "Read the lists in snapshot anew, then follow the feed from their as_of_sequence.")
        self.snapshot = [f"/api/v1/{domain.slug}/" for domain in DOMAINS]
        self.oldest_cursor = oldest_cursor


class FeedReset(StartAnew):
    """The log the cursor belongs to is not the log of this installation any more."""

    code = "feed-reset"


class CursorExpired(StartAnew):
    """What comes after the cursor is no longer kept."""

    code = "cursor-expired"
    http = 410


class NotKept(MdmError):
    """The file could not be stored."""

    code = "not-kept"
    http = 503


@dataclass(frozen=True)
class Problem:
    """What is answered. ``errors`` are (pointer or parameter, code, message) of single mistakes, all at once."""

    http: int
    code: str
    title: str
    detail: str
    way_out: str = ""
    errors: Sequence[dict[str, str]] = ()
    more: dict[str, Any] = field(default_factory=dict)

    def body(self, trace_id: str) -> dict[str, Any]:
        return {
            "type": f"urn:assay:problem:{self.code}",
            "title": self.title,
            "status": self.http,
            "code": self.code,
            "detail": self.detail,
            "way_out": self.way_out,
            "retryable": self.http in RETRYABLE,
            "errors": list(self.errors),
            "trace_id": trace_id,
            **self.more,
        }


_WAYS_OUT = {
    "not_authenticated": "Send the header Authorization: Bearer TOKEN. An administrator makes tokens.",
    "authentication_failed": "Ask an administrator for a new token.",
    "permission_denied": "Ask an administrator for a token with the scope named.",
    "method_not_allowed": "The interface document at /api/v1/schema names the methods of each path.",
    "unsupported_media_type": "The interface document at /api/v1/schema names the content types of each path.",
    "parse_error": "Correct the body and send it again.",
}


def answer(error: Exception, context: dict[str, Any]) -> Response:
    """The exception handler of every API view: always an answer, always this shape."""
    request = context.get("request")
    trace_id = trace_of(request)
    problem = _problem(error)
    if problem is None:
        logger.error("Request %s failed", trace_id, exc_info=error)
        problem = Problem(
            500, "internal", "Something went wrong here", "The hub made a mistake of its own; nothing was changed.",
            "Try again. If it happens again, report the trace_id.",
        )  # fmt: skip
    set_rollback()
    headers = {"Cache-Control": "no-store", "X-Trace-Id": trace_id}
    if isinstance(error, exceptions.APIException):
        challenge = getattr(error, "auth_header", None)
        headers |= {"WWW-Authenticate": challenge} if challenge else {}
        wait = getattr(error, "wait", None)
        headers |= {"Retry-After": str(int(wait))} if wait else {}
    return Response(problem.body(trace_id), status=problem.http, headers=headers, content_type=PROBLEM)


def trace_of(request: Any) -> str:
    """The id the caller's own tracing gave the request (W3C traceparent), else a new one."""
    parts = (request.headers.get("traceparent", "") if request is not None else "").split("-")
    given = parts[1].lower() if len(parts) == 4 else ""
    valid = len(given) == 32 and set(given) <= set("0123456789abcdef") and set(given) != {"0"}
    return given if valid else uuid.uuid4().hex


def _problem(error: Exception) -> Problem | None:
    if isinstance(error, MdmError):
        return _of_mdm(error)
    if isinstance(error, Http404):
        return _of_mdm_like(404, "not-found", "There is nothing here.", "The paths are named at /api/v1/schema.")
    if isinstance(error, DjangoPermissionDenied):
        return _of_mdm_like(403, "permission-denied", "This is not allowed.", _WAYS_OUT["permission_denied"])
    if isinstance(error, exceptions.APIException):
        code = error.default_code if not isinstance(error.detail, exceptions.ErrorDetail) else str(error.detail.code)
        way_out = _WAYS_OUT.get(code, "Correct the request and send it again.")
        return _of_mdm_like(error.status_code, code.replace("_", "-"), str(error.detail), way_out)
    return None


def _of_mdm_like(http: int, code: str, detail: str, way_out: str) -> Problem:
    return Problem(http, code, code.replace("-", " ").capitalize(), detail, way_out)


def _of_mdm(error: MdmError) -> Problem:
    errors: list[dict[str, str]] = []
    http = error.http
    if isinstance(error, Invalid):
        # A reader's wrong parameters are a bad request; 422 is for bodies that break the rules of the business.
        http = 400
        errors = [{"pointer": name, "code": "invalid", "detail": text} for name, text in error.problems]
    title = error.code.replace("-", " ").capitalize()
    more = {key: value for key, value in vars(error).items() if key in ("oldest_cursor", "snapshot")}
    return Problem(http, error.code, title, error.message, error.way_out, errors, more)
