"""Workbooks, JSON lines, and what holds for any bytes."""

import csv
import io
import json
import zipfile
from datetime import date, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from mdm.intake.readers import Dialect, UnreadableFile, read

# A busy machine must not fail a test: nothing here is judged by time.
STEADY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def workbook(*sheets: tuple[str, list[list[object]]]) -> bytes:
    book = Workbook()
    book.remove(book.worksheets[0])
    for title, lines in sheets:
        sheet = book.create_sheet(title)
        for line in lines:
            sheet.append(line)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def archive(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in members.items():
            made.writestr(name.replace("__", "/").replace("_xml", ".xml"), content)
    return out.getvalue()


def test_a_workbook_is_read_from_the_first_sheet_with_the_columns() -> None:
    content = workbook(
        ("Notes", [["About this export"], ["made by hand"]]),
        ("Vendors", [["Vendor report"], [], ["ID", "NAME", None, "OPENED"], [17, "Acme", None, date(2021, 3, 12)], [],
                     ["018", None, None, datetime.fromisoformat("2021-03-12T08:30")]]),
    )  # fmt: skip
    with read(io.BytesIO(content), expected_columns=["Name", "id"]) as reading:
        rows = list(reading)
    assert reading.dialect == Dialect("xlsx", "", "", '"', 3, "Vendors")
    assert reading.header == ["id", "Name", "OPENED"]
    assert [(r.line, r.cells) for r in rows] == [
        (4, {"id": "17", "Name": "Acme", "OPENED": "2021-03-12"}),
        (6, {"id": "018", "Name": "", "OPENED": "2021-03-12 08:30:00"}),
    ]
    assert json.loads(rows[0].raw) == ["17", "Acme", "", "2021-03-12"]
    assert [r.problems for r in rows] == [[], []]


def test_cells_of_a_workbook_become_text_without_loss() -> None:
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.append(["ZIP", "EIN", "PRICE", "WHOLE", "FLAG", "ERROR"])
    sheet.append([2421, 111987000, 316.758, 12.0, True, "#N/A"])
    sheet["A2"].number_format = "00000"
    out = io.BytesIO()
    book.save(out)
    (row,) = list(read(out))
    assert row.cells == {
        "ZIP": "02421", "EIN": "111987000", "PRICE": "316.758", "WHOLE": "12", "FLAG": "TRUE", "ERROR": "#N/A",
    }  # fmt: skip
    assert row.problems == ["The row has cells that show an error of the spreadsheet: #N/A."]


def test_a_cell_beyond_the_header_is_a_problem() -> None:
    rows = list(read(io.BytesIO(workbook(("S", [["A", "B"], [1, 2, 3], [1]]))), expected_columns=["A"]))
    assert rows[0].problems == ["The row has 3 cells, the header names 2 columns."]
    assert rows[1].cells == {"A": "1", "B": ""}
    assert rows[1].problems == []


def test_a_named_sheet_must_exist() -> None:
    content = workbook(("One", [["A"], [1]]), ("Two", [["A"], [2]]))
    assert [r.cells["A"] for r in read(io.BytesIO(content), Dialect(sheet="Two"))] == ["2"]
    with pytest.raises(UnreadableFile, match='no sheet "Three", only "One", "Two"'):
        read(io.BytesIO(content), Dialect(sheet="Three"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PK\x03\x04 broken", "The workbook is damaged."),
        (archive(readme_xml=b"x"), "The file is a zip archive, not a workbook."),
        (archive(xl__workbook_xml=b"<x/>"), "The workbook is damaged."),
        (archive(xl__workbook_xml=b"x", xl__sheet_xml=b"0" * 60_000_000), "The workbook unpacks to 57 MB."),
        (workbook(("S", [])), "The workbook has no rows."),
        (workbook(("S", [["A", "B"]])), 'None of the first 50 lines names the columns "ID".'),
    ],
)
def test_refuses_workbooks_in_business_words(content: bytes, message: str) -> None:
    with pytest.raises(UnreadableFile) as caught:
        read(io.BytesIO(content), expected_columns=["ID"])
    assert caught.value.message == message
    assert caught.value.way_out


def test_a_sheet_that_breaks_off_tells_so() -> None:
    whole = workbook(("S", [["ID"], *[[n] for n in range(20)]]))
    broken = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(whole)) as source, zipfile.ZipFile(broken, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            target.writestr(name, content[:-200] if "sheet1" in name else content)
    with pytest.raises(UnreadableFile, match="breaks off or is damaged"):
        list(read(broken, expected_columns=["ID"]))


def test_text_declared_a_workbook_is_refused_and_a_workbook_is_never_text() -> None:
    with pytest.raises(UnreadableFile, match="not an XLSX workbook"):
        read(io.BytesIO(b"A,B\n1,2\n"), Dialect(format="xlsx"))
    content = workbook(("S", [["A"], [1]]))
    assert read(io.BytesIO(content), Dialect(format="csv")).dialect.format == "xlsx"


LINES = b"""{"ID": "1", "price": 1.10, "big": 12345678901234567890, "on": true, "none": null, "tags": ["a", "\xc3\xa9"]}

{"id": "2"}
{"ID": "3", "ID": "4"}
["5"]
{"ID": 6,
{"ID": NaN}
{"ID": "a\\u0000b"}
{"ID": "\\ud800"}
"""


def test_json_lines() -> None:
    with read(io.BytesIO(LINES), expected_columns=["ID", "price"]) as reading:
        rows = list(reading)
    assert reading.dialect.format == "jsonl"
    assert reading.header == ["ID", "price", "big", "on", "none", "tags"]
    assert rows[0].cells == {
        "ID": "1", "price": "1.10", "big": "12345678901234567890", "on": "true", "none": "", "tags": '["a", "\u00e9"]'
    }  # fmt: skip
    assert rows[0].raw == LINES.decode().split("\n")[0]
    assert (rows[1].line, rows[1].cells, rows[1].problems) == (3, {"ID": "2"}, [])
    assert [r.problems for r in rows[2:]] == [
        ["The row names a column twice."],
        ["The row is JSON, but has no named values."],
        ["The row is not JSON."],
        ["The row is not JSON."],
        ["The row has NUL characters (shown as \u2400) or halves of letters."],
        ["The row has NUL characters (shown as \u2400) or halves of letters."],
    ]
    assert rows[6].cells == {"ID": "a\u2400b"}


def test_json_nested_without_end_is_a_problem_of_its_row() -> None:
    rows = list(read(io.BytesIO(b'{"ID": 1}\n' + b'{"ID":' * 100_000 + b"\n")))
    assert rows[1].problems == ["The row is not JSON."]


def test_json_lines_without_any_expected_column_are_refused() -> None:
    with pytest.raises(UnreadableFile, match="names the columns"):
        read(io.BytesIO(b'{"a": 1}\n'), expected_columns=["ID"])


TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0\r\ufeff"), max_size=12)
CELL = TEXT.map(str.strip)


def with_an_x(cells: tuple[str, str, str], place: int) -> tuple[str, str, str]:
    """A row that is not blank, whatever the other cells are."""
    first, second, third = (cell + "x" if at == place else cell for at, cell in enumerate(cells))
    return first, second, third


@STEADY
@given(
    table=st.lists(st.builds(with_an_x, st.tuples(CELL, CELL, CELL), st.integers(0, 2)), max_size=6),
    delimiter=st.sampled_from(",;|\t"),
    end=st.sampled_from(["\n", "\r\n"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_what_a_csv_writer_wrote_is_read_back(
    table: list[tuple[str, str, str]], delimiter: str, end: str, encoding: str
) -> None:
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, lineterminator=end)
    writer.writerows([("ID", "NAME", "NOTE"), *table])
    declared = Dialect(delimiter=delimiter, encoding=encoding)
    rows = list(read(io.BytesIO(out.getvalue().encode(encoding)), declared, expected_columns=["ID", "NAME", "NOTE"]))
    assert [tuple(row.cells.values()) for row in rows] == table
    assert all(not row.problems for row in rows)


@STEADY
@given(st.binary(max_size=200) | st.text(alphabet='a1,;"\n\r\t|{}[]:\0\u00e9', max_size=80).map(str.encode))
def test_any_bytes_are_read_or_refused_politely(content: bytes) -> None:
    try:
        rows = list(read(io.BytesIO(content)))
    except UnreadableFile as refusal:
        rows = []
        told = refusal.way_out
    else:
        told = "read"
    assert told
    for row in rows:
        assert "\0" not in row.raw + "".join(row.cells.values())
        (row.raw + "".join(row.cells.values())).encode("utf-8")


def test_a_workbook_on_disk_is_closed_after_reading(tmp_path: Path) -> None:
    path = tmp_path / "rows.xlsx"
    path.write_bytes(workbook(("S", [["A"], [1]])))
    with read(path) as reading:
        assert len(list(reading)) == 1


def test_a_file_of_one_odd_blank_has_no_header() -> None:
    with pytest.raises(UnreadableFile, match="names columns"), read(io.BytesIO(b"\x0b"), Dialect(format="csv")):
        pass
