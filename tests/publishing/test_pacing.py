"""The pace of a lane, with a clock of numbers: a limit holds in every second, a recovering target is sent little."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publishing.pacing import FULL, START, Bucket, Pace, halved


def sent_by(bucket: Bucket, seconds: float, *, late: float = 0.0) -> list[float]:
    """When messages go out of a lane that always has one ready and wakes up ``late``."""
    now, times = bucket.at, []
    while now < seconds:
        now += bucket.take(now) + late
        times.append(now)
    return times


def most_in_a_second(times: list[float]) -> int:
    return max(sum(1 for at in times[n:] if at < start + 1) for n, start in enumerate(times))


@pytest.mark.parametrize("rate", [1, 2, 5, 10, 50, 200, 400])
def test_no_second_sees_more_than_the_limit_and_a_tenth(rate: int) -> None:
    bucket = Bucket(rate, tokens=1000, at=-100.0)
    times = sent_by(bucket, 5)
    assert most_in_a_second(times) <= max(rate * 1.1, rate + 1)
    assert len(times) >= 5 * rate * 0.97


def test_a_thread_that_wakes_late_loses_no_rate() -> None:
    times = sent_by(Bucket(100, tokens=0, at=0.0), 5, late=0.004)
    assert len(times) >= 5 * 100 * 0.95


@given(st.lists(st.floats(0, 3), min_size=1, max_size=200), st.integers(1, 300))
def test_whatever_the_pauses_the_limit_holds(pauses: list[float], rate: int) -> None:
    bucket, now, times = Bucket(rate, tokens=5, at=0.0), 0.0, []
    for pause in pauses:
        now += pause
        now += bucket.take(now)
        times.append(now)
    assert most_in_a_second(times) <= rate + bucket.burst + 1


def test_what_was_not_sent_is_given_back() -> None:
    bucket = Bucket(10, tokens=1, at=0.0)
    assert bucket.take(0.0) == 0
    assert bucket.take(0.0) > 0
    bucket.give_back()
    assert bucket.tokens == 0


def pace(*, cap: float | None = None, rate: float | None = None, gently: bool = False) -> Pace:
    return Pace.resumed(cap=cap, rate=rate, gently=gently, tokens=0, idle=0, now=0.0)


def test_after_a_failure_the_rate_doubles_until_it_is_full() -> None:
    lane = pace()
    lane.recover(0.0)
    rates = []
    for step in itertools.count():
        lane.grow(step * 0.5)
        if lane.rate is None:
            break
        rates.append(lane.rate)
    assert rates == [2, 4, 8, 16, 32, 64, 128, 256]
    assert lane.limit is None
    assert lane.bucket is None


def test_it_ends_at_the_limit_of_the_endpoint() -> None:
    lane = pace(cap=10)
    lane.recover(0.0)
    assert lane.limit == START
    for step in range(6):
        lane.grow(step * 0.5)
    assert (lane.rate, lane.limit) == (None, 10)
    assert lane.bucket is not None
    assert lane.bucket.rate == 10


def test_successes_that_crowd_raise_it_once() -> None:
    lane = pace()
    lane.recover(0.0)
    for _ in range(100):
        lane.grow(0.1)
    assert lane.rate == 2


@pytest.mark.parametrize(
    ("rate", "cap", "observed", "half"),
    [(None, 100, 0, 50), (40, 100, 0, 20), (None, None, 80, 40), (None, 100, 30, 15), (1, None, 0, 1)],
)
def test_who_asks_to_slow_down_gets_half(rate: float | None, cap: float | None, observed: float, half: float) -> None:
    assert halved(rate, cap=cap, observed=observed) == half


def test_nothing_is_known_of_a_target_without_limit_that_asks_to_slow_down() -> None:
    assert halved(None, cap=None, observed=0) == FULL / 2


def test_what_was_halved_is_added_back_slowly() -> None:
    lane = pace(cap=100, rate=50, gently=True)
    lane.grow(0.0)
    assert lane.rate == 55
    lane.grow(0.5)
    assert lane.rate == 55
    for second in range(1, 10):
        lane.grow(float(second))
    assert lane.rate is None


def test_a_row_that_was_left_long_ago_holds_one_burst() -> None:
    lane = Pace.resumed(cap=100, rate=None, gently=False, tokens=-3, idle=3600, now=10.0)
    assert lane.bucket is not None
    assert [lane.take(10.0) for _ in range(6)][4] == 0
    assert lane.take(10.0) > 0


def test_no_more_stands_ready_than_a_second_takes() -> None:
    assert pace().ready(32) == 32
    assert pace(cap=5).ready(32) == 5
    assert pace(cap=1, rate=1).ready(32) == 1


def test_what_was_sent_in_the_last_second_is_remembered() -> None:
    lane = pace()
    for at in (0.0, 0.5, 1.2, 1.3):
        lane.take(at)
    assert lane.observed(1.4) == 3
