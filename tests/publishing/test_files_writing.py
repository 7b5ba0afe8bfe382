"""Lines of files: values, CSV, fixed width, encodings, totals, names and schedules. No database."""

import csv
import hashlib
import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publishing.files import control, layout, naming, schedule
from publishing.files.layout import Column, Layout
from publishing.files.writing import CsvLines, TableFile, Unwritable, trailer_facts

FACTS = trailer_facts(number=7, kind="delta", moment=datetime(2026, 3, 9, 2, 30, tzinfo=UTC), from_seq=11, through=90)
CODE = Column(field="code", name="CODE")
NAME = Column(field="attributes.name", name="NAME")
PRICE = Column(field="price", name="PRICE", kind="decimal", total=True)


def written(
    folder: Path, columns: list[Column], rows: list[dict[str, Any]], *, fixed: bool = False, **options: Any
) -> bytes:
    with TableFile(folder / "out", columns, Layout(**options), fixed=fixed) as file:
        for row in rows:
            file.write(file.prepared(row))
        totals = file.end(FACTS)
    raw = (folder / "out").read_bytes()
    assert totals.bytes == len(raw)
    assert totals.sha256 == hashlib.sha256(raw).hexdigest()
    assert totals.rows == len(rows)
    return raw


def row(name: str, **more: Any) -> dict[str, Any]:
    return {"code": "ITM-1", "attributes": {"name": name}, **more}


def test_csv_has_a_header_and_quotes_what_needs_it(tmp_path: Path) -> None:
    raw = written(tmp_path, [CODE, NAME], [row('Gauze, "sterile"'), row("Plain")])
    assert raw == b'CODE,NAME\r\nITM-1,"Gauze, ""sterile"""\r\nITM-1,Plain\r\n'


def test_csv_speaks_the_dialect_of_its_target(tmp_path: Path) -> None:
    columns = [
        NAME,
        Column(field="price", name="PRICE", kind="decimal", decimals=2),
        Column(field="day", name="DAY", kind="date"),
        Column(field="sterile", name="STERILE", kind="boolean"),
        Column(field="supplier", name="VENDOR", kind="code"),
    ]
    one = row("Straße", price="12.5000", day="2026-03-09", sterile=False, supplier={"record": "x", "code": "SUP-1"})
    raw = written(
        tmp_path, columns, [one], delimiter=";", decimal_mark=",", date_format="DD.MM.YYYY", encoding="cp1252",
        line_ending="lf", header=False, quoting="all", yes="J", no="N",
    )  # fmt: skip
    assert raw.decode("cp1252") == '"Straße";"12,50";"09.03.2026";"N";"SUP-1"\n'


@given(st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20))
def test_no_text_can_run_as_a_formula(text: str) -> None:
    lines = TableFileLines([NAME])
    [cells] = csv.reader(io.StringIO(lines.line(text), newline=""))
    assert cells[0][:1] not in ("=", "+", "@", "\t", "\r") or cells[0][1:].strip().replace(".", "").isdigit()
    assert cells[0].lstrip("'").lstrip() == text.lstrip("'").lstrip() or cells[0] == text


class TableFileLines:
    """A line as the CSV writer makes it, without a file."""

    def __init__(self, columns: list[Column], **options: Any) -> None:
        self.columns, self.lines = columns, CsvLines(Layout(**options))

    def line(self, *texts: str) -> str:
        return self.lines.line(self.columns, texts)


@pytest.mark.parametrize("text", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1"])
def test_formulas_begin_with_an_apostrophe_unless_switched_off(text: str) -> None:
    [cells] = csv.reader(io.StringIO(TableFileLines([NAME]).line(text), newline=""))
    assert cells == ["'" + text]
    [cells] = csv.reader(io.StringIO(TableFileLines([NAME], formulas=True).line(text), newline=""))
    assert cells == [text]


def test_a_negative_number_is_a_number_and_no_formula(tmp_path: Path) -> None:
    raw = written(tmp_path, [PRICE], [{"price": "-3.5"}], header=False, decimal_mark=",", delimiter=";")
    assert raw == b"-3,5\r\n"


def test_fixed_width_gives_every_line_the_same_length(tmp_path: Path) -> None:
    columns = [
        Column(field="code", name="CODE", width=8),
        Column(field="attributes.name", name="NAME", width=10, cut=True),
        Column(field="price", name="PRICE", kind="decimal", width=9, align="right", pad="0", decimals=2),
    ]
    rows = [row("A very long name", price="12.5"), row("Two\nlines\tand", price="-1.05"), row("")]
    raw = written(tmp_path, columns, rows, fixed=True, decimal_mark="", line_ending="lf", header=False)
    assert raw.decode() == (
        "ITM-1   A very lon000001250\n"
        "ITM-1   Two lines -00000105\n"
        "ITM-1             000000000\n"
    )  # fmt: skip


def test_a_value_longer_than_its_column_never_shifts_the_others(tmp_path: Path) -> None:
    columns = [Column(field="attributes.name", name="NAME", width=4), Column(field="code", name="CODE", width=5)]
    with TableFile(tmp_path / "out", columns, Layout(header=False), fixed=True) as file:
        with pytest.raises(Unwritable, match="NAME takes 4 characters and the value has 5"):
            file.prepared(row("Gauze"))
        file.write(file.prepared(row("Gel")))
        file.end(FACTS)
    assert (tmp_path / "out").read_bytes() == b"Gel ITM-1\r\n"


def test_a_number_is_never_cut(tmp_path: Path) -> None:
    column = Column(field="price", name="PRICE", kind="decimal", width=3, cut=True)
    with (
        TableFile(tmp_path / "out", [column], Layout(), fixed=True) as file,
        pytest.raises(Unwritable, match="PRICE takes 3 characters and the value has 4"),
    ):
        file.prepared({"price": "1234"})


def test_width_may_count_bytes(tmp_path: Path) -> None:
    column = Column(field="attributes.name", name="NAME", width=5, cut=True)
    raw = written(tmp_path, [column], [row("Öse 1")], fixed=True, count="bytes", header=False, line_ending="none")
    assert raw == "Öse ".encode()
    assert len(raw) == 5


def test_a_mainframe_gets_its_own_letters(tmp_path: Path) -> None:
    column = Column(field="code", name="CODE", width=6)
    raw = written(tmp_path, [column], [row("")], fixed=True, encoding="cp037", header=False, line_ending="none")
    assert raw == "ITM-1 ".encode("cp037")
    assert raw != b"ITM-1 "


def test_characters_the_encoding_does_not_have_are_named_not_replaced(tmp_path: Path) -> None:
    with (
        TableFile(tmp_path / "out", [NAME], Layout(encoding="latin-1"), fixed=False) as file,
        pytest.raises(Unwritable) as refused,
    ):
        file.prepared(row("Zestaw Ω łóżko"))
    assert str(refused.value) == "The encoding latin-1 does not have Ω (U+03A9), ł (U+0142), ż (U+017C)."


@pytest.mark.parametrize(
    ("column", "content", "words"),
    [
        (PRICE, {"price": "dear"}, "PRICE is no number: dear."),
        (PRICE, {"price": "NaN"}, "PRICE is no number: NaN."),
        (Column(field="price", name="P", kind="decimal", decimals=2), {"price": "1.005"}, "P has more than 2 decimals"),
        (Column(field="day", name="DAY", kind="date"), {"day": "soon"}, "DAY is no date: soon."),
        (NAME, {"attributes": {"name": ["a", "b"]}}, "NAME holds several values"),
    ],
)
def test_what_cannot_be_written_is_refused_in_words(
    tmp_path: Path, column: Column, content: dict[str, Any], words: str
) -> None:
    with TableFile(tmp_path / "out", [column], Layout(), fixed=False) as file, pytest.raises(Unwritable, match=words):
        file.prepared(content)


def test_without_quotes_a_delimiter_in_a_value_is_refused(tmp_path: Path) -> None:
    with (
        TableFile(tmp_path / "out", [NAME, CODE], Layout(quoting="none", delimiter="|"), fixed=False) as file,
        pytest.raises(Unwritable, match="NAME holds a delimiter or a line break"),
    ):
        file.prepared(row("a|b"))


def test_totals_and_trailer_add_up_exactly(tmp_path: Path) -> None:
    rows = [{"price": "0.10"}] * 3 + [{"price": None}]
    trailer = "T{number:6}{rows:9}{sum.PRICE:12} {from}-{through} {kind} {date}"
    raw = written(tmp_path, [PRICE], rows, header=False, trailer=trailer)
    assert raw.splitlines()[-1] == b"T00000700000000400000000" + b"0.30 11-90 delta 20260309"


def test_a_byte_order_mark_stands_once_at_the_front(tmp_path: Path) -> None:
    raw = written(tmp_path, [CODE], [row("x"), row("y")], encoding="utf-8-sig")
    assert raw.startswith(b"\xef\xbb\xbfCODE")
    assert raw.count(b"\xef\xbb\xbf") == 1


def test_the_control_file_says_the_same_as_json_and_csv() -> None:
    facts = {"file": "a.csv", "number": 7, "rows": 2, "sha256": "00", "sums": {"PRICE": "12.50"}}
    assert b'"PRICE": "12.50"' in control.written(facts, "json")
    assert control.written(facts, "csv") == b"file,number,rows,sha256,sum_PRICE\r\na.csv,7,2,00,12.50\r\n"


@pytest.mark.parametrize(
    ("declared", "fixed", "words"),
    [
        ([], False, "A layout is a table"),
        ({"colour": "red"}, False, "A layout has no 'colour'."),
        ({"encoding": "klingon"}, False, "encoding is one of utf-8"),
        ({"delimiter": "ab"}, False, "The delimiter is one character"),
        ({"header": "yes"}, False, "header is on or off."),
        ({"line_ending": "none"}, False, "CSV needs a line ending."),
        ({"trailer": "{rowz}"}, False, "The trailer may name"),
        ({"trailer": "a\nb"}, False, "on one line"),
        ({"columns": {"item": []}}, False, "item: list at least one column."),
        ({"columns": {"item": [{"field": "code"}]}}, False, "say its name."),
        ({"columns": {"item": [{"field": "code", "name": "C", "witdh": 3}]}}, False, "a column has no 'witdh'."),
        ({"columns": {"item": [{"field": "code", "name": "C"}]}}, True, "its width is 1 to 2000."),
        (
            {"columns": {"item": [{"field": "code", "name": "C", "width": 5, "pad": "0"}]}}, True,
            "a value cannot be told from another",
        ),
        ({"columns": {"item": [{"field": "code", "name": "C", "total": True}]}}, False, "only numbers are added up"),
        ({"columns": {"item": [{"field": "code", "name": "C"}] * 2}}, False, "C is there twice."),
        (
            {"decimal_mark": "", "columns": {"item": [{"field": "p", "name": "P", "kind": "decimal"}]}}, False,
            "give decimals for item.P",
        ),
    ],
)  # fmt: skip
def test_a_layout_that_cannot_be_is_refused_before_it_is_saved(declared: Any, fixed: bool, words: str) -> None:
    assert words in " ".join(sentence for _, sentence in layout.problems_of(declared, fixed=fixed))


def test_names_are_filled_and_lead_nowhere_else() -> None:
    moment = datetime(2026, 3, 9, 2, 30, 5, tzinfo=UTC)
    pattern = "{code}_{domain}_{number}_{date}T{time}_{kind}.csv"
    assert naming.problems_of(pattern, ["item", "contract.lines"]) == []
    name = naming.file_name(pattern, code="inv", table="contract.lines", number=12, moment=moment, kind="full")
    assert name == "inv_contract_lines_000012_20260309T023005_full.csv"


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("../{code}.csv", "A file name has letters"),
        ("a/b.csv", "A file name has letters"),
        (".hidden", "A file name has letters"),
        ("{code}\x00.csv", "A file name has letters"),
        ("{password}.csv", "Nothing fills {password}"),
        ("{code}.ctl", "choose another ending"),
        ("{code}.PART", "choose another ending"),
        ("{code}.csv", "put {domain} into the name"),
    ],
)
def test_names_that_could_escape_or_collide_are_refused(pattern: str, words: str) -> None:
    assert any(words in sentence for sentence in naming.problems_of(pattern, ["item", "supplier"]))


@pytest.mark.parametrize(
    ("plan", "moment", "turn"),
    [
        ("02:30", "2026-03-09T02:29:59", "2026-03-09T02:30:00"),
        ("02:30", "2026-03-09T02:30:00", "2026-03-10T02:30:00"),
        ("18:00, 06:00", "2026-03-09T07:00:00", "2026-03-09T18:00:00"),
        ("every 15 minutes", "2026-12-31T23:50:00", "2027-01-01T00:00:00"),
        ("Every 1 minute", "2026-03-09T07:00:30", "2026-03-09T07:01:00"),
    ],
)
def test_the_next_turn_is_the_first_after_now(plan: str, moment: str, turn: str) -> None:
    at = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    assert schedule.next_after(plan, at) == datetime.fromisoformat(turn).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "plan", ["", "25:00", "2:30", "every 0 minutes", "every 1441 minutes", "hourly", "02:30;03:00"]
)
def test_a_schedule_nobody_can_read_is_refused(plan: str) -> None:
    assert schedule.problem_of(plan)
