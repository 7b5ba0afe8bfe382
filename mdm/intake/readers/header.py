"""Which line names the columns, and what they are called."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from mdm.intake.readers.reading import UnreadableFile

SEARCHED = 50  # records from the top


class Candidate(NamedTuple):
    """One record near the top of a file: the line it starts on and its cells."""

    line: int
    cells: list[str]


def key(name: str) -> str:
    """Column names are the same when they differ in case and white space only."""
    return " ".join(name.split()).casefold()


def missing(cells: Iterable[str], expected: Sequence[str]) -> list[str]:
    """The expected columns `cells` do not name."""
    present = {key(cell) for cell in cells}
    return [name for name in expected if key(name) not in present]


def find(candidates: Sequence[Candidate], expected: Sequence[str]) -> Candidate | None:
    """The header among the first records: the first that names all expected columns.

    Where nothing is expected: the first whose filled cells are not far fewer than those of the fullest, as those of
    title lines are.
    """
    if expected:
        return next((c for c in candidates if not missing(c.cells, expected)), None)
    filled = [sum(1 for cell in c.cells if cell.strip()) for c in candidates]
    fullest = max(filled, default=0)
    return next((c for c, n in zip(candidates, filled, strict=True) if n and n >= 0.6 * fullest), None)


def at_line(candidates: Sequence[Candidate], line: int, expected: Sequence[str]) -> Candidate:
    """The record of the line the feed names as its header. Raises `UnreadableFile` where it lacks columns."""
    found = next((c for c in candidates if c.line == line), None)
    if found is None:
        raise UnreadableFile(
            f"Line {line}, which the feed names as the header, has no column names.", "Correct the header line."
        )
    if absent := missing(found.cells, expected):
        raise UnreadableFile(
            f"The header in line {line} lacks {_listed(absent)}.", "Export these columns, or correct the feed."
        )
    return found


def not_found(candidates: Sequence[Candidate], expected: Sequence[str]) -> UnreadableFile:
    """Why no header was found, naming the closest line and what it lacks."""
    if not expected:
        return UnreadableFile(
            f"None of the first {SEARCHED} lines names columns.", "Name the header line in the feed, or check the file."
        )
    closest = min(candidates, key=lambda c: len(missing(c.cells, expected)), default=None)
    lacking = missing(closest.cells, expected) if closest else list(expected)
    if closest is None or len(lacking) == len(expected):
        return UnreadableFile(
            f"None of the first {SEARCHED} lines names the columns {_listed(expected)}.",
            "Check that this is the right file for the feed, and its separator.",
        )
    return UnreadableFile(
        f"The header in line {closest.line} lacks {_listed(lacking)}.",
        "Export these columns, or correct the feed.",
    )


def _listed(names: Sequence[str]) -> str:
    quoted = [f'"{name}"' for name in names]
    return quoted[0] if len(quoted) == 1 else ", ".join(quoted[:-1]) + " and " + quoted[-1]


def names(cells: Sequence[str], expected: Sequence[str]) -> list[str]:
    """One name per cell: the feed's spelling where it names the column, ``""`` for nameless, repeats numbered."""
    spelled = {key(name): name for name in expected}
    taken: set[str] = set()
    result = []
    for cell in cells:
        plain = " ".join(cell.replace("\0", "").split())
        name = spelled.get(key(plain), plain)
        number = 2
        unique = name
        while unique and unique in taken:
            unique, number = f"{name} ({number})", number + 1
        taken.add(unique)
        result.append(unique)
    return result
