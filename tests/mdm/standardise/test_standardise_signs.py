"""What is looked at before a slow pattern says no only where the pattern finds nothing."""

from collections.abc import Callable
from re import Pattern

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mdm.standardise import companies, streets

STEADY = settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow])
WORDS = """
p o b . box # no 12 3-4a a ste suite mail stop mailstop room 2nd fl floor flr c/o attn: attention d/b/a d.b.a. dba
t/a a/k/a aka f/k/a fka formerly previously known trading doing business as also us \u212a \u017f drawer rm , ; - (
DBA Formerly STE Box ms unit0 lot_1 apt
"""
PIECES = st.lists(st.sampled_from(WORDS.split()), max_size=8)
TEXTS = st.builds(lambda pieces, glue: glue.join(pieces), PIECES, st.sampled_from([" ", "", ".", "\t"]))


@pytest.mark.parametrize(
    ("may", "pattern"),
    [
        (streets.has_care, streets._CARE_OF),
        (streets.has_box, streets._BOX),
        (streets.has_floor, streets._ORDINAL_FLOOR),
        (streets.has_unit, streets._UNIT),
        (companies.has_trading, companies._TRADING),
        (companies.has_former, companies._FORMER),
    ],
)
@STEADY
@given(text=TEXTS)
def test_no_is_said_only_where_nothing_is_found(may: Callable[[str], bool], pattern: Pattern[str], text: str) -> None:
    assert may(text) or not pattern.search(text)


@STEADY
@given(text=TEXTS)
def test_only_the_last_words_of_forms_can_end_a_form(text: str) -> None:
    words = text.split()
    assert not words or words[-1] in companies._LAST_WORDS or companies._strip_forms(words)[1] == []
