"""Where two values differ, as marked for the eye."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stewardship.differences import LIMIT, differing_runs


def marked(value: str, other: str) -> str:
    """The value with differing runs in square brackets."""
    return "".join(f"[{run}]" if differs else run for run, differs in differing_runs(value, other))


@pytest.mark.parametrize(
    ("value", "other", "expected"),
    [
        ("BAXTER TRAVENOL LABORATORIES INC", "Baxter International Inc", "BAXTER [TRAVENOL LABORATORIES] INC"),
        ("36-0781602", "36-0781620", "36-07816[02]"),
        ("60015-4625", "60015", "60015[-4625]"),
        ("+1 847 948 2000", "+1 224 948 2000", "+1 [847] 948 2000"),
        ("V797D-30011", "V797D30011", "V797D[-]30011"),
        ("Distributor", "Manufacturer", "[Distributor]"),
        ("Atlas Therapeutics Inc", "Atlas Therapeutic LLC", "Atlas Therapeutic[s] [Inc]"),
        ("Atlas Therapeutic LLC", "Atlas Therapeutics Inc", "Atlas Therapeutic[] [LLC]"),
    ],
)
def test_marks_what_is_not_in_the_other(value: str, other: str, expected: str) -> None:
    assert marked(value, other) == expected


def test_marks_the_place_where_something_is_missing() -> None:
    assert marked("6015", "60015") == "6[]015"
    assert marked("Owens & Minor", "Owens & Minor Distribution") == "Owens & Minor[]"


def test_case_and_white_space_are_no_difference() -> None:
    assert marked("  ST.  MARY ", "St. Mary") == "  ST.  MARY "


def test_everything_differs_from_nothing() -> None:
    assert marked("Deerfield", "") == "[Deerfield]"
    assert marked("", "Deerfield") == ""


def test_a_long_value_comes_back_whole() -> None:
    long = "a b " * LIMIT
    assert differing_runs(long, "a b") == [(long, True)]


@given(st.text(max_size=60), st.text(max_size=60))
def test_runs_joined_are_the_value(value: str, other: str) -> None:
    assert "".join(run for run, _ in differing_runs(value, other)) == value


@given(st.text(max_size=60))
def test_a_value_does_not_differ_from_itself(value: str) -> None:
    assert not any(differs for _, differs in differing_runs(value, value))
