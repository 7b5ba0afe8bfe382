"""What a score says: calibrated odds, and which pairs never come to the automatic band."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.engine.calibrating import FLOOR, LEFT_BELOW, PARTS, calibrated, signs
from matching.engine.decisions import nothing
from matching.engine.deduping import MATCHABLE, File, compared, find
from matching.engine.shipped import shipped
from matching.training import calibration, organisations

AUTOMATIC = np.log(0.95 / 0.05)
SCALES = ("scale_supplier", "scale_facility", "scale_item", "scale_names")
HELD_OUT = 7_000  # a seed nothing was trained on


@pytest.mark.parametrize("name", SCALES)
@given(said=st.lists(st.floats(-20, 20), min_size=1, max_size=20))
def test_higher_odds_are_never_worth_less(name: str, said: list[float]) -> None:
    odds = np.sort(np.array(said))
    nobody = np.zeros(len(odds), dtype=np.bool_)
    found = calibrated(odds, signs(odds, told=None), nobody, shipped(name))
    assert (np.diff(found) >= -1e-5).all()
    assert (found[odds <= FLOOR] == odds[odds <= FLOOR]).all(), "what is no question is left as it is"


@given(said=st.lists(st.floats(-20, 40), min_size=2, max_size=20, unique=True))
def test_pairs_left_to_a_person_stay_below_the_automatic_band_in_order(said: list[float]) -> None:
    odds = np.sort(np.array(said))
    left = np.ones(len(odds), dtype=np.bool_)
    found = calibrated(odds, signs(odds, told=None), left, None)
    assert found.max() <= LEFT_BELOW < AUTOMATIC
    assert (np.diff(found) >= 0).all()


def test_signs_are_of_the_pairs_that_are_a_question() -> None:
    odds = np.array([-9.0, 1.0, 6.0])
    found = signs(odds, told=None)
    assert tuple(found) == PARTS
    assert all(len(part) == 2 for part in found.values())
    assert np.isnan(found["for"]).all()


def _held_out() -> Iterator[tuple[str, calibration.Made]]:
    for kind in ("supplier", "facility"):
        for seed, silent in enumerate(((), calibration.IDENTIFIERS, calibration.FEW), HELD_OUT):
            records, truth = organisations.generate(kind, 1_000, seed)
            there = sorted({name for record in records for name in record}.difference(silent))
            values = {name: [record.get(name, "") for record in records] for name in there}
            yield kind, (File([str(n) for n in range(1_000)], [""] * 1_000, values), truth, False)
    for domain, (_, made) in (("item", calibration.FILES["item"]), ("supplier", calibration.FILES["names"])):
        yield domain, next(made())


def _figures(odds: np.ndarray, same: np.ndarray) -> tuple[float, int]:
    sure = odds > AUTOMATIC
    return float(same[sure].mean()) if sure.any() else 1.0, int(same[sure].sum())


def test_the_automatic_band_is_right_and_finds_more_than_odds_as_they_were() -> None:
    before, after = 0, 0
    for domain, (file, truth, across) in _held_out():
        found = compared(file, domain, across=across, decisions=nothing(len(file.keys)), hold=False)
        number = np.array(truth)
        same = number[found.pairs.left] == number[found.pairs.right]
        precision, hits = _figures(found.calibrated, same)
        if list(file.values) != ["name"]:
            before, after = before + _figures(found.odds, same)[1], after + hits
        assert precision >= 0.97, (domain, list(file.values), precision)
    assert after > before


def test_a_department_is_left_to_a_person() -> None:
    house = {"name": "Mercy General Hospital", "street": "12 Oak Street", "city": "Dayton", "postcode": "45402"}
    pharmacy = house | {"name": "Mercy General Hospital Pharmacy"}
    others = [
        {"name": f"{word} Clinic", "street": f"{n} Elm Street", "city": "Dayton", "postcode": f"4541{n}"}
        for n, word in enumerate(("Cedar", "Harbor", "Summit", "Valley"))
    ]
    records = [house, house | {"name": "MERCY GEN HOSP"}, pharmacy, *others]
    values = {name: [record[name] for record in records] for name in house}
    found = find(File([str(n) for n in range(len(records))], [""] * len(records), values), "facility")
    scores = {
        (int(a), int(b)): score
        for a, b, score in zip(found.pairs.left, found.pairs.right, found.scores, strict=True)
    }  # fmt: skip
    assert scores[0, 2] < 0.95


def test_names_alone_are_joined_by_themselves_only_where_their_words_are_the_same() -> None:
    names = ["ACME SURGICAL LTD", "Acme Surgical", "ACME SURGICAL SUPPLIES", *(f"Name{n} Trading" for n in range(40))]
    found = find(File([str(n) for n in range(len(names))], [""] * len(names), {"name": names}), "supplier")
    told = zip(found.pairs.left.tolist(), found.pairs.right.tolist(), found.scores.tolist(), strict=True)
    assert {(a, b) for a, b, score in told if score >= 0.95} <= {(0, 1)}


def test_where_a_list_holds_namesakes_no_name_is_proof() -> None:
    names = [*(f"St Mary Hospital {n % 30}" for n in range(60)), "Acme Surgical", "ACME SURGICAL LTD"]
    found = find(File([str(n) for n in range(len(names))], [""] * len(names), {"name": names}), "facility")
    assert found.scores.max() < 0.95


def test_every_domain_has_a_scale() -> None:
    for matchable in MATCHABLE.values():
        assert shipped(matchable.scale)
        assert matchable.alone is None or shipped(matchable.alone.scale)


def test_a_scale_is_learnt_that_says_what_is_so() -> None:
    random = np.random.default_rng(17)
    odds = random.uniform(FLOOR + 0.1, 8, 60_000)
    same = random.random(len(odds)) < 1 / (1 + np.exp(-1.5 * odds))
    made = [(signs(odds, told=None), same)]
    found = calibration.train(made).odds(made[0][0])
    assert np.abs(found - 1.5 * odds)[np.abs(odds) < 2].mean() < 0.2
