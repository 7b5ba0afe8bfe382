"""Delimited text: dialect, header and rows."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import BinaryIO

from mdm.intake.readers import header
from mdm.intake.readers.reading import Dialect, RawRow, UnreadableFile
from mdm.intake.readers.records import Record, records
from mdm.intake.readers.source import as_text, encoding_of, rewound

_DELIMITERS = (",", ";", "\t", "|")
_NAMED = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}
_ALIEN = re.compile("[\0\ud800-\udfff]")


def resolve(file: BinaryIO, dialect: Dialect, expected: Sequence[str]) -> tuple[Dialect, list[str]]:
    """The full dialect of a delimited file, and the cells of its header. What the feed declares is not questioned."""
    encoding = dialect.encoding or encoding_of(file)
    given = _NAMED.get(dialect.delimiter, dialect.delimiter)
    if len(given) > 1 or len(dialect.quote) > 1:
        raise UnreadableFile("The feed names a separator of more than one character.", "Correct the feed.")
    tried = [
        (delimiter, _candidates(file, encoding, delimiter, dialect))
        for delimiter in ([given] if given else _DELIMITERS)
    ]
    delimiter, candidates = max(tried, key=lambda one: _fitness(one[1], expected, dialect.header_line))
    if not candidates:
        raise UnreadableFile("The file has no rows.", "Export it again and check that it has rows.")
    if dialect.header_line is not None:
        found = header.at_line(candidates, dialect.header_line, expected)
    else:
        named = header.find(candidates, expected)
        if named is None:
            raise header.not_found(candidates, expected)
        found = named
    full = replace(dialect, format="csv", encoding=encoding, delimiter=delimiter, header_line=found.line)
    return full, found.cells


def _candidates(file: BinaryIO, encoding: str, delimiter: str, dialect: Dialect) -> list[header.Candidate]:
    searched = max(header.SEARCHED, dialect.header_line or 0)
    with rewound(file):
        text = as_text(file, encoding)
        try:
            found = [
                header.Candidate(r.line, r.cells) for r in islice(records(text, delimiter, dialect.quote), searched)
            ]
        except UnicodeError as error:
            raise UnreadableFile(f"The file is not {encoding} text.", "Correct the encoding of the feed.") from error
        finally:
            text.detach()
    return found


def _fitness(candidates: list[header.Candidate], expected: Sequence[str], line: int | None) -> tuple[int, float, int]:
    """How well a separator fits: expected columns found, then share of equally long records, then their length."""
    headers = [c for c in candidates if line in (None, c.line)]
    found = max((len(expected) - len(header.missing(c.cells, expected)) for c in headers), default=0)
    if not candidates:
        return found, 0.0, 0
    width, times = Counter(len(c.cells) for c in candidates).most_common(1)[0]
    return found, times / len(candidates) if width > 1 else 0.0, width


def rows(file: BinaryIO, dialect: Dialect, cells: Sequence[str], expected: Sequence[str]) -> Iterator[RawRow]:
    """The rows below the header, each judged by itself."""
    names = header.names(cells, expected)
    kept = [(at, name) for at, name in enumerate(names) if name]
    gapless = len(kept) == len(names)
    width = len(names)
    text = as_text(file, dialect.encoding)
    try:
        for record in records(text, dialect.delimiter, dialect.quote):
            if record.line <= (dialect.header_line or 0):
                continue
            found = record.cells
            if (
                gapless
                and len(found) == width
                and not record.problem
                and record.raw.isascii()
                and "\0" not in record.raw
            ):
                yield RawRow(record.line, record.raw, dict(zip(names, found, strict=True)))
            else:
                yield _judged(record, kept, width)
    except UnicodeError as error:
        raise UnreadableFile(
            f"The file is not {dialect.encoding} text.", "Correct the encoding of the feed."
        ) from error
    finally:
        text.detach()


def _judged(record: Record, kept: Sequence[tuple[int, str]], width: int) -> RawRow:
    """A row that is not plainly good, with everything that is wrong with it."""
    line, raw, found, problem = record
    problems = [problem] if problem else []
    if not problem and len(found) != width and (len(found) < width or any(c.strip() for c in found[width:])):
        problems.append(f"The row has {len(found)} cells, the header names {width} columns.")
    if "\0" in raw:
        problems.append(f"The row has {raw.count(chr(0))} NUL characters (shown as \u2400): the file was damaged.")
    if _ALIEN.search(raw.replace("\0", "")):
        problems.append("The row has bytes that are no letters in the encoding of the feed (shown as \\xNN).")
    if problems:
        raw, found = shown(raw), [shown(cell) for cell in found]
    return RawRow(line, raw, {name: found[at] for at, name in kept if at < len(found)}, problems)


def shown(text: str) -> str:
    """`text` with NUL and undecodable bytes made visible, fit to be stored."""
    return _ALIEN.sub(lambda m: "\u2400" if m[0] == "\0" else f"\\x{ord(m[0]) & 0xFF:02x}", text)
