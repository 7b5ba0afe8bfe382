"""Files nobody would wish for: what is done is bounded, and what is left out is told."""

import csv
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from django.core.management import call_command

from matching.engine import organisations
from matching.engine.bounds import LONGEST, bounded
from matching.engine.candidates import MOST_BEARERS, Pairs
from matching.engine.columns import CHUNK, Column, Numbers, Shares, compare
from matching.engine.spelling import Spelling

HEADER = ("id", "name", "street", "city", "tax_id")
Row = tuple[str, ...]


def plain(number: int) -> Row:
    """Records that differ in everything."""
    letters = "".join(chr(ord("a") + int(digit)) for digit in f"{number * 7919 % 1_000_003:07d}")
    return str(number), f"{letters} {letters[::-1]}", f"{number} {letters} street", letters, f"{number * 37 + 10**8}"


def dedupe(folder: Path, rows: list[Row], domain: str = "supplier") -> tuple[str, list[list[str]]]:
    """What is said, and the pairs."""
    file, said = folder / "bad.csv", StringIO()
    with file.open("w", newline="", encoding="utf-8") as out:
        csv.writer(out).writerows([HEADER, *rows])
    call_command(
        "dedupe", str(file), "--domain", domain, "--key", "id", "--map",
        "name=name,street=street,city=city,tax_id=tax_id", "--out", str(folder / "pairs.csv"), "--clusters",
        str(folder / "groups.csv"), stdout=said,
    )  # fmt: skip
    with (folder / "pairs.csv").open(newline="", encoding="utf-8") as lines:
        return said.getvalue(), list(csv.reader(lines))[1:]


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda n: (str(n), "", *plain(n)[2:]), "300 records have no name to be compared by."),
        (lambda n: (str(n), "abcdefgh"[n % 8], "", "", ""), "compared"),
        (lambda n: (*plain(n)[:3], "Paris", plain(n)[4]), "All records have the same city: it tells none"),
        (lambda n: (str(n), "Acme Supply", "1 Main St", "Paris", "123456782"), "up to 300 records share one."),
        (lambda n: (*plain(n)[:4], "123456782"), "of tax_id say too little to compare by: up to 300"),
        (
            lambda n: (str(n), plain(n)[1] + " word" * 9_000, "x" * 40_000, *plain(n)[3:]),
            f"300 values of street are longer than {LONGEST:,} characters: what comes behind is left out.",
        ),
        (lambda n: (str(n), "a" + " " * 40_000 + "b", "1" + ", " * 20_000, "", ""), "300 values of name are longer"),
        (lambda n: (str(n), f"{chr(0x4E00 + n)}\u682a\u5f0f", f"\u05e8\u05d7\u05d5\u05d1 {n}", "", ""), "compared"),
        (lambda n: (str(n), " dba ".join(f"{plain(n)[1]} {m}" for m in range(90)), "", "", ""), "compared"),
    ],
    ids=["empty", "letter", "one city", "all the same", "one tax id", "long", "spaces", "scripts", "many names"],
)  # fmt: skip
def test_what_is_done_is_bounded_and_what_is_left_out_is_told(
    make: Callable[[int], Row], told: str, tmp_path: Path
) -> None:
    said, pairs = dedupe(tmp_path, [make(number) for number in range(300)])
    assert told in said
    assert len(pairs) <= 300 * MOST_BEARERS / 2
    assert all(0 <= float(score) <= 1 for _, _, score in pairs)


def test_a_hundred_thousand_records_with_one_key_make_no_pairs() -> None:
    prepared = organisations.prepare({"name": ["Acme Supply"] * 100_000, "city": ["Paris"] * 100_000})
    pairs, report = prepared.pairs()
    assert len(pairs) == 0
    assert any("up to 100,000 records share one" in sentence for sentence in report.sentences())


def test_names_of_one_record_are_bounded() -> None:
    prepared = organisations.prepare({"name": [" dba ".join(f"name number {n}" for n in range(90)), "acme"]})
    assert prepared.columns["name"].counts.tolist() == [organisations.MOST_NAMES, 1]


def test_values_are_cut_and_blank_ones_counted() -> None:
    rows, notes = bounded({"name": ["x" * 3_000, " ", "b"], "description": ["", "", "c"]}, ("name", "description"))
    assert [len(text) for text in rows["name"]] == [LONGEST, 1, 1]
    assert len(notes) == 2
    assert "1 records have no name and no description" in notes[1]


def test_many_texts_a_record_are_compared_a_bounded_number_at_once() -> None:
    column = Column.of([[f"text {n}" for n in range(600)] for _ in range(12)])
    left, right = np.triu_indices(12, 1)
    asked = list[int]()

    def measure(one: Numbers, other: Numbers) -> Shares:
        asked.append(len(one))
        return (one == other).astype(np.float32)

    assert (compare(column, left, right, measure) == 1).all()
    assert max(asked) <= CHUNK


def test_a_gram_of_too_many_texts_is_left_out_where_following_it_takes_too_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    others = [chr(0x5000 + 3 * n) + chr(0x5001 + 3 * n) for n in range(600)]
    texts = [*(f"abc{chr(0x4E00 + n)}" for n in range(300)), *others, "xyz one", "xyz two"]
    everyone = Spelling(texts).nearest(3, least=0.01)
    monkeypatch.setattr("matching.engine.spelling.WORK", 1)
    few = Spelling(texts).nearest(3, least=0.01)
    assert len(few) < len(everyone)
    assert (900, 901) in set(zip(few.left.tolist(), few.right.tolist(), strict=True))


def test_no_pairs_at_all_are_no_error() -> None:
    prepared = organisations.prepare({"name": ["", ""]})
    pairs, _ = prepared.pairs()
    assert pairs == Pairs(pairs.left, pairs.right)
    assert len(prepared.first_odds(prepared.evidence(pairs))) == 0
