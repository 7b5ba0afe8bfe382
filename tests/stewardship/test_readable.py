"""Identifiers as people write them, on pages only."""

import pytest

from mdm.domains import BY_NAME
from mdm.spec import Attribute
from stewardship import showing
from stewardship.readable import by_word


@pytest.mark.parametrize(
    ("word", "stored", "read"),
    [
        ("phone", "+19255551234", "+1 925-555-1234"),
        ("phone", "+19255551234 ext. 45", "+1 925-555-1234 ext. 45"),
        ("phone", "+4544448888", "+45 44 44 88 88"),
        ("phone", "call the desk", "call the desk"),
        ("phone", "+", "+"),
        ("ndc", "00002445485", "00002-4454-85"),
        ("ndc", "0000244548", "0000244548"),
        ("tax_id", "841368850", "84-1368850"),
        ("tax_id", "••••8850", "••••8850"),
        ("tax_id", "DE129273398", "DE129273398"),
        ("duns", "123456789", "123456789"),
    ],
)
def test_what_looks_as_expected_gets_its_separators(word: str, stored: str, read: str) -> None:
    assert by_word(word, stored) == read


def test_declared_attributes_are_shown_by_their_word() -> None:
    ndc = next(one for one in BY_NAME["item"].attributes if one.name == "ndc")
    assert showing.shown(ndc, "00002445485") == "00002-4454-85"


def test_schemes_are_named_in_words() -> None:
    scheme = Attribute(name="scheme", label="Scheme")
    assert showing.shown(scheme, "charge_code") == "Charge code"
    assert showing.shown(scheme, "va_class") == "VA class"
