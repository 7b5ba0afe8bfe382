"""What spoke for and against when a decision was made: kept with it, and shown again as it was."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from matching import why
from matching.known import ordered
from matching.models import MatchCandidate, MatchPair
from matching.preparing import declaration
from matching.rules import in_force
from matching.scoring import Score, sentence
from mdm.compiled import Compiled
from mdm.domains import BY_NAME
from mdm.models import SourceRecord
from mdm.spec import Domain
from stewardship import evidence
from stewardship.evidence import Evidence
from stewardship.models import Decision

MOST = 12


@dataclass(frozen=True)
class Limits:
    """From where a person was asked and from where matching linked by itself, as they stood then."""

    review: float
    auto: float


@dataclass(frozen=True)
class Kept:
    """The pairs as a page shows them, likest first, and how many weaker ones there were."""

    pairs: Sequence[Evidence]
    limits: Limits
    hidden: int


class Side(NamedTuple):
    """A source record of a pair, as its evidence names it."""

    pk: int
    system_id: int
    system: str
    key: str
    stub: bool


@dataclass(frozen=True)
class Pair:
    """One pair that was kept with a question."""

    left: Side
    right: Side
    score: float
    explanation: Sequence[Mapping[str, Any]]
    sentence: str
    vetoes: Sequence[str]


def _pairs(candidate: int) -> Any:
    sides = [f"{side}_source{column}" for side in ("left", "right") for column in _SIDE]
    rows = MatchPair.objects.filter(candidate=candidate).order_by("-score", "pk")
    return rows.values(*sides, "score", "explanation", "sentence", "vetoes")


_SIDE = ("_id", "__system_id", "__system__name", "__key", "__stub")
_PAIRS = Compiled(_pairs, candidate=1_234_567)


def pairs_of(candidate: MatchCandidate) -> list[Pair]:
    """The pairs of a question, its likest first. One query."""
    found = []
    for row in _PAIRS.values(candidate=candidate.pk):
        left, right = (Side(*(row[f"{side}_source{column}"] for column in _SIDE)) for side in ("left", "right"))
        found.append(Pair(left, right, row["score"], row["explanation"], row["sentence"], row["vetoes"]))
    return found


def of_candidate(candidate: MatchCandidate, pairs: Sequence[Pair] | None = None) -> dict[str, Any]:
    """The evidence of a question, its likest pairs first, as JSON. Two queries, one where its pairs are given."""
    domain = in_force(BY_NAME[candidate.domain])
    pairs = pairs_of(candidate) if pairs is None else pairs
    rows = [
        _row(
            domain, (pair.left, pair.right), pair.score, pair.explanation,
            {"sentence": pair.sentence, "vetoes": pair.vetoes},
        )
        for pair in pairs[:MOST]
    ]  # fmt: skip
    return _kept(domain, rows, len(pairs))


def of_records(domain: Domain, record_ids: Sequence[UUID]) -> dict[str, Any]:
    """The evidence between records a person put side by side, as JSON. Six queries."""
    domain = in_force(domain)
    found = why.likest(domain, record_ids)
    shown = found[:MOST]
    sources = SourceRecord.objects.select_related("system").in_bulk([pk for a, b, _ in shown for pk in (a, b)])
    rows = [_scored(domain, sources[a], sources[b], score) for a, b, score in shown]
    return _kept(domain, rows, len(found))


def read(decision: Decision) -> Kept | None:
    """What a decision was made on; None for one that kept nothing."""
    return show(decision.domain, decision.evidence) if decision.evidence.get("pairs") else None


def show(domain: str, kept: Mapping[str, Any]) -> Kept:
    """Kept evidence as a page shows it."""
    limits = Limits(kept["limits"]["review"], kept["limits"]["auto"])
    pairs = [_shown(BY_NAME[domain], row, kept) for row in kept["pairs"]]
    return Kept(pairs, limits, int(kept["pair_count"]) - len(pairs))


def _scored(domain: Domain, left: SourceRecord, right: SourceRecord, score: Score) -> dict[str, Any]:
    explanation = score.explanation(swap=ordered(left.pk, right.pk) != (left.pk, right.pk))
    told = {"sentence": sentence(score), "vetoes": list(score.vetoes)}
    sides = [Side(one.pk, one.system_id, one.system.name, one.key, one.stub) for one in (left, right)]
    return _row(domain, (sides[0], sides[1]), score.probability, explanation, told)


def _row(
    domain: Domain,
    pair: tuple[Side, Side],
    score: float,
    explanation: Sequence[Mapping[str, Any]],
    told: Mapping[str, Any],
) -> dict[str, Any]:
    left, right = pair
    by_name = left.stub or right.stub
    return {
        "left": f"{left.system} {left.key}",
        "right": f"{right.system} {right.key}",
        "sources": [left.pk, right.pk],
        "score": score,
        "explanation": list(explanation),
        "one_source": domain.matching.same_source if left.system_id == right.system_id and not by_name else 0.0,
        "by_name": by_name,
        **told,
    }


def _kept(domain: Domain, rows: Sequence[Mapping[str, Any]], count: int) -> dict[str, Any]:
    matching = domain.matching
    return {
        "limits": {"review": matching.review, "auto": matching.auto},
        "prior": matching.prior,
        "declaration": declaration(domain),
        "named": evidence.titles(row["explanation"] for row in rows),
        "pairs": list(rows),
        "pair_count": count,
    }


def _shown(domain: Domain, row: Mapping[str, Any], kept: Mapping[str, Any]) -> Evidence:
    left, right = row["sources"]
    return Evidence(
        left=row["left"],
        right=row["right"],
        score=row["score"],
        sentence=row["sentence"],
        lines=evidence.lines(
            domain,
            row["explanation"],
            kept["named"],
            prior=kept["prior"],
            one_source=row["one_source"],
            by_name=row["by_name"],
        ),
        vetoes=row["vetoes"],
        sources=(left, right),
    )
