"""Likeness of texts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.comparisons import MEASURES

TEXTS = st.lists(st.text(alphabet="abc 019|", min_size=1, max_size=12), min_size=1, max_size=3).map(tuple)


def alike(measure: str, left: str, right: str) -> float:
    return MEASURES[measure]((left,), (right,))[0]


@given(measure=st.sampled_from(sorted(MEASURES)), left=TEXTS, right=TEXTS)
def test_every_measure_is_a_symmetric_share(measure: str, left: tuple[str, ...], right: tuple[str, ...]) -> None:
    there, back = MEASURES[measure](left, right), MEASURES[measure](right, left)
    assert 0 <= there[0] <= 1
    assert there[0] == pytest.approx(back[0])
    assert there[1] in left
    assert there[2] in right


@given(measure=st.sampled_from(sorted(MEASURES)), left=TEXTS, right=TEXTS)
def test_one_only_for_a_shared_text(measure: str, left: tuple[str, ...], right: tuple[str, ...]) -> None:
    assert (MEASURES[measure](left, right)[0] == 1) == bool(set(left) & set(right))


@pytest.mark.parametrize(
    ("left", "right", "at_least"),
    [
        ("select specialty hospital san diego", "select specialty hospital san diego campus", 0.9),  # goes on
        ("haven behavioral hospital", "hospital haven behavioral", 0.99),  # word order
        ("kfh moreno valley", "kaiser foundation hospital moreno valley", 0.99),  # initials
        ("thermo fisher scientific", "thermofisher scientific", 0.95),  # glued
        ("medtronic", "medtronics", 0.93),  # slip
    ],
)
def test_names_that_are_nearly_one(left: str, right: str, at_least: float) -> None:
    assert alike("name", left, right) >= at_least


@pytest.mark.parametrize(("left", "right"), [("baxter", "becton dickinson"), ("fox", "news"), ("aecom", "ibm")])
def test_names_that_are_not(left: str, right: str) -> None:
    assert alike("name", left, right) < 0.6


def test_a_street_is_house_and_way() -> None:
    assert alike("street", "9191|grant st", "9191|grant") == 0.9
    assert alike("street", "9191|grant st", "9191|main st") == 0.6
    assert alike("street", "9191|grant st", "17|grant st") == 0.3
    assert alike("street", "9191|grant st", "17|main st") == 0.0


def test_telephones_forgive_one_slip() -> None:
    assert alike("digits", "14064555000", "14064555001") == 0.8
    assert alike("digits", "14064555000", "14064550500") == 0.8
    assert alike("digits", "14064555000", "14064557777") == 0.6
    assert alike("digits", "14064555000", "15418675309") == 0.0


def test_measures_of_items_agree_differ_or_say_nothing() -> None:
    assert alike("amounts", "10ml 5mg", "5mg") == 0.9
    assert alike("amounts", "5mg", "10ml") == 0.5
    assert alike("amounts", "10ml 5mg", "10ml 6mg") == 0.0


def test_part_numbers_that_slip_or_go_on_say_nothing() -> None:
    assert alike("part_number", "FN9008", "FN9008A") == 0.5
    assert alike("part_number", "FN9008", "FN9080") == 0.5
    assert alike("part_number", "FN9008", "DS3877") == 0.0


def test_makers_compare_names_with_names_and_records_with_records() -> None:
    one, other = ("=0190-1", "hollister"), ("=0190-2",)
    assert MEASURES["maker"](one, ("hollister wound care",))[0] >= 0.6
    assert MEASURES["maker"](one, ("=0190-1",))[0] == 1
    assert MEASURES["maker"](one, other)[0] == 0
    assert MEASURES["maker"](other, ("hollister",))[0] == 0.5
