"""Any golden records compared pair by pair, as matching would: what speaks for and against, and why it did not ask."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from matching import why
from matching.rules import in_force
from matching.why import Obstacle
from mdm.models import SourceRecord
from mdm.spec import Domain
from stewardship import evidence
from stewardship.evidence import Evidence

# Beyond this a pair costs more to explain than anybody reads.
MOST = 6


@dataclass(frozen=True)
class WhyNot:
    """One pair of golden records by its likest source records; ``obstacles`` are plain sentences."""

    evidence: Evidence
    band: str
    obstacles: Sequence[Obstacle]


class Pairs:
    """The likest pair of source records between every two of the golden records. Four queries, however many."""

    def __init__(self, domain: Domain, record_ids: Sequence[UUID]) -> None:
        self.domain = in_force(domain)
        self.best = why.likest(domain, record_ids)

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
        return WhyNot(evidence_of(self.domain, left, right, found), found.band, found.obstacles)


def evidence_of(domain: Domain, left: SourceRecord, right: SourceRecord, found: why.Why) -> Evidence:
    """A comparison as the pages show it."""
    return Evidence(
        left=f"{left.system.name} {left.key}",
        right=f"{right.system.name} {right.key}",
        score=found.score,
        sentence=found.sentence,
        lines=evidence.lines(
            domain,
            found.evidence,
            evidence.titles([found.evidence]),
            one_source=found.one_source,
            by_name=found.by_name,
        ),
        vetoes=found.vetoes,
        sources=(left.pk, right.pk),
    )
