"""Scored pairs against a truth, and the bench that does it for labelled sets."""

import csv
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.matching.__main__ import growth, main
from bench.matching.measuring import Measured, Spent, ours
from bench.matching.sets import Floors, labelled
from matching.evaluation import Figures, Ranked

PAIRS = st.lists(st.tuples(st.sampled_from([0.1, 0.5, 0.5, 0.9]), st.booleans()), max_size=12)
PEER = """
import json, os, pathlib, sys
told = {"best": {"f1": 0.5}, "at_0.95_p": {"p": 1.0, "r": 1.0}, "blocking_recall": 0.7}
folder = pathlib.Path(os.environ["RESULTS"]) / "peer"
folder.mkdir(exist_ok=True)
(folder / (pathlib.Path(sys.argv[1]).name + ".json")).write_text(json.dumps(told))
"""


@given(PAIRS, st.integers(0, 5))
def test_the_best_threshold_is_as_good_as_any(pairs: list[tuple[float, bool]], unseen: int) -> None:
    scores, hits = np.array([score for score, _ in pairs], np.float64), np.array([hit for _, hit in pairs], np.bool_)
    true = int(hits.sum()) + unseen
    ranked = Ranked.of(scores, hits, true)
    for threshold in (0.1, 0.5, 0.9, 1.0):
        joined = [hit for score, hit in pairs if score >= threshold]
        assert ranked.at(threshold) == Figures(sum(joined), len(joined), true)
        if joined:
            assert ranked.best()[1].f1 >= ranked.at(threshold).f1 - 1e-12
    assert ranked.blocking() == Figures(int(hits.sum()), len(hits), true)


@pytest.fixture
def suppliers(tmp_path: Path) -> Path:
    folder = tmp_path / "sets" / "vendors"
    folder.mkdir(parents=True)
    rows = [
        (f"{n}{side}", side, f"{name} {'Inc' if side == 'a' else ''}", f"{n} Main St", "Boston", f"{n}3456789")
        for n, name in enumerate(("Acme Surgical", "Zenith Dental", "Beta Optics", "Kappa Wound Care"), start=1)
        for side in "ab"
    ]
    for file, header, lines in (
        ("records.csv", ("record_id", "source", "name", "address", "city", "tax_id"), rows),
        ("truth.csv", ("record_id", "cluster_id"), [(row[0], row[0][0]) for row in rows]),
    ):
        with (folder / file).open("w", newline="", encoding="utf-8") as out:
            csv.writer(out).writerows([header, *lines])
    (folder / "meta.json").write_text(json.dumps({"task": "link"}))
    return folder


def test_a_set_is_mapped_by_its_columns(suppliers: Path) -> None:
    one = labelled(suppliers)
    assert one is not None
    assert one.arguments == [
        "--domain", "supplier", "--map", "name=name,street=address,city=city,tax_id=tax_id", "--key", "record_id",
        "--source", "source", "--across",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("header", "domain"),
    [
        ("record_id,source,name", "supplier"),
        ("record_id,source,name,city,phone", "facility"),
        ("record_id,source,title,manufacturer,price", "item"),
    ],
)
def test_columns_tell_the_domain(header: str, domain: str, suppliers: Path) -> None:
    (suppliers / "records.csv").write_text(header + "\n")
    one = labelled(suppliers)
    assert one is not None
    assert one.domain == domain


def test_people_and_single_pairs_are_no_sets(suppliers: Path) -> None:
    (suppliers / "meta.json").write_text(json.dumps({"task": "pairs"}))
    assert labelled(suppliers) is None
    (suppliers / "meta.json").write_text(json.dumps({"task": "dedupe"}))
    (suppliers / "records.csv").write_text("record_id,source,given_name,surname\n")
    assert labelled(suppliers) is None


def test_a_set_is_matched_in_a_process_of_its_own(suppliers: Path, tmp_path: Path) -> None:
    one = labelled(suppliers)
    assert one is not None
    measured = ours(one, tmp_path)
    assert measured.best == 1
    assert measured.blocking == 1
    assert measured.spent.seconds > 0
    assert measured.spent.megabytes > 10


def test_floors_that_are_missed_are_named() -> None:
    ours_, peer = (Measured(0.9, 0.97, recall, 0.8, Spent(13, 500)) for recall in (0.5, 0.6))
    assert ours_.missed(Floors(best=0.9, groups=0.7, precision=0.9), None) == []
    assert ours_.missed(Floors(best=0.95, groups=0.85, seconds=12, megabytes=400), peer) == [
        "F1 0.95", "B-cubed 0.85", "precision 0.98 at 0.95", "12 CPU s", "400 MB", "the peer's recall at 0.95",
    ]  # fmt: skip


def test_the_table_sets_a_peer_beside_and_a_missed_floor_fails(
    suppliers: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.matching.__main__.FLOORS", {"vendors": Floors(best=1.01)})
    peer = tmp_path / "peer.py"
    peer.write_text(PEER)
    given = ["--sets", str(suppliers.parent), "--peer", str(peer), "--peer-python", sys.executable]
    assert main(given) == 1
    said = capsys.readouterr().out
    assert "F1 1.01" in said
    assert "peer  0.5000" in said
    assert "--generator" in said


def test_without_a_folder_it_says_so(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ASSAY_MATCHING_DATA", raising=False)
    assert main([]) == 0
    assert "name one by --sets or ASSAY_MATCHING_DATA" in capsys.readouterr().out


def test_growth_is_told_in_times() -> None:
    told = growth(10_000, Spent(4.0, 200.0), 100_000, Spent(16.0, 400.0))
    assert told.strip() == "10.0 times the records of 10,000: 4.0 times the CPU seconds, 2.0 times the memory"
