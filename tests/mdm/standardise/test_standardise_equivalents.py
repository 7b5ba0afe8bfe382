"""What an item is, whoever makes it and however it is packed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdm.standardise.equivalents import thing


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("TAMSULOSIN 0.4MG CAPS 100UD", "tamsulosin hcl 400 mcg capsule"),
        ("BISOPROLOL FUMARATE 5 MG PO TABS", "bisoprolol fumarate 5 mg tablet"),
        ("AZITHROMYCIN 500 MG IV SOLR", "azithromycin 500mg intravenous solution, reconstituted"),
        ("EXAM GLOVE NITRILE LG BX/100", "Gloves exam, nitrile, large, 1000/CS"),
        ("OXYBUTYNIN ER 5 MG TABLET", "oxybutynin 5 mg tablet, extended release"),
    ],
)
def test_another_pack_and_another_hand_tell_of_one_thing(one: str, other: str) -> None:
    assert thing(one) == thing(other) != ""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("metoprolol tartrate 25 mg tablet", "metoprolol tartrate 50 mg tablet"),
        ("metoprolol tartrate 25 mg tablet", "metoprolol succinate 25 mg tablet"),
        ("heparin 5000 unit/ml vial", "heparin 1000 unit/ml vial"),
        ("oxybutynin 5 mg tablet", "oxybutynin 5 mg tablet extended release"),
        ("amoxicillin 250 mg capsule", "amoxicillin 250 mg/5 ml suspension"),
        ("glove nitrile large", "glove nitrile medium"),
        ("catheter foley 16 fr", "catheter foley 18 fr"),
    ],
)
def test_another_strength_form_or_size_is_another_thing(one: str, other: str) -> None:
    assert thing(one) != thing(other)


@pytest.mark.parametrize("text", ["", "BOX", "100 EA", "vial", "12345", "tablet"])
def test_a_text_that_names_nothing_in_particular_is_equivalent_to_nothing(text: str) -> None:
    assert thing(text) == ""


@given(st.text(max_size=80) | st.text(alphabet="0123456789 mgMLxX/%.,TABcap", max_size=40))
def test_any_text_can_be_asked_what_it_is(text: str) -> None:
    found = thing(text).split()
    assert found == sorted(found)
    assert len(found) == len(set(found))
