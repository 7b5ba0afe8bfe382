"""Bars of deliveries over time as numbers for SVG attributes; the page holds no inline style."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from publishing.queries import Minute

STEP = 10
BAR = 7
HEIGHT = 64
LEAST = 2  # a single answer must still be seen


@dataclass(frozen=True)
class Bar:
    """One minute: taken stands on the ground, failed on top of it. All in units of the view box."""

    at: datetime
    taken: int
    failed: int
    x: int
    taken_y: float
    taken_height: float
    failed_y: float
    failed_height: float


@dataclass(frozen=True)
class Plot:
    """Bars and the box they stand in; ``highest`` is the largest count of one minute."""

    bars: tuple[Bar, ...]
    width: int
    height: int
    highest: int
    bar: int = BAR


def plot(minutes: Sequence[Minute]) -> Plot:
    """The bars of these minutes, oldest first, scaled to the highest."""
    highest = max((minute.taken + minute.failed for minute in minutes), default=0)
    bars = tuple(_bar(number * STEP, minute, highest) for number, minute in enumerate(minutes))
    return Plot(bars, len(minutes) * STEP, HEIGHT, highest)


def _bar(x: int, minute: Minute, highest: int) -> Bar:
    taken, failed = _height(minute.taken, highest), _height(minute.failed, highest)
    failed = min(failed, HEIGHT - taken)
    return Bar(
        at=minute.at,
        taken=minute.taken,
        failed=minute.failed,
        x=x,
        taken_y=HEIGHT - taken,
        taken_height=taken,
        failed_y=HEIGHT - taken - failed,
        failed_height=failed,
    )


def _height(count: int, highest: int) -> float:
    return max(round(count / highest * HEIGHT, 1), LEAST) if count else 0
