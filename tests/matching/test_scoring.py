"""Weights add up, and say why."""

from itertools import combinations
from math import log2

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.at_once import weigh
from matching.features import Features
from matching.scoring import Score, bits_of, probability, same_name, score, sentence, shares
from mdm.domains import BY_NAME

SUPPLIER = BY_NAME["supplier"].matching
FACILITY = BY_NAME["facility"].matching
UNIQUE = shares({})


def judged(left: Features, right: Features, *, same_source: bool = False) -> Score:
    return score(SUPPLIER, left, right, same_source, UNIQUE)


@given(st.floats(min_value=0.001, max_value=0.999))
def test_bits_and_probability_are_each_others_inverse(chance: float) -> None:
    assert probability(bits_of(chance)) == pytest.approx(chance)


def test_nothing_known_leaves_the_prior() -> None:
    found = judged({}, {"core": ("acme",)})
    assert found.bits == SUPPLIER.prior
    assert found.evidence == ()
    assert sentence(found) == "Nothing comparable is known of both."


def test_the_evidence_explains_every_bit() -> None:
    left: Features = {"core": ("acme",), "tax": ("123456789",), "phone": ("15551234567",), "city": ("reno",)}
    right: Features = {"core": ("acme",), "tax": ("987654321",), "phone": ("15551234567",), "city": ("waco",)}
    found = judged(left, right, same_source=True)
    assert found.bits == pytest.approx(SUPPLIER.prior + SUPPLIER.same_source + sum(e.weight for e in found.evidence))
    assert found.vetoes == ("Tax id",)
    first = found.explanation()[0]
    assert set(first) == {"feature", "label", "left", "right", "similarity", "level", "weight"}
    assert (first["feature"], first["left"], first["level"]) == ("core", "acme", "equal")
    assert sentence(found) == "Name and phone agree; tax id and city differ."


def test_what_never_speaks_for_a_match_is_named_only_where_it_differs() -> None:
    alike = judged({"core": ("acme",), "form": ("corporation",)}, {"core": ("acme",), "form": ("corporation",)})
    assert sentence(alike) == "Name agrees."
    apart = judged({"core": ("acme",), "form": ("corporation",)}, {"core": ("acme",), "form": ("partnership",)})
    assert sentence(apart) == "Name agrees; legal form differs."


def test_swapping_turns_the_sides() -> None:
    found = judged({"core": ("acme",)}, {"core": ("acne",)})
    assert found.explanation()[0]["left"] == "acme"
    assert found.explanation(swap=True)[0]["left"] == "acne"


def test_a_text_many_share_says_less() -> None:
    both: Features = {"phone": ("18005551212",)}
    phone = next(c for c in SUPPLIER.comparisons if c.feature == "phone")
    common = score(SUPPLIER, both, both, False, shares({("phone", "18005551212"): 8}))
    assert judged(both, both).bits - common.bits == pytest.approx(min(phone.rarity * log2(8), phone.levels[0].weight))


def test_of_a_group_only_the_strongest_agreement_counts() -> None:
    left: Features = {"street": ("1|main st",), "postcode": ("89501",), "city": ("reno",)}
    whole = judged(left, left)
    street_alone = judged({"street": left["street"]}, {"street": left["street"]})
    assert whole.bits == street_alone.bits
    apart = judged(left, {"street": ("9|elm st",), "postcode": ("89501",), "city": ("waco",)})
    postcode_alone = judged({"postcode": ("89501",)}, {"postcode": ("89501",)})
    assert apart.bits == postcode_alone.bits


def test_a_place_alone_is_no_anchor_for_a_supplier() -> None:
    place: Features = {"street": ("1|main st",), "postcode": ("89501",)}
    assert not judged(place, place).anchored
    assert judged({"core": ("acme",)}, {"core": ("acme",)}).anchored


def test_a_name_is_enough_for_a_stub_unless_it_is_commonplace() -> None:
    name: Features = {"name": ("good samaritan hospital",)}
    assert same_name(FACILITY, name, name, UNIQUE).probability >= FACILITY.auto
    common = shares({("name", "good samaritan hospital"): 4})
    assert same_name(FACILITY, name, name, common).probability < FACILITY.auto
    assert same_name(FACILITY, name, {"name": ("saint rose",)}, UNIQUE).probability < 0.01


TEXTS = st.lists(st.sampled_from(("acme", "acne", "5|main", "5|maine", "6|main", "89501")), max_size=2).map(tuple)
SUPPLIERS = st.fixed_dictionaries({}, optional={c.feature: TEXTS for c in SUPPLIER.comparisons})


@given(st.lists(SUPPLIERS, min_size=2, max_size=6), st.booleans(), st.integers(1, 9))
def test_many_pairs_at_once_weigh_what_each_scores(records: list[Features], same_source: bool, commonness: int) -> None:
    def shared(_feature: str, _text: str) -> int:
        return commonness

    pairs = list(combinations(range(len(records)), 2))
    left, right = (np.array(side) for side in zip(*pairs, strict=True))
    found = weigh(SUPPLIER, records, left, right, np.full(len(pairs), same_source))
    for bits, (a, b) in zip(found.tolist(), pairs, strict=True):
        assert bits == score(SUPPLIER, records[a], records[b], same_source, UNIQUE).bits
        # What is looked at before commonness is known leaves nobody out who would be looked at after.
        assert bits >= score(SUPPLIER, records[a], records[b], same_source, shared).bits
