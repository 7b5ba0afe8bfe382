"""System checks: a domain's matching is declared in words that matching knows."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error, register

from matching.blocking import single_passes
from matching.comparisons import MEASURES
from matching.features import WORDS
from matching.models import RelationKind
from mdm.domains import DOMAINS
from mdm.spec import Domain


@register()
def declarations(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Every slip of every domain's MATCHING at once."""
    return [
        Error(slip, hint=f"See mdm/domains/ ({domain.name}).", id="matching.E001")
        for domain in DOMAINS
        for slip in slips(domain)
    ]


def slips(domain: Domain) -> Iterator[str]:
    """What is wrong with one domain's MATCHING, in sentences."""
    matching = domain.matching
    features = {feature.name for feature in matching.features}
    yield from (f'{domain.name}: no feature is made by "{f.make}".' for f in matching.features if f.make not in WORDS)
    for relating in matching.relations:
        made = [feature for feature in (relating.one, relating.other, relating.unless) if feature]
        yield from (f'{domain.name}: no feature is made by "{f.make}".' for f in made if f.make not in WORDS)
        if relating.kind not in RelationKind.values:
            yield f"{domain.name}: there is no relation {relating.kind}."
    named = {
        "blocking": {name for names in matching.blocking for name in names},
        "comparisons": {comparison.feature for comparison in matching.comparisons},
        "anchors": set(matching.anchors),
        "names": {matching.names} - {""},
    }
    for place, names in named.items():
        yield from (f"{domain.name}: {place} name an undeclared feature, {n}." for n in sorted(names - features))
    compared = named["comparisons"]
    yield from (f"{domain.name}: anchor {n} is never compared." for n in matching.anchors if n not in compared)
    singles = single_passes(matching)
    if matching.names and matching.names not in singles:
        yield f"{domain.name}: {matching.names} needs a blocking pass of its own, or stubs find nobody."
    for comparison in matching.comparisons:
        where = f"{domain.name}: {comparison.label}"
        if comparison.measure not in MEASURES:
            yield f'{where}: there is no measure "{comparison.measure}".'
        if comparison.rarity and comparison.feature not in singles:
            yield f"{where}: rarity needs a blocking pass of {comparison.feature} alone to count by."
        if any(a.at_least <= b.at_least or a.weight < b.weight for a, b in pairwise(comparison.levels)):
            yield f"{where}: levels fall, in similarity and in weight."
        if comparison.levels[-1].weight < comparison.otherwise:
            yield f"{where}: disagreement weighs more than the lowest level."
    if not 0 < matching.review < matching.auto < 1:
        yield f"{domain.name}: 0 < review < auto < 1."
