"""What is sent, made from the event, its place in the lane and what the endpoint is to be given."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from django.conf import settings

from mdm import canonical
from mdm.domains import BY_NAME
from mdm.masking import is_bare, published_body, without_values
from mdm.models import GoldenState
from publishing import mapping
from publishing.models import Endpoint, EndpointKind
from publishing.translating import words_of

SOURCE = "/assay"
LEFT = "left"
MESSAGE_MOST = 64_000  # bytes; gateways in front of receivers commonly stop at 64 kB
CONTENT_MOST = 56_000  # leaves room for the envelope and the names of what changed
MAPPED_MOST = 1_000_000  # a REST target or file that asked for its own fields


def read(event_body: str) -> dict[str, Any]:
    """The body of a change event."""
    body: dict[str, Any] = orjson.loads(event_body)
    return body


def render(endpoint: Endpoint, body: dict[str, Any], *, seq: int, epoch: UUID, number: int) -> str:
    """The text the endpoint is sent for the event: canonical JSON, restricted values masked.

    Raises mapping.NoTranslation and mapping.Unfit where the endpoint's mapping cannot give the record.
    """
    seen, bare = _seen(endpoint, body)
    return _text(endpoint, seen, _given(endpoint, seen, bare=bare), seq=seq, epoch=epoch, number=number)


def render_left(endpoint: Endpoint, body: dict[str, Any], *, seq: int, epoch: UUID, number: int) -> str:
    """The last word about a record that is not meant for this endpoint any more: named, without values."""
    seen = _without(body)
    return _text(endpoint, seen, _given(endpoint, seen, bare=True), seq=seq, epoch=epoch, number=number)


def content_left(endpoint: Endpoint, body: dict[str, Any]) -> dict[str, Any]:
    """What the endpoint is given as the last word about a record: its names, and that it left."""
    return _given(endpoint, _without(body), bare=True)


def _without(body: dict[str, Any]) -> dict[str, Any]:
    return without_values(body) | {"state": LEFT, "verb": LEFT}


def _text(
    endpoint: Endpoint, seen: dict[str, Any], given: dict[str, Any], *, seq: int, epoch: UUID, number: int
) -> str:
    if endpoint.kind != EndpointKind.WEBHOOK:
        return canonical.dumps(given)
    mapped = seen["domain"] in endpoint.mapping
    message = envelope(
        seen, seq=seq, epoch=epoch, number=number, given=given, mapped=mapped, reveals=endpoint.reveals
    )  # fmt: skip
    text = canonical.dumps(message)
    if len(text.encode()) > MESSAGE_MOST and not mapped:
        names = [{name: change[name] for name in ("attribute", "part") if name in change} for change in changes(seen)]
        message["data"] = given | _left_out(seen, [*given.get("left_out", ()), "changed"]) | {"changed": names}
        text = canonical.dumps(message)
    return text


def content(endpoint: Endpoint, body: dict[str, Any]) -> dict[str, Any]:
    """What the endpoint is given of the record, as it can rebuild it from what it was sent.

    The whole body of a REST push, the ``data`` of a webhook without ``changed``, the row of a file. At most 56 kB of
    the canonical form: parts beyond that are left out and named, with a link to the record. Raises as ``render`` does.
    """
    seen, bare = _seen(endpoint, body)
    return _given(endpoint, seen, bare=bare)


def content_digest(given: dict[str, Any]) -> str:
    """SHA-256 of the content's canonical JSON, in hex."""
    return canonical.digest(given)


def _seen(endpoint: Endpoint, body: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    """The body as this endpoint may have it, and whether it only names its record."""
    return published_body(body, reveals=frozenset(endpoint.reveals)), is_bare(body)


def _given(endpoint: Endpoint, seen: dict[str, Any], *, bare: bool) -> dict[str, Any]:
    record = representation(seen)
    fields = mapping.parse(endpoint.mapping).get(seen["domain"])
    if fields is None:
        return record if endpoint.kind == EndpointKind.FILE else _fitted(seen, record)
    made = mapping.shape(fields, record, word=words_of(endpoint), bare=bare)
    if endpoint.kind == EndpointKind.FILE:  # many rows of a file are no large message
        return made
    most = CONTENT_MOST if endpoint.kind == EndpointKind.WEBHOOK else MAPPED_MOST
    if (size := _size(made)) > most:
        sentence = f"The record would take {size // 1000} kB; at most {most // 1000} kB are sent. Map fewer rows."
        raise mapping.Unfit([("body", sentence)])
    return made


def _fitted(seen: dict[str, Any], record: dict[str, Any]) -> dict[str, Any]:
    """The record, its largest lists left out and named where it would be too large to send."""
    if _size(record) <= CONTENT_MOST:
        return record
    lists: list[tuple[int, str]] = [(_size(rows), f"parts.{name}") for name, rows in record["parts"].items()]
    lists += [(_size(record[name]), name) for name in ("crosswalk", "extension")]
    kept = record | {"parts": dict(record["parts"])}
    gone: list[str] = []
    for _, name in sorted(lists, reverse=True):
        part = name.removeprefix("parts.")
        if part != name:
            del kept["parts"][part]
        else:
            del kept[name]
        gone.append(name)
        if _size(kept) <= CONTENT_MOST:
            break
    return kept | _left_out(seen, gone)


def _left_out(seen: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {"truncated": True, "left_out": sorted(names), "href": record_href(seen["domain"], seen["record"])}


def record_href(domain: str, record_id: str) -> str:
    """Where the API gives the whole record."""
    return f"{settings.PUBLIC_URL}/api/v1/{BY_NAME[domain].slug}/{record_id}"


def schema_href(message_type: str) -> str:
    """Where the API describes messages of this type."""
    return f"{settings.PUBLIC_URL}/api/v1/message-schemas/{message_type}"


def _size(value: Any) -> int:
    return len(canonical.dumps(value).encode())


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


def envelope(
    body: dict[str, Any],
    *,
    seq: int,
    epoch: UUID,
    number: int,
    given: dict[str, Any] | None = None,
    mapped: bool = False,
    reveals: Sequence[str] = (),
) -> dict[str, Any]:
    """A CloudEvents 1.0 message around what is ``given`` of the record and what changed in it.

    ``sequence`` has 20 digits, so comparing it as text gives the order of the log; a new ``epoch`` starts it anew.
    ``lanenumber`` counts the messages of this endpoint without gaps, so that it can tell that it missed one.
    ``dataclassification`` is *restricted* where the endpoint is trusted with restricted values of the domain.
    A mapped record comes in the target's own form: no schema of ours describes it, and ``changed`` would name
    values the mapping leaves out.
    """
    kind = message_type(body["domain"], body["verb"])
    message = {
        "specversion": "1.0",
        "id": body["id"],
        "source": SOURCE,
        "type": kind,
        "time": body["occurred_at"],
        "subject": body["record"],
        "datacontenttype": "application/json",
        "sequence": f"{seq:020d}",
        "epoch": str(epoch),
        "lanenumber": number,
        "recordversion": body["version"],
        "previousversion": body["previous_version"] or 0,
        "correlationid": body["correlation_id"],
        "dataclassification": classification(body["domain"], reveals),
        "data": representation(body) if given is None else given,
    }
    if not mapped:
        message["dataschema"] = schema_href(kind)
        message["data"] = message["data"] | {"changed": changes(body)}
    return message


def message_type(domain: str, verb: str) -> str:
    """The CloudEvents type of what happened to a record: assay.supplier.changed.v1."""
    return f"assay.{domain}.{verb}.v1"


def classification(domain: str, reveals: Sequence[str]) -> str:
    """The highest exposure of what a message of this domain may hold in full."""
    return "restricted" if any(name.startswith(f"{domain}.") for name in reveals) else "internal"


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
