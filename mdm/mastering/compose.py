"""Composing a golden record from its offers: the pure function the whole hub rests on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from mdm.compiled import Compiled
from mdm.mastering.offers import Source
from mdm.models import ExtensionAttribute
from mdm.quality import failed, part_of
from mdm.spec import Attribute, Domain, Kind, Part, Rule
from mdm.survivorship import Offer, Survivor, survive, trust_order, unite

EXTENSION_PREFIX = "ext."
IN_ORDER = "dates_in_order"  # the check of a start and an end
ANY_SCHEME = "any"  # look-up by a bare value, whatever its scheme


@dataclass(frozen=True)
class PartRow:
    """One surviving row of a part, as JSON values, and the source record it came from."""

    values: Mapping[str, Any]
    source_record: int
    source: str


@dataclass(frozen=True)
class Composition:
    """Everything about a golden record that its sources decide. ``parts`` is {part: {part key: row}}."""

    values: Mapping[str, Any]
    extension: Mapping[str, Any]
    provenance: Mapping[str, Mapping[str, Any]]
    parts: Mapping[str, Mapping[str, PartRow]]
    sources: Sequence[Mapping[str, str]]

    def plain_parts(self) -> dict[str, list[dict[str, Any]]]:
        """{part: [row]} in key order, empty parts left out."""
        return {name: [dict(rows[key].values) for key in sorted(rows)] for name, rows in self.parts.items() if rows}


def extension_attributes(domain: Domain) -> tuple[Attribute, ...]:
    """The attributes administrators added to a domain, as attributes named ``ext.<name>``."""
    return tuple(
        Attribute(
            name=EXTENSION_PREFIX + added.name, label=added.label, standardise=added.standardise,
            kind=Kind(added.kind), rule=Rule(added.rule), help=added.help,
        )
        for added in _ADDED.records(domain=domain.name)
    )  # fmt: skip


_ADDED = Compiled(lambda domain: ExtensionAttribute.objects.filter(domain=domain).order_by("name"), domain="any")


def compose(
    domain: Domain, added: Sequence[Attribute], offers: Sequence[Offer], sources: Sequence[Source]
) -> Composition:
    """The golden record these offers make. Same offers, same result, in whatever order they come."""
    own = _in_order(domain, survive(domain.attributes, offers))
    extra = survive(added, offers)
    return Composition(
        values={name: survivor.value for name, survivor in own.items() if survivor.value is not None},
        extension={
            name.removeprefix(EXTENSION_PREFIX): survivor.value
            for name, survivor in extra.items()
            if survivor.value is not None
        },
        provenance={name: _origin(survivor) for name, survivor in {**own, **extra}.items()},
        parts={part.name: _rows(part, offers) for part in domain.parts},
        sources=[
            {"system": source.system.code, "key": source.key}
            for source in sorted(sources, key=lambda source: (source.system.code, source.key))
            if not source.part and not source.system.internal
        ],
    )


def _in_order(domain: Domain, chosen: Mapping[str, Survivor]) -> dict[str, Survivor]:
    """The survivors without dates that contradict a better one: of one source's start after another's end, the date of
    the better trusted source stays. Each source keeps the order for itself, so nothing else would hold it here."""
    kept = dict(chosen)
    for rule in domain.validations:
        if rule.check != IN_ORDER or part_of(rule):
            continue
        told = {name: kept[name] for name in rule.attributes if name in kept}
        if failed([rule], {name: survivor.value for name, survivor in told.items()}):
            del kept[max(told, key=lambda name: trust_order(kept[name].offer))]
    return kept


def _origin(survivor: Survivor) -> dict[str, Any]:
    offer = survivor.offer
    return {"source_record": offer.source_record, "source": offer.source, "key": offer.key, "rule": survivor.rule}


def _rows(part: Part, offers: Sequence[Offer]) -> dict[str, PartRow]:
    if not any(offer.parts.get(part.name) for offer in offers):
        return {}
    known = {attribute.name for attribute in part.attributes}
    return {
        key: PartRow(
            {name: value for name, value in survivor.value.items() if name in known},
            survivor.offer.source_record,
            survivor.offer.source,
        )
        for key, survivor in unite(part, offers).items()
    }


def search_text(domain: Domain, code: str, title: str, composed: Composition) -> str:
    """Upper-case text the search box looks through: code, names, searchable values, source keys; each once.

    Names with punctuation stand a second time without it (and without spaces), so that O'NEIL is found by ONEIL.
    """
    words = [code, title]
    words += [str(composed.values[a.name]) for a in domain.attributes if a.searchable and a.name in composed.values]
    for part in domain.parts:
        names = [attribute.name for attribute in part.attributes if attribute.searchable]
        rows = composed.parts.get(part.name, {}).values() if names else ()
        words += [str(row.values[name]) for row in rows for name in names if name in row.values]
    words += ["".join(c for c in word if c.isalnum()) for word in words if not word.replace(" ", "").isalnum()]
    words += [source["key"] for source in composed.sources]
    return "\n".join(dict.fromkeys(word.upper() for word in words if word))[:20000]


def identifiers(domain: Domain, composed: Composition) -> list[str]:
    """Every identifier as ``scheme:value`` and as ``any:value``, upper-case and without punctuation, sorted."""
    found = {
        identifier(attribute.scheme, composed.values[attribute.name])
        for attribute in domain.attributes
        if attribute.scheme and attribute.name in composed.values
    }
    for part in domain.parts:
        schemed = [attribute for attribute in part.attributes if attribute.scheme]
        for row in composed.parts.get(part.name, {}).values():
            found |= {identifier(a.scheme, row.values[a.name]) for a in schemed if a.name in row.values}
            if "scheme" in row.values and "value" in row.values:
                found.add(identifier(str(row.values["scheme"]), row.values["value"]))
    return sorted(found | {f"{ANY_SCHEME}:{pair.split(':', 1)[1]}" for pair in found})


def identifier(scheme: str, value: object) -> str:
    """How an identifier is stored for look-up: 84-1368850 as tax_id:841368850."""
    return f"{scheme.lower()}:{''.join(c for c in str(value).upper() if c.isalnum())}"[:120]


def references_in(domain: Domain, composed: Composition) -> set[UUID]:
    """Golden ids this record points to, in attributes and parts."""
    found = {
        composed.values[a.name] for a in domain.attributes if a.kind is Kind.REFERENCE and a.name in composed.values
    }
    for part in domain.parts:
        pointing = [attribute.name for attribute in part.attributes if attribute.kind is Kind.REFERENCE]
        for row in composed.parts.get(part.name, {}).values() if pointing else ():
            found |= {row.values[name] for name in pointing if name in row.values}
    return {UUID(value) for value in found}
