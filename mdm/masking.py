"""One masking for every edge: restricted values leave the hub as dots, whoever asks through whatever door."""

from collections.abc import Collection, Mapping, Sequence
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


def masked_row(
    attributes: Sequence[Attribute], row: Mapping[str, Any], *, reveals: Collection[str] = (), place: str = ""
) -> dict[str, Any]:
    """A row of values, masked; names the declaration does not know are restricted.

    ``reveals`` names restricted attributes that are given in full, each with its ``place``: the domain, or domain and
    part (``supplier.bank_accounts.bank``).
    """
    known = {attribute.name: attribute for attribute in attributes}
    return {name: _seen(known.get(name), value, f"{place}.{name}" in reveals) for name, value in row.items()}


def _seen(attribute: Attribute | None, value: Any, revealed: bool) -> Any:
    if attribute is None:
        return _dots(value)
    return value if revealed else masked(attribute, value)


def masked_parts(
    domain: Domain, parts: Mapping[str, Sequence[Mapping[str, Any]]], *, reveals: Collection[str] = ()
) -> dict[str, list[dict[str, Any]]]:
    """{part: [row]}, each value masked by the declaration of its part."""
    declared = {part.name: part.attributes for part in domain.parts}
    return {
        name: [masked_row(declared.get(name, ()), row, reveals=reveals, place=f"{domain.name}.{name}") for row in rows]
        for name, rows in parts.items()
    }


def masked_changes(
    domain: str, changes: Sequence[Mapping[str, Any]], *, reveals: Collection[str] = ()
) -> list[dict[str, Any]]:
    """The ``changed`` list of a version or event, masked."""
    declared = BY_NAME[domain]
    known = {attribute.name: attribute for attribute in declared.attributes}
    parts = {part.name: part.attributes for part in declared.parts}
    shown: list[dict[str, Any]] = []
    for change in changes:
        entry = dict(change)
        part = parts.get(entry.get("part", ""))
        if part is not None:
            place = f"{domain}.{entry['part']}"
            for side in ("added", "removed"):
                entry[side] = [masked_row(part, row, reveals=reveals, place=place) for row in entry.get(side, ())]
        elif (attribute := known.get(entry.get("attribute", ""))) is not None:
            revealed = f"{domain}.{attribute.name}" in reveals
            entry |= {side: _seen(attribute, entry.get(side), revealed) for side in ("before", "after")}
        shown.append(entry)
    return shown


def masked_body(body: Mapping[str, Any], *, reveals: Collection[str] = ()) -> dict[str, Any]:
    """The body of a change event, masked; extension attributes carry no exposure and stay."""
    declared = BY_NAME[body["domain"]]
    own = masked_row(declared.attributes, body.get("attributes", {}), reveals=reveals, place=declared.name)
    return {
        **body,
        "attributes": own,
        "parts": masked_parts(declared, body.get("parts", {}), reveals=reveals),
        "changed": masked_changes(body["domain"], body.get("changed", ()), reveals=reveals),
    }


def without_values(body: Mapping[str, Any]) -> dict[str, Any]:
    """The body that only names its record: no values, and its code for a title."""
    empty: dict[str, Any] = {"attributes": {}, "parts": {}, "extension": {}, "provenance": {}, "changed": []}
    return {**body, **empty, "title": body["code"]}


def is_bare(body: Mapping[str, Any]) -> bool:
    """Whether the record is only named: it goes back to pending, or is merged away from it.

    Its values were never approved for publishing.
    """
    pending = GoldenState.PENDING in (body["state"], body.get("previous_state"))
    return pending and body["state"] in (GoldenState.PENDING, GoldenState.MERGED)


def published_body(body: Mapping[str, Any], *, reveals: Collection[str] = ()) -> dict[str, Any]:
    """The body as anybody outside may have it: masked, and without values while the record is pending.

    ``reveals`` names restricted attributes this reader is trusted with.
    """
    body = {name: value for name, value in body.items() if name != "outward"}
    return without_values(body) if is_bare(body) else masked_body(body, reveals=reveals)


def restricted_names(domain: Domain) -> list[str]:
    """Every restricted attribute of the domain as ``reveals`` names it."""
    own = [f"{domain.name}.{a.name}" for a in domain.attributes if a.exposure is Exposure.RESTRICTED]
    return own + [
        f"{domain.name}.{part.name}.{attribute.name}"
        for part in domain.parts
        for attribute in part.attributes
        if attribute.exposure is Exposure.RESTRICTED
    ]
