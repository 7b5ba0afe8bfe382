"""What a score says: the odds of a pair as often as pairs like it proved to be one.

Odds order pairs; how often those of equal odds are one depends on the domain and on what third records say.
That is learnt from synthetic files of many kinds which taught no weights (matching/training/calibration.py), and
shipped. Higher odds are worth less nowhere. Pairs of which something is said
that only a person can judge keep theirs, below the automatic band.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from matching.engine.additive import Additive
from matching.engine.columns import Shares
from matching.engine.company import Heard

FLOOR = -4.0  # log-odds up to which a pair keeps them: it is no question
TIE = 0.01  # of the odds, added: what the scale holds to be worth the same stays in order
LEFT_FROM, LEFT_BELOW = 2.0, 2.9  # log-odds between which those left to a person end; .95 is 2.94
PARTS = ("said", "for", "against")

Odds = NDArray[np.float64]
Mask = NDArray[np.bool_]
Signs = Mapping[str, Shares]


def signs(odds: Odds, *, told: Heard | None) -> Signs:
    """By the names of ``PARTS`` what is said of the pairs above ``FLOOR``, in log-odds, NaN where nothing is."""
    at = odds > FLOOR
    said = odds[at].astype(np.float32)
    silent = np.full(len(said), np.nan, np.float32)
    return {
        "said": said,
        "for": told.support[at] if told else silent,
        "against": told.against[at] if told else silent,
    }


def calibrated(odds: Odds, signs: Signs, wary: Mask, scale: Additive | None) -> Odds:
    """Log-odds that are what they say; as they are where nothing is known of the scale."""
    found = odds.copy()
    at = np.flatnonzero(odds > FLOOR)
    if scale and len(at):
        told = np.maximum(scale.odds(signs) + TIE * odds[at], FLOOR)
        found[at] = np.where(wary[at], found[at], told)
    high = wary & (found > LEFT_FROM)
    room = LEFT_BELOW - LEFT_FROM
    found[high] = LEFT_BELOW - room * np.exp((LEFT_FROM - found[high]) / room)
    return found
