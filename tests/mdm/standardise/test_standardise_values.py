"""Dates, numbers, addresses, phones, codes and texts."""

from typing import Any

import pytest

from mdm.standardise import STANDARDISERS, Doubt, Style, Unreadable, standardise

COMMA = Style(decimal=",")
DATED = Style(date_formats=("DD-MON-YY", "%m/%d/%Y"))
LEGACY = Style(blanks=("NOT AVAILABLE", "-999"))

READ: list[tuple[str, str, Style, dict[str, Any], str | int | bool]] = [
    ("date", "30-JUN-19", DATED, {}, "2019-06-30"),
    ("date", "30-jun-69", DATED, {}, "1969-06-30"),
    ("date", "2/6/2020", DATED, {}, "2020-02-06"),
    ("date", "02/26/2020 10:15 AM", DATED, {}, "2020-02-26"),
    ("date", "2021-03-12", DATED, {}, "2021-03-12"),
    ("date", "2021-03-12T08:00:00Z", Style(), {}, "2021-03-12"),
    ("date", "20210312", Style(), {"formats": ["YYYYMMDD"]}, "2021-03-12"),
    ("date", "12 March 2021", Style(), {"formats": ["DD MONTH YYYY"]}, "2021-03-12"),
    ("date", "44267", Style(), {"formats": ["EXCEL"]}, "2021-03-12"),
    ("decimal", "32,3991", COMMA, {}, "32.3991"),
    ("decimal", "1.234,50", COMMA, {}, "1234.5"),
    ("decimal", "19,3000", COMMA, {}, "19.3"),
    ("decimal", "1,234.50", Style(), {}, "1234.5"),
    ("decimal", "1 234.50", Style(), {}, "1234.5"),
    ("decimal", "$1,234.50", Style(), {}, "1234.5"),
    ("decimal", "12 EUR", Style(), {}, "12"),
    ("decimal", "(12.50)", Style(), {}, "-12.5"),
    ("decimal", "12.50-", Style(), {}, "-12.5"),
    ("decimal", ".5", Style(), {}, "0.5"),
    ("decimal", "-0.00", Style(), {}, "0"),
    ("decimal", "1E-05", Style(), {}, "0.00001"),
    ("decimal", "316.75800000000004", Style(), {}, "316.758"),
    ("decimal", "36.1632161630001", Style(), {}, "36.1632161630001"),
    ("decimal", "12345678901234567.89", Style(), {}, "12345678901234567.89"),
    ("integer", "12.0", Style(), {}, 12),
    ("integer", "1,021", Style(), {}, 1021),
    ("boolean", "Y", Style(), {}, True),
    ("boolean", "no", Style(), {}, False),
    ("boolean", "T", Style(), {}, True),
    ("boolean", "J", Style(), {"true": ["J"], "false": ["N"]}, True),
    ("phone", "(925) 295-4000", Style(), {}, "+19252954000"),
    ("phone", "212 297-0200", Style(), {}, "+12122970200"),
    ("phone", "1-800-661-9036", Style(), {}, "+18006619036"),
    ("phone", "9252954000 x12", Style(), {}, "+19252954000 ext. 12"),
    ("phone", "1-800-FLOWERS", Style(), {}, "+18003569377"),
    ("phone", "011442072275800", Style(), {}, "+442072275800"),
    ("phone", "020 7227 5800", Style(), {"country": "GB"}, "+442072275800"),
    ("phone", "551123225061", Style(), {"country": "Brazil"}, "+551123225061"),
    ("phone", "011-49-6172-6090", Style(), {"country": "DE"}, "+4961726090"),
    ("phone", "(650) 458-2620", Style(), {"country": "NL"}, "+16504582620"),
    ("phone", "441 295 5950", Style(), {"country": "BM"}, "+14412955950"),
    ("postcode", "2421", Style(), {"region": "MA"}, "02421"),
    ("postcode", "2421", Style(), {"country": "USA"}, "02421"),
    ("postcode", "602", Style(), {"country": "US"}, "00602"),
    ("postcode", "2421", Style(), {}, "2421"),
    ("postcode", "3000", Style(), {"country": "AU", "region": "MA"}, "3000"),
    ("postcode", "527617109", Style(), {}, "52761-7109"),
    ("postcode", "52761-0000", Style(), {}, "52761"),
    ("postcode", "l8p0a6", Style(), {}, "L8P 0A6"),
    ("postcode", "tw14 8ha", Style(), {"country": "GB"}, "TW14 8HA"),
    ("region", "Calif.", Style(), {}, "CA"),
    ("region", "british columbia", Style(), {}, "BC"),
    ("region", "Qu\u00e9bec", Style(), {"country": "CA"}, "QC"),
    ("region", "nsw", Style(), {"country": "AU"}, "NSW"),
    ("country", "usa", Style(), {}, "US"),
    ("country", "U.S.A.", Style(), {}, "US"),
    ("country", "DEU", Style(), {}, "DE"),
    ("country", "C\u00f4te d'Ivoire", Style(), {}, "CI"),
    ("country", "Korea, Republic of", Style(), {}, "KR"),
    ("currency", "us$", Style(), {}, "USD"),
    ("uom", "*EA", Style(), {}, "EA"),
    ("uom", "Each", Style(), {}, "EA"),
    ("uom", "mL", Style(), {}, "MLT"),
    ("uom", "CA", Style(), {}, "CS"),
    ("uom", "*SY", Style(), {}, "SYR"),
    ("uom", "BLIST PACK", Style(), {}, "PK"),
    ("code", " ab-01 ", Style(), {}, "AB-01"),
    ("cost_center_code", "0001.17670", Style(), {}, "0001.17670"),
    ("cost_center_code", "10.471", Style(), {}, "10.471"),
    ("reference", " V100001 ", Style(), {}, "V100001"),
    ("choice", "remit TO", Style(), {"choices": (("remit", "Remit to"), ("legal", "Legal"))}, "remit"),
    ("choice", "2", Style(), {"choices": {"2": "non-profit"}}, "non-profit"),
    ("choice", "2", Style(), {"choices": ["a", "b"], "map": {"2": "b"}}, "b"),
    ("strength", "250MG / 5 ml", Style(), {}, "250 mg/5 mL"),
    ("strength", "1,000 UNITS/ML", Style(), {}, "1000 unit/mL"),
    ("strength", "250 MG-250 MG-65 MG", Style(), {}, "250 mg-250 mg-65 mg"),
    ("strength", "0.40 mg", Style(), {}, "0.4 mg"),
    ("dosage_form", "TABS,EXT REL", Style(), {}, "tablet extended release"),
    ("email", "Jo.Doe@Example.ORG", Style(), {}, "jo.doe@example.org"),
    ("url", "http://WWW.Shc.org/?", Style(), {}, "http://www.shc.org"),
    ("url", "southernhillshospital.com", Style(), {}, "http://southernhillshospital.com"),
    ("text", "a\u200e  b\n c\x00", Style(), {}, "a b c"),
    ("text", "NAI\u0308VE", Style(), {}, "NA\u00cfVE"),
    ("text", "Mixed Case", Style(casing="upper"), {}, "MIXED CASE"),
    ("name", '"Acme, Inc.", ', Style(), {}, "Acme, Inc."),
    ("name", 'THE "BIG" CO', Style(), {}, 'THE "BIG" CO'),
]


@pytest.mark.parametrize(("word", "raw", "style", "options", "value"), READ)
def test_reads(word: str, raw: str, style: Style, options: dict[str, Any], value: str | int | bool) -> None:
    answer = standardise(word, raw, style, **options)
    assert answer == value
    assert type(answer) is type(value)


@pytest.mark.parametrize("word", sorted(STANDARDISERS))
@pytest.mark.parametrize("raw", ["", "  ", "\t\n", "NOT AVAILABLE", " not available ", "-999"])
def test_blank_is_none_for_every_word(word: str, raw: str) -> None:
    assert standardise(word, raw, LEGACY) is None


@pytest.mark.parametrize(
    ("word", "raw", "options"),
    [
        ("phone", "555", {}),
        ("phone", "(925) 195-4000", {}),
        ("phone", "9999999999", {}),
        ("postcode", "3000", {"region": "CA", "country": "CA"}),
        ("postcode", "0000", {"country": "US"}),
        ("postcode", "999999999", {"country": "US"}),
        ("region", "XX", {}),
        ("country", "Ruritania", {}),
        ("uom", "SC", {}),
        ("email", "nobody", {}),
        ("email", "a@b.org; c@d.org", {}),
        ("url", "see brochure", {}),
        ("decimal", "4.73116E+08", {}),
    ],
)
def test_doubts(word: str, raw: str, options: dict[str, Any]) -> None:
    answer = standardise(word, raw, **options)
    assert isinstance(answer, Doubt)
    assert raw in answer.message


@pytest.mark.parametrize(
    ("word", "raw", "style", "message"),
    [
        ("date", "31-FEB-20", DATED,
         '"31-FEB-20" is not a date; this feed writes dates like 30-JUN-19 or 06/30/2019 or 2019-06-30.'),
        ("date", "02/26/2020", Style(), '"02/26/2020" is not a date; this feed writes dates like 2019-06-30.'),
        ("decimal", "12.50", COMMA, '"12.50" is not a number; this feed\'s decimal mark is ",".'),
        ("decimal", "1,23", Style(), '"1,23" is not a number; this feed\'s decimal mark is ".".'),
        ("decimal", "twelve", Style(), '"twelve" is not a number; this feed\'s decimal mark is ".".'),
        ("integer", "12.5", Style(), '"12.5" is not a whole number.'),
        ("boolean", "maybe", Style(), '"maybe" is neither yes nor no.'),
        ("currency", "$", Style(), '"$" is not a currency.'),
    ],
)  # fmt: skip
def test_refuses_in_business_words(word: str, raw: str, style: Style, message: str) -> None:
    with pytest.raises(Unreadable) as caught:
        standardise(word, raw, style)
    assert caught.value.message == message
    assert caught.value.way_out


def test_choice_names_what_is_known() -> None:
    with pytest.raises(Unreadable, match="known values: order, remit"):
        standardise("choice", "ship", choices=["order", "remit"])


def test_map_may_turn_a_text_into_blank() -> None:
    assert standardise("country", "Unknown", map={"unknown": ""}) is None


def test_an_unknown_word_is_a_mistake_of_the_programmer() -> None:
    with pytest.raises(KeyError):
        standardise("zodiac", "Leo")


def test_long_values_are_cut_in_messages() -> None:
    with pytest.raises(Unreadable) as caught:
        standardise("date", "x" * 500)
    assert len(caught.value.message) < 160
