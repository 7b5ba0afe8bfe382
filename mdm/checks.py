"""System checks: a domain's declaration and its typed model must agree, and every word used must exist."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error, register
from django.db import models

from mdm.domains import BY_NAME, DOMAINS
from mdm.hierarchies.rollups import ROLLUPS
from mdm.models.golden import GoldenPart, GoldenValues, VersionRow
from mdm.quality import CHECKS
from mdm.spec import Attribute, Domain, Kind, Part
from mdm.standardise import STANDARDISERS

FIELD_KINDS: dict[Kind, "tuple[type[models.Field[Any, Any]], ...]"] = {
    Kind.TEXT: (models.CharField, models.TextField),
    Kind.CODE: (models.CharField,),
    Kind.DATE: (models.DateField,),
    Kind.DECIMAL: (models.DecimalField,),
    Kind.INTEGER: (models.IntegerField,),
    Kind.BOOLEAN: (models.BooleanField,),
    Kind.REFERENCE: (models.ForeignKey,),
}


@register()
def check_domains(app_configs: Sequence[AppConfig] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Every disagreement in every declaration, as errors mdm.E001 to mdm.E006."""
    return [
        Error(message, hint=f"See mdm/domains/ ({domain.name}).", id=f"mdm.E00{number}")
        for domain in DOMAINS
        for number, message in _problems(domain)
    ]


def _problems(domain: Domain) -> Iterator[tuple[int, str]]:
    yield from _attribute_problems(domain.model, domain.attributes, GoldenValues)
    reserved = {field.name for field in VersionRow._meta.get_fields()} if hasattr(VersionRow, "_meta") else set()
    for attribute in domain.attributes:
        if attribute.name in reserved:
            yield 2, f"{domain.name}.{attribute.name} has the name of a column every version has."
    names = {attribute.name for attribute in domain.attributes}
    for name in (domain.title, *domain.columns):
        if name not in names:
            yield 3, f"{domain.name} shows an attribute {name} it does not declare."
    for part in domain.parts:
        yield from _part_problems(domain, part)
    names |= {f"{part.name}.{attribute.name}" for part in domain.parts for attribute in part.attributes}
    yield from _rollup_problems(domain)
    for rule in domain.validations:
        if rule.check not in CHECKS:
            yield 6, f"{domain.name} uses a rule {rule.check} that does not exist."
        for name in rule.attributes:
            if name not in names:
                yield 6, f"{domain.name} validates an attribute {name} it does not declare."


def _rollup_problems(domain: Domain) -> Iterator[tuple[int, str]]:
    names = {attribute.name for attribute in domain.attributes}
    for rollup in domain.rollups:
        if rollup.check not in ROLLUPS:
            yield 6, f"{domain.name} uses a roll-up check {rollup.check} that does not exist."
        for name in rollup.attributes:
            if name not in names:
                yield 6, f"{domain.name} rolls up an attribute {name} it does not declare."


def _part_problems(domain: Domain, part: Part) -> Iterator[tuple[int, str]]:
    yield from _attribute_problems(part.model, part.attributes, GoldenPart)
    for name in part.key:
        if name not in {attribute.name for attribute in part.attributes}:
            yield 4, f"The key of {domain.name}.{part.name} names {name}, which the part does not declare."


def _attribute_problems(
    model: type[models.Model], attributes: Sequence[Attribute], base: type[models.Model]
) -> Iterator[tuple[int, str]]:
    inherited = {field.name for field in base._meta.get_fields()} | {"id", "record"}
    fields = {field.name: field for field in model._meta.concrete_fields if field.name not in inherited}
    declared = {attribute.name: attribute for attribute in attributes}
    for name in sorted(fields.keys() ^ declared.keys()):
        where = "the model" if name in fields else "the declaration"
        yield 1, f"{model.__name__}.{name} stands in {where} only."
    for name, attribute in declared.items():
        if name in fields and not isinstance(fields[name], FIELD_KINDS[attribute.kind]):
            yield 1, f"{model.__name__}.{name} is declared {attribute.kind} but is a {type(fields[name]).__name__}."
        if attribute.standardise not in STANDARDISERS:
            yield 5, f"{model.__name__}.{name} names a standardiser {attribute.standardise} that does not exist."
        if (attribute.kind is Kind.REFERENCE) != (attribute.references in BY_NAME):
            yield 5, f"{model.__name__}.{name} refers to a domain {attribute.references!r} that does not exist."
