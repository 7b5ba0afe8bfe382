"""Every dialect of the real extracts, and what every damage does."""

import io
from pathlib import Path

import pytest

from mdm.intake.readers import Dialect, RawRow, UnreadableFile, read, sniff

FILES = Path(__file__).parents[2] / "files"


def rows_of(content: bytes, dialect: Dialect = Dialect(), expected: tuple[str, ...] = ()) -> list[RawRow]:  # noqa: B008
    return list(read(io.BytesIO(content), dialect, expected_columns=expected))


@pytest.mark.parametrize(
    ("file", "encoding", "delimiter", "header_line", "count", "first"),
    [
        ("erp_suppliers.csv", "utf-8", ",", 1, 12, ("VENDOR_NAME", "ELOXX PHARMACEUTICALS, INC.")),
        ("ap_suppliers.csv", "utf-8", ";", 1, 12, ("SupplierID", "000001")),
        ("procurement_suppliers.csv", "utf-8-sig", ",", 4, 12, ("Federal Tax ID", "1.11987E+08")),
        ("erp_facilities.csv", "utf-8", ";", 1, 12, ("FY_END", "31-DEC-18")),
        ("legacy_facilities.txt", "cp1252", "|", 1, 11, ("SITE_ID", "0001589148")),
        ("procurement_items.csv", "utf-8", ";", 1, 12, ("Unit Cost", "32,3991")),
        ("inventory_items_pharmacy.csv", "cp1252", ",", 1, 12, ("NDC", "0409-6629-02")),
        ("inventory_items_supplies.csv", "utf-16", "\t", 1, 12, ("UOM", "*EA")),
        ("billing_departments.csv", "utf-8", "\t", 1, 12, ("DEPT_DESC", "R&B ICU/CCU 1102100")),
        ("erp_cost_centers.csv", "utf-8", ",", 1, 12, ("CC_CODE", "001")),
    ],
)
@pytest.mark.parametrize("told", [True, False])
def test_real_dialects(
    file: str, encoding: str, delimiter: str, header_line: int, count: int, first: tuple[str, str], told: bool
) -> None:
    path = FILES / file
    expected = [first[0]] if told else []
    with read(path, expected_columns=expected) as reading:
        rows = list(reading)
    assert reading.dialect == Dialect("csv", encoding, delimiter, '"', header_line)
    assert reading.dialect == sniff(path, expected)
    assert len(rows) == count
    assert rows[0].cells[first[0]] == first[1]
    assert [row for row in rows if row.problems] == []


@pytest.mark.parametrize("file", sorted(p.name for p in FILES.iterdir() if p.suffix in {".csv", ".txt"}))
def test_raw_rows_are_verbatim(file: str) -> None:
    with read(FILES / file) as reading:
        rows = list(reading)
    text = (FILES / file).read_bytes().decode(reading.dialect.encoding)
    lines = text.replace("\r\n", "\n").split("\n")
    assert [row.raw for row in rows] == [lines[row.line - 1] for row in rows]


def test_title_lines_and_nameless_columns_are_left_out() -> None:
    with read(FILES / "procurement_suppliers.csv") as reading:
        assert reading.header == [
            "Supplier ID", "Supplier Name", "Federal Tax ID", "City", "State", "Zip", "Phone", "Contract Ref"
        ]  # fmt: skip
        assert next(iter(reading)).line == 5


def test_letters_of_windows_1252() -> None:
    with read(FILES / "inventory_items_pharmacy.csv") as reading:
        assert any("NA\u00cfVE" in row.cells["Medication"] for row in reading)


def test_column_names_are_forgiven_case_and_space_and_take_the_feeds_spelling() -> None:
    reading = read(io.BytesIO(b"supplier  id,NAME\n1,A\n"), expected_columns=["Supplier ID", "Name"])
    assert reading.header == ["Supplier ID", "Name"]
    assert [row.cells for row in reading] == [{"Supplier ID": "1", "Name": "A"}]


def test_repeated_names_are_numbered() -> None:
    reading = read(io.BytesIO(b"A,A,B\n1,2,3\n"))
    assert reading.header == ["A", "A (2)", "B"]
    assert next(iter(reading)).cells == {"A": "1", "A (2)": "2", "B": "3"}


def test_quoted_line_breaks_stay_in_one_verbatim_row() -> None:
    rows = rows_of(b'A,B\r\n1,"x\r\ny, ""z"""\r\n2,w\n')
    assert [(r.line, r.raw, r.cells) for r in rows] == [
        (2, '1,"x\r\ny, ""z"""', {"A": "1", "B": 'x\r\ny, "z"'}),
        (4, "2,w", {"A": "2", "B": "w"}),
    ]


def test_a_stray_quotation_mark_costs_its_own_row_only() -> None:
    rows = rows_of(b'A,B,C\n1,"abc,y\n2,"def",x\n3,g,"h"\n')
    assert [(r.line, bool(r.problems)) for r in rows] == [(2, True), (3, False), (4, False)]
    assert rows[0].problems == ["A quotation mark is opened and never closed."]
    assert rows[0].raw == '1,"abc,y'
    assert rows[1].cells == {"A": "2", "B": "def", "C": "x"}


def test_an_unterminated_quote_at_the_end_of_a_long_file_is_bounded() -> None:
    rows = rows_of(b'A,B\n1,"open\n' + b"2,x\n" * 1000)
    assert [r.line for r in rows if r.problems] == [2]
    assert len(rows) == 1001


def test_inches_are_no_quotation_marks() -> None:
    rows = rows_of(b'ITEM,SIZE\nNAIL,5"\nSCREW 3" X 4",6\n')
    assert [r.cells["ITEM"] for r in rows] == ["NAIL", 'SCREW 3" X 4"']
    assert [r.problems for r in rows] == [[], []]


def test_too_many_and_too_few_cells() -> None:
    rows = rows_of(b"A,B,C\n1,2\n1,2,3,4\n1,2,3,,\n1,2,3\n")
    assert [r.problems for r in rows] == [
        ["The row has 2 cells, the header names 3 columns."],
        ["The row has 4 cells, the header names 3 columns."],
        [],
        [],
    ]
    assert rows[0].cells == {"A": "1", "B": "2"}


def test_nul_characters_are_shown_and_told() -> None:
    (row,) = rows_of(b"A,B\n1,x\x00y\x00\n")
    assert row.problems == ["The row has 2 NUL characters (shown as \u2400): the file was damaged."]
    assert row.raw == "1,x\u2400y\u2400"
    assert row.cells["B"] == "x\u2400y\u2400"


def test_bytes_outside_the_declared_encoding_are_shown_and_told() -> None:
    rows = rows_of(b"A,B\n1,caf\xe9\n2,ok\n", Dialect(encoding="utf-8"))
    assert rows[0].raw == "1,caf\\xe9"
    assert rows[0].problems == ["The row has bytes that are no letters in the encoding of the feed (shown as \\xNN)."]
    assert rows[1].problems == []


def test_a_row_tells_all_its_problems() -> None:
    (row,) = rows_of(b"A,B\n1,x\x00,\xff\n", Dialect(encoding="utf-8"))
    assert len(row.problems) == 3


def test_blank_and_separator_lines_are_no_rows() -> None:
    assert [r.line for r in rows_of(b"A,B\n\n,,\n  \n1,2\n,\n")] == [5]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_unicode_encodings_are_recognised(encoding: str) -> None:
    content = "NAME,CITY\nBj\u00f8rn,\u00c5rhus\nJos\u00e9,Le\u00f3n\n".encode(encoding)
    assert [r.cells for r in rows_of(content)] == [
        {"NAME": "Bj\u00f8rn", "CITY": "\u00c5rhus"},
        {"NAME": "Jos\u00e9", "CITY": "Le\u00f3n"},
    ]


def test_one_accent_late_in_a_long_file_is_found() -> None:
    content = b"ID,NAME\n" + b"1,plain\n" * 60_000 + b"2,caf\xe9 \x93x\x94\n"
    assert sniff(io.BytesIO(content)).encoding == "cp1252"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "The file is empty."),
        (b" \n\r\n\t\n", "The file is empty."),
        (b"\xef\xbb\xbf\n", "The file is empty."),
        (b"%PDF-1.7 ...", "The file is a PDF document, not a table."),
        (b"\x1f\x8b\x08rest", "The file is a compressed file (gzip), not a table."),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "The file is a workbook of the old .xls format."),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"),
            "The workbook is protected with a password.",
        ),
        (bytes(range(256)) * 20, "The file is not text."),
        (b"A,B\n1,2\n", 'None of the first 50 lines names the columns "ID" and "NAME".'),
        (b"Report\n\nID;X\n1;2\n", 'The header in line 3 lacks "NAME".'),
    ],
)
def test_refuses_whole_files_in_business_words(content: bytes, message: str) -> None:
    with pytest.raises(UnreadableFile) as caught:
        read(io.BytesIO(content), expected_columns=["ID", "NAME"])
    assert caught.value.message == message
    assert caught.value.way_out


def test_the_declared_header_line_is_kept_to() -> None:
    content = b"A,B\nC,D\n1,2\n"
    assert rows_of(content, Dialect(header_line=2))[0].cells == {"C": "1", "D": "2"}
    with pytest.raises(UnreadableFile, match='header in line 2 lacks "A"'):
        rows_of(content, Dialect(header_line=2), ("A",))
    with pytest.raises(UnreadableFile, match="Line 9"):
        rows_of(content, Dialect(header_line=9))


@pytest.mark.parametrize("declared", [Dialect(delimiter="tab"), Dialect(delimiter="\\t"), Dialect(delimiter="\t")])
def test_a_separator_may_be_named(declared: Dialect) -> None:
    assert rows_of(b"A\tB,C\n1\t2,3\n", declared)[0].cells == {"A": "1", "B,C": "2,3"}


@pytest.mark.parametrize("declared", [Dialect(delimiter="::"), Dialect(encoding="klingon"), Dialect(format="parquet")])
def test_mistakes_of_a_feed_are_told(declared: Dialect) -> None:
    with pytest.raises(UnreadableFile, match="The feed names"):
        rows_of(b"A,B\n1,2\n", declared)


def test_a_line_without_end_is_refused() -> None:
    with pytest.raises(UnreadableFile, match="longer than 4 million characters"):
        rows_of(b"A,B\n" + b"x" * (4 * 1024 * 1024 + 10))


def test_the_callers_file_stays_open_and_a_path_is_closed(tmp_path: Path) -> None:
    mine = io.BytesIO(b"A,B\n1,2\n")
    assert len(list(read(mine))) == 1
    assert not mine.closed
    sniff(mine)
    assert not mine.closed
    path = tmp_path / "rows.csv"
    path.write_bytes(b"A,B\n1,2\n")
    with read(path):
        pass  # leaving early must not leave the file open: a ResourceWarning is an error here
    with pytest.raises(UnreadableFile, match=r"nowhere\.csv cannot be opened"):
        read(tmp_path / "nowhere.csv")
