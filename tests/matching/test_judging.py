"""The odds of all pairs: the same whether their evidence is held or not, all at once or some after others."""

import numpy as np
import pytest

from matching.engine import judging, organisations
from matching.engine.candidates import Pairs
from matching.engine.evidence import Prepared
from matching.engine.judging import Judge
from matching.engine.shipped import shipped
from matching.engine.weighing import proven
from matching.training.organisations import generate


@pytest.fixture(scope="module")
def suppliers() -> tuple[Prepared, Pairs]:
    records, _ = generate("supplier", 800, 5)
    attributes = sorted({attribute for record in records for attribute in record})
    prepared = organisations.prepare({name: [record.get(name, "") for record in records] for name in attributes})
    return prepared, prepared.pairs()[0]


def test_pairs_are_judged_alike_whether_their_evidence_is_held(suppliers: tuple[Prepared, Pairs]) -> None:
    prepared, pairs = suppliers
    held, passing = (
        Judge.taught(prepared, pairs, shipped("supplier"), hold=hold).judged(pairs) for hold in (True, False)
    )
    assert held.odds == pytest.approx(passing.odds)
    assert (held.barred == passing.barred).all()
    assert set(prepared.groups) <= set(held.evidence)
    assert not passing.evidence


@pytest.mark.parametrize("hold", [True, False])
def test_pairs_that_come_later_take_their_place(suppliers: tuple[Prepared, Pairs], hold: bool) -> None:
    prepared, pairs = suppliers
    judge = Judge.taught(prepared, pairs, shipped("supplier"), hold=hold)
    late = np.arange(len(pairs)) % 3 == 1
    whole, both = (
        judge.judged(pairs),
        judge.judged(pairs.kept(~late)).joined(judge.judged(pairs.kept(late)), prepared.size),
    )
    assert (both.pairs.keys(prepared.size) == pairs.keys(prepared.size)).all()
    assert both.odds == pytest.approx(whole.odds)
    assert (both.barred == whole.barred).all()
    for name, shares in whole.evidence.items():
        assert both.evidence[name] == pytest.approx(shares, nan_ok=True)


def test_of_many_pairs_some_of_the_proven_ones_teach(
    suppliers: tuple[Prepared, Pairs], monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared, pairs = suppliers
    known = proven(prepared, prepared.evidence(pairs))
    monkeypatch.setattr(judging, "LEARNT_FROM", int(np.count_nonzero(~np.isnan(known))) - 100)
    monkeypatch.setattr(judging, "ENOUGH", 10)
    told = judging._telling(prepared, pairs)
    assert len(told) == judging.LEARNT_FROM
    assert set(known[told].tolist()) == {0.0, 1.0}
    monkeypatch.setattr(judging, "ENOUGH", len(pairs))
    assert np.isnan(known[judging._telling(prepared, pairs)]).any(), "where too few are proven, any teach"
