"""One masking for every edge: restricted values leave the hub as dots, whoever asks through whatever door."""

from collections.abc import Mapping, Sequence
from typing import Any

from mdm.domains import BY_NAME
from mdm.models import GoldenState
from mdm.spec import Attribute, Domain, Exposure

MASK = "••••"


def masked(attribute: Attribute, value: Any) -> Any:
    """The value as anybody may see it: restricted ones as dots, unless they are a dotted tail already."""
    return value if attribute.exposure is not Exposure.RESTRICTED else _dots(value)


def _dots(value: Any) -> Any:
    if value is None or value == "" or (isinstance(value, str) and value.startswith(MASK)):
        return value
    return MASK


def masked_row(attributes: Sequence[Attribute], row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of values, masked; names the declaration does not know are restricted."""
    known = {attribute.name: attribute for attribute in attributes}
    return {name: masked(known[name], value) if name in known else _dots(value) for name, value in row.items()}


def masked_parts(domain: Domain, parts: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """{part: [row]}, each value masked by the declaration of its part."""
    declared = {part.name: part.attributes for part in domain.parts}
    return {name: [masked_row(declared.get(name, ()), row) for row in rows] for name, rows in parts.items()}


def masked_changes(domain: str, changes: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The ``changed`` list of a version or event, masked."""
    declared = BY_NAME[domain]
    known = {attribute.name: attribute for attribute in declared.attributes}
    parts = {part.name: part.attributes for part in declared.parts}
    shown: list[dict[str, Any]] = []
    for change in changes:
        entry = dict(change)
        part = parts.get(entry.get("part", ""))
        if part is not None:
            for side in ("added", "removed"):
                entry[side] = [masked_row(part, row) for row in entry.get(side, ())]
        elif (attribute := known.get(entry.get("attribute", ""))) is not None:
            entry |= {side: masked(attribute, entry.get(side)) for side in ("before", "after")}
        shown.append(entry)
    return shown


def masked_body(body: Mapping[str, Any]) -> dict[str, Any]:
    """The body of a change event, masked; extension attributes carry no exposure and stay."""
    declared = BY_NAME[body["domain"]]
    return {
        **body,
        "attributes": masked_row(declared.attributes, body.get("attributes", {})),
        "parts": masked_parts(declared, body.get("parts", {})),
        "changed": masked_changes(body["domain"], body.get("changed", ())),
    }


def published_body(body: Mapping[str, Any]) -> dict[str, Any]:
    """The body as anybody outside may have it: masked, and without values while the record is pending.

    A record that goes back to pending, or is merged away from it, is only named: where it went, or that it no longer
    stands. Its values were never approved for publishing.
    """
    body = {name: value for name, value in body.items() if name != "outward"}
    pending = GoldenState.PENDING in (body["state"], body.get("previous_state"))
    if pending and body["state"] in (GoldenState.PENDING, GoldenState.MERGED):
        empty: dict[str, Any] = {"attributes": {}, "parts": {}, "extension": {}, "provenance": {}, "changed": []}
        return {**body, **empty, "title": body["code"]}
    return masked_body(body)
