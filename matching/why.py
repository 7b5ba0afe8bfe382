"""Why, and why not: any two source records compared on request."""

from dataclasses import dataclass
from typing import Any

from matching import lookup
from matching.known import Scored, ordered
from matching.scoring import Score, bits_of, sentence, shares
from mdm.domains import BY_NAME
from mdm.errors import NotFound, Refused
from mdm.models import SourceRecord
from mdm.spec import Matching


@dataclass(frozen=True)
class Why:
    """One comparison, and everything that would have kept the two apart.

    ``band`` is auto, review or new, as the pair alone would be judged; ``blocked_out``: no shared key, so matching
    never compared them; ``obstacles`` are plain sentences.
    """

    score: float
    band: str
    sentence: str
    evidence: list[dict[str, Any]]
    blocked_out: bool
    ruled_out: bool
    obstacles: tuple[str, ...]


def explain(*, first: int, second: int) -> Why:
    """Compare two source records as matching would. Writes nothing.

    Raises NotFound when one is not prepared yet, Refused for two domains or one record twice.
    """
    records = {r.pk: r for r in SourceRecord.objects.filter(pk__in=(first, second))}
    if len(records) < 2:
        raise Refused("Two different source records are needed.", "Choose two rows.")
    domain = BY_NAME[records[first].domain]
    if records[second].domain != domain.name:
        raise Refused("Records of two domains are never one thing.", "Choose two rows of one domain.")
    known = lookup.load((first, second))
    if len(known) < 2:
        raise NotFound("One of these rows has not been read by matching yet.", "Try again in a moment.")
    matching = domain.matching
    apart = lookup.ruled_out(known)
    scored = Scored(matching, known, shares(lookup.shared_texts(domain, known.values())), apart)
    found = scored.score(first, second)
    blocked_out = ordered(first, second) not in lookup.pairs_of(domain, [first])
    return Why(
        score=found.probability,
        band=band(matching, found),
        sentence=sentence(found),
        evidence=found.explanation(swap=first > second),
        blocked_out=blocked_out,
        ruled_out=bool(apart),
        obstacles=tuple(_obstacles(scored, found, first, second, blocked_out)),
    )


def band(matching: Matching, found: Score) -> str:
    """auto, review or new."""
    if found.bits >= bits_of(matching.auto) and found.anchored and not found.vetoes:
        return "auto"
    return "review" if found.bits >= bits_of(matching.review) else "new"


def _obstacles(scored: Scored, found: Score, first: int, second: int, blocked_out: bool) -> list[str]:
    matching = scored.matching
    said = []
    if scored.apart:
        said.append("A person said that these two are not the same.")
    said += [f"{label} differs, which forbids linking without a person." for label in found.vetoes]
    left, right = scored.known[first], scored.known[second]
    if matching.one_per_source and left.system == right.system:
        said.append("Both come from one source, which lists each thing once.")
    if blocked_out:
        said.append(f"They share no key that at most {matching.block_cap} records have, so they were never compared.")
    if not found.anchored and found.bits >= bits_of(matching.review):
        said.append(f"None of the telling attributes agrees: {', '.join(_labels(matching))}.")
    return said


def _labels(matching: Matching) -> list[str]:
    return [c.label for c in matching.comparisons if c.feature in matching.anchors]
