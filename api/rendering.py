"""JSON out: fast, and with our own shapes for references and moments."""

from collections.abc import Mapping
from typing import Any

import orjson
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from mdm.queries import Reference

PROBLEM = "application/problem+json"


def _plain(value: Any) -> Any:
    if isinstance(value, Reference):
        return {"record": value.record, "code": value.code, "title": value.title}
    raise TypeError(f"{type(value).__name__} has no JSON form here")


class JsonRenderer(BaseRenderer):
    """UTF-8 JSON; moments in UTC with a Z, references as {record, code, title}."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        if data is None:
            return b""
        return orjson.dumps(data, default=_plain, option=orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_UTC_Z)


class AlwaysJson(BaseContentNegotiation):
    """There is one representation: whatever is asked for, JSON is answered, errors included."""

    def select_parser(self, request: Request, parsers: Any) -> BaseParser | None:
        content_type = (request.content_type or "").partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type in (content_type, "*/*")), None)

    def select_renderer(
        self,
        request: Request,
        renderers: Any,
        format_suffix: str | None = None,
    ) -> tuple[BaseRenderer, str]:
        return renderers[0], renderers[0].media_type
