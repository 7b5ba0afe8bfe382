"""The lives of the log: a restored database hands out numbers a second time, so it must begin a new life and say so.

What the hub knew before the restore is told by what lies outside the database: the file of checkpoints, and the mark
the sequencer leaves after every batch. Where they know more than the database does, it was restored.
"""

import logging
import os
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from mdm import log
from mdm.checkpoints import Signed, backwards
from mdm.models import ChangeEvent, LogEpoch, LogHead

LINES_READ = 500

logger = logging.getLogger(__name__)


@transaction.atomic
def renew(*, reason: str, by: str) -> LogEpoch:
    """Begin a new life of the log. Locks the head, so it falls between two batches.

    Every cursor on the feed is refused with *feed-reset* from then on, and endpoints pause as restored. Repeating it
    begins another life each time.
    """
    log.begin()
    head = LogHead.objects.select_for_update().get()
    head.epoch = uuid4()
    head.save(update_fields=["epoch"])
    return LogEpoch.objects.create(
        epoch=head.epoch, from_seq=head.seq + 1, from_hash=head.hash, reason=reason[:500], by=by, at=timezone.now()
    )


def notice_restore() -> LogEpoch | None:
    """Begin a new life where the database is older than what is known of it; None where all is well.

    Run before a sequencer numbers anything. The second time finds the new life known and does nothing.
    """
    head = LogHead.objects.first()
    evidence = _evidence(head) if head else ""
    if not evidence:
        return None
    begun = renew(reason=f"Restored from a backup: {evidence}", by="Assay")
    logger.error(
        "RESTORED %s The log begins a new life %s at %s: readers of the feed start anew, endpoints are paused.",
        begun.reason, begun.epoch, begun.from_seq,
    )  # fmt: skip
    return begun


def _evidence(head: LogHead) -> str:
    """Why the database must be an older one, in words; blank where nothing says so."""
    life = str(head.epoch)
    mark = read_mark()
    file = Path(settings.CHECKPOINT_FILE)
    lines = list(islice(backwards(file), LINES_READ))
    own = [line for line in (*([mark] if mark else []), *lines) if line.epoch == life]
    beyond = max((line.seq for line in own), default=0)
    if beyond > head.seq:
        return f"event {beyond} was numbered before, and the database ends at {head.seq}."
    for line in _other_than(own):
        return f"event {line.seq} is another one than was vouched for."
    return _unknown_life(head, backwards(file))


def _other_than(own: Sequence[Signed]) -> Iterator[Signed]:
    held = dict(ChangeEvent.objects.filter(seq__in={line.seq for line in own}).values_list("seq", "hash"))
    return (line for line in own if held.get(line.seq, line.hash) != line.hash)


def _unknown_life(head: LogHead, lines: Iterator[Signed]) -> str:
    """A life the file has seen after this one, and the database has not: it was restored before that."""
    known = {str(epoch) for epoch in LogEpoch.objects.values_list("epoch", flat=True)} | {str(head.epoch)}
    begun = LogEpoch.objects.filter(epoch=head.epoch).values_list("at", flat=True).first()
    newest = ""
    for line in lines:
        if line.epoch in known:
            return f"it does not know the life {newest} of the log." if newest else ""
        if begun is not None and datetime.fromisoformat(line.at) < begun:
            return ""  # this life began after everything the file speaks of
        newest = newest or line.epoch
    return ""  # the file is of another installation


# ---- the mark the sequencer leaves ---------------------------------------------------------------------


class Mark:
    """The head after each batch, in a file of its own: checkpoints are a minute apart, a restore may be closer.

    Written over in place and not flushed to disk: it outlives the process, and a machine that loses it loses no more
    than its news of the last minute.
    """

    def __init__(self) -> None:
        file = Path(settings.LOG_MARK_FILE)
        file.parent.mkdir(parents=True, exist_ok=True)
        self.descriptor = os.open(file, os.O_WRONLY | os.O_CREAT, 0o600)

    def leave(self) -> None:
        """Write down the head as committed."""
        found = LogHead.objects.values_list("epoch", "seq", "hash").first()
        if found:
            epoch, seq, hash_ = found
            os.pwrite(self.descriptor, f"{epoch} {seq:020d} {hash_}\n".encode(), 0)

    def close(self) -> None:
        os.close(self.descriptor)


def read_mark() -> Signed | None:
    """The mark as a checkpoint nobody signed; None where there is none that can be read."""
    try:
        epoch, seq, hash_ = Path(settings.LOG_MARK_FILE).read_text().split()
        return Signed(str(UUID(epoch)), int(seq), hash_, "", "", "")
    except (OSError, ValueError):
        return None
