"""Looking for duplicates of one golden record on demand: what shares a key with it, scored and explained."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from matching import lookup
from matching.known import Scored, ordered
from matching.rules import in_force
from matching.scoring import Score, bits_of, sentence, shares
from matching.why import band
from mdm.models import GoldenRecord, GoldenState
from mdm.spec import Domain

MOST = 20
# Below this the two have next to nothing in common.
LEAST = 0.02


@dataclass(frozen=True)
class Resemblance:
    """A golden record that resembles the one asked about; ``ruled_out``: a person said that they are not the same."""

    record: GoldenRecord
    score: float
    band: str
    sentence: str
    evidence: Sequence[dict[str, Any]]
    ruled_out: bool


def duplicates_of(domain: Domain, record: GoldenRecord) -> list[Resemblance]:
    """The records likest to this one, at most twenty, likest first. Writes nothing; a fixed number of queries."""
    domain = in_force(domain)
    mine = lookup.members_of([record.pk])
    pairs = {pair for pair in lookup.pairs_of(domain, mine) if (pair[0] in mine) != (pair[1] in mine)}
    known = lookup.load({pk for pair in pairs for pk in pair})
    shared = shares(lookup.shared_texts(domain, known.values())) if known else shares({})
    scored = Scored(domain.matching, known, shared, lookup.ruled_out(known))
    best = _best(scored, pairs, mine)
    found: dict[UUID, GoldenRecord] = GoldenRecord.objects.exclude(state=GoldenState.MERGED).in_bulk(list(best))
    ranked = sorted(best.items(), key=lambda item: -item[1][1].bits)
    return [
        _resemblance(domain, found[golden], score, ordered(*pair) in scored.apart)
        for golden, (pair, score) in ranked
        if golden in found and score.bits >= bits_of(LEAST)
    ][:MOST]


def _best(scored: Scored, pairs: set[tuple[int, int]], mine: set[int]) -> dict[UUID, tuple[tuple[int, int], Score]]:
    """{other golden record: (its likest pair of source records, the score)}."""
    best: dict[UUID, tuple[tuple[int, int], Score]] = {}
    for a, b in sorted(pairs):
        other = scored.known.get(b if a in mine else a)
        if a not in scored.known or b not in scored.known or other is None or other.golden is None:
            continue
        score = scored.score(a, b)
        if other.golden not in best or score.bits > best[other.golden][1].bits:
            best[other.golden] = ((a, b), score)
    return best


def _resemblance(domain: Domain, record: GoldenRecord, score: Score, ruled_out: bool) -> Resemblance:
    evidence = [
        {"label": one.comparison.label, "weight": one.weight, "note": f"{one.left} / {one.right}".replace("|", " ")}
        for one in score.evidence
        if one.weight
    ]
    return Resemblance(record, score.probability, band(domain.matching, score), sentence(score), evidence, ruled_out)
