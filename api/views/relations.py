"""What people said is related and not the same, as a list."""

from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from api import present
from api.cursors import list_cursor, read_list_cursor
from api.models import ApiClient
from api.scopes import read_scope
from api.views.base import AllAtOnce, ApiView, client_of, only, require_scope, whole_number
from api.views.changes import readable_domains, words
from matching.models import RelationKind
from matching.relations import Listed, standing
from mdm.domains import BY_NAME
from mdm.queries import resolve

PARAMS = ("cursor", "limit", "domain", "kind", "record")
PAGE, MOST = 100, 1000


class RelationsView(ApiView):
    """A page of the relations that stand, oldest first. The permission is looked at on every page."""

    def get(self, request: Request) -> Response:
        params, client = request.query_params, client_of(request)
        checks = AllAtOnce()
        checks.of(lambda: only(params, PARAMS), None)
        domains = checks.of(lambda: words(params.get("domain", ""), "domain", list(BY_NAME)), list[str]())
        kinds = checks.of(lambda: words(params.get("kind", ""), "kind", list(RelationKind.values)), list[str]())
        limit = checks.of(
            lambda: whole_number(params.get("limit", ""), "limit", least=1, most=MOST, default=PAGE, cap=True), 1
        )
        checks.end()
        name = params.get("record", "")
        question = {"domain": sorted(domains), "kind": sorted(kinds), "record": name}
        after = int(read_list_cursor(params.get("cursor", ""), question) or 0)
        page = standing(
            domains=readable_domains(client, domains),
            kinds=kinds,
            record=_readable(client, name) if name else None,
            after=after,
            limit=limit,
        )
        return Response(
            {
                "items": [_item(one) for one in page.relations],
                "next_cursor": list_cursor(str(page.next or ""), question),
                "has_more": page.next is not None,
            }
        )


def _readable(client: ApiClient, name: str) -> UUID:
    """The record of that id or code. Raises NotFound, PermissionDenied where its domain is not this client's."""
    record = resolve(name)
    require_scope(client, read_scope(BY_NAME[record.domain]))
    return record.pk


def _item(one: Listed) -> dict[str, Any]:
    return {
        "id": one.id,
        "domain": one.first.domain,
        "kind": one.kind,
        "words": one.words,
        "first": _end(one.first),
        "second": _end(one.second),
        "by": one.by,
        "at": one.at,
        "reason": one.reason,
    }


def _end(record: Any) -> dict[str, Any]:
    return {
        "id": record.pk,
        "code": record.code,
        "title": record.title,
        "href": present.href(record.domain, record.pk),
    }
