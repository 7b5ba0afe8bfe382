"""Plots as numbers for SVG attributes: waterfall of a score, calibration, histogram of scores. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, log2, log10, sqrt
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


# The box of the histogram and of the calibration plot, in units of their view boxes; text stands below and left.
BOX_WIDTH, BOX_HEIGHT = 380.0, 120.0
SQUARE = 180.0
# A bar of a single pair must still be seen.
_LEAST = 2.0
_DOT, _DOTS = 3.0, 3.0


@dataclass(frozen=True)
class Bar:
    """One bar of the histogram: pairs that are one record stand on the ground, those that are two on top of them."""

    x: float
    width: float
    one_y: float
    one_height: float
    two_y: float
    two_height: float
    one: int
    two: int
    words: str


@dataclass(frozen=True)
class Tick:
    """A probability on the axis of points."""

    x: float
    label: str


@dataclass(frozen=True)
class Histogram:
    """Bars over points, with the limits of the bands. Heights are square roots, so that few beside many are seen."""

    bars: Sequence[Bar]
    ticks: Sequence[Tick]
    review: float
    auto: float
    width: float = BOX_WIDTH
    height: float = BOX_HEIGHT


def histogram(counts: Sequence[Mapping[str, Any]], review: float, auto: float) -> Histogram:
    """``counts`` are {from, one, two} in steps of equal width, as measured."""
    low, step = counts[0]["from"], counts[1]["from"] - counts[0]["from"]
    high = counts[-1]["from"] + step
    most: int = max(1, *(bar["one"] + bar["two"] for bar in counts))

    def at(points: float) -> float:
        place: float = BOX_WIDTH * (min(max(points, low), high) - low) / (high - low)
        return round(place, 2)

    def tall(number: int) -> float:
        return max(_LEAST, BOX_HEIGHT * sqrt(number / most)) if number else 0.0

    bars = []
    for bar in counts:
        whole = tall(bar["one"] + bar["two"])
        one = whole * bar["one"] / (bar["one"] + bar["two"]) if bar["one"] else 0.0
        bars.append(
            Bar(
                x=at(bar["from"]) + 1,
                width=round(at(bar["from"] + step) - at(bar["from"]) - 2, 2),
                one_y=round(BOX_HEIGHT - one, 2),
                one_height=round(one, 2),
                two_y=round(BOX_HEIGHT - whole, 2),
                two_height=round(whole - one, 2),
                one=bar["one"],
                two=bar["two"],
                words=f"{_chance(bar['from'])} to {_chance(bar['from'] + step)}",
            )
        )
    ticks = [Tick(at(bits(chance)), _percent(chance)) for chance in (0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999)]
    return Histogram(bars, ticks, at(bits(review)), at(bits(auto)))


def _chance(points: float) -> str:
    return _percent(1 / (1 + 2**-points))


def _percent(chance: float) -> str:
    """As many digits as it takes to tell it from nothing and from everything."""
    far = min(chance, 1 - chance)
    digits = 0 if far >= 0.01 else 1 if far >= 0.001 else 2 if far >= 0.0001 else 4
    return f"{chance:.{digits}%}"


@dataclass(frozen=True)
class Dot:
    """One bin of the calibration plot: what was predicted, what people said, from where to where it may lie."""

    x: float
    y: float
    top: float
    bottom: float
    radius: float
    words: str


def calibration(bins: Sequence[Any]) -> list[Dot]:
    """Bins (``matching.measuring.Bin``) as dots in a square; on the diagonal scores are what they say they are."""
    return [
        Dot(
            x=round(SQUARE * one.predicted, 2),
            y=round(SQUARE * (1 - (one.said.value or 0.0)), 2),
            top=round(SQUARE * (1 - one.said.high), 2),
            bottom=round(SQUARE * (1 - one.said.low), 2),
            radius=round(min(9.0, _DOT + _DOTS * log10(one.said.of)), 2),
            words=f"{one.said.of} pairs scored {one.predicted:.0%} on average: {one.said.value or 0.0:.0%} were one",
        )
        for one in bins
    ]
