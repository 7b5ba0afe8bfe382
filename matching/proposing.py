"""Thresholds and weights that fit what people decided better, proposed as a draft. Nothing changes by itself.

Logistic regression on the decided pairs, held near the rules in force: the fewer the decisions, the smaller the steps.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import log

import numpy as np
from numpy.typing import NDArray

from matching import lookup, measuring
from matching.known import Scored
from matching.measured import decided_pairs
from matching.measuring import Told
from matching.models import RuleSet
from matching.rules import draft, in_force
from matching.rules_content import content_of, differences
from matching.scoring import Score, probability, shares
from mdm.cause import Actor
from mdm.errors import Refused
from mdm.spec import Comparison, Domain, Level, Matching

FEWEST = 50
FEWEST_OF_EACH = 10
# What links made without a person have to reach, and from how few true ones on asking is not worth a person's time.
PRECISION = 0.98
WORTH_ASKING = 0.05
HIGHEST_REVIEW = 0.9
_FEWEST_BELOW = 30
# Weight of one decision against the rules in force: at two, a level moves a point when some twenty decisions want it.
_TIGHT = 2.0
_FOLDS = 5
_STEPS = 50
_STILL = 1e-6
_GAIN = 0.01
_FARTHEST = 25.0

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Proposal:
    """What the decisions suggest; ``changes`` are {label, before, after}, ``why_not`` says why there are none.

    ``loss`` and ``loss_before`` are the average surprise (log loss) at decisions the proposal was not made from.
    """

    decisions: int
    matching: Matching
    changes: Sequence[Mapping[str, str]]
    loss_before: float | None
    loss: float | None
    why_not: str = ""


@dataclass(frozen=True)
class _Answers:
    """Decided pairs as numbers: their points, which level of which comparison counted, and what people said."""

    points: Floats
    counted: Floats
    same: Floats


def proposal(domain: Domain) -> Proposal:
    """What thresholds and weights would fit the decisions of this domain better. Writes nothing. Eight queries.

    The decided pairs are scored anew by the rules in force, so that what was learnt once is not learnt again.
    """
    domain = in_force(domain)
    matching = domain.matching
    decided = _scored(domain)
    same = sum(answer for _, answer in decided)
    of_each = min(same, len(decided) - same)
    if len(decided) < FEWEST or of_each < FEWEST_OF_EACH:
        text = (
            f"Weights are learnt from at least {FEWEST} decisions, {FEWEST_OF_EACH} of them yes and as many no; "
            f"so far there are {len(decided)}, {same} yes and {len(decided) - same} no."
        )
        return Proposal(len(decided), matching, (), None, None, text)
    answers = _read(matching, decided)
    before, after = _held_out(answers)
    steps = _fit(answers) if before - after > _GAIN * before else np.zeros(answers.counted.shape[1] + 1)
    weighed = _weighed(matching, steps)
    told = _told(answers, steps)
    found = _limited(weighed, told)
    changes = differences(domain, content_of(matching), content_of(found))
    text = "" if changes else "The rules in force fit the decisions as well as anything these would suggest."
    return Proposal(len(decided), found, changes, round(before, 3), round(min(after, before), 3), text)


def draft_from_decisions(*, domain: Domain, by: Actor) -> RuleSet:
    """A draft rule set of what the decisions suggest, for somebody else to approve.

    Raises Refused where they suggest nothing.
    """
    found = proposal(domain)
    if not found.changes:
        raise Refused(found.why_not, "Decide more questions first.")
    reason = f"Proposed from {found.decisions:,} decisions: {len(found.changes)} numbers fit them better."
    return draft(domain=domain, content=content_of(found.matching), by=by, reason=reason)


def _places(matching: Matching) -> dict[tuple[str, int], int]:
    """(feature, level) -> column; the level behind the last is otherwise."""
    found: dict[tuple[str, int], int] = {}
    for comparison in matching.comparisons:
        for rank in range(len(comparison.levels) + 1):
            found[comparison.feature, rank] = len(found)
    return found


def _scored(domain: Domain) -> list[tuple[Score, bool]]:
    """The latest decided pairs as the rules in force score them; not those that go by a name alone."""
    decided = [(pair.left_source_id, pair.right_source_id, same) for pair, same in decided_pairs(domain)]
    known = lookup.load({pk for a, b, _ in decided for pk in (a, b)})
    shared = shares(lookup.shared_texts(domain, known.values())) if known else shares({})
    scored = Scored(domain.matching, known, shared)
    telling = {pk for pk, one in known.items() if not one.stub}
    return [(scored.score(a, b), same) for a, b, same in decided if a in telling and b in telling]


def _read(matching: Matching, decided: Sequence[tuple[Score, bool]]) -> _Answers:
    places = _places(matching)
    counted = np.zeros((len(decided), len(places)))
    for number, (score, _) in enumerate(decided):
        for one in score.evidence:
            rank = _rank(one.comparison, one.similarity)
            # Nothing counted, though its level weighs something: another one of its group spoke for it.
            if one.weight or not _weight(one.comparison, rank):
                counted[number, places[one.comparison.feature, rank]] = 1.0
    points = np.array([max(-_FARTHEST, min(_FARTHEST, score.bits)) for score, _ in decided])
    return _Answers(points, counted, np.array([float(same) for _, same in decided]))


def _rank(comparison: Comparison, similarity: float) -> int:
    ranks = (rank for rank, level in enumerate(comparison.levels) if similarity >= level.at_least)
    return next(ranks, len(comparison.levels))


def _weight(comparison: Comparison, rank: int) -> float:
    return comparison.levels[rank].weight if rank < len(comparison.levels) else comparison.otherwise


def _fit(answers: _Answers) -> Floats:
    """Steps in points: of the start, then of every level. Newton's method on a convex loss, never uphill: far from
    the answers the curve is so flat that a full step would overshoot them."""
    table = np.column_stack([np.ones(len(answers.same)), answers.counted])
    steps = np.zeros(table.shape[1])
    for _ in range(_STEPS):
        chance = _chance(answers.points + table @ steps)
        slope = log(2) * table.T @ (answers.same - chance) - _TIGHT * steps
        curve = log(2) ** 2 * (table.T * (chance * (1 - chance))) @ table + _TIGHT * np.eye(len(steps))
        move = np.linalg.solve(curve, slope)
        present = _cost(answers, table, steps)
        while _cost(answers, table, steps + move) > present and np.abs(move).max() > _STILL:
            move /= 2
        if np.abs(move).max() <= _STILL:
            break
        steps += move
    return steps


def _cost(answers: _Answers, table: Floats, steps: Floats) -> float:
    """What the fit makes small: the surprise at the answers, and the steps taken."""
    return float(_surprise(answers.points + table @ steps, answers.same).sum() + _TIGHT / 2 * steps @ steps)


def _chance(points: Floats) -> Floats:
    found: Floats = 1 / (1 + np.exp2(-np.clip(points, -_FARTHEST, _FARTHEST)))
    return found


def _held_out(answers: _Answers) -> tuple[float, float]:
    """Average surprise at decisions a fit has not seen: by the rules in force, and by what it would propose."""
    places = np.arange(len(answers.same)) % _FOLDS
    before, after = [], []
    for fold in range(_FOLDS):
        seen, unseen = places != fold, places == fold
        steps = _fit(_Answers(answers.points[seen], answers.counted[seen], answers.same[seen]))
        points, same = answers.points[unseen], answers.same[unseen]
        before.append(_surprise(points, same))
        after.append(_surprise(points + steps[0] + answers.counted[unseen] @ steps[1:], same))
    return float(np.concatenate(before).mean()), float(np.concatenate(after).mean())


def _surprise(points: Floats, same: Floats) -> Floats:
    chance = _chance(points)
    found: Floats = -(same * np.log(chance) + (1 - same) * np.log1p(-chance))
    return found


def _weighed(matching: Matching, steps: Floats) -> Matching:
    """The declaration with the steps taken, to a tenth of a point; weights still fall with similarity."""
    places = _places(matching)
    comparisons = []
    for comparison in matching.comparisons:
        levels = []
        lowest = float("inf")
        for rank, level in enumerate(comparison.levels):
            step = float(steps[1 + places[comparison.feature, rank]])
            lowest = min(lowest, _moved(level.weight, step))
            levels.append(Level(level.at_least, lowest))
        step = float(steps[1 + places[comparison.feature, len(levels)]])
        otherwise = min(lowest, _moved(comparison.otherwise, step))
        comparisons.append(replace(comparison, levels=tuple(levels), otherwise=otherwise))
    return replace(matching, comparisons=tuple(comparisons), prior=_moved(matching.prior, float(steps[0])))


def _moved(weight: float, step: float) -> float:
    """A weight after a step; steps too small to read leave it as it is."""
    return round(weight + step, 1) if abs(step) >= 0.05 else weight


def _told(answers: _Answers, steps: Floats) -> list[Told]:
    points = answers.points + steps[0] + answers.counted @ steps[1:]
    return [Told(probability(float(one)), bool(same)) for one, same in zip(points, answers.same, strict=True)]


def _limited(matching: Matching, told: Sequence[Told]) -> Matching:
    """With the limits the decisions speak for; those in force where they do not.

    Lower than in force only where decided pairs are sure to be as precise; a higher limit for questions only where
    next to none of those below it is one thing.
    """
    auto, review = matching.auto, matching.review
    sure = measuring.threshold(told, PRECISION)
    above = measuring.said([one for one in told if one.score >= auto])
    if sure and (sure[0] < auto or above.high < PRECISION):
        auto = _limit(sure[0])
    ranked = sorted(told, key=lambda one: one.score)
    for number in range(_FEWEST_BELOW, len(ranked)):
        if ranked[number].score > ranked[number - 1].score and measuring.said(ranked[:number]).high <= WORTH_ASKING:
            review = max(review, _limit(ranked[number].score))
    review = review if review < HIGHEST_REVIEW else matching.review
    return replace(matching, auto=auto if auto > review else matching.auto, review=review)


def _limit(score: float) -> float:
    return min(max(round(score, 3), 0.05), 0.999)
