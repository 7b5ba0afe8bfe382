"""What the interface document says of hierarchies."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from api.document import CURSOR, limit, problems, query, reads
from api.shapes import Onward, shape, words
from api.views import hierarchies
from mdm.domains import DOMAINS
from mdm.models import HierarchyKind, MoveVerb

_TREE: dict[str, Any] = {
    "domain": serializers.CharField(),
    "address": serializers.CharField(help_text="Domain and name as in the path: facilities/legal."),
    "name": serializers.CharField(),
    "kind": words([*HierarchyKind.values, "derived"], "What it is kept for; derived ones the sources make."),
    "description": serializers.CharField(allow_blank=True),
    "attribute": serializers.CharField(allow_null=True, help_text="The reference that makes a derived one."),
    "change": serializers.IntegerField(help_text="How many changes were approved; 0 for a derived one."),
    "href": serializers.CharField(),
}
TreeShape = shape("Hierarchy", **_TREE)
TreeList = shape("Hierarchies", items=TreeShape(many=True))
TreeOnDay = shape(
    "HierarchyOnDay",
    **_TREE,
    as_of=serializers.DateField(allow_null=True),
    records=serializers.IntegerField(help_text="How many records stand in it on that day."),
)
NodeShape = shape(
    "HierarchyNode",
    record=Onward(),
    state=serializers.CharField(),
    parent=Onward(allow_null=True, help_text="Null on top."),
    path=serializers.ListField(child=serializers.CharField(), help_text="Codes from the top down, without its own."),
    children=serializers.IntegerField(help_text="Right below it."),
    branch=serializers.IntegerField(help_text="Below it at any depth."),
)
NodeList = shape(
    "HierarchyNodes",
    items=NodeShape(many=True),
    total=serializers.IntegerField(),
    next_cursor=serializers.CharField(allow_null=True),
    has_more=serializers.BooleanField(),
)
MoveShape = shape(
    "HierarchyMove",
    id=serializers.IntegerField(help_text="Grows within a hierarchy."),
    change=serializers.IntegerField(help_text="The moves approved together share it."),
    verb=words(MoveVerb.values),
    record=Onward(),
    before=Onward(allow_null=True, help_text="The parent it had; null on top or outside."),
    parent=Onward(allow_null=True, help_text="The parent it has; null on top or taken out."),
    valid_from=serializers.DateField(help_text="From this day on; it may lie ahead."),
    at=serializers.DateTimeField(),
    by=serializers.CharField(),
    approved_by=serializers.CharField(allow_blank=True),
    reason=serializers.CharField(allow_blank=True),
    correlation_id=serializers.UUIDField(),
)
MoveList = shape(
    "HierarchyMoves",
    items=MoveShape(many=True),
    next_cursor=serializers.CharField(allow_null=True, help_text="Also at the end: keep it and read on from it."),
    has_more=serializers.BooleanField(),
)
_TAG = ["Hierarchies"]
_PATH = [
    OpenApiParameter("slug", OpenApiTypes.STR, OpenApiParameter.PATH, description=f"{DOMAINS[0].slug} and so on."),
    OpenApiParameter("name", OpenApiTypes.STR, OpenApiParameter.PATH, description="As the list's address ends."),
]
_DAY = query("as_of", "The tree on this day, such as 2026-12-31; today without it.", OpenApiTypes.DATE)

list_document: Any = reads(
    operation_id="list_hierarchies",
    tags=_TAG,
    summary="The trees records stand in",
    description="Those the sources make, and those people keep, of every domain the token may read.",
    responses={200: TreeList, **problems(400)},
)
tree_document: Any = reads(
    operation_id="read_hierarchy",
    tags=_TAG,
    summary="One tree on a day",
    parameters=[*_PATH, _DAY],
    responses={200: TreeOnDay, **problems(400, 404)},
)
nodes_document: Any = reads(
    operation_id="list_hierarchy_nodes",
    tags=_TAG,
    summary="What stands below a record",
    description="Without `parent` the records on top; with `record` that one alone, empty where it does not stand.",
    parameters=[
        *_PATH,
        query("parent", "The records right below this one, by id or code."),
        query("record", "This record alone, by id or code."),
        _DAY,
        CURSOR,
        limit(hierarchies.PAGE, hierarchies.MOST),
    ],
    responses={200: NodeList, **problems(400, 404)},
)
moves_document: Any = reads(
    operation_id="list_hierarchy_moves",
    tags=_TAG,
    summary="Every move of a named tree, oldest first",
    description="Append-only. A derived tree has none: its moves are changes of golden records, in the change feed.",
    parameters=[*_PATH, CURSOR, limit(hierarchies.PAGE, hierarchies.MOST)],
    responses={200: MoveList, **problems(400, 404)},
)
