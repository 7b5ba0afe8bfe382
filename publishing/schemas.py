"""JSON Schemas of the messages webhooks are sent, made from the declarations: what ``dataschema`` leads to."""

from collections.abc import Iterable, Mapping
from typing import Any

from mdm.domains import BY_NAME
from mdm.errors import NotFound
from mdm.models import EventVerb, GoldenState
from mdm.spec import Attribute, Domain, Exposure, Kind
from publishing.payloads import LEFT, message_type, schema_href

DIALECT = "https://json-schema.org/draft/2020-12/schema"
VERBS = (*EventVerb.values, LEFT)
TEXT = {"type": "string"}
KINDS: Mapping[Kind, dict[str, Any]] = {
    Kind.TEXT: TEXT,
    Kind.CODE: TEXT,
    Kind.DATE: {"type": "string", "format": "date"},
    Kind.DECIMAL: {"type": "string", "pattern": r"^-?\d+(\.\d+)?$"},
    Kind.INTEGER: {"type": "integer"},
    Kind.BOOLEAN: {"type": "boolean"},
    Kind.REFERENCE: {
        "type": "object",
        "properties": {"record": {"type": "string", "format": "uuid"}, "code": TEXT, "title": TEXT},
        "required": ["record", "code", "title"],
    },
}


def message_types() -> list[str]:
    """Every type a message about a record may have."""
    return [message_type(domain, verb) for domain in BY_NAME for verb in VERBS]


def schema_of(kind: str) -> dict[str, Any]:
    """The schema of one message type, for every receiver the same: fields may be added, none is taken away.

    Raises NotFound for a type there is not.
    """
    words = kind.split(".")
    if kind not in message_types():
        raise NotFound(f"There is no message type {kind[:80]}.", "The list of schemas names those there are.")
    domain, verb = BY_NAME[words[1]], words[2]
    return {
        "$schema": DIALECT,
        "$id": schema_href(kind),
        "title": f"{domain.label} {verb}",
        "type": "object",
        "required": [
            "specversion", "id", "source", "type", "time", "subject", "datacontenttype", "sequence", "epoch",
            "lanenumber", "recordversion", "previousversion", "correlationid", "data",
        ],
        "properties": {
            "specversion": {"const": "1.0"},
            "id": {"type": "string", "format": "uuid"},
            "source": TEXT,
            "type": {"const": kind},
            "time": {"type": "string", "format": "date-time"},
            "subject": {"type": "string", "format": "uuid", "description": "The id of the record."},
            "datacontenttype": {"const": "application/json"},
            "dataschema": {"type": "string", "format": "uri-reference"},
            "dataclassification": {"enum": ["public", "internal", "restricted"]},
            "sequence": {"type": "string", "pattern": r"^\d{20}$", "description": "Its number in the log."},
            "epoch": {"type": "string", "format": "uuid", "description": "A new one starts the sequence anew."},
            "lanenumber": {"type": "integer", "minimum": 1, "description": "Counts the endpoint's messages densely."},
            "recordversion": {"type": "integer", "minimum": 1},
            "previousversion": {"type": "integer", "minimum": 0},
            "correlationid": {"type": "string", "format": "uuid"},
            "data": _content(domain),
        },
    }  # fmt: skip


def _content(domain: Domain) -> dict[str, Any]:
    rows = {part.name: {"type": "array", "items": _row(part.attributes)} for part in domain.parts}
    return {
        "type": "object",
        "required": ["id", "code", "domain", "title", "version", "state", "merged_into", "attributes"],
        "properties": {
            "id": {"type": "string", "format": "uuid"},
            "code": TEXT,
            "domain": {"const": domain.name},
            "title": TEXT,
            "version": {"type": "integer", "minimum": 1},
            "state": {"enum": [*GoldenState.values, LEFT]},
            "merged_into": {"type": ["string", "null"], "format": "uuid"},
            "attributes": _row(domain.attributes),
            "parts": {"type": "object", "properties": rows},
            "extension": {"type": "object", "description": "Attributes the administrators of this hub added."},
            "crosswalk": {
                "type": "array",
                "items": {"type": "object", "properties": {"system": TEXT, "key": TEXT}, "required": ["system", "key"]},
            },
            "digest": TEXT,
            "changed": {"type": "array", "items": {"type": "object"}},
            "truncated": {"type": "boolean", "description": "Something was too large to send; `href` has it."},
            "left_out": {"type": "array", "items": TEXT},
            "href": {"type": "string", "format": "uri-reference"},
        },
    }


def _row(attributes: Iterable[Attribute]) -> dict[str, Any]:
    """Blank values are left out of a row, so nothing is required."""
    return {"type": "object", "properties": {one.name: _value(one) for one in attributes}}


def _value(attribute: Attribute) -> dict[str, Any]:
    shown = {"title": attribute.label} | ({"description": attribute.help} if attribute.help else {})
    if attribute.exposure is Exposure.RESTRICTED:
        return shown | {"type": ["string", "null"], "description": "Masked for whoever is not trusted with it."}
    if attribute.choices:
        return shown | {"type": "string", "examples": [value for value, _ in attribute.choices]}
    return {**shown, **KINDS[attribute.kind]}
