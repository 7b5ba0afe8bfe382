"""Plots as numbers for SVG attributes: waterfall of a score, calibration, histogram of scores. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, log2
from typing import Any

WIDTH = 100.0
# Where a probability is as good as certain the points behind it cannot be read back from it.
_CERTAIN = 1e-12
_GAP = 0.1
_AIR = 1.0


@dataclass(frozen=True)
class Fall:
    """One line of a waterfall: from where to where the sum moves. ``x`` and ``width`` are on 0..100."""

    label: str
    note: str
    shown: str
    side: str
    x: float
    width: float
    sum: str


@dataclass(frozen=True)
class Waterfall:
    """The falls from the start to the sum, and where the limits of the bands stand on 0..100."""

    falls: Sequence[Fall]
    zero: float
    review: float
    auto: float
    end: float
    total: str


def bits(chance: float) -> float:
    """A probability in points: log2 of its odds. Infinite where it is certain."""
    return inf if chance >= 1 else -inf if chance <= 0 else log2(chance / (1 - chance))


def signed(weight: float) -> str:
    """Points with their sign and a true minus."""
    return f"{weight:+.1f}".replace("-", "\N{MINUS SIGN}") if abs(weight) >= 0.05 else "0"


def waterfall(lines: Sequence[Mapping[str, Any]], score: float, review: float, auto: float) -> Waterfall:
    """``lines`` as ``stewardship.evidence.lines`` gives them; the start comes first, then the heaviest.

    What the lines leave unexplained of the score is a line of its own, so that they always add up to it.
    """
    ordered = sorted(lines, key=lambda line: (not line.get("start"), -abs(line["weight"])))
    steps = [(str(line["label"]), str(line.get("note") or ""), float(line["weight"])) for line in ordered]
    rest = bits(score) - sum(weight for _, _, weight in steps)
    if _CERTAIN < score < 1 - _CERTAIN and abs(rest) > _GAP:
        steps.append(("Not for a single attribute", "an equal name alone, or limits", rest))
    sums = [0.0]
    for _, _, weight in steps:
        sums.append(sums[-1] + weight)
    marks = [*sums, bits(review), bits(auto)]
    low, high = min(marks) - _AIR, max(marks) + _AIR

    def at(points: float) -> float:
        return round(WIDTH * (points - low) / (high - low), 2)

    falls = [
        Fall(
            label=label,
            note=note,
            shown=signed(weight),
            side="for" if weight > 0 else "against" if weight < 0 else "",
            x=min(at(before), at(after)),
            width=round(abs(at(after) - at(before)), 2),
            sum=signed(after),
        )
        for (label, note, weight), before, after in zip(steps, sums, sums[1:], strict=False)
    ]
    return Waterfall(falls, at(0.0), at(bits(review)), at(bits(auto)), at(sums[-1]), signed(sums[-1]))
