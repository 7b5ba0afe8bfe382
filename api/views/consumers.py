"""Places in the feed that the hub remembers: for readers that have nowhere to keep a cursor."""

import re
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from api.consumers import consumer_of, forget_place, keep_place
from api.models import FeedConsumer
from api.scopes import FEED_READ
from api.views.base import ApiView, client_of, only
from api.views.bounded import BoundedJson
from mdm.errors import Invalid
from mdm.queries import feed_head


class ConsumerView(ApiView):
    """One place, by the name the client gave it."""

    scope = FEED_READ
    parser_classes = (BoundedJson,)

    def get(self, request: Request, name: str) -> Response:
        only(request.query_params, ())
        return shown(consumer_of(client_of(request), name))

    def put(self, request: Request, name: str) -> Response:
        only(request.query_params, ())
        place = keep_place(
            client=client_of(request), name=name, cursor=_cursor(request.data),
            expected=_expected(request.headers.get("If-Match", "")), head=feed_head(),
        )  # fmt: skip
        return shown(place)

    def delete(self, request: Request, name: str) -> Response:
        only(request.query_params, ())
        forget_place(client=client_of(request), name=name, expected=_expected(request.headers.get("If-Match", "")))
        return Response(status=204)


def shown(place: FeedConsumer) -> Response:
    """The place with its version as ETag."""
    body = {
        "name": place.name,
        "cursor": place.cursor,
        "sequence": place.sequence,
        "version": place.version,
        "updated_at": place.updated_at,
    }
    return Response(body, headers={"ETag": f'"v{place.version}"'})


def _cursor(body: Any) -> str:
    cursor = body.get("cursor") if isinstance(body, dict) else None
    if not isinstance(cursor, str) or not cursor:
        raise Invalid(
            "There is no place to keep.", 'Send {"cursor": next_cursor of a page}.', [("cursor", "It is missing.")]
        )
    return cursor


def _expected(tag: str) -> int | None:
    if not tag:
        return None
    if found := re.fullmatch(r'"v(\d{1,9})"', tag.strip()):
        return int(found[1])
    raise Invalid("If-Match is not a version of a place.", 'Send it as it was given: "v3".', [("If-Match", tag[:40])])
