"""What a feed is judged against: the systems, added attributes and code lists the hub knows at this moment."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from mdm.models import CodeValue, ExtensionAttribute, SourceSystem
from mdm.spec import Attribute, Kind, Rule

EXTENSION_PREFIX = "ext."


@dataclass(frozen=True)
class Surroundings:
    """Source systems by code, added attributes by domain and name, codes by code set."""

    systems: frozenset[str] = frozenset()
    extension: Mapping[str, Mapping[str, Attribute]] = field(default_factory=dict)
    codes: Mapping[str, frozenset[str]] = field(default_factory=dict)


def look_around() -> Surroundings:
    """The surroundings as the database holds them. Three queries."""
    extension: dict[str, dict[str, Attribute]] = {}
    for added in ExtensionAttribute.objects.all():
        extension.setdefault(added.domain, {})[added.name] = Attribute(
            name=EXTENSION_PREFIX + added.name,
            label=added.label,
            standardise=added.standardise,
            kind=Kind(added.kind),
            rule=Rule(added.rule),
        )
    codes: dict[str, set[str]] = {}
    for code_set, code in CodeValue.objects.values_list("code_set__code", "code"):
        codes.setdefault(code_set, set()).add(code)
    return Surroundings(
        systems=frozenset(SourceSystem.objects.values_list("code", flat=True)),
        extension=extension,
        codes={name: frozenset(values) for name, values in codes.items()},
    )
