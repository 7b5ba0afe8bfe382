"""The comparisons of a pair, worded for the reasons tag: what was compared, as people write it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from mdm.masking import masked
from mdm.models import GoldenRecord
from mdm.spec import Attribute, Domain, Kind
from stewardship.display import wording
from stewardship.readable import by_word

# How a comparison writes a reference that leads to a golden record.
_GOLDEN = "="
_DAY = "%d %b %Y"

Explanation = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Evidence:
    """One pair of source records that were compared. ``lines`` are for the waterfall tag, ``sources`` their ids."""

    left: str
    right: str
    score: float
    sentence: str
    lines: Sequence[Mapping[str, Any]]
    vetoes: Sequence[str]
    sources: tuple[int, int]


def titles(explanations: Iterable[Explanation]) -> dict[str, str]:
    """{compared text: title} of every golden record the comparisons point to. One query, none where none does."""
    sides = {str(one[side]) for explanation in explanations for one in explanation for side in ("left", "right")}
    pointed = {text: pk for text in sides if text.startswith(_GOLDEN) and (pk := _uuid(text.removeprefix(_GOLDEN)))}
    if not pointed:
        return {}
    found = dict(GoldenRecord.objects.filter(pk__in=pointed.values()).values_list("pk", "title"))
    return {text: found[pk] for text, pk in pointed.items() if pk in found}


def lines(
    domain: Domain,
    explanation: Explanation,
    named: Mapping[str, str],
    *,
    prior: float | None = None,
    one_source: float = 0.0,
    by_name: bool = False,
) -> list[dict[str, Any]]:
    """The comparisons that count, as the reasons and waterfall tags take them, and where they started from.

    ``prior`` are the points before any evidence, today's unless given; ``one_source`` those for coming from one
    source; ``by_name``: one side is known by name only, where no start is counted.
    """
    read = _read_by(domain)
    counted = [
        {"label": one["label"], "weight": one["weight"], "note": _note(one, read.get(one["feature"], ()), named)}
        for one in explanation
        if one["weight"]
    ]
    if one_source:
        note = "a source seldom lists one thing twice"
        counted.append({"label": "Both from one source", "weight": one_source, "note": note})
    if by_name:
        return counted
    begin = domain.matching.prior if prior is None else prior
    start = {"label": "Before any evidence", "weight": begin, "note": "any two, at random"}
    return [*counted, start | {"start": True}]


def compared(domain: Domain, explanation: Explanation, named: Mapping[str, str]) -> list[dict[str, Any]]:
    """Every comparison made, those that count for nothing too, with both sides in words, for a table."""
    read = _read_by(domain)
    return [
        {
            "label": one["label"],
            "left": said(domain, one["feature"], str(one["left"]), named),
            "right": said(domain, one["feature"], str(one["right"]), named),
            "masked": _hidden(read.get(one["feature"], ())),
            "similarity": one["similarity"],
            "level": one["level"],
            "weight": one["weight"],
        }
        for one in explanation
    ]


def said(domain: Domain, feature: str, text: str, named: Mapping[str, str]) -> str:
    """A compared text of a feature as people write it; "" where it may not be shown."""
    read = _read_by(domain).get(feature, ())
    return "" if _hidden(read) else _worded(text.replace("|", " ").strip(), read, named)


def label_of(domain: Domain, feature: str) -> str:
    """What a feature is called: as it is compared, else by the attribute it reads and what is made of it."""
    label = next((one.label for one in domain.matching.comparisons if one.feature == feature), "")
    read = next((one.label for one in _read_by(domain).get(feature, ())), "")
    return label or (f"{read} ({wording(feature).lower()})" if read else wording(feature))


def _read_by(domain: Domain) -> dict[str, list[Attribute]]:
    """{feature: the attributes of the record itself that it reads}."""
    return {
        feature.name: [one for one in domain.attributes if one.name in feature.attributes]
        for feature in domain.matching.features
    }


def _note(one: Mapping[str, Any], read: Sequence[Attribute], named: Mapping[str, str]) -> str:
    if _hidden(read):
        return ""
    left, right = (_worded(str(one[side]), read, named) for side in ("left", "right"))
    return left if left == right else f"{left} / {right}"


def _hidden(read: Sequence[Attribute]) -> bool:
    return any(masked(attribute, "shown") != "shown" for attribute in read)


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
