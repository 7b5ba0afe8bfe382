"""What the sequencer remembers between batches is never less than what may still appear."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mdm.gaps import MOST_GAPS, MOST_KEPT, Gaps, fewer, running, without

STEADY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
HELD = frozenset({5})


def covered(gaps: Gaps) -> set[int]:
    every = [*gaps.fresh, *(gap for one in gaps.by_running.values() for gap in one)]
    return {number for low, high in every for number in range(low, high + 1)}


def test_who_runs_is_read_from_a_snapshot_and_bounded_by_the_own_number() -> None:
    assert running("100:100:", 100) == frozenset()
    assert running("90:104:90,102", 107) == {90, 102, 104, 105, 106}, "from 104 on nobody had ended"
    assert running("90:120:90,119", 110) == {90}


def test_a_gap_is_read_in_the_next_batch_and_then_when_one_who_may_fill_it_has_ended() -> None:
    gaps = Gaps(mark=10)
    gaps.saw([11, 14, 15, 18], frozenset({7}), whole=True)
    assert (gaps.mark, covered(gaps)) == (18, {12, 13, 16, 17})
    assert gaps.due(frozenset({7, 9})) == [(12, 13), (16, 17)]
    gaps.saw([13, 19], frozenset({7, 9}), whole=True)
    assert (gaps.mark, covered(gaps)) == (19, {12, 16, 17})
    assert gaps.due(frozenset({7, 9, 11})) == []
    assert gaps.due(frozenset({9, 11})) == [(12, 12), (16, 17)]
    gaps.saw([16], frozenset({9, 11}), whole=True)
    assert covered(gaps) == {12, 17}
    gaps.saw([], frozenset({11}), whole=True)
    assert covered(gaps) == set()


def test_of_many_rollbacks_none_is_read_again_while_one_transaction_is_held_open() -> None:
    gaps = Gaps()
    for number in range(2, 5000, 2):
        gaps.saw([number], HELD, whole=True)
    gaps.saw([], HELD, whole=True)
    assert gaps.due(HELD | {9}) == []
    assert set(range(1, 4999, 2)) <= covered(gaps)
    assert len(gaps.by_running[HELD]) <= MOST_GAPS
    assert len(gaps.kept()) <= MOST_KEPT
    assert gaps.due(frozenset()) != []


def test_a_batch_that_was_cut_gives_no_gap_up() -> None:
    gaps = Gaps(mark=10)
    gaps.saw([12], frozenset(), whole=True)
    gaps.saw([], frozenset(), whole=False)
    assert gaps.due(frozenset()) == [(11, 11)]
    gaps.saw([], frozenset(), whole=True)
    assert gaps.due(frozenset()) == []


def test_another_begins_where_one_left_off() -> None:
    gaps = Gaps(mark=10)
    gaps.saw([12, 15], HELD, whole=True)
    gaps.saw([17], HELD, whole=True)
    after = Gaps()
    after.remember(gaps.mark, gaps.kept())
    assert (after.mark, covered(after)) == (17, covered(gaps))
    assert after.due(HELD) == [(16, 16)], "what only a transaction held open may fill is not read at each takeover"
    assert after.due(frozenset()) == [(11, 11), (13, 14), (16, 16)]


def test_what_an_earlier_release_kept_is_read_once() -> None:
    gaps = Gaps()
    gaps.remember(9, [[3, 4], [6, 6]])
    assert gaps.due(HELD) == [(3, 4), (6, 6)]


@STEADY
@given(st.lists(st.sets(st.integers(1, 400), min_size=1, max_size=3), max_size=260), st.sets(st.integers(1, 400)))
def test_who_takes_over_reads_no_less_than_may_have_appeared(sets: list[set[int]], now: set[int]) -> None:
    gaps = Gaps(mark=0)
    for number, may in enumerate(sets, start=1):
        gaps.saw([2 * number], frozenset(), whole=True)
        gaps.by_running.setdefault(frozenset(may), []).append((2 * number - 1, 2 * number - 1))
    after = Gaps()
    kept = gaps.kept()
    after.remember(gaps.mark, kept)
    assert len(kept) <= MOST_KEPT
    read = {number for low, high in after.due(frozenset(now)) for number in range(low, high + 1)}
    assert {number for low, high in gaps.due(frozenset(now)) for number in range(low, high + 1)} <= read
    assert covered(gaps) <= covered(after)


@STEADY
@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 9)), max_size=40), st.integers(1, 8))
def test_fewer_gaps_cover_no_less(made: list[tuple[int, int]], most: int) -> None:
    gaps = [(low, low + more) for low, more in made]
    found = fewer(gaps, most)
    assert len(found) <= max(most, 0) or found == sorted(gaps)
    assert all(any(low <= a and b <= high for low, high in found) for a, b in gaps)


@STEADY
@given(st.sets(st.integers(1, 60)), st.sets(st.integers(1, 60)))
def test_without_leaves_just_the_rest(held: set[int], filled: set[int]) -> None:
    found = without([(number, number) for number in sorted(held)], sorted(filled))
    assert [low for low, _ in found] == sorted(held - filled)
    assert {n for low, high in without([(1, 60)], sorted(filled)) for n in range(low, high + 1)} == set(
        range(1, 61)
    ) - filled
