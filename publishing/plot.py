"""Bars of deliveries over time as numbers for SVG attributes; the page holds no inline style."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from publishing.queries.minutes import Bucket

STEP = 10
BAR = 7
HEIGHT = 64
LEAST = 2  # a single answer must still be seen


@dataclass(frozen=True)
class Bar:
    """One bucket: taken stands on the ground, failed on top of it. All in units of the view box."""

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
    """Bars and the box they stand in; ``highest`` is the largest count of one bucket."""

    bars: tuple[Bar, ...]
    width: int
    height: int
    highest: int
    taken: int
    failed: int
    bar: int = BAR


def plot(buckets: Sequence[Bucket]) -> Plot:
    """The bars of these buckets, oldest first, scaled to the highest."""
    highest = max((bucket.taken + bucket.failed for bucket in buckets), default=0)
    bars = tuple(_bar(number * STEP, bucket, highest) for number, bucket in enumerate(buckets))
    taken, failed = sum(bucket.taken for bucket in buckets), sum(bucket.failed for bucket in buckets)
    return Plot(bars, len(buckets) * STEP, HEIGHT, highest, taken, failed)


def _bar(x: int, bucket: Bucket, highest: int) -> Bar:
    taken, failed = _height(bucket.taken, highest), _height(bucket.failed, highest)
    failed = min(failed, HEIGHT - taken)
    return Bar(
        at=bucket.at,
        taken=bucket.taken,
        failed=bucket.failed,
        x=x,
        taken_y=HEIGHT - taken,
        taken_height=taken,
        failed_y=HEIGHT - taken - failed,
        failed_height=failed,
    )


def _height(count: int, highest: int) -> float:
    return max(round(count / highest * HEIGHT, 1), LEAST) if count else 0
