"""How good a record is: its score, every rule it breaks, and the way to mend each."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from mdm.models import GoldenRecord
from mdm.quality import failed, part_of
from mdm.queries import RecordDetail
from mdm.spec import Domain, Exposure, Severity, Validation
from stewardship.previewing import plain_values

# What a failed rule costs of the score, by what it means for the record.
WEIGHTS: Mapping[Severity, int] = {Severity.REFUSE: 4, Severity.HOLD: 3, Severity.WARN: 1}
EFFECTS: Mapping[Severity, str] = {
    Severity.REFUSE: "A row like this is refused at the door",
    Severity.HOLD: "Keeps it from being published",
    Severity.WARN: "A warning only",
}


@dataclass(frozen=True)
class Failing:
    """A rule the record breaks; ``href`` leads to where it is mended, ``way`` says how."""

    message: str
    effect: str
    severity: str
    way: str
    href: str


@dataclass(frozen=True)
class Quality:
    """``score`` is 0 to 100: rules kept, weighed by what breaking them means; None where the domain has none.

    ``filled`` of ``asked`` attributes hold a value.
    """

    score: int | None
    rules: int
    failing: list[Failing]
    filled: int
    asked: int


def quality_of(domain: Domain, record: GoldenRecord, detail: RecordDetail) -> Quality:
    """The quality of a record. One query for each part a rule is about."""
    values = plain_values(detail)
    rules = domain.validations
    broken = failed(rules, values, parts=_rows_of_rules(domain, record))
    all_of = sum(WEIGHTS[rule.severity] for rule in rules)
    lost = sum(WEIGHTS[rule.severity] for rule in broken)
    return Quality(
        score=round(100 * (all_of - lost) / all_of) if all_of else None,
        rules=len(rules),
        failing=[_failing(domain, record, rule) for rule in broken],
        filled=sum(attribute.name in values for attribute in domain.attributes),
        asked=len(domain.attributes),
    )


def _rows_of_rules(domain: Domain, record: GoldenRecord) -> dict[str, list[dict[str, Any]]]:
    """{part: rows} with the columns rules ask about, so that ten thousand lines cost one narrow query."""
    wanted: dict[str, set[str]] = {}
    for rule in domain.validations:
        if part := part_of(rule):
            wanted.setdefault(part, set()).update(name.partition(".")[2] for name in rule.attributes)
    parts = {part.name: part for part in domain.parts}
    return {
        name: [
            {key: value.isoformat() if hasattr(value, "isoformat") else value for key, value in row.items()}
            for row in parts[name].model._default_manager.filter(record_id=record.pk).values(*columns)
        ]
        for name, columns in wanted.items()
    }


def _failing(domain: Domain, record: GoldenRecord, rule: Validation) -> Failing:
    own = {"slug": domain.slug, "name": record.code}
    part = part_of(rule)
    restricted = {a.name for a in domain.attributes if a.exposure is Exposure.RESTRICTED}
    first = next((name for name in rule.attributes if name not in restricted), "")
    if part:
        label = next(one.label for one in domain.parts if one.name == part)
        way = f"{label} come from the sources: mend them there"
        href = reverse("stewardship:record_part", kwargs=own | {"part": part})
    elif first:
        label = next(one.label for one in domain.attributes if one.name == first)
        way, href = f"Edit {label}", f"{reverse('stewardship:record', kwargs=own)}?edit={first}#value-{first}"
    else:
        way, href = "Mend it at its source", reverse("stewardship:record_sources", kwargs=own)
    return Failing(rule.message, EFFECTS[rule.severity], rule.severity, way, href)
