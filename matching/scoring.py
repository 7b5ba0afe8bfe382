"""Fellegi-Sunter: weights in bits add up from a prior to the odds that two records are one thing. Pure.

Every score keeps its evidence, attribute by attribute, so that each decision can be explained to a person.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import log2
from typing import Any, TypeAlias

from matching.comparisons import MEASURES
from matching.features import Features
from mdm.spec import Comparison, Matching

# How many records of one and the same source share this text of this feature, at most. Counting within a source keeps
# true twins of different sources from making their own value look common.
Shared = Callable[[str, str], int]

_MOST_BITS = 60.0


# The fields of an Evidence, before anybody wants to see it.
_Judged: TypeAlias = tuple[Comparison, str, str, float, str, float]


@dataclass(frozen=True, slots=True)
class Evidence:
    """One comparison's outcome for one pair. ``level`` is equal, close, weak or different."""

    comparison: Comparison
    left: str
    right: str
    similarity: float
    level: str
    weight: float

    def as_json(self, swap: bool) -> dict[str, Any]:
        """{feature, label, left, right, similarity, level, weight} as the review page shows it."""
        left, right = (self.right, self.left) if swap else (self.left, self.right)
        return {
            "feature": self.comparison.feature,
            "label": self.comparison.label,
            "left": left.replace("|", " ").strip(),
            "right": right.replace("|", " ").strip(),
            "similarity": round(self.similarity, 3),
            "level": self.level,
            "weight": round(self.weight, 2),
        }


@dataclass(frozen=True, slots=True)
class Score:
    """The sum for one pair. ``vetoes`` are the labels that forbid an automatic link; ``anchored``: one may be made."""

    bits: float
    evidence: tuple[Evidence, ...]
    vetoes: tuple[str, ...]
    anchored: bool

    @property
    def probability(self) -> float:
        """The score shown and stored, 0..1."""
        return probability(self.bits)

    def explanation(self, swap: bool = False) -> list[dict[str, Any]]:
        """The evidence as JSON, heaviest first; ``swap`` shows the right record on the left."""
        ranked = sorted(self.evidence, key=lambda e: -abs(e.weight))
        return [evidence.as_json(swap) for evidence in ranked]


def probability(bits: float) -> float:
    """Odds of 2**bits as a probability."""
    return 1 / (1 + 2 ** -max(-_MOST_BITS, min(_MOST_BITS, bits)))


def bits_of(chance: float) -> float:
    """The inverse of ``probability``."""
    return log2(chance / (1 - chance))


def score(matching: Matching, left: Features, right: Features, same_source: bool, shared: Shared) -> Score:
    """Compare two records on everything declared; what one of them does not say is no evidence."""
    found = _judged(matching, left, right, shared)
    evidence = [Evidence(*one) for one in found]
    weights = _independent(found)
    return Score(
        bits=matching.prior + (matching.same_source if same_source else 0.0) + sum(weights),
        evidence=tuple(
            one if one.weight == weight else replace(one, weight=weight)
            for one, weight in zip(evidence, weights, strict=True)
        ),
        vetoes=tuple(e.comparison.label for e in evidence if e.comparison.veto and e.level == "different"),
        anchored=any(e.comparison.feature in matching.anchors and _telling(e) for e in evidence),
    )


def same_name(matching: Matching, left: Features, right: Features, shared: Shared) -> Score:
    """The score where one side is known by name only: an equal name that is not commonplace is enough, else nothing."""
    comparison = next((c for c in matching.comparisons if c.feature == matching.names), None)
    ours, theirs = left.get(matching.names), right.get(matching.names)
    if comparison is None or not ours or not theirs:
        return Score(-_MOST_BITS, (), (), anchored=False)
    found = Evidence(*_judge(comparison, ours, theirs, shared))
    if found.similarity < 1:
        return Score(-_MOST_BITS, (found,), (), anchored=False)
    common = log2(max(shared(comparison.feature, found.left), 1))
    return Score(2 * bits_of(matching.auto) * 0.35**common, (found,), (), anchored=True)


def _telling(evidence: Evidence) -> bool:
    """An anchor holds when it agrees at least half as strongly as it could: in full, or nearly and not commonplace."""
    return evidence.weight * 2 >= evidence.comparison.levels[0].weight > 0


def _judged(matching: Matching, left: Features, right: Features, shared: Shared) -> list[_Judged]:
    return [
        _judge(comparison, ours, theirs, shared)
        for comparison in matching.comparisons
        if (ours := left.get(comparison.feature)) and (theirs := right.get(comparison.feature))
    ]


def _judge(comparison: Comparison, left: tuple[str, ...], right: tuple[str, ...], shared: Shared) -> _Judged:
    similarity, ours, theirs = MEASURES[comparison.measure](left, right)
    for rank, level in enumerate(comparison.levels):
        if similarity >= level.at_least:
            weight = level.weight
            if comparison.rarity and ours == theirs:
                weight -= comparison.rarity * log2(max(shared(comparison.feature, ours), 1))
                weight = max(weight, 0.0)
            name = "equal" if rank == 0 else "close" if weight > 0 else "weak"
            return comparison, ours, theirs, similarity, name, weight
    return comparison, ours, theirs, similarity, "different", comparison.otherwise


def _independent(found: Sequence[_Judged]) -> list[float]:
    """The weights that count: within a group only that of the strongest agreement, or, where none agrees, of the
    strongest disagreement; the others are 0."""
    weights = [one[5] for one in found]
    best: dict[str, int] = {}
    for place, one in enumerate(found):
        group = one[0].group
        if group and (group not in best or _stronger(weights[place], weights[best[group]])):
            best[group] = place
    if best:
        for place, one in enumerate(found):
            if one[0].group and best[one[0].group] != place:
                weights[place] = 0.0
    return weights


def _stronger(new: float, old: float) -> bool:
    if (new > 0) != (old > 0):
        return new > 0
    return abs(new) > abs(old)


def sentence(found: Score) -> str:
    """One plain sentence: what agrees, what is close, what speaks against it.

    What never speaks for a match (a legal form, say) is not named where it agrees.
    """
    agree = _labels(e for e in found.evidence if e.level == "equal" and e.comparison.levels[0].weight > 0)
    close = _labels(e for e in found.evidence if e.level == "close")
    against = _labels(e for e in found.evidence if e.level == "different")
    clauses = [
        f"{agree} {'agree' if ' and ' in agree or ',' in agree else 'agrees'}" if agree else "",
        f"{close} {'are' if ' and ' in close else 'is'} close" if close else "",
        f"{against} {'differ' if ' and ' in against else 'differs'}" if against else "",
    ]
    text = "; ".join(clause for clause in clauses if clause)
    return f"{text[0].upper()}{text[1:]}." if text else "Nothing comparable is known of both."


def _labels(evidence: Any) -> str:
    labels = list(dict.fromkeys(_lower(e.comparison.label) for e in sorted(evidence, key=lambda e: -abs(e.weight))))
    return labels[0] if len(labels) == 1 else f"{', '.join(labels[:-1])} and {labels[-1]}" if labels else ""


def _lower(label: str) -> str:
    """Names of identifiers keep their capitals: tax id, but NDC."""
    return label if label.isupper() else label[:1].lower() + label[1:]


def shares(counts: Mapping[tuple[str, str], int]) -> Shared:
    """Look-up of how many records of a source share a text; what was never counted is unique."""
    return lambda feature, text: counts.get((feature, text), 1)
