"""What the sequencer remembers between batches is never less than what may still appear."""

from hypothesis import given
from hypothesis import strategies as st

from mdm.gaps import MOST_GAPS, Gap, Gaps


def covered(gaps: Gaps) -> set[int]:
    return {number for gap in gaps.open for number in range(gap.low, gap.high + 1)}


def test_ids_passed_over_stay_open_until_nobody_can_fill_them() -> None:
    gaps = Gaps(mark=10)
    gaps.saw([11, 14, 15, 18], oldest=100, own=104)
    assert (gaps.mark, covered(gaps)) == (18, {12, 13, 16, 17})
    gaps.saw([13, 16, 19], oldest=104, own=107)
    assert (gaps.mark, covered(gaps)) == (19, {12, 17})
    gaps.saw([], oldest=106, own=109)
    assert covered(gaps) == {12, 17}, "a transaction below 107 still runs"
    gaps.saw([], oldest=107, own=110)
    assert covered(gaps) == set()


def test_a_gap_is_not_given_up_in_the_batch_that_showed_it() -> None:
    gaps = Gaps(mark=10)
    gaps.saw([12], oldest=500, own=400)
    assert covered(gaps) == {11}, "whoever took 11 may be newer than every transaction this snapshot knew"


def test_very_many_gaps_become_one_wide_one() -> None:
    gaps = Gaps(mark=0)
    gaps.saw(list(range(2, 2 * MOST_GAPS + 6, 2)), oldest=1, own=2)
    assert len(gaps.open) < MOST_GAPS
    assert {1, 3, 2 * MOST_GAPS + 1} <= covered(gaps)
    gaps.saw([], oldest=1, own=3)
    assert gaps.open[0].before == 3


@given(
    batches=st.lists(st.sets(st.integers(1, 60), max_size=12), max_size=12),
    start=st.integers(0, 20),
)
def test_what_was_neither_seen_nor_given_up_is_asked_for(batches: list[set[int]], start: int) -> None:
    gaps, seen = Gaps(mark=start), set(range(1, start + 1))
    for own, batch in enumerate(batches, start=10):
        fresh = batch - seen
        gaps.saw(sorted(number for number in fresh if number > gaps.mark or number in covered(gaps)),
                 oldest=1, own=own)  # fmt: skip
        seen |= fresh
        expected = {number for number in range(start + 1, gaps.mark + 1) if number not in seen}
        assert covered(gaps) == expected
        assert gaps.open == sorted(gaps.open, key=lambda gap: gap.low)


def test_a_filled_gap_is_split() -> None:
    gaps = Gaps(mark=10, open=[Gap(2, 8, 50)])
    gaps.saw([4, 5, 8], oldest=1, own=60)
    assert gaps.open == [Gap(2, 3, 50), Gap(6, 7, 50)]
