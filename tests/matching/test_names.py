"""Lists of names alone: what is made of a name, what a list says of its own words, and the shipped weights."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.engine import names
from matching.engine.decisions import nothing
from matching.engine.deduping import File, compared, find
from matching.engine.shipped import shipped
from matching.engine.vocabulary import apart, spelled_out
from matching.evaluation import b_cubed
from matching.training.name_weights import PARTS, train
from matching.training.names import ledger, register


@pytest.mark.parametrize(
    ("raw", "left"),
    [
        ("000032NHS SUPPLY CHAIN", "nhs supply chain"),
        ("NHS SUPPLY CHAIN DO NOT USE", "nhs supply chain"),
        ("DNU SEE 100854 Acme Ltd", "acme"),
        ("LIMITED Acme Pharma PLC", "acme pharma"),
        ("HA70214 Acme 24", "acme 24"),
        ("Acme, closed", "acme"),
        ("A.B.C. Trading and H M Revenue", "abc trading and hm revenue"),
        ("Limited Liability Company Acme S.A. de C.V.", "acme"),
        ("Do not use", "do not use"),
        ("12345", "12345"),
        ("", ""),
    ],
)
def test_remarks_codes_and_legal_forms_are_no_part_of_a_name(raw: str, left: str) -> None:
    assert " ".join(names.plain(raw)) == left


def test_words_glued_together_are_parted_by_the_words_of_the_list() -> None:
    listed = [("saint", "helens", "and", "knowsley")] * 70 + [("helensandknowsley",), ("knowsleyx",), ("andover",)]
    assert apart(listed) == {"helensandknowsley": ("helens", "and", "knowsley")}


def test_initials_are_spelled_out_where_the_list_says_both() -> None:
    places = ("ashton", "burford", "colby")
    listed = [(place, "foundation", "trust") for place in places] + [(place, "ft") for place in places]
    assert spelled_out(listed) == {"ft": ("foundation", "trust")}
    elsewhere = [
        ("ft", "dearborn"),
        ("ft", "worth"),
        ("ashton", "foundation", "trust"),
        ("colby", "foundation", "trust"),
    ]
    assert spelled_out(elsewhere) == {}, "no name reads the same with the words in their place"


@given(st.lists(st.text(max_size=40), max_size=12))
def test_any_list_is_read(raws: list[str]) -> None:
    found = names.cleaned(raws)
    assert len(found) == len(raws)
    prepared = names.prepare({"name": raws or [""]})
    pairs, _ = prepared.pairs()
    weights = shipped("names")
    assert weights is not None
    assert np.isfinite(weights.odds(prepared.evidence(pairs))).all()


def test_hostile_names_are_bounded() -> None:
    raws = [
        "",
        "a",
        "x" * 40_000,
        "word " * 8_000,
        "\u05d0\u05d1\u05d2",
        "\u682a\u5f0f\u4f1a\u793e",
        *["same name"] * 500,
    ]
    pairs, report = names.prepare({"name": raws}).pairs()
    assert len(pairs) < 20_000
    assert any("say too little to compare by" in sentence for sentence in report.sentences())


def test_shipped_weights_part_synthetic_names_and_know_no_group_of_strangers() -> None:
    """The floor is far below what is measured: it fails where the weights do not fit the evidence any more."""
    for make, kinds, floor in ((ledger, "public", 0.82), (register, "listed", 0.92), (register, "trade", 0.93)):
        texts, owners = make(kinds, 1_500, 77)
        file = File([str(n) for n in range(len(texts))], [""] * len(texts), {"name": texts})
        found = find(file, "supplier")
        precision, recall = b_cubed(dict(enumerate(found.grouped.groups)), dict(enumerate(owners)))
        assert 2 * precision * recall / (precision + recall) > floor


def test_more_alike_is_never_worth_less_and_training_gives_the_parts_compared() -> None:
    weights = shipped("names")
    assert weights is not None
    assert sorted(weights.lines) == sorted(PARTS)
    for line in (*weights.lines.values(), *train(share=0.05).lines.values()):
        assert (line.rises >= 0).all()


def test_a_name_with_an_address_is_matched_as_an_organisation() -> None:
    texts = ["Acme Medical", "ACME MED"]
    alone = compared(File(["1", "2"], ["", ""], {"name": texts}), "supplier", across=False, decisions=nothing(2))
    both = compared(
        File(["1", "2"], ["", ""], {"name": texts, "city": ["Ely", "Ely"]}),
        "supplier",
        across=False,
        decisions=nothing(2),
    )
    assert "name:beginning" in alone.evidence
    assert "name:beginning" not in both.evidence


def test_names_that_differ_by_a_number_are_left_to_a_person() -> None:
    """Accounts of one organisation, or branches of a chain: the list does not say which."""
    others, _ = ledger("public", 1_500, 77)
    listed = [*(f"Fresenius Kidney Care Unit {1000 + n}" for n in range(40)), *others]
    found = find(File([*map(str, range(len(listed)))], [""] * len(listed), {"name": listed}), "supplier")
    branches = found.pairs.right < 40
    assert branches.sum() > 100
    assert found.scores[branches].max() < 0.95
