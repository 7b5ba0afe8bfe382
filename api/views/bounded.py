"""JSON bodies of a size and depth that harm nobody."""

import json
from collections.abc import Mapping
from typing import Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

LARGEST = 16 * 1024 * 1024


class BoundedJson(BaseParser):
    """A JSON body of at most 16 MB; whatever is no JSON is answered with 400, however it is broken."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        raw = stream.read(LARGEST + 1)
        if len(raw) > LARGEST:
            raise ParseError("The body is larger than 16 MB. Send it in several requests.")
        try:
            return json.loads(raw.decode(), parse_constant=_no_number)
        except (ValueError, RecursionError) as error:
            raise ParseError("The body is no JSON.") from error


def _no_number(text: str) -> Any:
    raise ValueError(text)
