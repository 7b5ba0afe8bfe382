"""Part numbers and model codes: what is one, and how two of them relate."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.engine.item_codes import (
    GOES_ON,
    MOST,
    PACKS,
    SAME_LOOKS,
    SLIP,
    WITHIN,
    WRONG,
    codes,
    part_numbers,
    relations,
)  # fmt: skip

CODES = st.text(alphabet="ABO0I158S2Z", min_size=1, max_size=9)


def test_codes_are_words_with_digits_that_measure_nothing() -> None:
    assert codes("Switch 8-Port 10/100 - EZXS88W, 250GB 7200RPM (64327)") == ("EZXS88W", "64327")
    assert codes("SCREW 3.5 X 14MM AR-8835L-14 BX/5") == ("AR8835L14",)
    assert len(codes(" ".join(f"AB{n}CD" for n in range(100)))) <= MOST


@pytest.mark.parametrize(
    ("field", "numbers"),
    [
        ("0165-SI16", ("165SI16",)),
        ("HP 652611-B21-5Pack", ("652611B21*5",)),
        ("A2Q79AA, A2Q79AA#ABB", ("A2Q79AA", "A2Q79AAABB")),
        ("WD800-5PK", ("WD800*5",)),
        ("12345/EA", ("12345",)),
        ("N/A", ()),
        ("", ()),
    ],
)
def test_part_numbers_leave_the_pack_aside(field: str, numbers: tuple[str, ...]) -> None:
    assert part_numbers(field) == numbers


@pytest.mark.parametrize(
    ("one", "other", "worth"),
    [
        ("165SI16", "165SI16", 1.0),
        ("652611B21*5", "652611B21", PACKS),
        ("652611B21*5", "652611B21*10", PACKS),
        ("A10B5", "AIOBS", SAME_LOOKS),
        ("DR560", "DR560K", GOES_ON),
        ("KXTG1", "KXTG1BLK", GOES_ON),
        ("AB1234", "AB2134", SLIP),
        ("12345", "99912345888", WITHIN),
        ("165SI16", "165SI18", WRONG),
        ("165SI16", "99XX", 0.0),
        ("12", "1234", 0.0),
    ],
)
def test_how_two_codes_relate(one: str, other: str, worth: float) -> None:
    assert relations([one, other], [other, one]) == pytest.approx([worth, worth])


@given(CODES, CODES)
def test_relations_are_mutual_and_full_for_the_same_alone(one: str, other: str) -> None:
    there, back = relations([one, other], [other, one])
    assert there == back
    assert (there == 1) == (one == other)
    assert np.all((there >= 0) & (there <= 1))
