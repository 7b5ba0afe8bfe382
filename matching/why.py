"""Why, and why not: any two source records compared on request, with everything that would keep them apart."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations
from typing import Any
from uuid import UUID

from django.db.models import Count

from matching import lookup
from matching.blocking import keys, texts_of_keys
from matching.known import Known, Scored, ordered
from matching.models import KnownNonMatch, MatchKey
from matching.rules import in_force
from matching.scoring import Score, bits_of, sentence, shares
from mdm.domains import BY_NAME
from mdm.errors import NotFound, Refused
from mdm.models import SourceRecord
from mdm.spec import Domain, Matching


@dataclass(frozen=True)
class Obstacle:
    """One thing that keeps two records apart, in a plain sentence. ``kind`` is said, veto, source, blocked, score or
    anchor."""

    kind: str
    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class SharedKey:
    """A blocking key both records have: the features and texts it is made of, and how many records have it.

    One that is not ``usable`` is held by too many and compares nobody.
    """

    features: tuple[str, ...]
    texts: tuple[str, ...]
    held_by: int
    usable: bool


@dataclass(frozen=True)
class Silent:
    """A comparison that could not be made; ``side`` says who is silent: left, right or both."""

    feature: str
    label: str
    side: str


@dataclass(frozen=True)
class Said:
    """A person's word, still standing, that the two are not the same."""

    by: str
    at: datetime
    reason: str


@dataclass(frozen=True)
class Why:
    """One comparison, and everything that would have kept the two apart.

    ``band`` is auto, review or new, as the pair alone would be judged; ``blocked_out``: no shared key, so matching
    never compared them; ``one_source`` are the points for coming from one source system; ``by_name``: one side is
    known by name only, so that nothing but the name counts.
    """

    score: float
    band: str
    sentence: str
    evidence: list[dict[str, Any]]
    blocked_out: bool
    ruled_out: bool
    obstacles: tuple[Obstacle, ...]
    vetoes: tuple[str, ...]
    one_source: float
    by_name: bool
    shared_keys: tuple[SharedKey, ...]
    silent: tuple[Silent, ...]
    said: tuple[Said, ...]


def explain(*, first: int, second: int) -> Why:
    """Compare two source records as matching would, the first on the left. Writes nothing.

    Raises NotFound when one is not prepared yet, Refused for two domains or one record twice.
    """
    records = {r.pk: r for r in SourceRecord.objects.filter(pk__in=(first, second))}
    if len(records) < 2:
        raise Refused("Two different source records are needed.", "Choose two rows.")
    domain = in_force(BY_NAME[records[first].domain])
    if records[second].domain != domain.name:
        raise Refused("Records of two domains are never one thing.", "Choose two rows of one domain.")
    known = lookup.load((first, second))
    if len(known) < 2:
        raise NotFound("One of these rows has not been read by matching yet.", "Try again in a moment.")
    matching = domain.matching
    said = _said(first, second)
    apart = {ordered(first, second)} if said else set()
    scored = Scored(matching, known, shares(lookup.shared_texts(domain, known.values())), apart)
    found = scored.score(first, second)
    left, right = known[first], known[second]
    blocked_out = ordered(first, second) not in lookup.pairs_of(domain, [first])
    shared = _shared_keys(domain, left, right)
    return Why(
        score=found.probability,
        band=band(matching, found),
        sentence=sentence(found),
        evidence=found.explanation(swap=first > second),
        blocked_out=blocked_out,
        ruled_out=bool(said),
        obstacles=tuple(_obstacles(scored, found, (left, right), shared if blocked_out else None)),
        vetoes=found.vetoes,
        one_source=matching.same_source if left.system == right.system and not (left.stub or right.stub) else 0.0,
        by_name=left.stub or right.stub,
        shared_keys=shared,
        silent=tuple(_silent(matching, left, right)),
        said=said,
    )


def band(matching: Matching, found: Score) -> str:
    """auto, review or new."""
    if found.bits >= bits_of(matching.auto) and found.anchored and not found.vetoes:
        return "auto"
    return "review" if found.bits >= bits_of(matching.review) else "new"


def likest(domain: Domain, record_ids: Sequence[UUID]) -> list[tuple[int, int, Score]]:
    """The likest pair of source records between every two of these golden records, likest first.

    The left one is of the golden record named first. Three queries, however many.
    """
    domain = in_force(domain)
    known = lookup.load(lookup.members_of(record_ids))
    shared = shares(lookup.shared_texts(domain, known.values())) if known else shares({})
    scored = Scored(domain.matching, known, shared)
    members = scored.members()
    found = []
    for left, right in combinations([pk for pk in record_ids if pk in members], 2):
        scores = [(a, b, scored.score(a, b)) for a in members[left] for b in members[right]]
        found.append(max(scores, key=lambda pair: pair[2].bits))
    return sorted(found, key=lambda pair: -pair[2].bits)


def _said(first: int, second: int) -> tuple[Said, ...]:
    a, b = ordered(first, second)
    rows = KnownNonMatch.objects.filter(first=a, second=b, withdrawn_at__isnull=True)
    return tuple(Said(row.by, row.at, row.reason) for row in rows)


def _shared_keys(domain: Domain, left: Known, right: Known) -> tuple[SharedKey, ...]:
    """The keys both have, rarest first, named by what they are made of. One query."""
    common = set(keys(domain, left.features)) & set(keys(domain, right.features))
    counted = dict(
        MatchKey.objects.filter(key__in=[key for _, key in common])
        .values_list("key")
        .annotate(number=Count("source_record"))
    )
    named = texts_of_keys(domain, left.features)
    cap = domain.matching.block_cap
    found = [
        SharedKey(domain.matching.blocking[number], named[number, key], counted.get(key, 0), counted.get(key, 0) <= cap)
        for number, key in common
    ]
    return tuple(sorted(found, key=lambda key: (key.held_by, key.features)))


def _silent(matching: Matching, left: Known, right: Known) -> list[Silent]:
    said = []
    for comparison in matching.comparisons:
        ours, theirs = left.features.get(comparison.feature), right.features.get(comparison.feature)
        if not (ours and theirs):
            side = "left" if theirs else "right" if ours else "both"
            said.append(Silent(comparison.feature, comparison.label, side))
    return said


def _obstacles(
    scored: Scored, found: Score, pair: tuple[Known, Known], blocked_by: tuple[SharedKey, ...] | None
) -> list[Obstacle]:
    """``blocked_by`` are the keys the two share, none of them usable; None where they were compared."""
    matching, (left, right) = scored.matching, pair
    said = []
    if scored.apart:
        said.append(Obstacle("said", "A person said that these two are not the same."))
    said += [Obstacle("veto", f"{label} differs, which forbids linking without a person.") for label in found.vetoes]
    if matching.one_per_source and left.system == right.system:
        said.append(Obstacle("source", "Both come from one source, which lists each thing once."))
    if blocked_by:
        text = f"What they share is shared by more than {matching.block_cap} records, so they were never compared."
        said.append(Obstacle("blocked", text))
    elif blocked_by is not None:
        text = f"They share no key that at most {matching.block_cap} records have, so they were never compared."
        said.append(Obstacle("blocked", text))
    review = bits_of(matching.review)
    if found.bits < review:
        text = f"Too little speaks for it: {review - found.bits:.1f} points short of a question."
        said.append(Obstacle("score", text))
    if not found.anchored and found.bits >= review:
        said.append(Obstacle("anchor", f"None of the telling attributes agrees: {', '.join(_labels(matching))}."))
    return said


def _labels(matching: Matching) -> list[str]:
    return [c.label for c in matching.comparisons if c.feature in matching.anchors]
