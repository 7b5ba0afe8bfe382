"""How rows become lines: the declaration of a layout, read from JSON, with everything that speaks against it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

ENCODINGS = (
    "utf-8", "utf-8-sig", "ascii", "latin-1", "iso8859-15", "cp1252", "cp1250", "cp437", "cp850",
    "cp037", "cp500", "cp1140",
)  # fmt: skip
LINE_ENDINGS = {"crlf": "\r\n", "lf": "\n", "none": ""}
QUOTING = ("minimal", "all", "none")
DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}
DATES = {
    "YYYY-MM-DD": "%Y-%m-%d",
    "YYYYMMDD": "%Y%m%d",
    "DD.MM.YYYY": "%d.%m.%Y",
    "DD/MM/YYYY": "%d/%m/%Y",
    "MM/DD/YYYY": "%m/%d/%Y",
    "YYMMDD": "%y%m%d",
    "YYYYDDD": "%Y%j",
}
KINDS = ("text", "code", "date", "decimal", "integer", "boolean")
NUMERIC = frozenset(("decimal", "integer"))
TRAILER_PLACE = re.compile(r"\{([a-z]+(?:\.[^{}:]+)?)(?::(\d{1,2}))?\}")
TRAILER_NAMES = frozenset(("number", "rows", "kind", "date", "time", "from", "through"))
WIDEST = 2000
TRAILER_HELP = (
    "The trailer may name {number}, {rows}, {sum.COLUMN}, {from}, {through}, {kind}, {date} and {time}, "
    "each with a width as in {rows:9}."
)


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column: the dotted place of its value in the content of a record, its heading, and how it is written.

    ``width`` counts for fixed width; a longer value parks its record unless ``cut``. ``decimals`` fixes the places
    behind the decimal mark. ``total`` adds the column up for the control totals.
    """

    field: str
    name: str
    kind: str = "text"
    width: int = 0
    align: str = "left"
    pad: str = " "
    cut: bool = False
    decimals: int | None = None
    total: bool = False


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How a file is written. ``columns`` are those declared, by table; other tables take their defaults.

    A table is a domain (``item``) or one of its parts (``contract.lines``). ``decimal_mark`` may be empty: the mark is
    then left out, as in packed records. ``trailer`` is the last line, with {number}, {rows}, {sum.COLUMN}, {from},
    {through}, {kind}, {date} and {time}; {rows:9} is nine digits wide.
    """

    delimiter: str = ","
    quoting: str = "minimal"
    decimal_mark: str = "."
    date_format: str = "YYYY-MM-DD"
    yes: str = "true"
    no: str = "false"
    encoding: str = "utf-8"
    line_ending: str = "crlf"
    header: bool = True
    formulas: bool = False
    count: str = "characters"
    trailer: str = ""
    control: str = "json"
    when_empty: str = "skip"
    columns: Mapping[str, tuple[Column, ...]] = field(default_factory=dict)


Problem = tuple[str, str]
CHOICES: dict[str, Sequence[str]] = {
    "quoting": QUOTING,
    "decimal_mark": (".", ",", ""),
    "date_format": tuple(DATES),
    "encoding": ENCODINGS,
    "line_ending": tuple(LINE_ENDINGS),
    "count": ("characters", "bytes"),
    "control": ("json", "csv"),
    "when_empty": ("skip", "write"),
}
SWITCHES = ("header", "formulas")
TEXTS = {"yes": 20, "no": 20, "trailer": 400}


def read(declared: Mapping[str, Any]) -> Layout:
    """The layout as declared, which ``problems_of`` has nothing against; what is not said is as usual."""
    known = {name: value for name, value in declared.items() if name in Layout.__dataclass_fields__}
    tables = {
        table: tuple(Column(**column) for column in columns) for table, columns in declared.get("columns", {}).items()
    }
    return Layout(**(known | {"columns": tables}))


def problems_of(declared: Any, *, fixed: bool) -> list[Problem]:
    """Every (field, sentence) that speaks against a layout."""
    if not isinstance(declared, dict):
        return [("layout", "A layout is a table of names and values.")]
    found = [
        ("layout", f"A layout has no {name!r}." if name not in CHOICES else _choose(name, CHOICES[name]))
        for name, value in declared.items()
        if (name in CHOICES and value not in CHOICES[name]) or name not in Layout.__dataclass_fields__
    ]
    found += [
        ("layout", f"{name} is on or off.") for name in SWITCHES if not isinstance(declared.get(name, True), bool)
    ]
    for name, longest in TEXTS.items():
        text = declared.get(name, "")
        if not isinstance(text, str) or len(text) > longest or any(character in text for character in "\r\n\x00"):
            found.append(("layout", f"{name} is a text of at most {longest} characters on one line."))
    delimiter = declared.get("delimiter", ",")
    if not isinstance(delimiter, str) or len(delimiter) != 1 or delimiter in "\r\n\x00\"'" or delimiter.isalnum():
        found.append(("layout", "The delimiter is one character, such as , ; | or a tab."))
    found += _problems_of_columns(declared.get("columns", {}), fixed=fixed)
    if not found:
        found += _problems_of_whole(read(declared), fixed=fixed)
    return found


def _choose(name: str, allowed: Sequence[str]) -> str:
    return f"{name} is one of {', '.join(value or '(empty)' for value in allowed)}."


def _problems_of_columns(tables: Any, *, fixed: bool) -> list[Problem]:
    if not isinstance(tables, dict):
        return [("columns", "Columns are listed by table.")]
    found: list[Problem] = []
    for table, columns in tables.items():
        if not isinstance(columns, list) or not columns:
            found.append(("columns", f"{table}: list at least one column."))
            continue
        for number, column in enumerate(columns, 1):
            found += [("columns", f"{table}, column {number}: {words}") for words in _column(column, fixed=fixed)]
        names = [column.get("name") for column in columns if isinstance(column, dict)]
        if twice := sorted({str(name) for name in names if names.count(name) > 1}):
            found.append(("columns", f"{table}: {', '.join(twice)} is there twice."))
    return found


def _column(column: Any, *, fixed: bool) -> list[str]:
    """What speaks against one column."""
    if not isinstance(column, dict):
        return ["a column has a field and a name."]
    found = [f"a column has no {name!r}." for name in column if name not in Column.__dataclass_fields__]
    found += [
        f"say its {name}."
        for name in ("field", "name")
        if not isinstance(column.get(name), str) or not 0 < len(column[name]) <= 120
    ]
    if column.get("kind", "text") not in KINDS:
        found.append(_choose("kind", KINDS))
    width = column.get("width", 0)
    if not isinstance(width, int) or isinstance(width, bool) or not (1 if fixed else 0) <= width <= WIDEST:
        found.append(f"its width is 1 to {WIDEST}.")
    if column.get("align", "left") not in ("left", "right"):
        found.append("it is aligned left or right.")
    pad = column.get("pad", " ")
    if not isinstance(pad, str) or len(pad) != 1 or not pad.isascii() or not pad.isprintable():
        found.append("it is filled up with one plain character.")
    elif pad.isdigit() and column.get("align", "left") == "left":
        found.append("filled up with digits on its right, a value cannot be told from another: align it right.")
    decimals = column.get("decimals")
    if decimals is not None and (not isinstance(decimals, int) or not 0 <= decimals <= 10):
        found.append("it has 0 to 10 decimals.")
    found += [f"{name} is on or off." for name in ("cut", "total") if not isinstance(column.get(name, False), bool)]
    if column.get("total") and column.get("kind") not in NUMERIC:
        found.append("only numbers are added up: its kind is decimal or integer.")
    return found


def _problems_of_whole(layout: Layout, *, fixed: bool) -> list[Problem]:
    found = []
    if not fixed and layout.line_ending == "none":
        found.append(("layout", "CSV needs a line ending."))
    if not fixed and layout.decimal_mark == layout.delimiter and layout.quoting == "none":
        found.append(("layout", "Without quotes the decimal mark cannot be the delimiter."))
    if not layout.decimal_mark:
        open_ended = [
            f"{table}.{column.name}"
            for table, columns in layout.columns.items()
            for column in columns
            if column.kind == "decimal" and column.decimals is None
        ]
        if open_ended or not layout.columns:
            found.append(("layout", f"Without a decimal mark, give decimals for {', '.join(open_ended) or 'columns'}."))
    names = [column.name for columns in layout.columns.values() for column in columns]
    try:
        "".join([*names, layout.trailer, layout.yes, layout.no, layout.delimiter]).encode(layout.encoding)
    except UnicodeEncodeError as error:
        strange = error.object[error.start : error.end]
        found.append(
            ("layout", f"The encoding {layout.encoding} does not have {strange}, which the layout itself uses.")
        )
    rest = TRAILER_PLACE.sub("", layout.trailer)
    unknown = [name for name, _ in TRAILER_PLACE.findall(layout.trailer) if not _known(name)]
    if unknown or "{" in rest or "}" in rest:
        found.append(("layout", TRAILER_HELP))
    return found


def _known(name: str) -> bool:
    return name in TRAILER_NAMES or name.startswith("sum.")
