"""How good matching is, as far as people's decisions tell: shares with intervals, calibration, precision, recall. Pure.

A share is never told without its interval (Clopper-Pearson, 95 %): it covers at least as often as it says, also where
few have been looked at or all of them agree.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from scipy.stats import beta

SURE = 0.95
BINS = 10
# Scores below this are not worth a bin of their own on a plot that ends at 1.
_MOST = 0.9999999


@dataclass(frozen=True)
class Share:
    """So many of so many, and where the true share lies with 95 % certainty. Of none, anything is possible."""

    hits: int
    of: int
    low: float
    high: float

    @property
    def value(self) -> float | None:
        """The share itself; None of none."""
        return self.hits / self.of if self.of else None


@dataclass(frozen=True)
class Told:
    """One pair somebody decided, with the score it had. ``sampled``: drawn at random, not asked for its score."""

    score: float
    same: bool
    sampled: bool = False


@dataclass(frozen=True)
class Bin:
    """Decided pairs whose score lies from ``low`` up to ``high``: what was predicted on average, what people said."""

    low: float
    high: float
    predicted: float
    said: Share


@dataclass(frozen=True)
class Stratum:
    """One band: how many pairs it holds, and what people said of those they looked at there."""

    pairs: float
    said: Share

    @property
    def true(self) -> tuple[float, float, float] | None:
        """How many of its pairs are one thing: likeliest, at least, at most; None where nobody looked."""
        if not self.said.of:
            return None
        return (
            self.pairs * self.said.hits / self.said.of,
            self.pairs * self.said.low,
            self.pairs * self.said.high,
        )


@dataclass(frozen=True)
class Recall:
    """Of all pairs that are one thing and were compared, the share found; with its lowest and highest value."""

    value: float
    low: float
    high: float


def share(hits: int, of: int, sure: float = SURE) -> Share:
    """So many of so many with its Clopper-Pearson interval."""
    rest = (1 - sure) / 2
    low = float(beta.ppf(rest, hits, of - hits + 1)) if hits else 0.0
    high = float(beta.ppf(1 - rest, hits + 1, of - hits)) if hits < of else 1.0
    return Share(hits, of, low, high)


def said(told: Iterable[Told]) -> Share:
    """How many of these people called the same."""
    answers = [one.same for one in told]
    return share(sum(answers), len(answers))


def calibration(told: Iterable[Told], bins: int = BINS) -> list[Bin]:
    """Decided pairs in bins of equal width by score; empty bins are left out."""
    inside: dict[int, list[Told]] = {}
    for one in told:
        inside.setdefault(int(min(one.score, _MOST) * bins), []).append(one)
    return [
        Bin(
            low=number / bins,
            high=(number + 1) / bins,
            predicted=sum(one.score for one in found) / len(found),
            said=said(found),
        )
        for number, found in sorted(inside.items())
    ]


def off_by(bins: Sequence[Bin]) -> float | None:
    """By how much scores and decisions differ on average, weighed by decisions; None without any."""
    of = sum(one.said.of for one in bins)
    if not of:
        return None
    return sum(abs(one.predicted - (one.said.value or 0.0)) * one.said.of for one in bins) / of


def recall(found: Sequence[Stratum], missed: Sequence[Stratum]) -> Recall | None:
    """The share of true pairs that lie in ``found`` and not in ``missed``; None where nobody looked at one of them.

    The bounds put every band at its worst or best at once, so they hold at least as surely as each of the bands.
    """
    inside, outside = ([one.true for one in band if one.pairs] for band in (found, missed))
    if None in inside or None in outside:
        return None
    (value, low, high), (miss, miss_low, miss_high) = (
        tuple(sum(column) for column in zip(*(t for t in told if t), strict=True)) or (0.0, 0.0, 0.0)
        for told in (inside, outside)
    )
    return Recall(_part(value, miss), _part(low, miss_high), _part(high, miss_low))


def _part(inside: float, outside: float) -> float:
    return inside / (inside + outside) if inside + outside else 1.0


def threshold(told: Sequence[Told], precision: float) -> tuple[float, Share] | None:
    """The lowest score from which decided pairs are this precise with 95 % certainty, and how precise they are there.

    None where no score is: too few decisions, or too many of them against.
    """
    ranked = sorted(told, key=lambda one: -one.score)
    best = None
    hits = 0
    for number, one in enumerate(ranked, start=1):
        hits += one.same
        last = number == len(ranked) or ranked[number].score < one.score
        if last and (found := share(hits, number)).low >= precision:
            best = one.score, found
    return best
