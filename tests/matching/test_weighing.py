"""Weights learnt from hard identifiers and shipped; what third records and rivals say; fields put right."""

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from matching.engine import organisations, telling
from matching.engine.additive import KNOTS, Additive, Line, fit
from matching.engine.candidates import Pairs
from matching.engine.columns import Shares
from matching.engine.company import CLOSED, heard, implied, rivalled
from matching.engine.mending import mended
from matching.engine.shipped import FOLDER, shipped
from matching.engine.weighing import ENOUGH, barred, proven, weights
from matching.training.organisations import generate
from matching.training.weights import compared, train

STEADY = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])


def some_evidence(
    size: int = 4_000, seed: int = 3
) -> tuple[dict[str, Shares], np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    random = np.random.default_rng(seed)
    same = random.random(size) < 0.15
    evidence = {
        name: np.where(same, random.beta(7, 2, size), random.beta(2, 5, size)).astype(np.float32)
        for name in ("name", "street")
    }
    evidence["street"][random.random(size) < 0.4] = np.nan
    return evidence, same


def test_weights_learnt_from_answers_never_fall_and_tell_probabilities() -> None:
    evidence, same = some_evidence()
    model = fit(evidence, same, ["name", "street"])
    for line in model.lines.values():
        assert (line.rises >= 0).all(), "more alike is never worth less"
    fresh, truth = some_evidence(seed=4)
    chance = 1 / (1 + np.exp(-model.odds(fresh)))
    assert truth[chance > 0.5].mean() > 0.85
    assert abs(chance.mean() - truth.mean()) < 0.02
    middling = (chance > 0.2) & (chance < 0.8)
    assert abs(chance[middling].mean() - truth[middling].mean()) < 0.12


def test_without_an_answer_what_was_learnt_elsewhere_stands() -> None:
    begin = Additive(-1.0, {"name": Line(0.5, np.linspace(0.1, 0.9, len(KNOTS) - 1))})
    none = {"name": np.zeros(0, np.float32)}
    found = fit(none, np.zeros(0, bool), ["name"], begin=begin)
    assert found.start == pytest.approx(begin.start)
    assert found.lines["name"].rises == pytest.approx(begin.lines["name"].rises)


def suppliers(count: int, *, with_ids: bool) -> dict[str, list[str]]:
    records, _ = generate("supplier", count, 5)
    return {
        name: [record.get(name, "") for record in records]
        for name in ("name", "street", "city", "postcode", "phone", *(["tax_id"] if with_ids else []))
    }


@pytest.mark.parametrize("with_ids", [True, False])
def test_contributions_add_up_to_the_score(with_ids: bool) -> None:
    prepared = organisations.prepare(suppliers(1_500, with_ids=with_ids))
    pairs, _ = prepared.pairs()
    evidence = prepared.evidence(pairs)
    known = proven(prepared, evidence)
    assert (min((known == 1).sum(), (known == 0).sum()) >= ENOUGH) == with_ids
    found = weights(prepared, evidence, shipped("supplier"))
    assert found.proven == with_ids
    each = found.contributions(evidence)
    assert set(each) <= {"", *prepared.groups}
    assert np.allclose(sum(each.values()), found.odds(evidence), atol=1e-6)


def test_a_slip_in_an_identifier_proves_nothing_and_another_forbids() -> None:
    prepared = organisations.prepare(
        {"name": ["Acme Dental"] * 4, "tax_id": ["12-3456780", "123456780", "12-3456781", "98-7654320"]}
    )
    pairs, _ = prepared.pairs()
    evidence = prepared.evidence(pairs)
    told = dict(
        zip(zip(pairs.left.tolist(), pairs.right.tolist(), strict=True), proven(prepared, evidence), strict=True)
    )
    assert told[0, 1] == 1
    assert np.isnan(told[0, 2])
    assert told[0, 3] == 0
    assert barred(prepared, evidence).tolist() == [value == 0 for value in told.values()]


@pytest.mark.parametrize("domain", ["supplier", "facility"])
def test_the_shipped_weights_part_obvious_pairs(domain: str) -> None:
    facts = json.loads((FOLDER / f"{domain}.json").read_text(encoding="utf-8"))
    assert "synthetic" in facts["trained_on"]
    assert facts["trained_at"] > "2026"
    default = shipped(domain)
    assert default
    records = {
        "name": [
            "Mercy Regional Hospital",
            "MERCY REG HOSP",
            "Zenith Dental Clinic",
            "Mercy Regional Hospital Pharmacy",
        ],
        "street": ["12 Main Street", "12 Main St", "9 Oak Ave", "12 Main Street"],
        "city": ["Albany", "ALBANY", "Boise", "Albany"],
        "postcode": ["12205", "12205", "83702", "12205"],
        "phone": ["518-555-0134", "(518) 555-0134", "208-555-0199", ""],
    }
    prepared = organisations.prepare(records)
    pairs = Pairs(np.array([0, 0, 0]), np.array([1, 2, 3]))
    twin, stranger, pharmacy = default.odds(prepared.evidence(pairs))
    assert twin > 2
    assert stranger < -4
    if domain == "facility":
        assert pharmacy < twin - 2, "a pharmacy is not the hospital around it"


def test_training_learns_from_a_small_market_what_holds_in_another() -> None:
    model = train("supplier", files=1, records=800)
    evidence, same = compared(*generate("supplier", 800, 77))
    found = model.odds(evidence) > 0
    assert same[found].mean() > 0.8
    assert found[same].mean() > 0.6
    assert generate("facility", 50, 9) == generate("facility", 50, 9)


# ---- third records and rivals ------------------------------------------------------------------------


@st.composite
def webs(draw: st.DrawFn) -> tuple[int, dict[tuple[int, int], float]]:
    size = draw(st.integers(2, 7))
    every = [(a, b) for a in range(size) for b in range(a + 1, size)]
    some = draw(st.lists(st.sampled_from(every), unique=True, min_size=1))
    return size, {pair: draw(st.floats(-9, 9)) for pair in sorted(some)}


def paired(web: dict[tuple[int, int], float]) -> tuple[Pairs, np.ndarray[tuple[int], np.dtype[np.float64]]]:
    left, right = (np.array(side, dtype=np.int64) for side in zip(*web, strict=True))
    return Pairs(left, right), np.array(list(web.values()))


@STEADY
@given(webs())
def test_the_best_third_record_is_heard(given_web: tuple[int, dict[tuple[int, int], float]]) -> None:
    size, web = given_web
    pairs, odds = paired(web)
    found = heard(pairs, odds, size)

    def between(a: int, b: int) -> float | None:
        return web.get((min(a, b), max(a, b)))

    def steps(a: int, b: int, sign: int) -> list[float]:
        ways = [(between(x, c), between(c, y)) for c in range(size) for x, y in ((a, b), (b, a)) if c not in (a, b)]
        return [min(one, sign * other) for one, other in ways if one is not None and other is not None and one > 0]

    for at, (a, b) in enumerate(web):
        backed, opposed = (steps(a, b, sign) if web[a, b] > CLOSED else [] for sign in (1, -1))
        assert found.support[at] == pytest.approx(max(backed), abs=1e-5) if backed else np.isnan(found.support[at])
        assert found.against[at] == pytest.approx(-max(opposed), abs=1e-5) if opposed else np.isnan(found.against[at])
    more = implied(pairs, odds, size)
    absent = {(a, b) for a in range(size) for b in range(a + 1, size) if (a, b) not in web}
    assert set(zip(more.left.tolist(), more.right.tolist(), strict=True)) == {
        pair for pair in absent if max(steps(*pair, 1), default=0) > 1
    }


def test_of_two_rivals_of_one_source_neither_is_sure() -> None:
    pairs = Pairs(np.array([0, 0, 3]), np.array([1, 2, 4]))
    odds = rivalled(pairs, np.array([6.0, 6.0, 6.0]), np.array([0, 1, 1, 0, 1]))
    assert odds[0] == odds[1] < 0.01
    assert odds[2] == pytest.approx(6.0)


def test_records_of_two_other_sources_are_no_rivals() -> None:
    pairs = Pairs(np.array([0, 0]), np.array([1, 2]))
    assert rivalled(pairs, np.array([5.0, 4.0]), np.array([0, 1, 2])) == pytest.approx([5.0, 4.0])


# ---- texts -------------------------------------------------------------------------------------------


def test_fields_in_each_others_place_are_put_right() -> None:
    rows = {
        "name": ["12 Main Street", "Acme Dental", "3M Health", "Beta Corp", "22 Jump"],
        "street": ["Acme Dental", "12 Main St, Albany, NY 12205", "1 Elm Rd", "1 Elm Rd, Suite 4", "9 Oak Ave"],
        "city": ["Albany", "", "TX", "Boise", "Reno"],
        "region": ["NY", "", "Austin", "ID", "NV"],
        "postcode": ["12205", "", "78701", "83702", "89501"],
    }
    found = mended(rows)
    assert (found["name"][0], found["street"][0]) == ("Acme Dental", "12 Main Street")
    assert (found["street"][1], found["city"][1], found["region"][1], found["postcode"][1]) == (
        "12 Main St", "ALBANY", "NY", "12205",
    )  # fmt: skip
    assert (found["city"][2], found["region"][2]) == ("Austin", "TX")
    for attribute, texts in rows.items():
        assert list(found[attribute][3:]) == texts[3:], "what may be meant so is left as it is"
    assert rows["name"][0] == "12 Main Street", "what was given stays as it was"


@pytest.mark.parametrize(
    ("raw", "core"),
    [
        ("000123 Acme Dental", "Acme Dental"),
        ("Acme Dental - DO NOT USE", "Acme Dental"),
        ("Acme Dental (INACTIVE)", "Acme Dental"),
        ("Closed Loop Medical", "Closed Loop Medical"),
        ("3M", "3M"),
        ("- DO NOT USE", "- DO NOT USE"),
    ],
)
def test_remarks_of_clerks_are_no_part_of_a_name(raw: str, core: str) -> None:
    assert telling.bare(raw) == core


def test_another_legal_form_tells_namesakes_apart() -> None:
    prepared = organisations.prepare(
        {"name": ["Acme Dental, L.L.C. - DO NOT USE", "ACME DENTAL LLC", "Acme Dental GmbH"]}
    )
    pairs = Pairs(np.array([0, 0]), np.array([1, 2]))
    assert prepared.evidence(pairs)["form"].tolist() == [1, 0]
    default = shipped("supplier")
    assert default
    same, other = default.odds(prepared.evidence(pairs))
    assert same > other + 1


def test_what_a_text_tells() -> None:
    assert telling.country("United Kingdom") == telling.country("UK") == "GB"
    assert telling.region("New York") == telling.region("ny") == "NY"
    assert telling.units("Mercy Hospital Outpatient Pharmacy") == "outpatient pharmacy"
    assert telling.units("MERCY REGIONAL MEDICAL CENTER WAREHO") == "warehouse"
    assert telling.units("Mercy Hospital") == telling.NONE
    assert telling.units("Walgreens Pharmacy #0315") == "pharmacy #315"
    assert telling.units("328133 Hevago Inc") == telling.units("Hevago Inc #2") == telling.NONE, "an account, a remark"


def test_houses_of_a_chain_are_told_apart_by_their_number() -> None:
    """Pharmacies, dialysis units and lodges differ by little else; who leaves the number out may be any of them."""
    listed = ["Kidney Care Unit 1024", "Kidney Care Unit 1031", "KIDNEY CARE UNIT 01024 LLC", "Kidney Care Unit"]
    prepared = organisations.prepare({"name": listed, "city": ["Franklin"] * 4})
    evidence = prepared.evidence(Pairs(np.array([0, 0, 0]), np.array([1, 2, 3])))
    assert evidence["part"].tolist() == [0, 1, 1]


WRITTEN = [
    "Acme", "THE", "and", "co", "inc", "LLC", "gmbh", "dba", "aka", "formerly", "Old", "payable", "accounts", "do",
    "not", "use", "attn", "zz", "pharmacy", "Med", "Trading", "as", "known", "st", "de", "sa", "na", "p", "c", "ltd",
    "new", "partnership", "limited",
]  # fmt: skip


@given(
    st.lists(
        st.sampled_from(WRITTEN),
        max_size=6,
    ),
    st.sampled_from([" ", "  "]),
)
def test_names_of_letters_alone_tell_the_same_taken_apart_the_short_way(words: list[str], between: str) -> None:
    name = between.join(words)
    made = organisations._of_name(name)
    assert made == (*organisations._names(name), (telling.units(name),))
