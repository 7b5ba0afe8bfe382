"""Shares and their intervals, calibration, recall, thresholds: arithmetic that must not flatter."""

from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.measuring import Stratum, Told, calibration, off_by, recall, share, threshold

counts = st.integers(0, 60).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of)))


def at_least(hits: int, of: int, chance: float) -> float:
    return sum(comb(of, n) * chance**n * (1 - chance) ** (of - n) for n in range(hits, of + 1))


@given(counts)
def test_an_interval_holds_its_share_and_stays_within_nothing_and_all(found: tuple[int, int]) -> None:
    hits, of = found
    told = share(hits, of)
    assert 0 <= told.low <= told.high <= 1
    assert told.value is None or told.low <= told.value <= told.high


@given(counts.filter(lambda found: 0 < found[0] < found[1]))
def test_at_the_ends_of_the_interval_what_was_seen_is_as_rare_as_promised(found: tuple[int, int]) -> None:
    hits, of = found
    told = share(hits, of)
    assert at_least(hits, of, told.low) == pytest.approx(0.025, abs=1e-6)
    assert 1 - at_least(hits + 1, of, told.high) == pytest.approx(0.025, abs=1e-6)


@given(st.integers(1, 200))
def test_that_all_agree_never_proves_certainty(of: int) -> None:
    assert share(of, of).low < 1
    assert share(0, of).high > 0
    assert share(0, of).low == 0


def test_of_none_anything_is_possible() -> None:
    told = share(0, 0)
    assert (told.value, told.low, told.high) == (None, 0.0, 1.0)


@given(st.lists(st.builds(Told, st.floats(0, 1), st.booleans()), max_size=60))
def test_every_decision_stands_in_one_bin_at_its_place(told: list[Told]) -> None:
    bins = calibration(told)
    assert sum(one.said.of for one in bins) == len(told)
    assert sum(one.said.hits for one in bins) == sum(one.same for one in told)
    for one in bins:
        assert one.low - 1e-9 <= one.predicted <= one.high + 1e-9


def test_scores_that_mean_what_they_say_are_off_by_nothing() -> None:
    told = [Told(0.25, number == 0) for number in range(4)]
    assert off_by(calibration(told)) == pytest.approx(0.0)
    assert off_by(calibration([Told(0.9, False)])) == pytest.approx(0.9)
    assert off_by([]) is None


def test_recall_is_unknown_where_nobody_looked_at_a_band_that_holds_pairs() -> None:
    links, near = Stratum(100, share(50, 50)), Stratum(40, share(0, 0))
    assert recall([links], [near]) is None
    assert recall([links], [Stratum(0, share(0, 0))]) is not None


@given(counts, counts, st.floats(1, 1e6), st.floats(0, 1e6))
def test_recall_lies_between_its_bounds(
    one: tuple[int, int], other: tuple[int, int], links: float, near: float
) -> None:
    found = recall([Stratum(links, share(*one))], [Stratum(near, share(*other))])
    if found is not None:
        assert 0 <= found.low <= found.value + 1e-9
        assert found.value <= found.high + 1e-9
        assert found.high <= 1


def test_recall_counts_what_every_band_is_likely_to_hold() -> None:
    found = recall([Stratum(100, share(10, 10))], [Stratum(200, share(5, 10))])
    assert found is not None
    assert found.value == pytest.approx(100 / 200)
    assert found.low < 0.5 < found.high


def test_a_threshold_is_the_lowest_score_that_is_surely_precise_enough() -> None:
    told = [Told(0.9, True)] * 200 + [Told(0.8, True)] * 100 + [Told(0.7, False)] * 100
    found = threshold(told, 0.98)
    assert found is not None
    assert found[0] == 0.8
    assert found[1].low >= 0.98


def test_few_decisions_support_no_threshold() -> None:
    assert threshold([Told(0.99, True)] * 20, 0.98) is None
    assert threshold([], 0.98) is None


@given(st.lists(st.tuples(st.sampled_from([0.6, 0.7, 0.8, 0.9]), st.booleans()), max_size=80))
def test_a_threshold_never_splits_pairs_of_one_score_and_keeps_its_promise(rows: list[tuple[float, bool]]) -> None:
    told = [Told(score, same) for score, same in rows]
    found = threshold(told, 0.8)
    if found:
        above = [one.same for one in told if one.score >= found[0]]
        assert share(sum(above), len(above)) == found[1]
        assert found[1].low >= 0.8
