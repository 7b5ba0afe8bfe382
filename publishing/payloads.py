"""What is sent, made from the event alone: the same event gives the same bytes to every endpoint of a kind."""

from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from mdm import canonical
from mdm.domains import BY_NAME
from mdm.masking import published_body
from mdm.models import GoldenState
from publishing.models import EndpointKind

SOURCE = "/assay"


def read(event_body: str) -> dict[str, Any]:
    """The body of a change event."""
    body: dict[str, Any] = orjson.loads(event_body)
    return body


def render(kind: str, body: dict[str, Any], *, seq: int, epoch: UUID) -> str:
    """The text an endpoint of this kind is sent for the event: canonical JSON, restricted values masked."""
    body = published_body(body)
    if kind == EndpointKind.REST:
        return canonical.dumps(representation(body))
    return canonical.dumps(envelope(body, seq=seq, epoch=epoch))


def representation(body: dict[str, Any]) -> dict[str, Any]:
    """The record as the event left it: values, parts, extension, state, and the keys other systems know it by.

    A merged record says where it went: ``merged_into`` is the id that answers for it now.
    """
    return {
        "id": body["record"],
        "code": body["code"],
        "domain": body["domain"],
        "title": body["title"],
        "version": body["version"],
        "state": body["state"],
        "merged_into": body["merged_into"],
        "attributes": body["attributes"],
        "parts": body["parts"],
        "extension": body.get("extension") or {},
        "crosswalk": body.get("sources") or [],
        "digest": body["digest"],
    }


def envelope(body: dict[str, Any], *, seq: int, epoch: UUID) -> dict[str, Any]:
    """A CloudEvents 1.0 message around the representation and what changed in it.

    ``sequence`` has 20 digits, so comparing it as text gives the order of the log; a new ``epoch`` starts it anew.
    """
    return {
        "specversion": "1.0",
        "id": body["id"],
        "source": SOURCE,
        "type": f"assay.{body['domain']}.{body['verb']}.v1",
        "time": body["occurred_at"],
        "subject": body["record"],
        "datacontenttype": "application/json",
        "sequence": f"{seq:020d}",
        "epoch": str(epoch),
        "recordversion": body["version"],
        "previousversion": body["previous_version"] or 0,
        "correlationid": body["correlation_id"],
        "data": representation(body) | {"changed": changes(body)},
    }


def changes(body: dict[str, Any]) -> list[dict[str, Any]]:
    """What changed; which source said it and by which rule it won stays inside."""
    inside = ("source", "rule")
    return [{name: value for name, value in change.items() if name not in inside} for change in body["changed"]]


def ping(uid: str, challenge: str, moment: datetime) -> str:
    """The message that asks a webhook to prove that it listens: it answers {"challenge": the same text}."""
    return canonical.dumps(
        {
            "specversion": "1.0",
            "id": uid,
            "source": SOURCE,
            "type": "assay.ping.v1",
            "time": moment.isoformat(),
            "datacontenttype": "application/json",
            "data": {"challenge": challenge},
        }
    )


def path_of(template: str, body: dict[str, Any]) -> str:
    """The path of a REST target for the record: {id}, {code}, {domain} and {slug} filled in."""
    names = {"id": body["record"], "code": body["code"], "domain": body["domain"], "slug": BY_NAME[body["domain"]].slug}
    for name, value in names.items():
        template = template.replace("{" + name + "}", str(value))
    return template


def needs_holder(body: dict[str, Any]) -> bool:
    """Whether the event only withdraws a record, which is news to nobody who never held it.

    Records that went back to pending, and those retired before they were ever active. A merged record is news to all:
    the keys it is known by are answered by another one now.
    """
    if body["state"] == GoldenState.PENDING:
        return True
    return bool(body["state"] == GoldenState.RETIRED and body.get("previous_state") == GoldenState.PENDING)
