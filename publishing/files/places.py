"""Where files are put: a folder below those the operator lists, or (``publishing.files.sftp``) an SFTP server.

A file is first brought under a name nobody reads (``.part``) and only then given its own, so that whoever looks
finds it whole or not at all.
"""

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from publishing.files.naming import PART

CHUNK = 1024 * 1024
Tick = Callable[[], None]


class PlaceFailed(Exception):
    """The place does not take the file. ``kind`` says why, for the outcome; the message says it to a person."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Place(Protocol):
    """Where files are put."""

    address: str

    def bring(self, name: str, source: Path, tick: Tick) -> None:
        """Put the bytes there under the name's ``.part``, durably, and see that all have arrived."""

    def reveal(self, name: str, tick: Tick) -> None:
        """Give what was brought its own name, in place of an older file of that name."""

    def discard(self, name: str, tick: Tick) -> None:
        """Take away what was brought and not revealed; nothing happens where there is none."""

    def remove(self, name: str, tick: Tick) -> None:
        """Take away the file; nothing happens where there is none."""

    def close(self) -> None:
        """Let go of the place."""


def folder_below(folder: str, roots: Sequence[str]) -> Path:
    """The folder itself, links followed, where it lies below one the operator lists. Raises PlaceFailed.

    A folder without leading slash is one below the first of them. Nothing is created.
    """
    if not roots:
        raise PlaceFailed("blocked", "The operator lists no folder for files (ASSAY_FILE_FOLDERS).")
    allowed = [Path(root).resolve() for root in roots]
    asked = Path(folder)
    try:
        meant = (asked if asked.is_absolute() else allowed[0] / asked).resolve()
    except (OSError, ValueError) as error:
        raise PlaceFailed("missing", f"The folder {folder} cannot be read.") from error
    if not any(meant == root or root in meant.parents for root in allowed):
        raise PlaceFailed("blocked", f"The folder {folder} is not below one the operator lists for files.")
    if not meant.is_dir():
        raise PlaceFailed("missing", f"There is no folder {folder}; create it, it is not made silently.")
    return meant


class FolderPlace:
    """A folder of this machine, or one mounted there."""

    def __init__(self, folder: str, roots: Sequence[str]) -> None:
        self.folder = folder_below(folder, roots)
        self.address = f"file://{self.folder}"

    def bring(self, name: str, source: Path, tick: Tick) -> None:
        """Write, flush to the disk, compare the size. Raises PlaceFailed."""
        part = self.folder / (name + PART)
        try:
            part.unlink(missing_ok=True)
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o640)
            with os.fdopen(descriptor, "wb") as target, source.open("rb") as stream:
                while chunk := stream.read(CHUNK):
                    target.write(chunk)
                    tick()
                target.flush()
                os.fsync(target.fileno())
            arrived = part.stat().st_size
        except OSError as error:
            raise _failed(error, self.folder) from error
        if arrived != source.stat().st_size:
            raise PlaceFailed("broken", f"{name} has {arrived} bytes there, which is not all of it.")

    def reveal(self, name: str, tick: Tick) -> None:
        """Rename, and flush the folder. Raises PlaceFailed."""
        try:
            (self.folder / (name + PART)).replace(self.folder / name)
            descriptor = os.open(self.folder, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise _failed(error, self.folder) from error

    def discard(self, name: str, tick: Tick) -> None:
        """Take away the ``.part``. Raises PlaceFailed."""
        self.remove(name + PART, tick)

    def remove(self, name: str, tick: Tick) -> None:
        """Take away the file. Raises PlaceFailed."""
        try:
            (self.folder / name).unlink(missing_ok=True)
        except OSError as error:
            raise _failed(error, self.folder) from error

    def close(self) -> None:
        """Nothing is held."""


def _failed(error: OSError, folder: Path) -> PlaceFailed:
    free = shutil.disk_usage(folder).free if folder.is_dir() else None
    if isinstance(error, PermissionError):
        return PlaceFailed("forbidden", f"Assay may not write into {folder}.")
    if free is not None and free < CHUNK:
        return PlaceFailed("full", f"The disk of {folder} is full.")
    return PlaceFailed("missing" if isinstance(error, FileNotFoundError) else "broken", f"{error.strerror or error}.")
