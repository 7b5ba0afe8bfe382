"""Any golden records compared pair by pair, as matching would: what speaks for and against, and why it did not ask."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any
from uuid import UUID

from matching import lookup, why
from matching.known import Scored
from matching.scoring import Score, shares
from mdm.models import SourceRecord
from mdm.spec import Domain
from stewardship import evidence
from stewardship.review import Evidence

# Beyond this a pair costs more to explain than anybody reads.
MOST = 6


@dataclass(frozen=True)
class WhyNot:
    """One pair of golden records by its likest source records; ``obstacles`` are plain sentences."""

    evidence: Evidence
    band: str
    obstacles: Sequence[str]


class Pairs:
    """The likest pair of source records between every two of the golden records. Four queries, however many."""

    def __init__(self, domain: Domain, record_ids: Sequence[UUID]) -> None:
        self.domain = domain
        known = lookup.load(lookup.members_of(record_ids))
        shared = shares(lookup.shared_texts(domain, known.values())) if known else shares({})
        scored = Scored(domain.matching, known, shared)
        members = scored.members()
        found: list[tuple[int, int, Score]] = []
        for left, right in combinations([pk for pk in record_ids if pk in members], 2):
            scores = [(a, b, scored.score(a, b)) for a in members[left] for b in members[right]]
            found.append(max(scores, key=lambda pair: pair[2].bits))
        self.best = sorted(found, key=lambda pair: -pair[2].bits)

    @property
    def explanations(self) -> list[list[Mapping[str, Any]]]:
        """The evidence of every pair, as candidates keep it."""
        return [list(score.explanation()) for _, _, score in self.best]

    def why_not(self) -> list[WhyNot]:
        """The likest pairs explained; a few queries for each of at most six."""
        shown = self.best[:MOST]
        sources = SourceRecord.objects.select_related("system").in_bulk([pk for a, b, _ in shown for pk in (a, b)])
        return [self._why(sources[a], sources[b]) for a, b, _ in shown]

    def _why(self, left: SourceRecord, right: SourceRecord) -> WhyNot:
        found = why.explain(first=left.pk, second=right.pk)
        return WhyNot(
            evidence=Evidence(
                left=f"{left.system.name} {left.key}",
                right=f"{right.system.name} {right.key}",
                score=found.score,
                sentence=found.sentence,
                lines=evidence.lines(self.domain, found.evidence, evidence.titles([found.evidence])),
                vetoes=(),
            ),
            band=found.band,
            obstacles=found.obstacles,
        )
