"""One row: what is kept of it, with every problem and every doubt."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mdm.canonical import dumps
from mdm.intake.compiling import compile_feed
from mdm.intake.mapping import Mapped, content_hash, map_row
from mdm.intake.readers import RawRow
from mdm.intake.surroundings import Surroundings
from tests.mdm.intake.making import CENTERS, VENDORS, without

AROUND = Surroundings(systems=frozenset({"erp", "gl"}), codes={"currencies": frozenset({"USD"})})
GOOD = {"NO": " V1 ", "NAME": "ACME  INC", "TAX": "84-1368850", "CITY": "RENO", "STATE": "NV", "ZIP": "89501"}
CENTER = {"ID": "C1", "CODE": "100", "NAME": "PHARMACY", "FACILITY": "Seton (Verity)"}


def mapped(cells: dict[str, str], document: dict[str, Any] = VENDORS) -> Mapped:
    return map_row(compile_feed(document, AROUND), RawRow(2, ",".join(cells.values()), cells))


def messages(notes: list[dict[str, str]]) -> list[tuple[str, str]]:
    return [(note["column"], note["message"]) for note in notes]


def test_a_good_row_becomes_standard_values() -> None:
    row = mapped({**GOOD, "UPDATED": "2026-03-04"})
    assert row.key == "V1"
    assert row.values == {"name": "ACME INC", "tax_id": "841368850"}
    assert row.parts == {"addresses": [{"role": "order", "city": "RENO", "region": "NV", "postcode": "89501"}]}
    assert row.as_of == datetime(2026, 3, 4, tzinfo=UTC)
    assert (row.problems, row.warnings) == ([], [])


def test_a_part_row_without_any_column_is_no_row() -> None:
    assert mapped({"NO": "1", "NAME": "ACME", "CITY": "", "ZIP": "N/A"}).parts == {}


def test_all_problems_of_a_row_are_told_at_once() -> None:
    row = mapped({"ID": "", "CODE": "1" * 31, "NAME": "X", "FACILITY": "", "FROM": "31/02/2026", "TO": "soon"}, CENTERS)
    assert [column for column, _message in messages(row.problems)] == ["ID", "CODE", "FROM", "TO"]
    assert all(problem["way_out"] and problem["severity"] == "refuse" for problem in row.problems)


def test_a_rule_between_two_columns_refuses() -> None:
    row = mapped({**CENTER, "FROM": "02/01/2026", "TO": "01/01/2026"}, CENTERS)
    assert messages(row.problems) == [("FROM", "The cost center ends before it starts.")]


def test_a_doubtful_value_is_left_out_and_told() -> None:
    row = mapped({**GOOD, "TAX": "1.11987E+08", "ZIP": "300"})
    assert "tax_id" not in row.values
    assert "postcode" not in row.parts["addresses"][0]
    assert [column for column, _message in messages(row.warnings)] == ["TAX", "ZIP"]
    assert row.problems == []


def test_a_placeholder_holds_but_does_not_refuse() -> None:
    row = mapped({**GOOD, "NAME": "DO NOT USE"})
    assert [(note["severity"], note["column"]) for note in row.warnings] == [("hold", "NAME")]
    assert row.problems == []


def test_a_reference_by_name_leaves_a_stub_and_one_by_key_does_not() -> None:
    row = mapped(CENTER, CENTERS)
    target = ("erp", "facility", "Seton (Verity)")
    assert row.values["facility"] == {"system": "erp", "domain": "facility", "key": "Seton (Verity)"}
    assert (row.references, row.stubs) == ([("facility", target)], [(target, "name")])
    by_key = without(CENTERS, attributes={"code": "CODE", "facility": {"column": "FACILITY", "source": "gl"}})
    row = mapped(CENTER, by_key)
    assert (row.references, row.stubs) == ([("facility", ("gl", "facility", "Seton (Verity)"))], [])


def test_several_columns_make_one_key_and_one_value() -> None:
    document = without(
        VENDORS, "parts", key={"columns": ["NO", "SITE"]}, attributes={"name": {"columns": ["NAME", "CITY"]}}
    )
    row = mapped({"NO": "1", "SITE": "A", "NAME": "ACME", "CITY": "RENO"}, document)
    assert (row.key, row.values["name"]) == ("1|A", "ACME RENO")
    assert messages(mapped({"NO": "1", "SITE": "N/A", "NAME": "ACME"}, document).problems) == [
        ("NO", "The row has no key: NO and SITE must be filled in.")
    ]


def test_a_row_the_reader_refused_is_not_mapped() -> None:
    plan = compile_feed(VENDORS, AROUND)
    row = map_row(plan, RawRow(9, "V1,too,many", {"NO": "V1"}, ["It has 3 cells, the header has 2."]))
    assert (row.key, row.values) == ("V1", {})
    assert messages(row.problems) == [("", "It has 3 cells, the header has 2.")]


def test_rules_about_the_rows_of_a_part_refuse() -> None:
    lines = {
        "feed": "lines", "source": "erp", "domain": "contract", "part": "lines",
        "key": {"columns": ["ID"], "parent": ["NO"]}, "attributes": {"number": "ID", "price": "PRICE"},
    }  # fmt: skip
    row = mapped({"ID": "1", "NO": "C1", "PRICE": "-3"}, lines)
    assert messages(row.problems) == [("PRICE", "A price cannot be negative.")]
    packs = {
        "feed": "packs", "source": "erp", "domain": "item", "key": {"columns": ["ID"]},
        "attributes": {"description": "D"}, "parts": {"packs": [{"quantity": "Q", "uom": {"constant": "BX"}}]},
    }  # fmt: skip
    row = mapped({"ID": "1", "D": "GLOVE", "Q": "0"}, packs)
    assert messages(row.problems) == [("Q", "A pack level holds more than zero base units.")]


def test_decimals_are_kept_to_the_places_of_their_column() -> None:
    lines = {
        "feed": "lines", "source": "erp", "domain": "contract", "part": "lines", "values": {"decimal": ","},
        "key": {"columns": ["ID"], "parent": ["NO"]}, "attributes": {"number": "ID", "price": "PRICE"},
    }  # fmt: skip
    assert mapped({"ID": "1", "NO": "C", "PRICE": "1.234,56785"}, lines).values["price"] == "1234.5678"
    too_large = mapped({"ID": "1", "NO": "C", "PRICE": "9" * 13}, lines)
    assert "too large" in too_large.problems[0]["message"]


def test_a_code_the_hub_does_not_list_is_kept_and_told() -> None:
    document = without(VENDORS, "parts", attributes={"name": "NAME", "currency": "CUR"})
    row = mapped({"NO": "1", "NAME": "ACME", "CUR": "EUR"}, document)
    assert row.values["currency"] == "EUR"
    assert messages(row.warnings) == [("CUR", 'Currency: "EUR" is not in the list of codes the hub keeps.')]


def test_the_hash_tells_content_from_noise() -> None:
    assert mapped(GOOD).content_hash == mapped({**GOOD, "NAME": "ACME INC", "NOTE": "x"}).content_hash
    assert mapped(GOOD).content_hash != mapped({**GOOD, "NAME": "ACME LLC"}).content_hash
    assert mapped(GOOD).content_hash != mapped({**GOOD, "UPDATED": "2026-03-04"}).content_hash


@given(st.dictionaries(st.sampled_from(["NO", "NAME", "TAX", "CITY", "STATE", "ZIP", "UPDATED"]), st.text()))
def test_any_cells_are_mapped_or_refused_and_can_be_stored(cells: dict[str, str]) -> None:
    row = mapped(cells)
    assert row.problems or (row.key and row.values["name"])
    assert row.problems or row.content_hash == content_hash(row)
    assert dumps([row.values, row.parts])
