"""The bits of many pairs at once: each two lists of texts that differ are compared once, the rest is arithmetic. Pure.

The very numbers ``scoring.score`` gives, without its evidence: for the many pairs nobody will look at.
"""

from collections.abc import Sequence
from itertools import starmap

import numpy as np
from numpy.typing import NDArray

from matching.comparisons import MEASURES, exact
from matching.engine.columns import Numbers, Shares, measured
from matching.features import Features
from mdm.spec import Comparison, Matching

Bits = NDArray[np.float64]
Mask = NDArray[np.bool_]
Texts = tuple[str, ...]


def weigh(matching: Matching, features: Sequence[Features], left: Numbers, right: Numbers, same_source: Mask) -> Bits:
    """The bits of each pair of records, told by their places in ``features``, as if no text were commonplace."""
    found = np.zeros(len(left))
    for weights in _independent(matching, [_weights(one, features, left, right) for one in matching.comparisons]):
        found += np.nan_to_num(weights)
    return matching.prior + np.where(same_source, matching.same_source, 0.0) + found


def _weights(comparison: Comparison, features: Sequence[Features], left: Numbers, right: Numbers) -> Bits:
    """What one comparison is worth for each pair, NaN where one of the two does not say."""
    number: dict[Texts, int] = {}
    codes = np.array(
        [
            number.setdefault(texts, len(number)) if (texts := one.get(comparison.feature)) else -1
            for one in features
        ],
        dtype=np.int64,
    )  # fmt: skip
    told = list(number)
    bearers = np.bincount(codes[codes >= 0], minlength=len(told))
    worth = [level.weight for level in comparison.levels] + [comparison.otherwise]
    levels = [level.at_least for level in comparison.levels]
    measure = MEASURES[comparison.measure]

    def rank(similarity: float, same_text: bool) -> int:
        found = next((n for n, at_least in enumerate(levels) if similarity >= at_least), len(levels))
        return found + len(worth) if same_text and comparison.rarity and found < len(levels) else found

    def compared(one: int, other: int) -> int:
        similarity, ours, theirs = measure(told[one], told[other])
        return rank(similarity, ours == theirs)

    def ranks(one: Numbers, other: Numbers) -> Shares:
        found = np.full(len(one), rank(1.0, True), dtype=np.float32)
        differ = np.flatnonzero(one != other)
        if measure is exact and all(len(texts) == 1 for texts in told):
            found[differ] = rank(0.0, False)
        else:
            found[differ] = [*starmap(compared, zip(one[differ].tolist(), other[differ].tolist(), strict=True))]
        return found

    found = measured(codes[left], codes[right], bearers, ranks)
    # An agreement that may lose to rarity never loses more than it is worth.
    table = np.array([*worth, *(max(weight, 0.0) for weight in worth), np.nan])
    return table[np.where(np.isnan(found), len(table) - 1, found).astype(np.int64)]


def _independent(matching: Matching, weights: list[Bits]) -> list[Bits]:
    """``scoring`` within a group: the strongest agreement counts, or, where none agrees, the strongest disagreement."""
    places: dict[str, list[int]] = {}
    for place, comparison in enumerate(matching.comparisons):
        if comparison.group:
            places.setdefault(comparison.group, []).append(place)
    for group in places.values():
        together = np.stack([weights[place] for place in group])
        strength = np.where(together > 0, 1e6 + together, np.abs(together))
        best = np.argmax(np.where(np.isnan(strength), -1.0, strength), axis=0)
        for nth, place in enumerate(group):
            weights[place] = np.where(best == nth, weights[place], 0.0)
    return weights
