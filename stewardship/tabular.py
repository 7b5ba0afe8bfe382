"""CSV that a spreadsheet shows and does not calculate. Pure."""

import csv
import io
from collections.abc import Iterable
from typing import Any

CALCULATED = ("=", "+", "-", "@", "\t", "\r")


def csv_line(cells: Iterable[Any]) -> str:
    """One line, line end included; None is blank, and whatever a spreadsheet would calculate gets an apostrophe."""
    text = io.StringIO()
    csv.writer(text).writerow([defused(cell) for cell in cells])
    return text.getvalue()


def defused(cell: Any) -> str:
    """The text of a cell that no spreadsheet calculates."""
    text = "" if cell is None else str(cell)
    return f"'{text}" if text.startswith(CALCULATED) else text


def plain(cell: str) -> str:
    """The cell of a download sent back, without the apostrophe put before what a spreadsheet would calculate."""
    return cell[1:] if cell[:1] == "'" and cell[1:2] in CALCULATED and len(cell) > 1 else cell
