"""The file itself: opened, recognised by its first bytes, its encoding found."""

import codecs
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from charset_normalizer import from_bytes

from mdm.intake.readers.reading import UnreadableFile

SAMPLE_BYTES = 256 * 1024
_CHUNK = 1024 * 1024
# Longest first: the UTF-32 mark begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# What is believed of a file that is neither marked nor UTF-8.
_CANDIDATES = ["cp1252", "cp850", "mac_roman", "cp1250", "cp1251", "shift_jis", "gb18030", "big5", "euc_kr"]
_OTHER_FILES = (
    (b"%PDF", "a PDF document", "Export the table itself as CSV or XLSX."),
    (b"\x1f\x8b", "a compressed file (gzip)", "Unpack it and send the file inside."),
    (b"\x89PNG", "a picture", "Export the table itself as CSV or XLSX."),
    (b"7z\xbc\xaf", "a compressed file (7z)", "Unpack it and send the file inside."),
    (b"PAR1", "a Parquet file", "Export the table as CSV, XLSX or JSON lines."),
)
_NOTHING = b" \t\r\n\xef\xbb\xbf\xff\xfe\x00"  # white space and byte order marks, also of wide encodings
_OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
ZIP = b"PK\x03\x04"


@contextmanager
def rewound(file: BinaryIO) -> Iterator[BinaryIO]:
    """`file` from its start; its position is put back."""
    at = file.tell()
    file.seek(0)
    try:
        yield file
    finally:
        file.seek(at)


def opened(file: Path | str | BinaryIO) -> tuple[BinaryIO, bool]:
    """A seekable binary file, and whether it is ours to close."""
    if not isinstance(file, (str, Path)):
        return file, False
    try:
        return Path(file).open("rb"), True
    except OSError as error:
        raise UnreadableFile(
            f"The file {Path(file).name} cannot be opened: {error.strerror}.", "Check its name and rights."
        ) from error


def format_of(file: BinaryIO) -> str:
    """``csv``, ``xlsx`` or ``jsonl`` by the first bytes. Raises `UnreadableFile` for what is no table at all."""
    with rewound(file):
        start = file.read(4096)
    if not start.strip(_NOTHING):
        with rewound(file):
            if all(not chunk.strip(_NOTHING) for chunk in iter(lambda: file.read(_CHUNK), b"")):
                raise UnreadableFile("The file is empty.", "Export it again and check that it has rows.")
    if start.startswith(_OLD_OFFICE):
        raise _old_office(file)
    for magic, what, way_out in _OTHER_FILES:
        if start.startswith(magic):
            raise UnreadableFile(f"The file is {what}, not a table.", way_out)
    if start.startswith(ZIP):
        return "xlsx"
    return "jsonl" if re.match(rb"(?:\xef\xbb\xbf)?\s*\{\s*[\"}]", start) else "csv"


def _old_office(file: BinaryIO) -> UnreadableFile:
    with rewound(file):
        start = file.read(SAMPLE_BYTES)
    if "EncryptedPackage".encode("utf-16-le") in start:
        return UnreadableFile(
            "The workbook is protected with a password.", "Save it without a password and send it again."
        )
    return UnreadableFile("The file is a workbook of the old .xls format.", "Save it as .xlsx or CSV.")


def encoding_of(file: BinaryIO) -> str:
    """The encoding: by its mark, else UTF-8 if the whole file is, else by its letters, Windows-1252 when in doubt."""
    with rewound(file):
        start = file.read(SAMPLE_BYTES)
        for mark, name in _MARKS:
            if start.startswith(mark):
                return name
        wide = _wide(start)
        if wide:
            return wide
        file.seek(0)
        return "utf-8" if _is_utf8(file) else _by_letters(file)


def _wide(start: bytes) -> str:
    """UTF-16 without a mark shows in every second byte being NUL."""
    even, odd = start[0:4096:2], start[1:4096:2]
    if len(odd) < 8 or start.count(b"\0") < 4:
        return ""
    if odd.count(0) > 0.7 * len(odd) and even.count(0) < 0.1 * len(even):
        return "utf-16-le"
    return "utf-16-be" if even.count(0) > 0.7 * len(even) and odd.count(0) < 0.1 * len(odd) else ""


def _is_utf8(file: BinaryIO) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for chunk in iter(lambda: file.read(_CHUNK), b""):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _by_letters(file: BinaryIO) -> str:
    """Judged by the lines that have other than ASCII letters: they may be few in a long file."""
    file.seek(0)
    telling = b""
    for chunk in iter(lambda: file.read(_CHUNK), b""):
        telling += b"\n".join(line for line in chunk.split(b"\n") if not line.isascii())[: SAMPLE_BYTES - len(telling)]
        if len(telling) >= SAMPLE_BYTES:
            break
    control = len(re.findall(rb"[\x00-\x08\x0e-\x1f\x7f]", telling))
    if control > 0.05 * len(telling):
        raise UnreadableFile("The file is not text.", "Send CSV, XLSX or JSON lines.")
    best = from_bytes(telling, cp_isolation=_CANDIDATES).best()
    western = {"cp1252", "cp850", "mac_roman", "cp1250"}
    # The western code pages differ in a few signs only; exports come in cp1252 unless it cannot be.
    if best is None or (best.encoding in western and _decodes(telling, "cp1252")):
        return "cp1252"
    return best.encoding


def _decodes(text: bytes, encoding: str) -> bool:
    try:
        text.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _keep_bytes(error: UnicodeError) -> tuple[str, int]:
    """Unknown bytes become lone surrogates, which no text contains, so that the row can be told and the bytes shown."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "".join(chr(0xDC00 + byte) for byte in error.object[error.start : error.end]), error.end


codecs.register_error("assay_keep_bytes", _keep_bytes)


def as_text(file: BinaryIO, encoding: str) -> io.TextIOWrapper:
    """`file` from its start as text, line ends kept. Detach it before the file is closed by its owner."""
    file.seek(0)
    try:
        return io.TextIOWrapper(file, encoding=encoding, errors="assay_keep_bytes", newline="")
    except LookupError as error:
        raise UnreadableFile(f"The feed names an unknown encoding: {encoding}.", "Correct the feed.") from error
