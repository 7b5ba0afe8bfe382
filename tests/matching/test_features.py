"""From values to comparable texts."""

from typing import Any

import pytest

from matching.features import WORDS, make_features
from mdm.domains import BY_NAME


def made(domain: str, values: dict[str, Any], parts: dict[str, Any] | None = None) -> dict[str, tuple[str, ...]]:
    return make_features(BY_NAME[domain].matching, values, parts or {}, lambda _: None)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("WATERS CORP /DE/", "Waters Corporation"),
        ("Bristol-Myers Squibb Company", "BRISTOL MYERS SQUIBB CO"),
        ("U.S. PHYSICAL THERAPY INC /NV", "US Physical Therapy, Inc."),
        ("NORTHWEST PIPELINE GP", "Northwest Pipeline GP"),
        ("AT&T INC.", "AT & T Inc"),
    ],
)
def test_company_names_written_differently_meet(left: str, right: str) -> None:
    assert made("supplier", {"name": left})["core"] == made("supplier", {"name": right})["core"]


@pytest.mark.parametrize(
    ("left", "right"),
    [("Kinder Morgan Inc", "Kinder Morgan Energy Partners LP"), ("Fox Corp", "News Corp"), ("3M Co", "3D Systems")],
)
def test_other_companies_do_not_meet(left: str, right: str) -> None:
    assert made("supplier", {"name": left})["core"] != made("supplier", {"name": right})["core"]


def test_former_names_count_as_names() -> None:
    found = made(
        "supplier", {"name": "Trimble Inc."}, {"names": [{"kind": "former", "name": "Trimble Navigation Ltd"}]}
    )
    assert found["core"] == ("trimble", "trimble navigation")


def test_corporation_and_its_partnership_differ_in_form() -> None:
    assert made("supplier", {"name": "Green Plains Inc."})["form"] == ("company",)
    assert made("supplier", {"name": "Green Plains Partners LP"})["form"] == ("partnership",)
    assert "form" not in made("supplier", {"name": "Green Plains"})


def test_silence_makes_no_feature() -> None:
    assert made("supplier", {"name": None, "tax_id": "", "phone": None}, {"addresses": [{"line1": None}]}) == {}


def test_addresses_of_every_row_are_read_side_by_side() -> None:
    rows = [
        {"line1": "5757 N. Green Bay Avenue", "line2": "P.O. Box 591", "postcode": "53201-0591", "city": "Milwaukee"},
        {"line1": "One Liberty Plaza", "line2": "7th Floor", "postcode": "10006", "city": "New York"},
    ]
    found = made("supplier", {}, {"addresses": rows})
    assert found["street"] == ("5757|n green bay ave", "box 591|", "1|liberty plz")
    assert found["postcode"] == ("53201", "10006")
    assert found["city"] == ("milwaukee", "new york")


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ({"street": "1601 WEST ST MARY'S ROAD"}, {"street": "1601 W. St. Marys Rd."}),
        ({"street": "235 WEST SIXTH STREET"}, {"street": "235 W 6th St"}),
    ],
)
def test_streets_written_differently_meet(left: dict[str, str], right: dict[str, str]) -> None:
    assert made("facility", left)["street"] == made("facility", right)["street"]


def test_a_note_in_brackets_may_be_part_of_a_place_name_or_not() -> None:
    assert made("facility", {"name": "O'Connor Hospital (Verity)"})["name"] == (
        "oconnor hospital verity",
        "oconnor hospital",
    )


def test_units_at_one_door_are_told_apart() -> None:
    assert made("facility", {"name": "St. Alban's Memorial Hospital"})["unit"] == ("main",)
    assert made("facility", {"name": "St. Alban's Memorial Hosp. - Wound Care"})["unit"] == ("wound",)
    assert made("facility", {"name": "Loading Dock, Central Supply"})["unit"] == ("dock supply",)


@pytest.mark.parametrize(("damaged", "whole"), [("10.471", "10.47100"), ("10.4501", "10.45010"), ("10", "10.000")])
def test_codes_that_lost_their_last_zeros_meet(damaged: str, whole: str) -> None:
    assert made("cost_center", {"code": damaged})["code"] == made("cost_center", {"code": whole})["code"]


def test_leading_zeros_of_codes_are_kept() -> None:
    assert made("cost_center", {"code": "060"})["code"] != made("cost_center", {"code": "60"})["code"]


def test_references_compare_by_golden_record_and_by_key() -> None:
    matching = BY_NAME["cost_center"].matching
    reference = {"system": "erp", "domain": "facility", "key": "Banner Lassen Medical Center"}
    unresolved = make_features(matching, {"facility": reference}, {}, lambda _: None)
    resolved = make_features(matching, {"facility": reference}, {}, lambda _: "0190-1")
    assert unresolved["facility"] == ("banner lassen medical center",)
    assert resolved["facility"] == ("=0190-1", "banner lassen medical center")


def test_item_descriptions_forgive_order_case_and_punctuation_but_no_number() -> None:
    def text(description: str) -> tuple[str, ...]:
        return made("item", {"description": description})["text"]

    assert text("OXYBUTYNIN ER 5 MG TABLET,EXTENDED") == text("tablet extended oxybutynin er 5mg")
    assert text("DOPAMINE 1,600 MCG/ML") == text("dopamine 1600 mcg/mL")
    assert text("WARFARIN 1 MG TABLET") != text("WARFARIN 10 MG TABLET")


def test_part_numbers_tell_most_where_they_are_long_and_name_no_pack() -> None:
    def numbers(raw: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        found = made("item", {"manufacturer_part_number": raw})
        return found.get("part_number", ()), found.get("loose_number", ())

    assert numbers("00-FN9008") == (("FN9008",), ())
    assert numbers("fn 9008") == (("FN9008",), ())
    assert numbers("A-100") == ((), ("A100",))
    assert numbers("652611-B21-5Pack") == ((), ("652611B21*5",))
    assert numbers("N/A") == ((), ())


def test_makers_are_golden_records_and_names_but_no_codes() -> None:
    def makers(key: str, golden: str | None) -> tuple[str, ...]:
        reference = {"system": "erp", "domain": "supplier", "key": key}
        return make_features(BY_NAME["item"].matching, {"manufacturer": reference}, {}, lambda _: golden)["maker"]

    assert makers("Hollister, Inc.", None) == ("hollister",)
    assert makers("Hollister, Inc.", "0190-1") == ("=0190-1", "hollister")
    assert makers("V100001", "0190-1") == ("=0190-1",)


def test_measures_of_descriptions_are_in_base_units() -> None:
    assert made("item", {"description": "Syringe 1 L, 0.4 mg"})["amounts"] == ("0.4mg 1000ml",)
    assert "amounts" not in made("item", {"description": "Syringe"})


def test_every_declared_word_exists() -> None:
    assert {f.make for domain in BY_NAME.values() for f in domain.matching.features} <= WORDS.keys()
