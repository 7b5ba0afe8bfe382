"""What the interface document says of each view beyond what can be read off it."""

from collections.abc import Sequence
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view

from api import shapes
from mdm.filters import filters_for
from mdm.models import EventVerb
from mdm.queries import ORDERS
from mdm.spec import Domain

PROBLEMS = {
    400: "A parameter or the body cannot be understood; all mistakes are named.",
    401: "No token, or one that is not known.",
    403: "The token lacks a scope.",
    404: "There is no such record, feed or batch.",
    500: "The hub made a mistake of its own; report the trace_id.",
}


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """`Authorization: Bearer TOKEN`."""

    target_class = "api.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "Made by `manage.py create_client NAME`."}


class PersonScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """The pages' own sign-in; opens the documentation only, and so is not part of the interface."""

    target_class = "api.authentication.PersonAuthentication"
    name = "person"

    def get_security_definition(self, auto_schema: Any) -> list[dict[str, str]]:
        return []


def reads(**words: Any) -> Any:
    """The decorator of a view that answers GET."""
    return extend_schema_view(get=extend_schema(**words))


def writes(**words: Any) -> Any:
    """The decorator of a view that answers POST."""
    return extend_schema_view(post=extend_schema(**words))


hidden = extend_schema_view(get=extend_schema(exclude=True))


def query(name: str, text: str, kind: Any = OpenApiTypes.STR, **options: Any) -> OpenApiParameter:
    """An optional query parameter."""
    return OpenApiParameter(name, kind, OpenApiParameter.QUERY, required=False, description=text, **options)


def problems(*codes: int, **special: str) -> dict[Any, OpenApiResponse]:
    """The problem answers of a view; 401, 403 and 500 always."""
    texts = PROBLEMS | {int(code.removeprefix("http")): text for code, text in special.items()}
    wanted = {401, 403, 500, *codes, *(int(code.removeprefix("http")) for code in special)}
    return {
        (code, "application/problem+json"): OpenApiResponse(shapes.ProblemShape, description=texts[code])
        for code in sorted(wanted)
    }


def limit(default: int, most: int) -> OpenApiParameter:
    """The page size."""
    schema = {"type": "integer", "minimum": 1, "maximum": most, "default": default}
    return query("limit", f"Rows a page; more than {most} counts as {most}.", schema)


CURSOR = query("cursor", "next_cursor of the page before, as it was given, with the same filters.")


def _filters(domain: Domain) -> list[OpenApiParameter]:
    return [
        query(name, made.label, {key: value for key, value in made.schema.items() if key != "examples"})
        for name, made in filters_for(domain.name).base_filters.items()
    ]


def list_document(domain: Domain) -> Any:
    """The list of a domain, with every filter."""
    orders = [sign + name for name in ORDERS for sign in ("", "-")]
    names = ", ".join(attribute.name for attribute in domain.attributes)
    return reads(
        operation_id=f"list_{domain.slug.replace('-', '_')}",
        tags=[domain.plural],
        summary=f"List {domain.plural.lower()}",
        description=f"{domain.description} Active and retired ones unless `state` chooses. "
        "Attributes an administrator added are filtered as `ext.NAME`, with the same endings.",
        parameters=[
            CURSOR,
            limit(50, 1000),
            query("order", "Order of the list.", {"type": "string", "enum": orders, "default": "code"}),
            query("fields", f"Only these attributes, separated by commas: {names}."),
            *_filters(domain),
        ],
        responses={200: shapes.list_shape(domain.name), **problems(400)},
    )


def detail_document(domain: Domain) -> Any:
    """One record of a domain."""
    name = OpenApiParameter("name", OpenApiTypes.STR, OpenApiParameter.PATH, description="Id or code.")
    header = OpenApiParameter(
        "If-None-Match", OpenApiTypes.STR, OpenApiParameter.HEADER, description='A tag you hold, like "v17".'
    )
    tag = OpenApiParameter(
        "ETag", OpenApiTypes.STR, OpenApiParameter.HEADER, description='The version, like "v17".', response=[200, 304]
    )
    number = {"type": "integer", "minimum": 0}
    return reads(
        operation_id=f"read_{domain.name}",
        tags=[domain.plural],
        summary=f"Read one {domain.label.lower()}",
        description="Golden values with provenance, parts, crosswalk. A merged record answers 200 with state `merged`, "
        "its last values, `merged_into` and a `Link` header (rel=canonical) to the record that holds its facts now.",
        parameters=[
            name,
            header,
            tag,
            query("as_of", "The record as it was at this date or time (ISO 8601)."),
            query("as_of_sequence", "The record as it was at this number of the feed.", number),
            query("as_of_version", "The record in this version.", number),
        ],
        responses={
            200: shapes.detail_shape(domain.name),
            304: OpenApiResponse(description="You hold this version."),
            **problems(400, 404),
        },
    )


changes_document = reads(
    operation_id="read_changes",
    tags=["Changes"],
    summary="Follow every change",
    description="Events in the order of their gapless numbers, about records that are or once were active. Keep "
    "`next_cursor`; ask again with it for ever. Numbers missing between two events are of other domains, of records "
    "never published, or filtered out: `through_sequence` says up to where you know everything you asked for.",
    parameters=[
        CURSOR,
        query("after_sequence", "Begin after this number instead (a list's as_of_sequence).", OpenApiTypes.INT64),
        limit(100, 1000),
        query("wait", "Seconds to wait where nothing is new, at most 25.", OpenApiTypes.INT),
        query("domain", "Only these domains, separated by commas."),
        query("verb", f"Only these verbs, separated by commas: {', '.join(EventVerb.values)}."),
        query("consumer", "Begin where the hub remembers this client's place of that name."),
        query("latest_only", "true leaves out what a later event has made old news.", OpenApiTypes.BOOL),
    ],
    responses={
        200: shapes.Changes,
        **problems(
            400,
            http409="feed-reset: the log was replaced; read the lists in `snapshot` anew.",
            http410="cursor-expired: what follows the cursor is no longer kept.",
        ),
    },
)
_PLACE = {"type": "object", "properties": {"cursor": {"type": "string"}}, "required": ["cursor"]}
_MATCH = OpenApiParameter(
    "If-Match",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="The ETag last read; needed to move a place that exists.",
)
_TAG = OpenApiParameter("ETag", OpenApiTypes.STR, OpenApiParameter.HEADER, description="The version.", response=[200])
_NAME = OpenApiParameter(
    "name",
    OpenApiTypes.STR,
    OpenApiParameter.PATH,
    description="A name you choose: 1 to 60 letters of English, digits, `-` and `_`.",
)
consumer_document = extend_schema_view(
    get=extend_schema(
        operation_id="read_place", tags=["Changes"], summary="Where a reader stands", parameters=[_NAME, _TAG],
        responses={200: shapes.Consumer, **problems(400, 404)},
    ),
    put=extend_schema(
        operation_id="keep_place",
        tags=["Changes"],
        summary="Remember where a reader stands",
        description="For readers that have nowhere to keep a cursor. Each client has names of its own.",
        parameters=[_NAME, _MATCH, _TAG],
        request={"application/json": _PLACE},
        responses={
            200: shapes.Consumer,
            **problems(
                400,
                http409="feed-reset: the cursor is of another life of the log.",
                http410="cursor-expired: what follows the cursor is no longer kept.",
                http412="place-moved: somebody else moved the place meanwhile.",
                http428="precondition-required: the place exists; send If-Match.",
            ),
        },
    ),
    delete=extend_schema(
        operation_id="forget_place", tags=["Changes"], summary="Forget a reader's place", parameters=[_NAME, _MATCH],
        responses={
            204: OpenApiResponse(description="Forgotten."),
            **problems(400, 404, http412="place-moved: somebody else moved the place meanwhile."),
        },
    ),
)  # fmt: skip
lookup_document = reads(
    operation_id="look_up",
    tags=["Look-up"],
    summary="Which golden record is this?",
    description="By a source system's own key (`system` and `key`), by the id a target told of (`system` is then the "
    "code of its endpoint), or by any identifier (`identifier`). Merges are followed: the answer is the record that "
    "holds the facts now.",
    parameters=[
        query("system", "Code of the source system, or of the endpoint."),
        query("key", "The system's own key."),
        query("identifier", "scheme:value, or the value alone; punctuation does not matter."),
        query("domain", "Only these domains, separated by commas."),
    ],
    responses={200: shapes.Lookup, **problems(400, 404)},
)
_FILE = {"type": "string", "format": "binary"}
send_document = writes(
    operation_id="send_batch",
    tags=["Batches"],
    summary="Send a file",
    description="The file is kept and read in the background; the answer says where to look. The same content a second "
    "time changes nothing. The body is the file itself, or a form with the parts `feed` and `file`.",
    parameters=[
        query("feed", "Code of the feed; needed unless the form names it."),
        query("file_name", "What the file is called, where the body is the file."),
        query("again", "true reads content that was read before.", OpenApiTypes.BOOL),
    ],
    request={
        "multipart/form-data": {
            "type": "object",
            "properties": {"feed": {"type": "string"}, "file": _FILE},
            "required": ["file"],
        },
        "application/octet-stream": _FILE,
    },
    responses={202: shapes.BatchShape, **problems(400, 404, http503="The file could not be stored; send it again.")},
)
batch_document = reads(
    operation_id="read_batch",
    tags=["Batches"],
    summary="How far a batch has come",
    responses={200: shapes.BatchShape, **problems(404)},
)
quarantine_document = reads(
    operation_id="read_quarantine",
    tags=["Batches"],
    summary="Rows in quarantine",
    description="Rows of a batch that were not taken, verbatim, each with all its reasons.",
    parameters=[CURSOR, limit(100, 1000)],
    responses={200: shapes.Quarantine, **problems(400, 404)},
)


def complete(result: dict[str, Any]) -> dict[str, Any]:
    """The document with the server it is about and its tags named."""
    tags: Sequence[str] = list(dict.fromkeys(
        tag for path in result["paths"].values() for operation in path.values() for tag in operation.get("tags", ())
    ))  # fmt: skip
    return {**result, "servers": [{"url": "/"}], "tags": [{"name": tag} for tag in tags]}
