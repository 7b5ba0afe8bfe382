"""System checks: a domain's matching is declared in words that matching knows."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error, register

from matching.comparisons import MEASURES
from matching.features import WORDS
from matching.models import RelationKind
from matching.rules_content import content_of
from matching.rules_faults import faults
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
    compared = [comparison.feature for comparison in matching.comparisons]
    yield from (
        f"{domain.name}: {name} is compared twice." for name in sorted({n for n in compared if compared.count(n) > 1})
    )
    yield from (
        f'{domain.name}: {one.label}: there is no measure "{one.measure}".'
        for one in matching.comparisons
        if one.measure not in MEASURES
    )
    undeclared = {*compared, *filter(None, [matching.names])} - features
    yield from (
        f"{domain.name}: {name} is compared, or names records, and is no declared feature."
        for name in sorted(undeclared)
    )
    yield from (f"{domain.name}: {sentence}" for _, sentence in faults(domain, content_of(matching)))
