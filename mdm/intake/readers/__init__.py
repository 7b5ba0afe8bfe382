"""A file of any supported dialect -> a stream of rows."""

from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from mdm.intake.readers.reading import Dialect, RawRow, Reading, UnreadableFile

__all__ = ["Dialect", "RawRow", "Reading", "UnreadableFile", "read", "sniff"]


UNKNOWN = Dialect()


def sniff(file: Path | str | BinaryIO, expected_columns: Sequence[str] = ()) -> Dialect:
    """The dialect of `file`, fully resolved; the file's position is put back.

    Raises `UnreadableFile` where there is none.
    """
    raise NotImplementedError


def read(file: Path | str | BinaryIO, dialect: Dialect = UNKNOWN, *, expected_columns: Sequence[str] = ()) -> Reading:
    """Open `file` (a path, or a seekable binary file, which the caller closes) for one pass.

    `expected_columns` (names the feed maps) find the header line below title lines; where one of them is missing
    the file is refused.
    Raises `UnreadableFile` at once for failures of the whole file.
    """
    raise NotImplementedError
