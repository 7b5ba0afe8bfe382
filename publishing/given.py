"""What an endpoint was given of a record, as it could keep it: as it was sent, or made again from the event."""

from collections.abc import Mapping
from copy import copy
from typing import Any
from uuid import UUID

import orjson

from mdm.domains import BY_NAME
from mdm.models import ChangeEvent, ExtensionAttribute
from publishing import mapping, payloads
from publishing.comparing import flat
from publishing.models import Delivery, Endpoint, EndpointKind

Json = dict[str, Any]
CANONICAL = ("id", "code", "domain", "title", "version", "state", "merged_into", "attributes", "parts", "extension")


def content_of(kind: str, text: str) -> Json:
    """The content of a message: the body of a push, the ``data`` of a webhook without what changed.

    Empty where it is no JSON with content, such as a line of a file.
    """
    try:
        message = orjson.loads(text)
    except ValueError:
        return {}
    content = message.get("data") if kind == EndpointKind.WEBHOOK and isinstance(message, dict) else message
    return {name: value for name, value in content.items() if name != "changed"} if isinstance(content, dict) else {}


def digest_of(kind: str, text: str) -> str:
    """The digest a target can compute of a message; blank where it has no content to speak of."""
    content = content_of(kind, text)
    return payloads.content_digest(content) if content else ""


def given(endpoint: Endpoint, places: Mapping[UUID, int]) -> dict[UUID, Json]:
    """{record: content} of the message each record was last acknowledged with, by its number in the log.

    A message no longer kept is made again from its event; a record whose event is gone as well is absent. Two queries.
    """
    found: dict[UUID, Json] = {}
    sent = Delivery.objects.filter(endpoint=endpoint, record_id__in=places, seq__in=set(places.values())).exclude(
        body=""
    )
    for record_id, seq, body in sent.values_list("record_id", "seq", "body"):
        if places[record_id] == seq and (content := content_of(endpoint.kind, body)):
            found[record_id] = content
    for record_id, event_body in _bodies({one: seq for one, seq in places.items() if one not in found}).items():
        if content := made(endpoint, event_body):
            found[record_id] = content
    return found


def _bodies(places: Mapping[UUID, int]) -> dict[UUID, Json]:
    if not places:
        return {}
    events = ChangeEvent.objects.filter(seq__in=places.values()).values_list("record_id", "seq", "body")
    return {record_id: payloads.read(body) for record_id, seq, body in events if places.get(record_id) == seq}


def made(endpoint: Endpoint, body: Json) -> Json:
    """The content an event of this body gives the endpoint today; empty where it cannot be written for it any more."""
    try:
        return payloads.content(endpoint, body)
    except (mapping.Unfit, KeyError, TypeError, ValueError):
        return {}


def concealed(endpoint: Endpoint, places: Mapping[UUID, int]) -> dict[UUID, frozenset[str] | None]:
    """{record: dotted fields only this endpoint is given in full}, which nobody may read off a list of differences.

    None stands for all of them: the event is gone, so nobody can tell which they are.
    """
    if not endpoint.reveals:
        return dict.fromkeys(places, frozenset())
    plain = copy(endpoint)
    plain.reveals = []
    bodies = _bodies(places)
    fields: dict[UUID, frozenset[str] | None] = dict.fromkeys(places, None)
    for record_id, body in bodies.items():
        full, dotted = flat(made(endpoint, body)), flat(made(plain, body))
        fields[record_id] = frozenset(name for name, value in full.items() if dotted.get(name) != value)
    return fields


def known_fields(endpoint: Endpoint, domain: str) -> frozenset[str]:
    """Dotted names of fields a record of the domain may have at this endpoint, also where they are blank."""
    declared = BY_NAME[domain]
    if domain in endpoint.mapping:
        return frozenset(one.to[0] for one in mapping.parse(endpoint.mapping)[domain])
    added = ExtensionAttribute.objects.filter(domain=domain).values_list("name", flat=True)
    return frozenset((
        *CANONICAL,
        *(f"attributes.{attribute.name}" for attribute in declared.attributes),
        *(f"parts.{part.name}" for part in declared.parts),
        *(f"extension.{name}" for name in added),
    ))  # fmt: skip
