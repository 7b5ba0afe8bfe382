"""Which weights judge the pairs of a file: those learnt from its own hard identifiers where they prove enough.

A hard identifier both records bear is an answer nobody had to give: equal, they are one; others, they are two. A slip
of the pen is neither. Without enough of such answers the declared weights, those EM finds and the shipped ones are
blended, as each errs where the others do not.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from matching.engine.additive import Additive, Line, fit, learnable
from matching.engine.columns import CHUNK, Shares
from matching.engine.evidence import HELD, Group, Prepared
from matching.engine.learning import learn

ENOUGH = 50  # pairs that hard identifiers prove the same, and as many proven different, below which nothing is learnt
PULL = 4.0  # towards the shipped weights
MOST_MOVED = 3.0  # log-odds
MOVED = 0.35  # share of what EM makes of the shipped weights: it ranks better, and is too sure of itself
DOUBTED = 1.0  # log-odds above which a pair that is left to a person gains a tenth: in order, below the automatic band

Odds = NDArray[np.float64]
Mask = NDArray[np.bool_]
Evidence = Mapping[str, Shares]
Contributions = dict[str, Odds]


@dataclass(frozen=True)
class Weights:
    """How the pairs of one file are judged. ``proven``: by what its hard identifiers taught."""

    contributions: Callable[[Evidence], Contributions]
    proven: bool

    def odds(self, evidence: Evidence) -> Odds:
        """Log-odds of each pair: the sum of the contributions of its groups and of "", which all pairs have."""
        size = len(next(iter(evidence.values())))
        found = np.empty(size)
        for begin in range(0, size, CHUNK):
            part = slice(begin, begin + CHUNK)
            found[part] = sum(self.contributions({name: shares[part] for name, shares in evidence.items()}).values())
        return found


def weights(prepared: Prepared, evidence: Evidence, default: Additive | None) -> Weights:
    """Learnt from all the pairs of a file."""
    found = _learnt(prepared, evidence, default)
    return replace(found, contributions=_held_back(found.contributions)) if prepared.doubt else found


def _learnt(prepared: Prepared, evidence: Evidence, default: Additive | None) -> Weights:
    known = proven(prepared, evidence)
    if min(np.count_nonzero(known == 1), np.count_nonzero(known == 0)) >= ENOUGH:
        return Weights(_anchored(prepared, evidence, known, default).contributions, proven=True)
    whole = {name: evidence[name] for name in prepared.groups}
    if default and prepared.settles:
        learnt = learn(whole, default.odds(evidence))
        both = _share(default.contributions, 1 - MOVED), _share(learnt.contributions, MOVED)
        return Weights(_together(*both), proven=False)
    if default and prepared.trust:
        return Weights(_share(default.contributions, prepared.trust), proven=False)
    learnt = learn(whole, prepared.first_odds(evidence))
    halves = Weights(_together(_share(prepared.declared, 0.5), _share(learnt.contributions, 0.5)), proven=False)
    return _with_default(halves, evidence, default) if default else halves


def _with_default(found: Weights, evidence: Evidence, default: Additive) -> Weights:
    """By thirds, each ranks where another errs; as many pairs the same as without the default, if it expects fewer:
    how frequent duplicates are it cannot know."""
    thirds = replace(
        found, contributions=_together(_share(found.contributions, 2 / 3), _share(default.contributions, 1 / 3))
    )
    odds, expected = thirds.odds(evidence), float(expit(found.odds(evidence)).sum())
    low, high = 0.0, MOST_MOVED
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (middle, high) if float(expit(odds + middle).sum()) < expected else (low, middle)
    moved = {"": np.array(low)}
    return replace(thirds, contributions=_together(thirds.contributions, lambda _: moved))


def _held_back(each: Callable[[Evidence], Contributions]) -> Callable[[Evidence], Contributions]:
    """With what doubt takes away, as a contribution of its own."""

    def of(evidence: Evidence) -> Contributions:
        found = each(evidence)
        total = np.asarray(sum(found.values()), dtype=np.float64)
        taken = np.where(evidence[HELD] == 0, -0.9 * np.maximum(total - DOUBTED, 0), 0.0)
        return found | {HELD: taken}

    return of


def _share(each: Callable[[Evidence], Contributions], share: float) -> Callable[[Evidence], Contributions]:
    return lambda evidence: {name: share * worth for name, worth in each(evidence).items()}


def _together(*several: Callable[[Evidence], Contributions]) -> Callable[[Evidence], Contributions]:
    def of(evidence: Evidence) -> Contributions:
        found: Contributions = {}
        for each in several:
            for name, worth in each(evidence).items():
                found[name] = found[name] + worth if name in found else worth
        return found

    return of


def proven(prepared: Prepared, evidence: Evidence) -> Odds:
    """By pair: 1 where hard identifiers prove it the same, 0 where they prove it different, NaN where they do not."""
    known = np.full(len(next(iter(evidence.values()))), np.nan)
    for name in _hard(prepared):
        known[evidence[name] == 1] = 1
        known[(evidence[name] == 0) & np.isnan(known)] = 0
    return known


def barred(prepared: Prepared, evidence: Evidence) -> Mask:
    """Pairs that a hard identifier forbids and none proves."""
    forbidden: Mask = proven(prepared, evidence) == 0
    return forbidden


def wary(prepared: Prepared, evidence: Evidence) -> Mask:
    """Pairs that are left to a person, however likely: they were held back, or what must agree does not."""
    found = np.zeros(len(next(iter(evidence.values()))), dtype=np.bool_)
    if HELD in evidence:
        found |= evidence[HELD] == 0
    if prepared.must and prepared.must[0] in evidence:
        name, least = prepared.must
        found |= evidence[name] < least
    return found


def _hard(prepared: Prepared) -> dict[str, Group]:
    return {name: group for name, group in prepared.groups.items() if group.hard}


def _anchored(prepared: Prepared, evidence: Evidence, known: Odds, default: Additive | None) -> Additive:
    """Weights of everything but the hard identifiers learnt where those prove; their own added."""
    hard = _hard(prepared)
    parts = [name for name in learnable(evidence) if name not in hard and name != HELD]
    at = np.flatnonzero(~np.isnan(known))
    found = fit({name: evidence[name][at] for name in parts}, known[at] == 1, parts, begin=default, pull=PULL)
    own = {
        name: default.lines[name] if default and name in default.lines else _declared(group, found)
        for name, group in hard.items()
    }
    return replace(found, start=found.start - sum(line.silent for line in own.values()), lines={**found.lines, **own})


def _declared(group: Group, like: Additive) -> Line:
    worth = group.worth(like.knots.astype(np.float32))
    return Line(float(-worth[0]), np.diff(worth))
