"""How long a proposed value is to hold: for good, to a date, until its source changes; and taking a pin back."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from mdm.domains import BY_NAME
from mdm.errors import Invalid
from mdm.mastering import unedited
from mdm.mastering.compose import EXTENSION_PREFIX
from mdm.models import SourceRecord
from mdm.spec import Domain
from stewardship.models import ChangeRequest


@dataclass(frozen=True)
class Terms:
    """From when and for how long what is proposed holds, once approved; by default at once and for good.

    ``sources`` names attributes to be pinned although they may read so already: {attribute: the source record whose
    value it is}.
    """

    valid_until: datetime | None = None
    until_source: bool = False
    holds_from: datetime | None = None
    sources: Mapping[str, int] = field(default_factory=dict)

    def problems(self, now: datetime) -> list[tuple[str, str]]:
        """(field, sentence) of what cannot be."""
        found = []
        if self.until_source and self.valid_until:
            found.append(("valid_until", "Choose one end: a date, or when the source changes."))
        if self.holds_from and self.holds_from <= now:
            found.append(("holds_from", "This day has begun. Leave it blank to let the change hold at once."))
        if self.holds_from and self.valid_until and self.valid_until <= self.holds_from:
            found.append(("valid_until", "It would end before it begins."))
        return found


NOW_AND_FOR_GOOD = Terms()


def watching(domain: Domain, record_id: UUID, names: Collection[str], terms: Terms) -> dict[str, dict[str, Any]]:
    """{attribute: {source_record, said}}: whose change ends each of these pins, and what it says now.

    That is the source record chosen, else the one whose value would survive if nobody had edited; None: nobody's.
    Empty where the terms name another end. Raises Invalid for a source record that is not the record's.
    """
    if not terms.until_source:
        return {}
    said = {
        name: terms.sources.get(name) or origin.get("source_record")
        for name in names
        for origin in (unedited(domain, record_id).provenance.get(name, {}),)
    }
    linked = SourceRecord.objects.filter(links__record=record_id, links__ended_at__isnull=True, part="").in_bulk(
        [number for number in said.values() if number]
    )
    foreign = [name for name, number in said.items() if number and number not in linked]
    if foreign:
        raise Invalid(
            "A source chosen does not belong to this record.", "Reload the record and choose again.",
            [(name, "This source record belongs to another golden record by now.") for name in foreign],
        )  # fmt: skip
    return {
        name: {"source_record": number, "said": linked[number].values.get(name) if number else None}
        for name, number in said.items()
    }


def still_said(watched: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether every source record watched says what it said when the pin was proposed."""
    numbers = [one["source_record"] for one in watched.values() if one["source_record"]]
    known = SourceRecord.objects.in_bulk(numbers)
    return all(
        known[one["source_record"]].values.get(name) == one["said"]
        for name, one in watched.items()
        if one["source_record"]
    )


def proposed_values(request: ChangeRequest) -> dict[str, Any]:
    """{attribute: value} the record will hold: what is proposed, and what the sources say of what is unpinned."""
    if not request.unpins or request.record_id is None:
        return dict(request.values)
    left = unedited(BY_NAME[request.domain], request.record_id)
    said = {**left.values, **{EXTENSION_PREFIX + name: value for name, value in left.extension.items()}}
    return {**request.values, **{name: said.get(name) for name in request.unpins}}


def watched_words(request: ChangeRequest) -> dict[str, str]:
    """{attribute: what ends its pin} where a change of its source does."""
    numbers = [one["source_record"] for one in request.watching.values() if one["source_record"]]
    known = SourceRecord.objects.select_related("system").in_bulk(numbers)
    return {
        name: f"until {source.system.name} {source.key} says something else"
        if (source := known.get(one["source_record"]))
        else "until a source gives a value"
        for name, one in request.watching.items()
    }


def lifetime_words(request: ChangeRequest) -> str:
    """How long what was proposed is to hold, in one sentence."""
    if not request.values:
        return "The sources decide again."
    if request.watching:
        return "Holds until its source changes, then the sources decide again."
    if request.valid_until:
        return f"Holds until {request.valid_until:%d %b %Y}, then the sources decide again."
    return "Holds for good, above all sources."
