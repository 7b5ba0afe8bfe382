"""Proposals for a file nobody has described: measured against the feeds people wrote by hand."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from mdm.errors import Invalid
from mdm.intake import guessing
from mdm.intake.compiling import compile_feed
from mdm.intake.drafting import choices_of, unmapped_requirements, with_choices
from mdm.intake.looking import look, style, style_of
from mdm.intake.naming import likeness, words
from mdm.intake.suggesting import learned_from, likely_records, suggest
from mdm.intake.surroundings import Surroundings
from mdm.intake.targets import records_of
from mdm.spec import Attribute
from mdm.standardise import Style

DEMO = Path(__file__).resolve().parents[3] / "demo"
FEEDS = {path.stem: tomllib.loads(path.read_text()) for path in sorted((DEMO / "feeds").glob("*.toml"))}
FILES = {path.stem: path for path in sorted((DEMO / "files").iterdir())}
PAIRS = {name: (FEEDS[name], FILES[name]) for name in FEEDS if name in FILES and not FEEDS[name].get("part")}
AROUND = Surroundings(
    systems=frozenset(str(feed["source"]) for feed in FEEDS.values()),
    extension={"item": {"list_price": Attribute(name="ext.list_price", label="List price", standardise="decimal")}},
)


def records(document: dict[str, Any]) -> Any:
    found = records_of(".".join(filter(None, (document["domain"], document.get("part")))))
    assert found
    return found


def test_the_columns_of_the_demo_are_proposed_as_people_mapped_them() -> None:
    right = wrong = missed = 0
    for name, (document, path) in PAIRS.items():
        found = look(path)
        guessed, why = likely_records(path.name, found.samples, style(style_of(found.samples)), {})
        assert guessed.code == document["domain"], (name, why)
        keys, _ = guessing.key_columns(found.header, found.samples, len(found.rows))
        assert keys == document["key"]["columns"], name
        proposed = suggest(guessed, found.samples, style(style_of(found.samples)), {}, {}, keys)
        for column, target in choices_of(document).columns.items():
            if target.startswith("ext."):
                continue
            mine = proposed.get(column)
            missed += mine is None
            right += mine is not None and mine.target == target
            wrong += mine is not None and mine.target != target
    assert right / (right + wrong) >= 0.9, (right, wrong, missed)
    assert right / (right + wrong + missed) >= 0.75, (right, wrong, missed)


@pytest.mark.parametrize("name", FEEDS)
def test_a_document_taken_apart_into_choices_and_back_is_the_same_feed(name: str) -> None:
    document = FEEDS[name]
    again = with_choices(document, choices_of(document))
    assert again == document


def test_what_one_feed_reads_is_learned_for_the_next() -> None:
    known = learned_from([compile_feed(FEEDS["erp_suppliers"], AROUND)])["supplier"]
    supplier = records(FEEDS["erp_suppliers"])
    found = suggest(supplier, {"Inc State": ["DE", "CA"]}, Style(), {}, known)
    assert found["Inc State"].target == "incorporated_in"
    assert "ERP vendor master" in found["Inc State"].reason


def test_values_speak_where_names_do_not_and_against_names_that_mislead() -> None:
    supplier = records(FEEDS["erp_suppliers"])
    mails = {"Feld 7": ["a@b.example", "c@d.example", "office@e.example"]}
    assert suggest(supplier, mails, Style(), {}, {})["Feld 7"].target == "parts.contacts.1.email"
    assert suggest(supplier, {"Phone": ["call reception", "see web", "none known"]}, Style(), {}, {}) == {}


@pytest.mark.parametrize(
    ("name", "found"),
    [("VENDOR_NO", "vendor number"), ("vendorNo", "vendor number"), ("UoM", "unit"), ("RemitZip", "remit postcode")],
)
def test_names_are_taken_apart_alike(name: str, found: str) -> None:
    assert " ".join(words(name)) == found


def test_names_without_words_are_like_nothing() -> None:
    assert likeness("", "Name") == likeness("***", "Name") == likeness("Name", "") == 0.0
    assert likeness("供应商", "Name") == 0.0


def test_how_a_source_writes_is_guessed_with_a_reason() -> None:
    assert guessing.decimal_mark({"a": ["1.234,50", "3,2"], "b": ["x"]}).value == ","
    assert guessing.decimal_mark({"a": ["1,234.50"]}).value == "."
    assert guessing.date_formats({"a": ["31/12/2024", "01/02/2024", "05/06/2024", "07/08/2024"]})[0] == ["DD/MM/YYYY"]
    formats, reason = guessing.date_formats({"a": ["01/02/2024", "05/06/2024", "07/08/2024", "09/10/2024"]})
    assert formats == ["MM/DD/YYYY"]
    assert "either way round" in reason
    assert guessing.blanks({"a": ["N/A", "N/A", "x", "UNKNOWN"]}) == ["N/A"]


def test_a_file_without_a_key_says_so() -> None:
    keys, reason = guessing.key_columns(["a", "b"], {"a": ["1", "1"], "b": ["x", ""]}, 2)
    assert keys == []
    assert "choose two or more" in reason


def test_what_no_column_can_fill_is_told_before_anything_is_read() -> None:
    facility = records(FEEDS["billing_facilities"])
    told = unmapped_requirements(facility, ["street"])
    assert ("name", "A facility needs a name.", True) in told
    assert all(name != "name" for name, _message, _stops in unmapped_requirements(facility, ["name", "street"]))


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "empty"), (b"a,b\n", "no row"), (b"PK\x03\x04 no workbook", ""), (b"%PDF-1.7", "PDF")],
)
def test_a_file_that_is_no_table_is_refused_in_words(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(content)
    with pytest.raises(Invalid) as refused:
        look(path)
    assert said in refused.value.message
    assert refused.value.way_out


def test_two_hundred_columns_with_repeated_names_are_looked_at_quickly(tmp_path: Path) -> None:
    path = tmp_path / "wide.csv"
    header = [f"Column {n % 190}" for n in range(200)]
    path.write_text(
        "\n".join(",".join(row) for row in [header, *[[f"{n}-{m}" for m in range(200)] for n in range(30)]])
    )
    found = look(path)
    assert len(set(found.header)) == 200
    guessed, _ = likely_records("wide.csv", found.samples, Style(), {})
    assert len(suggest(guessed, found.samples, Style(), {}, {})) < 40
