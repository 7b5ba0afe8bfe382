"""Background work of the core: reading batches, and the sweep that finds what no message announced."""

import logging

from celery import shared_task

from mdm import liveness
from mdm.intake.batches import due, read
from mdm.intake.missing import settle_full_files
from mdm.intake.watching import due_watches, look_into
from mdm.mastering import HUB, Cause, end_expired_edits
from mdm.partitions import keep_up
from mdm.retrying import AWAY
from mdm.verification import keep_verdict, note_start
from mdm.verify import verify as verify_log

logger = logging.getLogger(__name__)


@shared_task(throws=AWAY, queue="import")
def read_batch(batch_id: str) -> str:
    """Read one batch; its state afterwards. The second time there is nothing left to read."""
    return read(batch_id).state


@shared_task(throws=AWAY, queue="import")
def sweep() -> dict[str, str]:
    """Read every batch that waits or whose reader died: {batch: state}. Batches read elsewhere are left alone."""
    return {str(batch_id): read(batch_id).state for batch_id in due()}


@shared_task(throws=AWAY, queue="import")
def watch_folders() -> dict[int, int]:
    """Look into every watched folder that is due: {watch: files taken or held}. A file is looked at once."""
    settle_full_files()
    return {watch_id: look_into(watch_id) for watch_id in due_watches()}


@shared_task(throws=AWAY, queue="maintenance")
def end_edits() -> int:
    """End approved edits whose lifetime is over; how many records changed. The second time there are none."""
    return len(end_expired_edits(cause=Cause(by=HUB, reason="The lifetime of the approved edit is over")))


@shared_task(throws=AWAY, queue="maintenance")
def verify() -> bool:
    """Whether log, versions and golden records are as they were written; the verdict is kept for the audit page.

    Every finding goes to the error log. The second time it looks again.
    """
    note_start()
    verdict = verify_log()
    keep_verdict(verdict)
    for finding in verdict.findings:
        logger.error("ALTERED %s: %s", finding.where, finding.what)
    return verdict.is_green


@shared_task(throws=AWAY, queue="maintenance", name="mdm.tasks.pulse")
def pulse(program: str) -> bool:
    """The worker that took this up lives, and so does the timetable that sent it. The second time says it again."""
    liveness.beat("beat@timetable")
    return liveness.beat(program)


@shared_task(throws=AWAY, queue="maintenance", name="mdm.tasks.partitions")
def partitions() -> int:
    """Make the coming partitions of the log and seal the full ones; returns how many were made or sealed.

    The second time there is nothing to do; what waits for a lock is done an hour later.
    """
    kept = keep_up()
    return kept.made + len(kept.sealed)
