"""manage.py dedupe: duplicates of a file, told without a hub; what it refuses."""

import csv
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from matching.engine.candidates import Pairs, Report
from matching.engine.deduping import File, Found
from matching.engine.grouping import Grouped
from matching.filing import WIDEST, write_pairs

ROWS = [
    ("1", "erp", "Acme Medical Supply, Inc.", "12 Main Street", "San Francisco", "94103", "12-3456789"),
    ("2", "ap", "ACME MED SUPPLY", "12 Main St.", "SAN FRANCISCO", "94103-1234", ""),
    ("3", "erp", "Zenith Dental LLC", "9 Oak Ave", "Chicago", "60601", "98-7654321"),
    ("4", "ap", "Zenith Dental", "9 Oak Avenue", "Chicago", "60601", "11-2223334"),
    ("5", "erp", "Beta Surgical Corp", "1 Elm Rd", "Boston", "02101", ""),
]
MAP = "name=Vendor,street=Street,city=City,postcode=ZIP,tax_id=TIN"


@pytest.fixture
def vendors(tmp_path: Path) -> Path:
    file = tmp_path / "vendors.csv"
    with file.open("w", newline="", encoding="utf-8") as out:
        csv.writer(out).writerows([("Number", "System", "Vendor", "Street", "City", "ZIP", "TIN"), *ROWS])
    return file


def dedupe(file: Path, *more: str, domain: str = "supplier", mapped: str = MAP, key: str = "Number") -> str:
    said = StringIO()
    call_command(
        "dedupe", str(file), "--domain", domain, "--map", mapped, "--key", key,
        "--out", str(file.parent / "pairs.csv"), "--clusters", str(file.parent / "clusters.csv"), *more, stdout=said,
    )  # fmt: skip
    return said.getvalue()


def rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def test_duplicates_are_scored_and_grouped(vendors: Path) -> None:
    said = dedupe(vendors)
    scores = {(row["left_id"], row["right_id"]): float(row["score"]) for row in rows(vendors.parent / "pairs.csv")}
    assert scores["1", "2"] > 0.9
    assert list(scores.values()) == sorted(scores.values(), reverse=True)
    groups = {row["record_id"]: row["cluster_id"] for row in rows(vendors.parent / "clusters.csv")}
    assert list(groups) == ["1", "2", "3", "4", "5"]
    assert groups["1"] == groups["2"]
    assert groups["3"] != groups["4"], "two tax ids are two suppliers"
    assert groups["5"] not in {groups["1"], groups["3"], groups["4"]}
    assert "of 5 records are duplicates" in said


def test_the_same_file_gives_the_same_answer(vendors: Path) -> None:
    dedupe(vendors)
    first = (vendors.parent / "pairs.csv").read_bytes()
    dedupe(vendors)
    assert (vendors.parent / "pairs.csv").read_bytes() == first


def test_across_sources_only(vendors: Path) -> None:
    dedupe(vendors, "--source", "System", "--across")
    of = {row[0]: row[1] for row in ROWS}
    assert all(of[row["left_id"]] != of[row["right_id"]] for row in rows(vendors.parent / "pairs.csv"))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"domain": "planet"}, "planet is not matched from a file. Choose one of supplier, facility, item."),
        ({"mapped": "street=Street,colour=City"}, "has no colour to match by. A supplier is matched by its name"),
        ({"mapped": "name=Nobody"}, "Nobody"),
        ({"key": "System"}, "3 records share a key in System"),
        ({"mapped": "name"}, "name is not attribute=Column"),
    ],
)
def test_what_cannot_be_is_refused_with_every_fault(vendors: Path, given: dict[str, str], told: str) -> None:
    with pytest.raises(CommandError) as refused:
        dedupe(vendors, **given)
    assert told in str(refused.value)


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read"):
        dedupe(tmp_path / "nothing.csv")


@pytest.mark.parametrize("longest", [12, WIDEST + 1])
def test_keys_are_written_as_they_are(tmp_path: Path, longest: int) -> None:
    keys = ["a", 'quoted "so", b', "ключ", "e" * longest]
    pairs = Pairs(np.array([0, 1, 0]), np.array([3, 2, 1]))
    odds = np.array([-30.0, 30.0, 0.25])
    found = Found(pairs, odds, Grouped([0, 1, 1, 0], [], []), Report(4))
    write_pairs(found, File(keys, [""] * 4, {}), tmp_path / "pairs.csv")
    assert (tmp_path / "pairs.csv").read_bytes().endswith(b"\r\n")
    assert [(row["left_id"], row["right_id"], row["score"]) for row in rows(tmp_path / "pairs.csv")] == [
        (keys[1], keys[2], "1.000000"),
        (keys[0], keys[1], f"{1 / (1 + np.exp(-0.25)):.6f}"),
        (keys[0], keys[3], "0.000000"),
    ]
