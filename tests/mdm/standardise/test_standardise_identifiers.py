"""Identifiers: every written form of one identifier meets in one value, and what is lost is never invented."""

from typing import Any

import pytest

from mdm.standardise import Doubt, Style, Unreadable, mask_tail, standardise

READ: list[tuple[str, str, dict[str, Any], str]] = [
    ("tax_id", "84-1368850", {}, "841368850"),
    ("tax_id", " 841368850 ", {}, "841368850"),
    ("tax_id", "841368850.0", {}, "841368850"),
    ("tax_id", "10526993", {}, "010526993"),
    ("tax_id", "98-1007018", {"country": "CA"}, "981007018"),
    ("tax_id", "B-87654321", {"country": "ES"}, "B87654321"),
    ("vat", "DE 136 695 976", {}, "DE136695976"),
    ("vat", "136695976", {"country": "DE"}, "DE136695976"),
    ("vat", "GB 980 7806 84", {}, "GB980780684"),
    ("vat", "EL 094259216", {}, "EL094259216"),
    ("duns", "15-048-3782", {}, "150483782"),
    ("duns", "1234567", {"pad": 9}, "001234567"),
    ("uei", "zqggh ljg9rn4", {}, "ZQGGHLJG9RN4"),
    ("lei", "529900T8BM49AURSDO55", {}, "529900T8BM49AURSDO55"),
    ("npi", "1234567893", {}, "1234567893"),
    ("ccn", "050093", {}, "050093"),
    ("ccn", "30119", {}, "030119"),
    ("ccn", "06005f", {}, "06005F"),
    ("ccn", "05-0093", {}, "050093"),
    ("gln", "0614141000012", {}, "0614141000012"),
    ("gtin", "614141000036", {}, "00614141000036"),
    ("gtin", "4006381333931", {}, "04006381333931"),
    ("gtin", "(01)04006381333931", {}, "04006381333931"),
    ("gtin", "96385074", {}, "00000096385074"),
    ("ndc", "00517271025", {}, "00517271025"),
    ("ndc", "0597-0058-01", {}, "00597005801"),
    ("ndc", "63824-175-63", {}, "63824017563"),
    ("ndc", "69238-1266-1", {}, "69238126601"),
    ("ndc", "99999-0151-98", {}, "99999015198"),
    ("ndc", "45611-00936", {}, "45611000936"),
    ("ndc", "8137-004267", {}, "08137004267"),
    ("ndc", "99999-900438", {}, "99999900438"),
    ("ndc", "713050324", {"pad": 11}, "00713050324"),
    ("ndc", "2764001", {"pad": 11}, "00002764001"),
    ("hcpcs", "j1265", {}, "J1265"),
    ("hcpcs", "90714", {}, "90714"),
    ("hcpcs", "J1265-JW", {}, "J1265"),
    ("unspsc", "51.14.15.01", {}, "51141501"),
    ("iban", "gb82 west 1234 5698 7654 32", {}, "GB82WEST12345698765432"),
    ("bank_account", "0012-3456 789", {}, "00123456789"),
    ("account_tail", "0012-3456 789", {}, "\u2022\u2022\u2022\u20226789"),
    ("account_tail", "12345", {}, "\u2022\u2022\u2022\u202245"),
]


@pytest.mark.parametrize(("word", "raw", "options", "value"), READ)
def test_reads(word: str, raw: str, options: dict[str, Any], value: str) -> None:
    assert standardise(word, raw, **options) == value


DOUBTED: list[tuple[str, str, dict[str, Any]]] = [
    ("tax_id", "1.11987E+08", {}),
    ("tax_id", "000000000", {}),
    ("tax_id", "999999999", {}),
    ("tax_id", "123-45-6789", {}),
    ("tax_id", "1234567", {}),
    ("vat", "DE136695977", {}),
    ("duns", "000000000", {}),
    ("uei", "0QGGHLJG9RN4", {}),
    ("uei", "ZQ123456789A", {}),
    ("lei", "529900T8BM49AURSDO56", {}),
    ("npi", "1234567890", {}),
    ("ccn", "5009", {}),
    ("ccn", "000000", {}),
    ("gln", "0614141000013", {}),
    ("gtin", "4006381333932", {}),
    ("gtin", "00000000000000", {}),
    ("ndc", "6745718200", {}),
    ("ndc", "713050324", {}),
    ("ndc", "CS0040051901", {"pad": 11}),
    ("ndc", "999990000888", {"pad": 11}),
    ("ndc", "0574-0150-04-99-005", {}),
    ("ndc", "TPNCONSULT", {"pad": 11}),
    ("ndc", "00000000000", {}),
    ("hcpcs", "J126", {}),
    ("unspsc", "5114", {}),
    ("iban", "GB82WEST12345698765433", {}),
    ("bank_account", "none", {}),
]


@pytest.mark.parametrize(("word", "raw", "options"), DOUBTED)
def test_doubts_instead_of_guessing(word: str, raw: str, options: dict[str, Any]) -> None:
    answer = standardise(word, raw, **options)
    assert isinstance(answer, Doubt)
    assert answer.value is None
    assert answer.message.endswith((".", "lost."))


def test_scientific_notation_says_what_was_lost() -> None:
    answer = standardise("tax_id", "4.73116E+08")
    assert isinstance(answer, Doubt)
    assert answer.message == '"4.73116E+08" is what a spreadsheet left of a tax number: its last digits are lost.'


def test_strict_refuses_what_would_be_doubted() -> None:
    with pytest.raises(Unreadable) as caught:
        standardise("ndc", "TPNCONSULT", strict=True)
    assert caught.value.message == '"TPNCONSULT" is not a national drug code (NDC).'
    assert caught.value.way_out


def test_account_numbers_never_appear_whole_in_messages() -> None:
    answer = standardise("iban", "GB82WEST12345698765433")
    assert isinstance(answer, Doubt)
    assert "12345698" not in answer.message
    assert "5433" in answer.message


def test_mask_tail_hides_at_least_half() -> None:
    assert mask_tail("1234567890") == "\u2022" * 6 + "7890"
    assert mask_tail("123") == "\u2022\u20223"
    assert mask_tail("") == ""


def test_blank_of_the_feed_is_no_identifier() -> None:
    assert standardise("tax_id", "not available", Style(blanks=("NOT AVAILABLE",))) is None
