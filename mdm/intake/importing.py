"""Files into the hub from the command line: received, read to the end, and a folder in the right order."""

import time
from collections.abc import Iterator
from pathlib import Path

from mdm.errors import NotFound
from mdm.intake.batches import due, read
from mdm.intake.feeds import feeds_for, in_order
from mdm.intake.receiving import receive
from mdm.models import Batch, BatchState, Feed

PAUSE = 0.2  # seconds between two looks at a batch somebody else reads
DONE = (BatchState.READ, BatchState.FAILED)


def import_file(*, feed: Feed, file: Path, by: str, again: bool = False) -> Batch:
    """Receive a file and read it to the end, here or, where a worker was quicker, there. Raises OSError."""
    batch = receive(feed=feed, file=file, file_name=file.name, by=by, again=again, wake=False)
    return settle(batch)


def settle(batch: Batch) -> Batch:
    """The batch once it is read or failed; older batches of its feed that still wait are read before it."""
    while batch.state not in DONE:
        for batch_id in [*due(batch.feed), batch.pk]:
            read(batch_id)
        batch.refresh_from_db()
        if batch.state not in DONE:
            time.sleep(PAUSE)
    return batch


def files_of(folder: Path) -> list[tuple[Feed, Path]]:
    """Every (feed, file) pair of the folder, in the order of the domains' references, parts after their parents.

    Raises NotFound where the folder holds no file that a feed names.
    """
    pairs = [(feed, file) for file in sorted(folder.iterdir()) if file.is_file() for feed in feeds_for(file.name)]
    if not pairs:
        raise NotFound(
            f"{folder} holds no file that a feed names.", "Compare the file names with the patterns of the feeds."
        )
    order = {feed.pk: place for place, feed in enumerate(in_order(list({feed.pk: feed for feed, _ in pairs}.values())))}
    return sorted(pairs, key=lambda pair: (order[pair[0].pk], pair[1].name))


def import_folder(*, folder: Path, by: str) -> Iterator[Batch]:
    """Import every file of the folder that a feed names, one after the other, each batch as it is finished."""
    for feed, file in files_of(folder):
        yield import_file(feed=feed, file=file, by=by)
