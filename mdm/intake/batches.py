"""Reading a batch: claimed under a lease, in chunks that each commit, so that a stopped reading goes on."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from uuid import UUID

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import F, Max, Q
from django.utils import timezone

from mdm.errors import Busy, Invalid, NotFound
from mdm.intake import storing
from mdm.intake.feeds import plan_of
from mdm.intake.mapping import Mapped, map_row
from mdm.intake.plan import Plan
from mdm.intake.readers import RawRow, Reading, UnreadableFile
from mdm.intake.readers import read as open_file
from mdm.intake.receiving import stored_file
from mdm.intake.repetition import Keys, Seen, compare
from mdm.intake.storing import Counts, Destination
from mdm.models import Batch, BatchState, Feed, RowState, SourceRow
from mdm.nudge import nudge
from mdm.retrying import atomic
from mdm.undisturbed import undisturbed

CHUNK = 2000
LEASE = timedelta(seconds=60)
SCAN_BEAT = 50_000  # rows between two heartbeats of the first pass

logger = logging.getLogger(__name__)


class LostLease(Exception):
    """Another reader took the batch over; this one must not write another row."""


def read(batch_id: UUID | str) -> Batch:
    """Read a received batch, or go on where a reader died; the batch as it then stands.

    Batches of one feed are read one at a time, oldest first: a batch that is read elsewhere, finished, or not yet
    its turn is given back untouched. Good rows go in, the others wait in quarantine with all their reasons; a file
    that cannot be read as a whole fails with nothing taken. Repeating it is harmless. Raises NotFound, and database
    errors, after which the next sweep goes on.
    """
    batch = _claim(batch_id)
    if batch.state != BatchState.READING or batch.started_at is None:
        return batch
    lease = batch.started_at
    try:
        _read(batch, lease)
    except LostLease:
        logger.warning("Batch %s is read by somebody else now.", batch.pk)
    except (UnreadableFile, Invalid) as error:
        _fail(batch, lease, error.message, error.way_out)
    except FileNotFoundError:
        _fail(batch, lease, "The file is no longer in the hub's data folder.", "Send it again.")
    except (OperationalError, InterfaceError, Busy):
        raise
    except Exception:
        logger.exception("Reading of batch %s stopped", batch.pk)
        _fail(
            batch,
            lease,
            "Reading stopped by a mistake in the hub itself; the log says where.",
            "Report it with the batch's id. After the repair send the file again: rows already taken are not doubled.",
        )
    batch.refresh_from_db()
    return batch


def due(feed: Feed | None = None) -> list[UUID]:
    """Batches (of one feed) a sweep should read, oldest first: received, or left behind by a reader that died."""
    dead = Q(state=BatchState.READING, heartbeat_at__lt=timezone.now() - LEASE)
    waiting = Batch.objects.filter(Q(state=BatchState.RECEIVED) | dead)
    if feed is not None:
        waiting = waiting.filter(feed=feed)
    return list(waiting.order_by("received_at", "pk").values_list("pk", flat=True))


@transaction.atomic
def _claim(batch_id: UUID | str) -> Batch:
    """Take the batch if it is due and its turn; the feed's row lock lets one claim at a time decide."""
    batch = Batch.objects.select_related("feed__system").filter(pk=batch_id).first()
    if batch is None:
        raise NotFound("There is no such batch.", "Look at the list of imports.")
    Feed.objects.select_for_update().get(pk=batch.feed_id)
    now = timezone.now()
    alive = Q(state=BatchState.READING, heartbeat_at__gte=now - LEASE)
    dead = Q(state=BatchState.READING, heartbeat_at__lt=now - LEASE)
    older = (Q(state=BatchState.RECEIVED) | dead) & Q(received_at__lt=batch.received_at)
    if not Batch.objects.filter(alive | older, feed=batch.feed_id).exclude(pk=batch.pk).exists():
        Batch.objects.filter(Q(state=BatchState.RECEIVED) | dead, pk=batch.pk).update(
            state=BatchState.READING, started_at=now, heartbeat_at=now
        )
    batch.refresh_from_db(fields=["state", "started_at", "heartbeat_at"])
    if batch.started_at != now:  # someone else's lease, or none
        batch.started_at = None
    return batch


def _beat(batch: Batch, lease: datetime, **columns: object) -> None:
    """Prove to be alive and write counts; raises LostLease where the batch was taken over."""
    mine = Batch.objects.filter(pk=batch.pk, state=BatchState.READING, started_at=lease)
    if not mine.update(heartbeat_at=timezone.now(), **columns):
        raise LostLease


def _fail(batch: Batch, lease: datetime, problem: str, way_out: str) -> None:
    now = timezone.now()
    Batch.objects.filter(pk=batch.pk, state=BatchState.READING, started_at=lease).update(
        state=BatchState.FAILED, problem=problem, way_out=way_out, heartbeat_at=now, finished_at=now
    )


def _read(batch: Batch, lease: datetime) -> None:
    plan = plan_of(batch.feed, batch.feed_version)
    total = _scan(batch, lease, plan)
    to = storing.destination(batch.pk, batch.feed.system_id, plan)
    done = SourceRow.objects.filter(batch=batch).aggregate(line=Max("line"))["line"] or 0
    keys = Keys(
        batch_id=batch.pk, system_id=to.system_id, domain=to.domain, part=to.part, chunks=bool(done) or total > CHUNK
    )
    for rows in _chunks(row for row in _open(batch, plan) if row.line > done):
        with undisturbed():
            mapped = [map_row(plan, _storable(row)) for row in rows]
            stored = _take(batch, lease, to, keys, mapped, total)
        if len(rows) == CHUNK and stored:
            nudge("matching.tasks.prepare_waiting", plan.domain, min(stored) - 1, queue="match")
    keys.forget()
    now = timezone.now()
    with transaction.atomic():
        _beat(batch, lease, state=BatchState.READ, finished_at=now, bytes_read=batch.size)
        wake_matching(plan)


@atomic
def _take(
    batch: Batch, lease: datetime, to: Destination, keys: Keys, mapped: Sequence[Mapped], total: int
) -> Sequence[int]:
    counts, stored = _write(to, keys, mapped)
    _beat(batch, lease, **_progress(batch, counts, total))
    return stored


def wake_matching(plan: Plan) -> None:
    """After the running transaction: records of this plan may wait to be matched."""
    for domain in sorted({plan.domain, *plan.referred_domains}):
        nudge("matching.tasks.match", domain, queue="match")


def _open(batch: Batch, plan: Plan) -> Reading:
    return open_file(stored_file(batch), plan.dialect, expected_columns=plan.columns)


def _scan(batch: Batch, lease: datetime, plan: Plan) -> int:
    """Read the file once without taking anything: one that breaks off in its middle must not be taken by half."""
    reading = _open(batch, plan)
    total = 0
    for total, _row in enumerate(reading, 1):
        if total % SCAN_BEAT == 0:
            _beat(batch, lease)
    _beat(batch, lease, header=reading.header)
    return total


def _chunks(rows: Iterable[RawRow]) -> Iterator[list[RawRow]]:
    source = iter(rows)
    while chunk := list(islice(source, CHUNK)):
        yield chunk


def _progress(batch: Batch, counts: Counts, total: int) -> dict[str, object]:
    share = counts.read * batch.size // max(total, 1)
    return {
        "rows_read": F("rows_read") + counts.read,
        "rows_new": F("rows_new") + counts.new,
        "rows_changed": F("rows_changed") + counts.changed,
        "rows_unchanged": F("rows_unchanged") + counts.unchanged,
        "rows_quarantined": F("rows_quarantined") + counts.quarantined,
        "bytes_read": F("bytes_read") + share,
    }


def _storable(row: RawRow) -> RawRow:
    """The row without what PostgreSQL cannot hold: NUL and halves of surrogate pairs are shown as signs."""
    if row.raw.isascii() and "\0" not in row.raw and "\\u" not in row.raw:
        return row
    return RawRow(row.line, _shown(row.raw), {_shown(c): _shown(v) for c, v in row.cells.items()}, row.problems)


def _shown(text: str) -> str:
    return text.replace("\0", "\u2400").encode("utf-8", "replace").decode("utf-8")


def _write(to: Destination, keys: Keys, mapped: Sequence[Mapped]) -> tuple[Counts, Sequence[int]]:
    """One chunk: decide each row's state, keep all rows, upsert the source records that are new or changed; the
    counts and the ids of these source records."""
    wanted = [row.key for row in mapped if not row.problems]
    earlier = keys.seen(wanted)
    known = storing.known_hashes(to, wanted)
    counts = Counts(read=len(mapped))
    fresh: dict[str, Seen] = {}
    states, seen_again = [], []
    for row in mapped:
        state = RowState.QUARANTINED if row.problems else compare(row, earlier.get(row.key) or fresh.get(row.key))
        if state == RowState.ACCEPTED:
            fresh[row.key] = (row.line, row.content_hash)
            record_id, content = known.get(row.key, (0, ""))
            if content == row.content_hash:
                state = RowState.UNCHANGED
                seen_again.append(record_id)
            counts.new += not record_id
            counts.changed += bool(record_id) and state == RowState.ACCEPTED
        counts.unchanged += state == RowState.UNCHANGED
        counts.quarantined += state == RowState.QUARANTINED
        states.append(state)
    ids = storing.write_rows(to, list(zip(mapped, states, strict=True)))
    decided = zip(mapped, states, ids, strict=True)
    stored = storing.write_records(to, [(row, row_id) for row, state, row_id in decided if state == RowState.ACCEPTED])
    storing.touch(seen_again)
    keys.remember(fresh)
    return counts, stored
