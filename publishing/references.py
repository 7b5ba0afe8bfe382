"""Which golden records a record's content names, so that none is told before those it stands on."""

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from mdm.domains import DOMAINS
from mdm.spec import Attribute, Kind


def _pointing(attributes: tuple[Attribute, ...]) -> tuple[str, ...]:
    return tuple(attribute.name for attribute in attributes if attribute.kind is Kind.REFERENCE)


ATTRIBUTES = {domain.name: _pointing(domain.attributes) for domain in DOMAINS}
PARTS = {
    domain.name: tuple((part.name, names) for part in domain.parts if (names := _pointing(part.attributes)))
    for domain in DOMAINS
}


def named_in(body: Mapping[str, Any]) -> list[UUID]:
    """The records an event's attributes and parts name, each once, itself left out."""
    found = {UUID(value["record"]) for value in _references(body) if value}
    return sorted(found - {UUID(body["record"])})


def _references(body: Mapping[str, Any]) -> Iterator[Any]:
    domain = body["domain"]
    for name in ATTRIBUTES.get(domain, ()):
        yield body["attributes"].get(name)
    for part, names in PARTS.get(domain, ()):
        for row in body["parts"].get(part, ()):
            yield from (row.get(name) for name in names)
