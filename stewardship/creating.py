"""Proposing a record that is not there yet: what was given, whom it looks like, and making it once it is approved."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from matching import verdicts
from matching.searching import Alike, Searched, search
from mdm import canonical
from mdm.cause import Cause
from mdm.domains import BY_NAME
from mdm.errors import Refused
from mdm.intake.entering import enter
from mdm.intake.given import Given, broken, read_given
from mdm.mastering import follow_merges
from mdm.models import Link
from mdm.spec import Domain, Severity
from stewardship.models import ChangeRequest

SHOWN = 6
Problem = tuple[str, str]


@dataclass(frozen=True)
class Draft:
    """What was given for a new record, understood, and the records it looks like."""

    domain: Domain
    given: Given
    searched: Searched

    @property
    def problems(self) -> list[Problem]:
        """(pointer, sentence) of everything that keeps it from being made: here nothing is left out in silence."""
        unread = [*self.given.unread, *self.given.doubted, *_astray(self.domain, self.given)]
        named = {place for place, _ in unread}
        return unread + [one for one in broken(self.domain, self.given, Severity.REFUSE) if one[0] not in named]

    @property
    def holds(self) -> list[Problem]:
        """What would keep it pending once it is made."""
        return broken(self.domain, self.given, Severity.HOLD)


def draft(domain: Domain, attributes: Mapping[str, Any], parts: Mapping[str, Sequence[Mapping[str, Any]]]) -> Draft:
    """Read what was given and search before create. Writes nothing."""
    given = read_given(domain, attributes, parts)
    return Draft(domain, given, search(domain, given.values, given.parts, SHOWN))


def _astray(domain: Domain, given: Given) -> list[Problem]:
    """References that lead to no golden record."""
    rows = [("attributes", domain.attributes, given.values)]
    rows += [
        (f"parts.{part.name}[{number}]", part.attributes, row)
        for part in domain.parts
        for number, row in enumerate(given.parts.get(part.name, ()))
    ]
    return [
        (f"{place}.{a.name}", f"{a.label}: there is no {a.references.replace('_', ' ')} “{row[a.name]['key']}”.")
        for place, attributes, row in rows
        for a in attributes
        if a.references and a.name in row and "record" not in row[a.name]
    ]


def kept(found: Sequence[Alike]) -> list[dict[str, Any]]:
    """The records somebody was shown, as the request keeps them."""
    return [
        {
            "record": str(one.record),
            "code": one.code,
            "title": one.title,
            "probability": round(one.score.probability, 4),
            "band": one.band,
            "sentence": one.sentence,
        }
        for one in found
    ]


def digest_of(domain: str, values: Mapping[str, Any], parts: Mapping[str, Any]) -> str:
    """What an approval names, so that what is approved is what was read."""
    return canonical.digest(["new", domain, values, parts])


def likely_now(request: ChangeRequest) -> Searched:
    """Whom the proposed record looks like at this moment."""
    return search(BY_NAME[request.domain], request.values, request.parts, SHOWN)


def unseen(request: ChangeRequest, searched: Searched) -> list[Alike]:
    """The likely duplicates that whoever proposed the record was not shown."""
    shown = follow_merges(UUID(one["record"]) for one in request.alike).values()
    return [one for one in searched.likely if one.record not in shown]


def make(request: ChangeRequest, cause: Cause) -> tuple[UUID, int, list[int]]:
    """Make the proposed record; its id, its source record's, and the non-matches written.

    Matching never joins it to the likely duplicates it was proposed in spite of. Raises Refused where another one has
    come since.
    """
    fresh = unseen(request, likely_now(request))
    if fresh:
        raise Refused(
            f"{fresh[0].title} ({fresh[0].code}) has come since and looks the same.",
            "Look at it first: refuse this request and use that record, or have it proposed again.",
        )
    record_id, source_id = enter(
        domain=BY_NAME[request.domain], key=str(request.pk), values=request.values, parts=request.parts, cause=cause
    )
    likely = [UUID(one["record"]) for one in request.alike if one["band"] != "new"]
    others = Link.objects.filter(
        record_id__in=set(follow_merges(likely).values()),
        ended_at__isnull=True,
        source_record__part="",
        source_record__system__internal=False,
    )
    barred = verdicts.bar(
        first=[source_id],
        second=others.values_list("source_record_id", flat=True),
        cause=replace(cause, reason=request.although or cause.reason),
    )
    return record_id, source_id, list(barred)
