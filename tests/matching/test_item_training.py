"""The training of the shipped weights of items: synthetic files with their truth, and what is learnt from them."""

from itertools import combinations

import numpy as np
import pytest

from matching.engine.shipped import shipped
from matching.training.goods import LISTS, families
from matching.training.item_weights import compared, train
from matching.training.items import FILLED, generate


@pytest.mark.parametrize("kind", FILLED)
def test_a_file_is_the_same_each_time_and_holds_what_its_kind_does(kind: str) -> None:
    records, truth, sources = generate(kind, ("electronics",), 200, 3)
    assert (records, truth, sources) == generate(kind, ("electronics",), 200, 3)
    assert len(records) == len(truth) == len(sources) >= 200
    assert len(set(truth)) < len(truth), "something is there twice"
    never = {name for name, share in FILLED[kind].items() if share == 0}
    assert not any(name in record for record in records for name in never)
    if kind == "shops":
        both = {}
        for own, source in zip(truth, sources, strict=True):
            both.setdefault(own, []).append(source)
        assert all(len(set(of)) == len(of) for of in both.values()), "a shop lists each thing once"


def test_every_family_of_the_lists_has_variants() -> None:
    for sector in LISTS["sectors"]:
        for family in families(sector):
            assert any(len(way.values) > 1 for way in family.ways), family.noun
            assert all(value and "|" not in value for way in family.ways for value in way.values)


def test_twins_of_a_synthetic_file_resemble_each_other_more_than_strangers() -> None:
    records, truth, _ = generate("masters", ("supplies",), 150, 1)
    words = [set(record["text"].lower().split()) for record in records]
    same, other = [], []
    for one, two in combinations(range(len(records)), 2):
        share = len(words[one] & words[two]) / max(len(words[one] | words[two]), 1)
        (same if truth[one] == truth[two] else other).append(share)
    assert np.mean(same) > 3 * np.mean(other)


def test_a_short_training_learns_what_the_shipped_weights_know() -> None:
    own = train((("masters", ("supplies",), 1), ("parts", ("parts",), 1)), records=400)
    evidence, same = compared("masters", ("drugs",), 400, 9)
    model = shipped("item")
    assert model
    for learnt in (own, model):
        odds = learnt.odds(evidence)
        likely = odds > 0
        assert same[likely].mean() > 0.75
        assert likely[same].mean() > 0.4
