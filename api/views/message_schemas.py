"""The JSON Schemas `dataschema` of a message leads to. Open to all: they hold what is declared, never a value."""

from rest_framework.request import Request
from rest_framework.response import Response

from api.views.base import ApiView, only
from publishing.payloads import schema_href
from publishing.schemas import message_types, schema_of


class MessageSchemasView(ApiView):
    """Every message type with the address of its schema."""

    authentication_classes = ()

    def check_permissions(self, request: Request) -> None:
        """Nobody has to sign in: a receiver of messages need not be a client."""

    def get(self, request: Request) -> Response:
        only(request.query_params, ())
        return Response({"items": [{"type": kind, "href": schema_href(kind)} for kind in message_types()]})


class MessageSchemaView(MessageSchemasView):
    """The JSON Schema (draft 2020-12) of one message type; messages of a mapped endpoint have no schema of ours."""

    def get(self, request: Request, message_type: str = "") -> Response:
        only(request.query_params, ())
        return Response(schema_of(message_type), content_type="application/schema+json")
