"""A member that no longer fits, as its page shows it: what changed, what fails now, what spoke for it when linked."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import reverse

from matching.models import MatchCandidate, Misfit, MisfitCause
from mdm.models import GoldenRecord, LinkMethod, SourceRecord
from mdm.queries.changes import changes_of
from mdm.spec import Domain
from stewardship import evidence, showing
from stewardship.showing import Source

Content = Mapping[str, Any]


@dataclass(frozen=True)
class Linked:
    """How the member came to its record; score, sentence and lines where they were kept."""

    how: str
    by: str
    at: datetime
    score: float | None = None
    sentence: str = ""
    other: str = ""
    lines: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True)
class Told:
    """The member, what it said before and says now, why it no longer fits in words, and its score at three moments.

    ``before`` is None where it is not known; ``outlook`` is where taking it out is tried, nothing being written.
    """

    source: Source
    key: str
    title: str
    seen: datetime
    address: str
    record_address: str
    sources_address: str
    outlook: str
    by_rules: bool
    reasons: Sequence[str]
    changes: Sequence[Mapping[str, str]]
    score: float
    before: float | None
    linked: Linked | None


def told(question: MatchCandidate, domain: Domain, record: GoldenRecord) -> Told:
    """What the page of a proposal shows. Some four queries."""
    misfit = Misfit.objects.get(candidate=question)
    source = SourceRecord.objects.select_related("system").get(misfits=question)
    place = [domain.slug, record.code]
    return Told(
        source=Source(source.system.code, source.system.name),
        key=source.key,
        title=str(source.values.get(domain.title) or source.key),
        seen=source.last_seen_at,
        address=reverse("stewardship:record_source", args=[*place, source.pk]),
        record_address=showing.record_address(domain.name, record.code),
        sources_address=reverse("stewardship:record_sources", args=place),
        outlook=f"{reverse('stewardship:take_apart', args=place)}?source={source.pk}",
        by_rules=misfit.cause == MisfitCause.RULES,
        reasons=list(_reasons(domain, misfit)),
        changes=_changes(domain, misfit.before, misfit.after) if misfit.before else (),
        score=question.score,
        before=misfit.base["average"] if misfit.base else None,
        linked=_linked(domain, misfit.linked),
    )


def _reasons(domain: Domain, misfit: Misfit) -> Iterator[str]:
    known = {tuple(fact) for fact in (misfit.base or {}).get("against", ())}
    features = {one.label: one.feature for one in domain.matching.comparisons}
    said: dict[tuple[str, str], list[str]] = {}
    for label, ours, theirs in misfit.against:
        if (label, ours, theirs) not in known:
            words = [evidence.said(domain, features.get(label, ""), text, {}) for text in (ours, theirs)]
            said.setdefault((label, words[0]), []).append(words[1])
    for (label, ours), theirs in said.items():
        others = ", ".join(dict.fromkeys(text for text in theirs if text))
        yield f"{label} differs{f': {ours} here, {others} in the rest of the record' if ours and others else ''}."
    if misfit.cause == MisfitCause.SCORE:
        limit = f"{domain.matching.review:.0%}"
        yield f"Taken together, too little agrees with the rest: below the {limit} from which two are worth a question."
    if misfit.cause == MisfitCause.RULES:
        yield "The rules now in force would not put it here. A person did, so nothing is undone without one."


def _changes(domain: Domain, before: Content, after: Content) -> list[dict[str, str]]:
    """One line for each attribute that is not what it was; masked as everywhere."""
    changed: list[dict[str, Any]] = []
    old, new = before["values"], after["values"]
    for attribute in domain.attributes:
        was, now = (_plain(one.get(attribute.name)) for one in (old, new))
        if was != now:
            changed.append({"attribute": attribute.name, "before": was, "after": now})
    for part in domain.parts:
        gone, come = (
            [row for row in one.get(part.name, ()) if row not in other.get(part.name, ())]
            for one, other in ((before["parts"], after["parts"]), (after["parts"], before["parts"]))
        )
        if gone or come:
            changed.append({"part": part.name, "removed": gone, "added": come})
    return showing.change_lines(domain, changes_of(domain, changed))


def _plain(value: Any) -> Any:
    """A reference by the key its source uses; blanks None."""
    if isinstance(value, Mapping) and "key" in value:
        return {"title": value["key"]}
    return None if value == "" else value


def _linked(domain: Domain, kept: Mapping[str, Any]) -> Linked | None:
    if not kept:
        return None
    how = LinkMethod(kept["method"]).label
    made = Linked(how, kept["by"], datetime.fromisoformat(kept["at"]))
    if "score" not in kept:
        return made
    other = SourceRecord.objects.select_related("system").filter(pk=kept["other"]).first()
    return Linked(
        made.how,
        made.by,
        made.at,
        kept["score"],
        kept["sentence"],
        f"{other.system.name} {other.key}" if other else "",
        evidence.lines(domain, kept["evidence"], evidence.titles([kept["evidence"]])),
    )
