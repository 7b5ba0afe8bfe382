"""What two items say of each other beside their words."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.engine import goods
from matching.engine.candidates import Pairs
from matching.engine.columns import Column
from matching.engine.evidence import HELD
from matching.engine.item_evidence import (
    LEVEL,
    SHARED,
    mentioned,
    packs_agree,
    price,
    prices_agree,
    rarity,
    related_codes,
    same_kind,
    telling,
    trade_numbers,
    without_series,
)  # fmt: skip
from matching.engine.shipped import shipped
from matching.engine.weighing import weights


def pairs(*two: tuple[int, int]) -> Pairs:
    left, right = zip(*two, strict=True)
    return Pairs(np.array(left), np.array(right))


def test_a_code_that_many_bear_says_less_and_none_shared_says_no() -> None:
    column = Column.of([["RARE1"], ["RARE1"], *[["SERIES9"]] * 60, ["OTHER7"], []])
    found = related_codes(column, telling(column))(pairs((0, 1), (2, 3), (0, 62), (0, 2), (0, 63)))
    assert found[0] == 1
    assert SHARED < found[1] < 0.9
    assert found[2] == 0, "two codes, each of one item alone"
    assert np.isnan(found[3]), "a code that many bear is none of this item's own"
    assert np.isnan(found[4])


def test_a_field_of_numbers_is_read_without_the_series_it_names() -> None:
    column = Column.of([["DL385", f"PN{n}"] for n in range(20)] + [["DL385"]])
    kept = without_series(column)
    assert [kept.texts[code] for code in kept.codes] == [*(f"PN{n}" for n in range(20)), "DL385"]


def test_measures_are_compared_by_unit() -> None:
    column = Column.of([["5ml", "2in"], ["5ml"], ["10ml", "2in"], ["7fr"], ["5ml", "3in"]])
    kinds = [text.lstrip("0123456789") for text in column.texts]
    found = same_kind(column, kinds)(pairs((0, 1), (0, 2), (0, 3), (0, 4), (1, 2)))
    assert found.tolist() == pytest.approx([1.0, 0.5, np.nan, 0.5, 0.0], nan_ok=True)


def test_packs_conflict_or_are_named_by_one_alone() -> None:
    column = Column.of([["5"], ["5"], ["10"], [], ["1"]])
    found = packs_agree(column)(pairs((0, 1), (0, 2), (0, 3), (3, 4), (0, 4)))
    assert found.tolist() == pytest.approx([1.0, 0.0, 0.5, np.nan, 0.0], nan_ok=True)


@pytest.mark.parametrize(
    ("raw", "amount"),
    [("$1,849.77", 1849.77), ("€ 85,91", 85.91), ("€ 7.925,38", 7925.38), ("USD, $181.94", 181.94), ("€ 198,-", 198.0)],
)
def test_prices_are_read_in_both_hands(raw: str, amount: float) -> None:
    assert price(raw) == pytest.approx(amount)


def test_prices_compare_by_their_ratio_and_may_be_silent() -> None:
    found = prices_agree(["$10", "5,00", "call us", "0"])(pairs((0, 1), (0, 2), (3, 3)))
    assert found[0] == pytest.approx(0.5)
    assert np.isnan(found[1:]).all()


def test_trade_numbers_of_two_packing_levels_are_of_one_item() -> None:
    each, case = "00312345678906", "10312345678903"
    found = trade_numbers([each.lstrip("0"), each], [case, "0031999999"])
    assert found.tolist() == pytest.approx([0.0 + LEVEL, 0.0]) or found[0] == pytest.approx(LEVEL)
    assert found[1] < LEVEL


def test_codes_that_texts_mention_count_by_share_and_number() -> None:
    column = Column.of([["A11", "B22", "C33"], ["A11", "B22", "C33"], ["A11", "Z99"], []])
    found = mentioned(column, telling(column))(pairs((0, 1), (0, 2), (0, 3)))
    assert found[0, 1] == 1
    assert 0 < found[1, 1] < 1
    assert found[1, 2] < found[0, 2]
    assert np.isnan(found[2]).all()


@given(st.lists(st.lists(st.sampled_from("abcdef"), max_size=3), min_size=2, max_size=12))
def test_rarity_never_rises_with_the_number_of_bearers(lists: list[list[str]]) -> None:
    column = Column.of([list(dict.fromkeys(texts)) for texts in lists])
    order = np.argsort(column.bearers)
    for weights_of in (rarity(column), telling(column)):
        assert (np.diff(weights_of[order]) <= 1e-6).all()
        assert ((weights_of > 0) & (weights_of <= 1)).all()


ITEMS = {
    "description": [
        "Foley catheter silicone 16FR 5cc", "CATHETER FOLEY SILICONE 16 FR 5CC", "Foley catheter silicone 18FR 5cc",
        "Foley catheter silicone 16FR 5cc", "Wound drain round 10 Fr", "Exam glove nitrile medium blue",
    ],
    "manufacturer": ["Bard", "C.R. Bard Inc", "Bard", "Bard", "Ethicon", "Halyard"],
    "manufacturer_part_number": ["0165SI16", "165SI16", "0165SI18", "0165SI16-10PK", "2231", "N100M"],
}  # fmt: skip


def scored() -> dict[tuple[int, int], float]:
    prepared = goods.prepare(ITEMS)
    found, _ = prepared.pairs()
    odds = weights(prepared, prepared.evidence(found), shipped("item")).odds(prepared.evidence(found))
    return dict(zip(zip(found.left.tolist(), found.right.tolist(), strict=True), odds.tolist(), strict=True))


def test_the_shipped_weights_part_a_twin_from_its_sibling() -> None:
    odds = scored()
    assert odds[0, 1] > 2
    assert odds[0, 2] < 0, "another size under the next number"
    assert odds.get((0, 4), -9.0) < -2


def test_another_pack_of_the_same_number_is_left_to_a_person() -> None:
    odds = scored()
    assert odds[0, 2] < odds[0, 3] < np.log(0.95 / 0.05), "likely, and never taken for granted"


DISKS = [
    "417950-B21 HP 300GB 15K 3.5 SAS disk for DL380 ML350", "417950-B21 HP 300-GB 15K 3.5 SAS disk, DL380 ML350",
    "431944-001 HP 300GB 15K 3.5 SAS disk for DL380 ML350", "HP 300GB 15K 3.5 SAS disk for DL380 ML350",
    *(f"{600000 + 17 * n}-B21 HP {n}00W power supply for DL380 ML350" for n in range(2, 40)),
]  # fmt: skip


def test_who_is_called_by_another_code_is_left_to_a_person_where_nobody_gives_part_numbers() -> None:
    blank = dict.fromkeys(("description", "manufacturer_part_number", "pack_quantity"), [""] * len(DISKS))
    prepared = goods.prepare({"name": DISKS, "manufacturer": ["HP"] * len(DISKS), **blank})
    assert prepared.doubt is not None
    two = pairs((0, 1), (0, 2), (1, 2), (0, 3))
    assert prepared.doubt(two, prepared.evidence(two)).tolist() == [False, True, True, False]


def test_what_doubt_takes_away_is_a_contribution_of_its_own() -> None:
    prepared = goods.prepare(ITEMS)
    found, _ = prepared.pairs()
    evidence = prepared.evidence(found)
    judged = weights(prepared, evidence, shipped("item"))
    each = judged.contributions(evidence)
    assert np.allclose(sum(each.values()), judged.odds(evidence))
    assert (each[HELD] <= 0).all()
    assert (each[HELD][np.isnan(evidence[HELD])] == 0).all()


def test_hostile_descriptions_are_bounded() -> None:
    texts = ["", "9" * 40_000, "A1 " * 20_000, "\u682a\u5f0f\u4f1a\u793e", "1/" * 10_000, "x" * 40_000]
    prepared = goods.prepare({"description": texts, "manufacturer_part_number": texts, "price": texts})
    found, _ = prepared.pairs()
    evidence = prepared.evidence(found)
    assert len(found) <= 15
    assert np.isfinite(weights(prepared, evidence, shipped("item")).odds(evidence)).all()
