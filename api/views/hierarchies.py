"""Hierarchies: which there are, one of them, the records below a record by pages, and every move of a named one."""

import json
from datetime import date
from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from api import present
from api.cursors import list_cursor, read_list_cursor
from api.scopes import read_scope
from api.views.base import AllAtOnce, ApiView, client_of, only, require_scope, whole_number
from mdm.errors import Invalid, NotFound
from mdm.hierarchies import Tree, find_tree
from mdm.hierarchies.edges import edges
from mdm.hierarchies.reading import Node, branches, children, nodes, size, ways_up
from mdm.hierarchies.trees import all_trees
from mdm.models import HierarchyMove
from mdm.queries import resolve
from mdm.queries.shapes import Reference

PAGE, MOST = 100, 1000


class HierarchiesView(ApiView):
    """Every tree of the domains this client may read."""

    def get(self, request: Request) -> Response:
        only(request.query_params, ())
        client = client_of(request)
        return Response({"items": [_tree(one) for one in all_trees() if client.may(read_scope(one.domain))]})


class TreeView(ApiView):
    """A view of one tree; reading it needs its domain's scope."""

    def find(self, request: Request, slug: str, name: str) -> Tree:
        """The tree at this address. Raises NotFound, PermissionDenied."""
        found = find_tree(slug, name)
        require_scope(client_of(request), read_scope(found.domain))
        return found


class HierarchyView(TreeView):
    """One tree: what it is kept for and how many records stand in it on a day."""

    def get(self, request: Request, slug: str, name: str) -> Response:
        only(request.query_params, ("as_of",))
        tree = self.find(request, slug, name)
        day = _day(request.query_params.get("as_of", ""))
        return Response(_tree(tree) | {"as_of": day, "records": size(edges(tree, day))})


class HierarchyNodesView(TreeView):
    """The records right below ``parent`` by pages, those on top without one; with ``record`` that one alone."""

    def get(self, request: Request, slug: str, name: str) -> Response:
        params, tree = request.query_params, self.find(request, slug, name)
        checks = AllAtOnce()
        checks.of(lambda: only(params, ("parent", "record", "as_of", "cursor", "limit")), None)
        day = checks.of(lambda: _day(params.get("as_of", "")), None)
        limit = checks.of(
            lambda: whole_number(params.get("limit", ""), "limit", least=1, most=MOST, default=PAGE, cap=True), 1
        )
        checks.end()
        asked = edges(tree, day)
        if params.get("record"):
            found = list(nodes(asked, [resolve(params["record"]).pk]).values())
            onward, total = None, len(found)
        else:
            question = {"tree": f"{slug}/{name}", "parent": params.get("parent", ""), "as_of": str(day or "")}
            place = read_list_cursor(params.get("cursor", ""), question)
            page = children(asked, _parent(params.get("parent", "")), after=_place(place), limit=limit)
            found, total = list(page.nodes), page.total
            onward = list_cursor(json.dumps(page.next), question) if page.next else None
        ids = [node.record.record for node in found]
        ways, below = ways_up(asked, ids), branches(asked, ids)
        return Response(
            {
                "items": [_node(node, ways[node.record.record], below.get(node.record.record, 0)) for node in found],
                "total": total,
                "next_cursor": onward,
                "has_more": onward is not None,
            }
        )


class HierarchyMovesView(TreeView):
    """Every move of a named tree in the order it was approved: read on from the last cursor to stay up to date."""

    def get(self, request: Request, slug: str, name: str) -> Response:
        params, tree = request.query_params, self.find(request, slug, name)
        if tree.hierarchy is None:
            raise NotFound(
                f"{slug}/{name} is made by golden values.", f"Its moves are changes of {tree.slug} in /api/v1/changes."
            )
        checks = AllAtOnce()
        checks.of(lambda: only(params, ("cursor", "limit")), None)
        limit = checks.of(
            lambda: whole_number(params.get("limit", ""), "limit", least=1, most=MOST, default=PAGE, cap=True), 1
        )
        checks.end()
        question = {"moves": f"{slug}/{name}"}
        after = int(read_list_cursor(params.get("cursor", ""), question) or 0)
        rows = HierarchyMove.objects.filter(hierarchy=tree.hierarchy, pk__gt=after)
        found = list(rows.select_related("record", "before", "parent").order_by("id")[: limit + 1])
        page = found[:limit]
        last = page[-1].pk if page else after
        return Response(
            {
                "items": [_move(move) for move in page],
                # Also at the end: whoever keeps it reads on from here tomorrow.
                "next_cursor": list_cursor(str(last), question) if last else None,
                "has_more": len(found) > limit,
            }
        )


def _day(text: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        problem = f"{text[:40]} is not a day such as 2026-12-31."
        raise Invalid("The parameter as_of cannot be understood.", "Give a day.", [("as_of", problem)]) from None


def _parent(name: str) -> UUID | None:
    return resolve(name).pk if name else None


def _place(text: str) -> tuple[str, str] | None:
    if not text:
        return None
    title, code = json.loads(text)
    return str(title), str(code)


def _tree(tree: Tree) -> dict[str, Any]:
    return {
        "domain": tree.domain.name,
        "address": f"{tree.domain.slug}/{tree.slug}",
        "name": tree.name,
        "kind": tree.hierarchy.kind if tree.hierarchy else "derived",
        "description": tree.hierarchy.description if tree.hierarchy else "",
        "attribute": tree.slug if tree.derived else None,
        "change": tree.number,
        "href": f"/api/v1/hierarchies/{tree.domain.slug}/{tree.slug}",
    }


def _reference(record: Reference) -> dict[str, Any]:
    return {
        "id": record.record,
        "code": record.code,
        "title": record.title,
        "href": present.href(record.domain, record.record),
    }


def _node(node: Node, way: list[Reference], branch: int) -> dict[str, Any]:
    return {
        "record": _reference(node.record),
        "state": node.record.state,
        "parent": _reference(way[-1]) if way else None,
        "path": [one.code for one in way],
        "children": node.below,
        "branch": branch,
    }


def _golden(record: Any) -> dict[str, Any] | None:
    if record is None:
        return None
    return _reference(Reference(record.pk, record.code, record.title, record.domain, record.state))


def _move(move: HierarchyMove) -> dict[str, Any]:
    return {
        "id": move.pk,
        "change": move.number,
        "verb": move.verb,
        "record": _golden(move.record),
        "before": _golden(move.before),
        "parent": _golden(move.parent),
        "valid_from": move.valid_from,
        "at": move.at,
        "by": move.by,
        "approved_by": move.approved_by,
        "reason": move.reason,
        "correlation_id": move.correlation_id,
    }
