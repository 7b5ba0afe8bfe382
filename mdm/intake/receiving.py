"""Receiving a file: kept verbatim under its own hash, and registered as a batch."""

import hashlib
import os
import tempfile
from pathlib import Path
from typing import BinaryIO

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from mdm.models import Batch, BatchState, Feed
from mdm.nudge import nudge

FOLDER = "batches"
BLOCK = 1 << 20


def receive(
    *, feed: Feed, file: Path | BinaryIO, file_name: str, by: str, again: bool = False, wake: bool = True
) -> Batch:
    """Keep the file and register it as a batch of the feed, to be read by `read` (a worker is woken unless told not).

    Content that was already read with this version of the feed is not read a second time: the batch is finished at
    once, with ``repeats`` and a message; ``again`` reads it all the same. Raises OSError where it cannot be kept.
    """
    sha256, size = keep(file)
    batch = Batch(
        feed=feed,
        feed_version=feed.version,
        file_name=Path(file_name).name[-255:],
        stored_at=f"{FOLDER}/{sha256}",
        sha256=sha256,
        size=size,
        submitted_by=by,
    )
    register(batch, again=again)
    if wake and batch.state == BatchState.RECEIVED:
        nudge("mdm.tasks.read_batch", str(batch.pk), queue="import")
    return batch


def keep(file: Path | BinaryIO, under: str = FOLDER) -> tuple[str, int]:
    """Store the bytes under their SHA-256 in a folder of the data folder, unless they are there; (hash, size)."""
    if isinstance(file, Path):
        with file.open("rb") as opened:
            return keep(opened, under)
    folder = settings.DATA_DIR / under
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    digest, size = hashlib.sha256(), 0
    with tempfile.NamedTemporaryFile(dir=folder, prefix="arriving-", delete=False) as target:
        try:
            while block := file.read(BLOCK):
                digest.update(block)
                size += len(block)
                target.write(block)
            target.flush()
            os.fsync(target.fileno())
            Path(target.name).replace(folder / digest.hexdigest())
        except BaseException:
            Path(target.name).unlink(missing_ok=True)
            raise
    return digest.hexdigest(), size


def stored_file(batch: Batch) -> Path:
    """Where the batch's file is kept."""
    return kept_at(batch.stored_at)


def kept_at(stored_at: str) -> Path:
    """Where a file is that a row says is kept there; rows hold no path of this machine."""
    return Path(settings.DATA_DIR) / stored_at


def register(batch: Batch, *, again: bool) -> None:
    """Save the batch; one with content already taken becomes its repetition. Two at once cannot both be the first."""
    first = _first(batch)
    if first is None:
        try:
            with transaction.atomic():
                batch.save(force_insert=True)
                return
        except IntegrityError:
            first = _first(batch)
            if first is None:
                raise
    batch.repeats = first
    if not again:
        now = timezone.now()
        batch.state = BatchState.READ
        batch.started_at = batch.finished_at = now
        batch.problem = (
            f"The same content came before as {first.file_name} ({first.received_at:%Y-%m-%d %H:%M} UTC) "
            "for this version of the feed: nothing was read a second time."
        )
        batch.way_out = "Nothing needs to be done. To read it all the same, send it again and ask for that."
    batch.save(force_insert=True)


def _first(batch: Batch) -> Batch | None:
    return (
        Batch.objects.filter(
            feed=batch.feed, feed_version=batch.feed_version, sha256=batch.sha256, repeats__isnull=True
        )
        .exclude(state=BatchState.FAILED)
        .first()
    )
