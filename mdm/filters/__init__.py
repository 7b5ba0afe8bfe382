"""Filters generated from a domain's declaration: every attribute has one, for pages and API alike.

An attribute's own name means equality; ``__in``, ``__icontains``, ``__gte`` and ``__lte`` follow its kind;
``part.attribute`` asks whether any row of a part fits; ``ext.name`` is an attribute an administrator added.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import django_filters
from django.db.models import QuerySet
from django.http import QueryDict

from mdm.domains import BY_NAME
from mdm.errors import Invalid
from mdm.filters.common import common_filters
from mdm.filters.kinds import AttributeFilter, ExtensionFilter, PartFilter, filters_of_kind
from mdm.filters.terms import bears, compact, identifier_candidates, typeable, words_of
from mdm.mastering.compose import EXTENSION_PREFIX, extension_attributes
from mdm.models import GoldenValues
from mdm.spec import Attribute, Domain, Exposure, Part

__all__ = [
    "DomainFilters",
    "apply",
    "bears",
    "compact",
    "extension_filters",
    "filters_for",
    "identifier_candidates",
    "problems_of",
    "typeable",
    "withheld",
    "words_of",
]


def withheld(attribute: Attribute) -> str:
    """Why an attribute has no filter, "" where it has one."""
    if attribute.exposure is Exposure.RESTRICTED:
        return "restricted: whoever may not see a value must not find records by it either"
    return ""


class DomainFilters(django_filters.FilterSet):  # type: ignore[misc]  # the library ships no types
    """The filters of one domain over its typed golden table (joined to the identity as ``record``)."""

    domain: Domain

    @property
    def problems(self) -> tuple[tuple[str, str], ...]:
        """(parameter, what is wrong with it) of everything asked, unknown parameters included; () when all is well."""
        unknown = [
            (name, f"There is no filter {name} on {self.domain.plural.lower()}. {self._nearest(name)}")
            for name in self.data
            if name not in self.filters
        ]
        wrong = [(name, " ".join(str(message) for message in messages)) for name, messages in self.form.errors.items()]
        return (*unknown, *wrong)

    def _nearest(self, name: str) -> str:
        stem = name.partition("__")[0].partition(".")[0]
        near = [known for known in self.filters if known.partition("__")[0].partition(".")[0] == stem]
        return f"Known are: {', '.join(near or [known for known in self.filters if '__' not in known])}."


@cache
def filters_for(domain_name: str) -> type[DomainFilters]:
    """The filter set of a domain, without what administrators added (those join when it is used)."""
    domain = BY_NAME[domain_name]
    made: dict[str, AttributeFilter] = dict(common_filters(domain))
    for attribute in domain.attributes:
        made |= _attribute_filters(attribute)
    for part in domain.parts:
        made |= _part_filters(part)
    meta = type("Meta", (), {"model": domain.model, "fields": []})
    return type(f"{domain.model.__name__}Filters", (DomainFilters,), {**made, "domain": domain, "Meta": meta})


def apply(domain: Domain, params: Mapping[str, Any], rows: QuerySet[GoldenValues]) -> QuerySet[GoldenValues]:
    """The rows that pass every filter asked for; Invalid names every unknown parameter and every wrong value."""
    chosen = _chosen(domain, params, rows)
    problems = chosen.problems
    if problems:
        raise Invalid("The filters cannot be understood.", "Correct the parameters named, or leave them out.", problems)
    filtered: QuerySet[GoldenValues] = chosen.qs
    return filtered


def problems_of(domain: Domain, params: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """(parameter, what is wrong with it) of everything asked, as `apply` would refuse it; () when all is well."""
    return _chosen(domain, params, domain.model._default_manager.none()).problems


def _chosen(domain: Domain, params: Mapping[str, Any], rows: QuerySet[Any]) -> DomainFilters:
    asked = {name: value for name, value in _flat(params).items() if value != ""}
    chosen = filters_for(domain.name)(asked, queryset=rows)
    if any(name.startswith(EXTENSION_PREFIX) for name in asked):
        chosen.filters.update(extension_filters(extension_attributes(domain)))
    return chosen


def _flat(params: Mapping[str, Any]) -> dict[str, str]:
    """One text per parameter: repeated parameters of a query string read like words between commas."""
    if isinstance(params, QueryDict):
        return {name: ",".join(values) for name, values in params.lists()}
    return {name: str(value) for name, value in params.items()}


def _attribute_filters(attribute: Attribute) -> dict[str, AttributeFilter]:
    if withheld(attribute):
        return {}
    return {
        attribute.name + suffix: AttributeFilter(column=attribute.name, condition=condition, field=field, schema=schema)
        for suffix, condition, field, schema in filters_of_kind(attribute)
    }


def _part_filters(part: Part) -> dict[str, PartFilter]:
    """Equality only, or any of several words: a part is searched for a row, not browsed."""
    made: dict[str, PartFilter] = {}
    for attribute in part.attributes:
        if not withheld(attribute):
            _, condition, field, schema = filters_of_kind(attribute, within_part=True)[0]
            field.label = f"{part.one}: {field.label}"
            name = f"{part.name}.{attribute.name}"
            made[name] = PartFilter(column=attribute.name, condition=condition, field=field, schema=schema)
            made[name].part = part
    return made


def extension_filters(attributes: Sequence[Attribute]) -> dict[str, ExtensionFilter]:
    """The filters of attributes administrators added, by parameter name."""
    made: dict[str, ExtensionFilter] = {}
    for attribute in attributes:
        bare = attribute.name.removeprefix(EXTENSION_PREFIX)
        for suffix, condition, field, schema in filters_of_kind(attribute):
            made[attribute.name + suffix] = ExtensionFilter(
                column=f"ext_{bare}", condition=condition, field=field, schema=schema
            )
            made[attribute.name + suffix].kind = attribute.kind
    return made
