"""Which weights judge the pairs of a file: those learnt from its own hard identifiers where they prove enough.

A hard identifier both records bear is an answer nobody had to give: equal, they are one; others, they are two. A slip
of the pen is neither. Without enough of such answers the declared weights and those EM finds count by halves.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from matching.engine.additive import Additive, fit, learnable
from matching.engine.columns import Shares
from matching.engine.evidence import Prepared
from matching.engine.learning import learn

ENOUGH = 50  # pairs that hard identifiers prove the same, and as many proven different, below which nothing is learnt
PULL = 4.0  # towards the shipped weights

Odds = NDArray[np.float64]
Mask = NDArray[np.bool_]


def weighed(prepared: Prepared, evidence: Mapping[str, Shares], default: Additive | None) -> tuple[Odds, Mask]:
    """Log-odds of each pair, and which pairs hard identifiers forbid."""
    known = proven(prepared, evidence)
    barred = np.zeros(len(known), dtype=bool)
    for name, group in prepared.groups.items():
        if group.hard:
            barred |= evidence[name] == 0
    same = known == 1
    if min(np.count_nonzero(same), np.count_nonzero(known == 0)) >= ENOUGH:
        odds = _anchored(prepared, evidence, known, default)
    elif default and prepared.trust:
        odds = prepared.trust * default.odds(evidence)
    else:
        first = prepared.first_odds(evidence)
        whole = {name: evidence[name] for name in prepared.groups}
        odds = (first + learn(whole, first).odds(whole)) / 2
    return odds, barred & ~same


def proven(prepared: Prepared, evidence: Mapping[str, Shares]) -> Odds:
    """By pair: 1 where hard identifiers prove it the same, 0 where they prove it different, NaN where they do not."""
    known = np.full(len(next(iter(evidence.values()))), np.nan)
    for name, group in prepared.groups.items():
        if group.hard:
            known[evidence[name] == 1] = 1
            known[(evidence[name] == 0) & np.isnan(known)] = 0
    return known


def _anchored(prepared: Prepared, evidence: Mapping[str, Shares], known: Odds, default: Additive | None) -> Odds:
    """Weights of everything but the hard identifiers learnt where those prove; their own evidence added."""
    hard = [name for name, group in prepared.groups.items() if group.hard]
    parts = [name for name in learnable(evidence) if name not in hard]
    at = np.flatnonzero(~np.isnan(known))
    odds = fit({name: evidence[name][at] for name in parts}, known[at] == 1, parts, begin=default, pull=PULL).odds(
        evidence
    )
    for name in hard:
        if default and name in default.lines:
            odds += default.lines[name].of(evidence[name]) - default.lines[name].silent
        else:
            odds += prepared.groups[name].worth(evidence[name])
    return odds
