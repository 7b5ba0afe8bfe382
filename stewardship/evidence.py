"""The comparisons of a pair, worded for the reasons tag: what was compared, as people write it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from mdm.masking import masked
from mdm.models import GoldenRecord
from mdm.spec import Attribute, Domain, Kind
from stewardship.readable import by_word

# How a comparison writes a reference that leads to a golden record.
_GOLDEN = "="
_DAY = "%d %b %Y"

Explanation = Sequence[Mapping[str, Any]]


def titles(explanations: Iterable[Explanation]) -> dict[str, str]:
    """{compared text: title} of every golden record the comparisons point to. One query, none where none does."""
    sides = {str(one[side]) for explanation in explanations for one in explanation for side in ("left", "right")}
    pointed = {text: pk for text in sides if text.startswith(_GOLDEN) and (pk := _uuid(text.removeprefix(_GOLDEN)))}
    if not pointed:
        return {}
    found = dict(GoldenRecord.objects.filter(pk__in=pointed.values()).values_list("pk", "title"))
    return {text: found[pk] for text, pk in pointed.items() if pk in found}


def lines(domain: Domain, explanation: Explanation, named: Mapping[str, str]) -> list[dict[str, Any]]:
    """The comparisons that count, as the reasons tag takes them, and where they started from."""
    read = _read_by(domain)
    counted = [
        {"label": one["label"], "weight": one["weight"], "note": _note(one, read.get(one["feature"], ()), named)}
        for one in explanation
        if one["weight"]
    ]
    return [*counted, {"label": "Before any evidence", "weight": domain.matching.prior, "note": "any two, at random"}]


def _read_by(domain: Domain) -> dict[str, list[Attribute]]:
    """{feature: the attributes of the record itself that it reads}."""
    return {
        feature.name: [one for one in domain.attributes if one.name in feature.attributes]
        for feature in domain.matching.features
    }


def _note(one: Mapping[str, Any], read: Sequence[Attribute], named: Mapping[str, str]) -> str:
    if any(masked(attribute, "shown") != "shown" for attribute in read):
        return ""
    left, right = (_worded(str(one[side]), read, named) for side in ("left", "right"))
    return left if left == right else f"{left} / {right}"


def _worded(text: str, read: Sequence[Attribute], named: Mapping[str, str]) -> str:
    if text in named:
        return named[text]
    if len(read) != 1:
        return text
    attribute = read[0]
    if attribute.kind is Kind.DATE:
        return _day(text)
    plus = "+" if attribute.standardise == "phone" and text.isdigit() else ""
    return by_word(attribute.standardise, plus + text)


def _day(text: str) -> str:
    try:
        return f"{datetime.strptime(text, '%Y%m%d').date():{_DAY}}"  # noqa: DTZ007 - a day has no time zone
    except ValueError:
        return text


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
