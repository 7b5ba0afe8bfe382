"""Small worlds around one domain, made from its declaration alone: records, who they refer to, who refers to them."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from django.db import models

from mdm import canonical
from mdm.domains import BY_NAME, DOMAINS
from mdm.mastering.turns import referred
from mdm.models import SourceRecord
from mdm.spec import Attribute, Domain, Kind, Part, Severity
from tests.mdm.making import MARCH, golden, source, system

One = TypeVar("One")
SYSTEMS = ("erp", "ap", "lab")  # trusted in this order; the last one has no rank


@dataclass
class World:
    """Golden and source records in the order they came: steps name them by their places."""

    domain: Domain
    seed: int
    keys: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    records: list[UUID] = field(default_factory=list)
    domains: list[str] = field(default_factory=list)
    sources: list[int] = field(default_factory=list)
    edits: list[int] = field(default_factory=list)

    def twin(self) -> "World":
        """The same world, to be told something else."""
        return replace(self, records=[*self.records], domains=[*self.domains], sources=[*self.sources], edits=[])

    def at(self, revision: int) -> datetime:
        """When a source said its n-th word."""
        return MARCH + timedelta(hours=revision % 7)

    def said(self, domain: Domain, number: int, revision: int) -> tuple[dict[str, Any], dict[str, Any]]:
        """Values and parts that a source of the world may send."""
        seed = [self.seed, number, revision]
        parts = {part.name: self.rows(domain, part, seed) for part in domain.parts}
        return self._row(domain.attributes, domain.model, needed(domain), seed), parts

    def rows(self, domain: Domain, part: Part, seed: Sequence[object]) -> list[dict[str, Any]]:
        """Up to two rows of a part; keys collide often."""
        return [self.one(domain, part, [*seed, n]) for n in range(among((0, 1, 1, 2), *seed, part.name))]

    def one(self, domain: Domain, part: Part, seed: Sequence[object]) -> dict[str, Any]:
        """A row of a part."""
        must = {*needed(domain, part.name), part.key[0]}
        return self._row(part.attributes, part.model, must, [*seed, part.name])

    def _row(
        self, attributes: Sequence[Attribute], model: type[models.Model], must: set[str], seed: Sequence[object]
    ) -> dict[str, Any]:
        found = {a.name: self.value(a, model, [*seed, a.name]) for a in attributes}
        may = {a.name for a in attributes if a.name not in must and model._meta.get_field(a.name).blank}
        silent = {name for name in may if among((True, False, False), *seed, name, "?")}
        return {name: value for name, value in found.items() if value is not None and name not in silent}

    def value(self, attribute: Attribute, model: type[models.Model], seed: Sequence[object]) -> Any:
        """A value of the attribute, out of few."""
        number: int = among((1, 2, 3), *seed)
        if attribute.kind is Kind.REFERENCE:
            code, key = among((("erp", "nobody"), *self.keys.get(attribute.references, ())), *seed)
            return {"system": code, "domain": attribute.references, "key": key} if key != "nobody" else None
        if attribute.choices:
            return among(attribute.choices, *seed)[0]
        if attribute.kind is Kind.DATE:
            return f"202{7 if attribute.name.endswith('_to') else 5}-01-0{number}"
        if attribute.kind is Kind.DECIMAL:
            return f"{number}.5"
        if attribute.kind is Kind.INTEGER:
            return number
        if attribute.kind is Kind.BOOLEAN:
            return number == 1
        if attribute.name == "account_tail":
            return f"••••{number}"
        column = model._meta.get_field(attribute.name)
        return f"{number}{attribute.label}"[: getattr(column, "max_length", None)]


def among(options: Sequence[One], *seed: object) -> One:
    """One of the options, always the same for the same seed."""
    return options[int(canonical.digest([str(word) for word in seed])[:8], 16) % len(options)]


def needed(domain: Domain, part: str = "") -> set[str]:
    """The attributes without which intake takes no row; of several that are enough, the last."""
    names = [
        name.rpartition(".")
        for rule in domain.validations
        if rule.severity is Severity.REFUSE
        for name in rule.attributes[-1 if rule.check == "at_least_one" else 0 :]
    ]
    return {name for of, _, name in names if of == part and not name.startswith("valid_")}


def make_world(domain: Domain, seed: int, suspected: int) -> World:
    """Four records of the domain, every other one of two sources, and two of each domain around it.

    ``suspected`` are bits: which of the four wait for a person.
    """
    world = World(domain, seed)
    around = [one for one in DOMAINS if one is domain or one.name in referred(domain) or domain.name in referred(one)]
    for rank, code in enumerate(SYSTEMS[:2], start=1):
        system(code, **{one.name: rank for one in around})
    for one in around:
        world.keys[one.name] = [
            (SYSTEMS[twin], f"{one.prefix}{n}{twin}")
            for n in range(4 if one is domain else 2)
            for twin in range(1 + (n % 2 if one is domain else 0))
        ]
    for one in around:
        groups: dict[str, list[SourceRecord]] = {}
        for code, key in world.keys[one.name]:
            groups.setdefault(key[:-1], []).append(send(world, code, one.name, key))
        for n, group in enumerate(groups.values()):
            waits = one is domain and suspected >> n & 1
            world.records.append(golden(*group, state="pending" if waits else "active").pk)
            world.domains.append(one.name)
    return world


def send(world: World, code: str, domain: str, key: str) -> SourceRecord:
    """A source record comes into the world; linked by nobody yet."""
    values, parts = world.said(BY_NAME[domain], len(world.sources), 0)
    sent = source(code, domain, key, parts=parts, as_of=world.at(len(world.sources)), **values)
    world.sources.append(sent.pk)
    return sent
