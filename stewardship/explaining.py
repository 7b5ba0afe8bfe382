"""Why two records are one, or are not: everything matching and people know about them, in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.urls import reverse

from matching import lookup, relations, why
from matching.known import Known, Scored
from matching.models import CandidateState, KnownNonMatch, MatchCandidate
from matching.relations import Related, Suggestion
from matching.rules import in_force
from matching.scoring import shares
from matching.why import Said, Silent, Why
from mdm.domains import BY_NAME
from mdm.errors import NotFound, Refused
from mdm.models import GoldenRecord, Link, LinkMethod, SourceRecord
from mdm.spec import Domain
from stewardship import evidence
from stewardship.evidence import Evidence
from stewardship.models import Decision
from stewardship.pairs import evidence_of

ROWS_SHOWN = 12
# More rows of one record say the same again.
_MOST_ROWS = 40
_DECISIONS_SHOWN = 10


@dataclass(frozen=True)
class Verdict:
    """How the two stand, and why, in a title and a text; ``tone`` and ``icon`` are for the notice."""

    tone: str
    title: str
    text: str
    href: str = ""
    action: str = ""


@dataclass(frozen=True)
class Key:
    """A blocking key both rows have, in words."""

    label: str
    text: str
    held_by: int
    usable: bool


@dataclass(frozen=True)
class Row:
    """One pair of source rows that can be looked at; ``note`` says how it came to be one, where it is one."""

    left: str
    right: str
    score: float
    sources: tuple[int, int]
    current: bool
    note: str = ""


@dataclass(frozen=True)
class Explanation:
    """Two golden records (or one, twice) and one pair of their source rows, compared."""

    domain: Domain
    left: GoldenRecord
    right: GoldenRecord
    verdict: Verdict
    rows: Sequence[Row]
    found: Why | None
    shown: Evidence | None
    compared: Sequence[dict[str, Any]]
    keys: Sequence[Key]
    decisions: Sequence[Decision]
    relation: Related | None
    suggestions: Sequence[Suggestion]

    @property
    def one(self) -> bool:
        """Whether the two are one golden record."""
        return self.left.pk == self.right.pk

    @property
    def silent(self) -> Sequence[Silent]:
        """Comparisons that could not be made."""
        return self.found.silent if self.found else ()


def explain(left: GoldenRecord, right: GoldenRecord, rows: tuple[int, int] | None = None) -> Explanation:
    """Compare two records as matching would, by the likest pair of their source rows or the pair asked for.

    Raises Refused for two domains, NotFound for rows that are not theirs. A number of queries that does not grow.
    """
    if left.domain != right.domain:
        raise Refused("Records of two domains are never one thing.", "Choose two records of one domain.")
    domain, one = in_force(BY_NAME[left.domain]), left.pk == right.pk
    scored, pairs = _pairs(domain, left, right)
    ranked = sorted(pairs, key=lambda pair: -scored.score(*pair).bits)
    if rows and rows not in ranked and rows[::-1] not in ranked:
        raise NotFound("These two rows do not belong to these records.", "Choose a pair of the list.")
    chosen = rows or next(iter(ranked), None)
    found = why.explain(first=chosen[0], second=chosen[1]) if chosen else None
    relation = None if one else relations.between(left.pk, right.pk)
    sources = SourceRecord.objects.select_related("system").in_bulk({pk for pair in ranked[:ROWS_SHOWN] for pk in pair})
    if chosen:
        sources |= SourceRecord.objects.select_related("system").in_bulk(chosen)
    shown = evidence_of(domain, sources[chosen[0]], sources[chosen[1]], found) if chosen and found else None
    return Explanation(
        domain=domain,
        left=left,
        right=right,
        verdict=_verdict_of_one(left, chosen) if one else _verdict(domain, left, right, found, relation),
        rows=_rows(scored, ranked[:ROWS_SHOWN], sources, chosen, _links(left) if one else {}),
        found=found,
        shown=shown,
        compared=evidence.compared(domain, found.evidence, evidence.titles([found.evidence])) if found else (),
        keys=_keys(domain, found) if found else (),
        decisions=_decisions(left, right),
        relation=relation,
        suggestions=() if one else relations.suggest(domain, left.pk, right.pk),
    )


def _pairs(domain: Domain, left: GoldenRecord, right: GoldenRecord) -> tuple[Scored, list[tuple[int, int]]]:
    """Every pair of source rows of the two, or within the one."""
    known = lookup.load(lookup.members_of([left.pk, right.pk]))
    shared = shares(lookup.shared_texts(domain, known.values())) if known else shares({})
    ours, theirs = (_of(known, record.pk) for record in (left, right))
    pairs = list(combinations(ours, 2) if left.pk == right.pk else product(ours, theirs))
    return Scored(domain.matching, known, shared), pairs


def _of(known: dict[int, Known], record_id: UUID) -> list[int]:
    return sorted(pk for pk, one in known.items() if one.golden == record_id)[:_MOST_ROWS]


def _links(record: GoldenRecord) -> dict[int, Link]:
    links = Link.objects.filter(record=record, ended_at__isnull=True, source_record__part="")
    return {link.source_record_id: link for link in links}


def _rows(
    scored: Scored,
    ranked: Sequence[tuple[int, int]],
    sources: dict[int, SourceRecord],
    chosen: tuple[int, int] | None,
    links: dict[int, Link],
) -> list[Row]:
    return [
        Row(
            left=_named(sources[a]),
            right=_named(sources[b]),
            score=scored.score(a, b).probability,
            sources=(a, b),
            current=chosen is not None and {a, b} == set(chosen),
            note=_how(links, a, b),
        )
        for a, b in ranked
    ]


def _named(source: SourceRecord) -> str:
    return f"{source.system.name} {source.key}"


def _how(links: dict[int, Link], a: int, b: int) -> str:
    """How the younger of two rows of one record came to it, where it was linked because of the other."""
    for one, other in ((a, b), (b, a)):
        link = links.get(one)
        if link and _because_of(link) == other:
            how = "Taken in together" if link.method == LinkMethod.NEW else link.get_method_display()
            return f"{how}, {link.linked_at:%d %b %Y}"
    return ""


def _because_of(link: Link) -> int | None:
    """The row matching joined this one to, where it did."""
    other = link.explanation.get("source_record") if isinstance(link.explanation, dict) else None
    return other if isinstance(other, int) and other != link.source_record_id else None


def _verdict_of_one(record: GoldenRecord, chosen: tuple[int, int] | None) -> Verdict:
    links = list(_links(record).values())
    if chosen is None:
        return Verdict("info", "It has one source row", "Nothing was joined here, so there is nothing to explain.")
    people = [link for link in links if link.method in (LinkMethod.STEWARD, LinkMethod.MERGE, LinkMethod.UNMERGE)]
    linked = [link for link in links if _because_of(link) and link not in people]
    text = f"{len(links)} source rows: {len(linked)} joined by matching, {len(people)} by people."
    return Verdict("success", f"They are one record, {record.code}", text)


def _verdict(
    domain: Domain, left: GoldenRecord, right: GoldenRecord, found: Why | None, relation: Related | None
) -> Verdict:
    if relation:
        text = f"{left.code}: {relation.words.lower()} {right.code}. Said by {relation.by}, {relation.at:%d %b %Y}."
        return Verdict("info", "Related, not the same", f"{text} {relation.reason}".strip())
    if said := _said(left, right):
        text = f"{said.by}, {said.at:%d %b %Y}{f': {said.reason}' if said.reason else '.'}"
        return Verdict(
            "info", "A person said that they are not the same", f"{text} Matching never asks about it again."
        )
    question = _question(left, right)
    if question:
        href = reverse("stewardship:review", args=[question.pk])
        return Verdict("warning", "A person is being asked whether they are one", question.sentence, href, "Decide it")
    if found is None:
        return Verdict("info", "They cannot be compared", "One of them has no source row that matching has read.")
    return _judged(domain, found)


def _judged(domain: Domain, found: Why) -> Verdict:
    """What matching makes of the pair, where no person has spoken and nobody is asked."""
    kinds = {one.kind: one.text for one in found.obstacles}
    if "score" in kinds:
        also = f" {kinds['blocked']}" if "blocked" in kinds else ""
        return Verdict("info", "Two records: too little speaks for one", kinds["score"] + also)
    for kind, title in (
        ("blocked", "Two records: they were never compared"),
        ("source", "Two records: one source lists both"),
        ("veto", "Alike, but an identifier differs"),
        ("anchor", "Alike, but in nothing that tells"),
    ):
        if kind in kinds:
            return Verdict("warning", title, kinds[kind])
    if found.band == "review":
        text = "Matching asks when a row arrives or changes; nothing has changed here since the two were taken in."
        return Verdict("warning", "Alike enough to ask, and nobody was asked", text)
    text = (
        f"By themselves they would be linked. Either nothing has changed since they were taken in, another record is "
        f"within {domain.matching.margin:g} points, or the group would grow beyond {domain.matching.largest} rows."
    )
    return Verdict("warning", "Alike enough to be linked", text)


def _said(left: GoldenRecord, right: GoldenRecord) -> Said | None:
    ours, theirs = lookup.members_of([left.pk]), lookup.members_of([right.pk])
    row = (
        KnownNonMatch.objects.filter(
            Q(first__in=ours, second__in=theirs) | Q(first__in=theirs, second__in=ours), withdrawn_at__isnull=True
        )
        .order_by("-at")
        .first()
    )
    return Said(row.by, row.at, row.reason) if row else None


def _question(left: GoldenRecord, right: GoldenRecord) -> MatchCandidate | None:
    asked = MatchCandidate.objects.filter(state__in=(CandidateState.OPEN, CandidateState.SKIPPED))
    return asked.filter(members__record=left).filter(members__record=right).order_by("-score", "pk").first()


def _decisions(left: GoldenRecord, right: GoldenRecord) -> list[Decision]:
    """What people decided about both, newest first."""
    about = Decision.objects.filter(records__contains=[{"record": str(left.pk)}])
    if left.pk != right.pk:
        about = about.filter(records__contains=[{"record": str(right.pk)}])
    return list(about.select_related("decided_by").order_by("-decided_at")[:_DECISIONS_SHOWN])


def _keys(domain: Domain, found: Why) -> list[Key]:
    named = evidence.titles([[{"left": text, "right": ""} for key in found.shared_keys for text in key.texts]])
    return [
        Key(
            label=" and ".join(evidence.label_of(domain, feature) for feature in key.features),
            text=", ".join(
                evidence.said(domain, feature, text, named) or "hidden"
                for feature, text in zip(key.features, key.texts, strict=True)
            ),
            held_by=key.held_by,
            usable=key.usable,
        )
        for key in found.shared_keys
    ]
