"""What a column of a file may fill: the attributes of a domain, of its parts, and those administrators added."""

from collections.abc import Mapping
from dataclasses import dataclass

from mdm.domains import BY_NAME, DOMAINS
from mdm.intake.surroundings import EXTENSION_PREFIX
from mdm.spec import Attribute, Domain, Kind, Part

BY_NAME_MARK = "@name"  # ends the target of a reference that is given by a name instead of a key


@dataclass(frozen=True, slots=True)
class Target:
    """One attribute a column may fill. ``code`` is ``name``, ``name@name`` (a reference by name), ``ext.price``, or
    ``parts.addresses.1.city`` (the first address of a row)."""

    code: str
    label: str
    group: str
    attribute: Attribute

    @property
    def in_part(self) -> bool:
        """Whether it fills a row of a part."""
        return self.code.startswith("parts.")


@dataclass(frozen=True, slots=True)
class Records:
    """What the rows of a file are: records of a domain, or rows of one of its parts. ``code`` is ``contract`` or
    ``contract.lines``."""

    domain: Domain
    part: Part | None = None

    @property
    def code(self) -> str:
        return f"{self.domain.name}.{self.part.name}" if self.part else self.domain.name

    @property
    def label(self) -> str:
        return f"{self.domain.plural}: {self.part.label.lower()}" if self.part else self.domain.plural


def records_of(code: str) -> Records | None:
    """The kind of records of that code."""
    name, _, part_name = code.partition(".")
    domain = BY_NAME.get(name)
    if domain is None:
        return None
    part = next((part for part in domain.parts if part.name == part_name), None)
    return None if part_name and part is None else Records(domain, part)


def kinds() -> list[Records]:
    """Every kind of records a file may hold: the domains first, then the rows of their parts."""
    return [Records(domain) for domain in DOMAINS] + [
        Records(domain, part) for domain in DOMAINS for part in domain.parts
    ]


def targets_of(
    records: Records, extension: Mapping[str, Attribute], rows: Mapping[str, int] | None = None
) -> list[Target]:
    """Everything a column of such a file may fill; of each part one row, or as many as ``rows`` says."""
    if records.part:
        return _targets(records.part.attributes, "", records.part.label)
    domain = records.domain
    found = _targets(domain.attributes, "", domain.label)
    found += [
        Target(EXTENSION_PREFIX + name, attribute.label, "Added attributes", attribute)
        for name, attribute in extension.items()
    ]
    for part in domain.parts:
        number = max(1, (rows or {}).get(part.name, 1))
        for place in range(1, number + 1):
            group = part.one if number == 1 else f"{part.one} {place}"
            found += _targets(part.attributes, f"parts.{part.name}.{place}.", group)
    return found


def _targets(attributes: tuple[Attribute, ...], prefix: str, group: str) -> list[Target]:
    found = []
    for attribute in attributes:
        if attribute.kind is not Kind.REFERENCE:
            found.append(Target(prefix + attribute.name, attribute.label, group, attribute))
            continue
        found.append(Target(prefix + attribute.name, f"{attribute.label}, by its key", group, attribute))
        found.append(
            Target(prefix + attribute.name + BY_NAME_MARK, f"{attribute.label}, by its name", group, attribute)
        )
    return found
