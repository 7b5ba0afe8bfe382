"""Words of item descriptions: abbreviations meet their words, and variants are told apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdm.standardise.wording import item_words, variants


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("SYR 10ML L/L STRL", "Syringe 10 mL Luer Lock sterile"),
        ("NEEDLE 22GA .5IN", 'Ndl 22 gauge 0.5"'),
        ("GLOVE NITR X-LARGE PF", "Gloves nitrile XL powder free"),
        ("1,000 CC SOLN", "1000 ml solution"),
        ("Gauze non-sterile", "GAUZE N/S"),
    ],
)
def test_two_hands_write_one_description(one: str, other: str) -> None:
    assert item_words(one) == item_words(other)


def test_numbers_keep_their_point_and_part_from_letters() -> None:
    assert item_words("Screw 2.5x14MM LN37A550") == ("screw", "2.5", "x", "14", "mm", "ln", "37", "a", "550")


def test_variants_are_named_by_kind() -> None:
    assert variants("X-Large glove, powder-free NITRILE blk") == {
        "size:xlarge", "powder:powderfree", "material:nitrile", "color:black",
    }  # fmt: skip
    assert variants("catheter latex-free") == frozenset(), "free of latex is not made of it"


@given(st.text(max_size=80))
def test_any_text_has_words_without_blanks(text: str) -> None:
    assert all(word and " " not in word for word in item_words(text))
    assert all(":" in one for one in variants(text))
