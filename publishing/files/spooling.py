"""What was written is kept on this machine: the very bytes, for sending again and for looking at, 30 days long."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

import orjson
from django.conf import settings

KEPT = timedelta(days=30)
NOTES = "records.jsonl"
WRITTEN, PARKED, SKIPPED, OLDER = "written", "parked", "skipped", "older"


@dataclass(frozen=True, slots=True)
class Note:
    """What became of one record in a run: its version written, parked with a reason, not needed, or already newer."""

    record_id: UUID
    version: int
    seq: int
    fate: str
    left: bool = False
    digest: str = ""
    code: str = ""
    words: str = ""


def folder_of(code: str, number: int) -> Path:
    """Where the files of one run are kept."""
    return Path(settings.FILE_ARCHIVE) / code / f"{number:06d}"


def fresh(code: str, number: int) -> Path:
    """An empty folder for a run; what an earlier try of the same number left is gone."""
    folder = folder_of(code, number)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
    return folder


class Notes:
    """The notes of a run, written as it goes."""

    def __init__(self, folder: Path) -> None:
        self.stream: BinaryIO = (folder / NOTES).open("wb")

    def add(self, note: Note) -> None:
        """Write one down."""
        facts = [str(note.record_id), note.version, note.seq, note.fate, note.left, note.digest, note.code, note.words]
        self.stream.write(orjson.dumps(facts) + b"\n")

    def close(self) -> None:
        """They are complete."""
        self.stream.close()


def notes_of(folder: Path, at_once: int = 2000) -> Iterator[list[Note]]:
    """The notes of a run, some at a time. Raises FileNotFoundError where they are gone."""
    page: list[Note] = []
    with (folder / NOTES).open("rb") as stream:
        for line in stream:
            record_id, *rest = orjson.loads(line)
            page.append(Note(UUID(record_id), *rest))
            if len(page) == at_once:
                yield page
                page = []
    if page:
        yield page
