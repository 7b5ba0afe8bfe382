"""Decisions: read as a whole, kept whatever the evidence says, learnt from; and what is asked next."""

import csv
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from matching.engine.answers import Mask, learnt, settled
from matching.engine.candidates import Pairs
from matching.engine.columns import Shares
from matching.engine.decisions import decided, nothing
from matching.engine.grouping import group
from matching.engine.questions import questions
from matching.filing import read_decisions
from mdm.errors import Refused
from tests.matching.test_dedupe import dedupe, rows

SIZE = 8
SAID = st.dictionaries(
    st.sampled_from(list(combinations(range(SIZE), 2))), st.booleans(), max_size=6
)  # fmt: skip


def pairs_of(given: list[tuple[int, int]]) -> Pairs:
    table = np.array(given, dtype=np.int64).reshape(-1, 2)
    return Pairs(table[:, 0], table[:, 1])


def told_file(folder: Path, lines: Sequence[tuple[str, ...]]) -> Path:
    file = folder / "decisions.csv"
    with file.open("w", newline="", encoding="utf-8") as out:
        csv.writer(out).writerows([("left_id", "right_id", "same"), *lines])
    return file


def contradicts(said: dict[tuple[int, int], bool]) -> bool:
    found = decided(pairs_of(sorted(said)), np.array([said[pair] for pair in sorted(said)], dtype=bool), SIZE)
    return any(found.group[a] == found.group[b] for (a, b), same in said.items() if not same)


@given(SAID, st.lists(st.floats(-9, 9), min_size=28, max_size=28))
def test_what_people_said_holds_whatever_the_evidence_says(
    said: dict[tuple[int, int], bool], odds: list[float]
) -> None:
    if contradicts(said):
        return
    decisions = decided(pairs_of(sorted(said)), np.array([said[pair] for pair in sorted(said)], dtype=bool), SIZE)
    pairs = pairs_of(list(combinations(range(SIZE), 2)))
    weights = settled(np.array(odds), decisions.verdicts(pairs))
    found = group(pairs, weights, np.zeros(len(pairs), dtype=bool), decisions).groups
    for (left, right), same in said.items():
        assert (found[left] == found[right]) is same


def test_what_follows_from_two_answers_follows() -> None:
    decisions = decided(pairs_of([(0, 1), (1, 2), (2, 3)]), np.array([True, True, False]), 5)
    found = decisions.verdicts(pairs_of([(0, 2), (0, 3), (1, 3), (3, 4)]))
    assert found[:3].tolist() == [1, 0, 0]
    assert np.isnan(found[3]), "nobody said anything of record 4"


def test_a_veto_of_the_evidence_gives_way_to_a_person() -> None:
    pairs, barred = pairs_of([(0, 1)]), np.array([True])
    yes = decided(pairs, np.array([True]), 2)
    assert group(pairs, np.array([5.0]), barred, nothing(2)).groups == [0, 1]
    assert group(pairs, np.array([-5.0]), barred, yes).groups == [0, 0]


def test_groups_kept_apart_and_weak_bridges_are_told() -> None:
    pairs = pairs_of([(0, 1), (1, 2), (0, 2), (3, 4), (4, 5), (3, 5)])
    barred = np.array([False, False, True, False, False, False])
    found = group(pairs, np.array([4.0, 3.0, 2.0, 4.0, 0.5, 0.6]), barred, nothing(6))
    assert found.groups == [0, 0, 2, 3, 3, 3]
    told = list(found.sentences("ABCDEF"))
    assert any("1 groups hang by a weak bridge: look at those of D" in sentence for sentence in told)
    assert any("see A and C" in sentence for sentence in told)


KEYS = ["a", "b", "c", "d"]


def test_a_file_of_decisions_is_read(tmp_path: Path) -> None:
    lines = [("a", "b", "yes"), ("c", "b", "0"), ("a", "d", ""), ("b", "a", "TRUE")]
    found = read_decisions(told_file(tmp_path, lines), KEYS)
    assert len(found) == 2
    assert found.unanswered == 1
    assert "2 decisions are respected: 1 the same, 1 not the same. 1 questions have no answer" in found.sentence()


def test_every_fault_of_a_file_of_decisions_is_told_at_once(tmp_path: Path) -> None:
    lines = [
        ("a", "zz", "yes"), ("a", "a", "yes"), ("a", "b", "perhaps"), ("", "b", "no"),
        ("a", "b", "yes"), ("b", "c", "1"), ("a", "c", "no"), ("c", "d", "no"), ("d", "c", "yes"),
    ]  # fmt: skip
    with pytest.raises(Refused) as refused:
        read_decisions(told_file(tmp_path, lines), KEYS)
    for told in (
        "Line 2: No record has the key zz.", "Line 3: a is compared with itself.", "perhaps is no answer",
        "Line 5: A key is missing.", "d and c are told to be the same and not the same",
        "a and c are told to differ, and to be the same by a = b = c.",
    ):  # fmt: skip
        assert told in refused.value.message


def test_of_very_many_faults_the_first_and_their_number_are_told(tmp_path: Path) -> None:
    lines = [(f"n{n}", "a", "yes") for n in range(5_000)]
    with pytest.raises(Refused) as refused:
        read_decisions(told_file(tmp_path, lines), KEYS)
    assert "decisions.csv has 5,000 faults. Line 2: No record has the key n0." in refused.value.message
    assert refused.value.message.endswith("And 4,900 more.")


@pytest.fixture
def evidence() -> tuple[dict[str, Shares], Mask]:
    """Pairs whose odds are misjudged: a maker that differs is worth more than the odds say."""
    random = np.random.default_rng(3)
    same = random.random(3_000) < 0.4
    text = np.where(same, random.beta(5, 2, 3_000), random.beta(3, 3, 3_000))
    maker = np.where(same, random.beta(9, 1, 3_000), random.beta(1, 2, 3_000))
    return {"text": text.astype(np.float32), "maker": maker.astype(np.float32)}, same


def test_answers_teach_what_the_evidence_is_worth(evidence: tuple[dict[str, Shares], Mask]) -> None:
    told, same = evidence
    first = 6 * (told["text"].astype(np.float64) - 0.6)
    answers = np.full(len(same), np.nan)
    pairs = Pairs(np.arange(len(same)), np.arange(len(same)) + len(same))
    for _ in range(3):
        beliefs = learnt(told, first, answers)
        odds = first + beliefs.correction().of(told, first)
        asked = questions(told, first, settled(odds, answers), answers, pairs, beliefs, 20)
        assert len(set(asked)) == 20
        assert np.isnan(answers[asked]).all(), "nothing is asked twice"
        answers[asked] = same[asked]
    odds = first + learnt(told, first, answers).correction().of(told, first)
    before, after = ((first > 0) == same).mean(), ((odds > 0) == same).mean()
    assert after > before + 0.1


def test_what_nobody_was_asked_about_the_like_of_is_held_less_sure() -> None:
    random = np.random.default_rng(5)
    text = np.r_[random.uniform(0, 0.5, 200), 0.99, 0.99].astype(np.float32)
    first = np.r_[random.normal(0, 1, 200), 6.0, 6.0]
    answers = np.r_[random.random(40) < expit(first[:40] + 1), np.full(162, np.nan)]
    beliefs = learnt({"text": text}, first, answers)
    alone = first + beliefs.correction().of({"text": text}, first)
    assert 0 < beliefs.odds({"text": text}, first)[-1] < alone[-1]
    assert (np.sign(beliefs.odds({"text": text}, first)) == np.sign(alone)).all()


def test_contributions_add_up(evidence: tuple[dict[str, Shares], Mask]) -> None:
    told, same = evidence
    first = 6 * (told["text"].astype(np.float64) - 0.6)
    answers = np.where(np.arange(len(same)) < 40, same, np.nan)
    correction = learnt(told, first, answers).correction()
    alone = correction.of({}, first) if not correction.curves else correction.of(told, first)
    added = sum(correction.contributions(told).values())
    again = np.interp(first, np.linspace(-10, 10, 9), correction.odds_curve)
    assert np.allclose(alone, added + again)


def test_too_few_answers_change_nothing() -> None:
    told = {"text": np.linspace(0, 1, 50, dtype=np.float32)}
    first = np.linspace(-3, 3, 50)
    answers = np.where(np.arange(50) < 9, 1.0, np.nan)
    assert (learnt(told, first, answers).correction().of(told, first) == 0).all()


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    names = [f"{place} {kind}" for place in ("Ashton", "Burford", "Colby") for kind in ("Clinic", "Hospital", "Hosp")]
    file = tmp_path / "ledger.csv"
    with file.open("w", newline="", encoding="utf-8") as out:
        csv.writer(out).writerows([("id", "name"), *((f"r{n}", name) for n, name in enumerate(names))])
    return file


def test_questions_answered_are_decisions(ledger: Path) -> None:
    asked, given = ledger.parent / "asked.csv", ledger.parent / "given.csv"
    dedupe(ledger, "--ask", "4", "--questions", str(asked), mapped="name=name", key="id")
    found = rows(asked)
    assert len(found) == 4
    assert list(found[0]) == ["left_id", "right_id", "same", "score", "left_name", "right_name"]
    with given.open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, list(found[0]))
        writer.writeheader()
        writer.writerows({**row, "same": "no" if n else "yes"} for n, row in enumerate(found))
    said = dedupe(ledger, "--decisions", str(given), mapped="name=name", key="id")
    assert "4 decisions are respected: 1 the same, 3 not the same." in said
    scores = {(row["left_id"], row["right_id"]): float(row["score"]) for row in rows(ledger.parent / "pairs.csv")}
    assert [scores[row["left_id"], row["right_id"]] > 0.99 for row in found] == [True, False, False, False]
    groups = {row["record_id"]: row["cluster_id"] for row in rows(ledger.parent / "clusters.csv")}
    assert [groups[row["left_id"]] == groups[row["right_id"]] for row in found] == [True, False, False, False]


def test_questions_need_a_file_and_a_number(ledger: Path) -> None:
    with pytest.raises(CommandError, match="--ask and --questions go together"):
        dedupe(ledger, "--ask", "4", mapped="name=name", key="id")
