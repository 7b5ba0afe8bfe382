"""What became of a file: how far it has come, what matching made of its rows, what they led to. Reads only."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from matching.models import CandidateMember, CandidateState, MatchCandidate
from mdm.intake.batches import LEASE
from mdm.models import (
    Batch,
    BatchState,
    ChangeEvent,
    GoldenRecord,
    Link,
    LinkMethod,
    RowState,
    SourceRecord,
    SourceRow,
    SourceState,
)

PATIENCE = timedelta(seconds=5)  # after which a file nobody reads waits for a worker, not for its turn
QUIET = timedelta(seconds=45)  # after which matching that linked nothing is not running


@dataclass(frozen=True)
class Matched:
    """What matching made of the source records a file brought: ``linked`` counts those that joined a record known
    before, ``new`` those a golden record was made of; ``review`` of the new ones wait for a person. ``named`` are known
    only because a row names them, and are counted nowhere else but in ``waiting``."""

    waiting: int = 0
    linked: int = 0
    new: int = 0
    review: int = 0
    named: int = 0
    doubted: int = 0

    @property
    def done(self) -> int:
        """How many source records have found their golden record."""
        return self.linked + self.new

    @property
    def total(self) -> int:
        """How many source records the file brought that nothing replaced since."""
        return self.done + self.waiting


@dataclass(frozen=True)
class Standing:
    """Where a file stands between the door and the log. ``stage`` is received, reading, matching, publishing, done,
    repeated or failed; ``idle`` says that the next step waits for a worker."""

    batch: Batch
    matched: Matched
    unnumbered: int
    stage: str
    idle: bool
    ahead: Batch | None = None

    @property
    def is_moving(self) -> bool:
        """Whether looking again can show something else."""
        return self.stage in ("received", "reading", "matching", "publishing")


def matched(batch_ids: Iterable[UUID]) -> dict[UUID, Matched]:
    """What matching made of each batch. One query."""
    rows = SourceRecord.objects.filter(batch_id__in=list(batch_ids))
    sent = Q(stub=False, links__ended_at__isnull=True, links__isnull=False)
    made = Q(links__method=LinkMethod.NEW)
    counted = rows.values("batch_id").annotate(
        waiting=Count("pk", filter=Q(state=SourceState.WAITING), distinct=True),
        linked=Count("pk", filter=sent & ~made, distinct=True),
        new=Count("pk", filter=sent & made, distinct=True),
        review=Count("pk", filter=sent & Q(links__record__suspected=True), distinct=True),
        named=Count("pk", filter=Q(stub=True), distinct=True),
        doubted=Count("pk", filter=~Q(warnings=[]), distinct=True),
    )
    return {
        row["batch_id"]: Matched(row["waiting"], row["linked"], row["new"], row["review"], row["named"], row["doubted"])
        for row in counted.order_by()
    }


def standing(batch: Batch) -> Standing:
    """Where one batch stands. Three queries at most."""
    counts = matched([batch.pk]).get(batch.pk, Matched())
    unnumbered = unnumbered_events(batch) if batch.state == BatchState.READ and not counts.waiting else 0
    stage = stage_of(batch, counts, unnumbered)
    return Standing(
        batch=batch,
        matched=counts,
        unnumbered=unnumbered,
        stage=stage,
        idle=_is_idle(batch, stage),
        ahead=_ahead(batch) if stage == "received" else None,
    )


def stage_of(batch: Batch, counts: Matched, unnumbered: int = 0) -> str:
    """The step a batch is at, in one word."""
    if batch.state in (BatchState.FAILED, BatchState.RECEIVED, BatchState.READING):
        return str(batch.state)
    if batch.repeats_id and not batch.rows_read:
        return "repeated"
    if counts.waiting:
        return "matching"
    return "publishing" if unnumbered else "done"


def unnumbered_events(batch: Batch) -> int:
    """Changes of this batch's golden records that the log has not numbered yet."""
    waiting = ChangeEvent.objects.filter(seq__isnull=True)
    return waiting.filter(record__links__source_record__batch=batch).distinct().count()


def _is_idle(batch: Batch, stage: str) -> bool:
    now = timezone.now()
    if stage == "received":
        return now - batch.received_at > PATIENCE
    if stage == "reading":
        return batch.heartbeat_at is not None and now - batch.heartbeat_at > LEASE
    if stage != "matching" or batch.finished_at is None or now - batch.finished_at < QUIET:
        return False
    recently = Link.objects.filter(record__domain=batch.feed.domain, linked_at__gt=now - QUIET)
    return not recently.exists()


def _ahead(batch: Batch) -> Batch | None:
    """The batch of the same feed that is read first; one at a time, oldest first."""
    others = Batch.objects.filter(feed=batch.feed_id, state__in=[BatchState.RECEIVED, BatchState.READING])
    return others.filter(received_at__lt=batch.received_at).order_by("received_at").first()


def steps(now: Standing) -> list[dict[str, str]]:
    """Received, read, matched, published, for ``partials/progress.html``."""
    order = ["received", "reading", "matching", "publishing", "done"]
    labels = ["Received", "Read", "Matched", "Published"]
    if now.stage == "failed":
        states = ["done", "failed", "later", "later"]
    elif now.stage == "repeated":
        states = ["done"] * 4
    else:
        # What is received is done; the step after the last one done is the one under way.
        place = max(order.index(now.stage), 0)
        states = ["done" if number < max(place, 1) else "now" if number == max(place, 1) else "later"
                  for number in range(4)]  # fmt: skip
    return [{"label": label, "state": state} for label, state in zip(labels, states, strict=True)]


def progress(now: Standing) -> dict[str, Any]:
    """What ``partials/progress.html`` is given: how much of the step under way is done, and a note in words."""
    batch, counts = now.batch, now.matched
    done, total, note = 1, 1, ""
    if now.stage in ("received", "reading"):
        done, total = batch.bytes_read, batch.size or 1
        note = f"{batch.rows_read:,} rows read" if batch.rows_read else "Waiting to be read"
    elif now.stage == "matching":
        done, total = counts.done, counts.total
        note = f"{counts.done:,} of {counts.total:,} records matched"
    elif now.stage == "publishing":
        note = f"{now.unnumbered:,} changes wait for their number in the log"
    elif now.stage == "failed":
        done, note = 0, "Nothing was taken"
    elif now.stage == "repeated":
        note = "Nothing was read a second time"
    elif counts.review:
        note = f"{counts.review:,} of them wait for a person before they are published"
    return {"state": badge(now), "done": done, "total": total, "note": note, "steps": steps(now)}


def badge(now: Standing) -> str:
    """The word on the badge of a batch."""
    return "waiting" if now.idle else now.stage


def idle_text(now: Standing) -> tuple[str, str]:
    """Title and text of the remark on a batch that does not move; blank where it does."""
    if now.stage == "received" and now.ahead is not None:
        return (
            f"{now.ahead.file_name} is read first",
            "Files of one feed are read one at a time, in the order they came. This one goes on by itself.",
        )
    if not now.idle:
        return "", ""
    what = {"received": "read", "reading": "read to the end"}.get(now.stage, "matched")
    return (
        "Waiting for a worker",
        f"The file is safe and will be {what} as soon as a worker runs. If this stays, ask your operator to start one.",
    )


# ---- the rows of one file ------------------------------------------------------------------------

SHOWN: Mapping[str, str] = {
    # name in the address -> label of the tab
    "new": "New",
    "changed": "Changed",
    "unchanged": "Unchanged",
    "doubted": "With a value left out",
    "mended": "Mended",
    "dismissed": "Dismissed",
}


def rows_of(batch: Batch, show: str) -> QuerySet[SourceRow]:
    """Rows of one kind in file order. New: the source did not have the key before this file."""
    rows = batch.rows.order_by("line")
    if show == "doubted":
        doubted = SourceRecord.objects.filter(batch=batch).exclude(warnings=[])
        return rows.filter(state=RowState.ACCEPTED, pk__in=doubted.values("row_id"))
    if show not in ("new", "changed"):
        return rows.filter(state=show)
    first_seen: datetime | None = batch.started_at or batch.received_at
    fresh = SourceRecord.objects.filter(
        system=batch.feed.system_id,
        domain=batch.feed.domain,
        part=batch.feed.part,
        key=OuterRef("key"),
        first_seen_at__gte=first_seen,
    )
    accepted = rows.filter(state=RowState.ACCEPTED)
    return accepted.filter(Exists(fresh)) if show == "new" else accepted.filter(~Exists(fresh))


def records_behind(batch: Batch, rows: Sequence[SourceRow]) -> dict[str, tuple[SourceRecord, GoldenRecord | None]]:
    """{key: (source record, golden record it is linked to now)} of these rows. Two queries."""
    feed = batch.feed
    sources = SourceRecord.objects.filter(
        system=feed.system_id, domain=feed.domain, part=feed.part, key__in=[row.key for row in rows if row.key]
    )
    by_id = {source.pk: source for source in sources}
    links = Link.objects.filter(source_record__in=list(by_id), ended_at__isnull=True).select_related("record")
    golden = {link.source_record_id: link.record for link in links}
    return {source.key: (source, golden.get(pk)) for pk, source in by_id.items()}


# ---- what came of it -----------------------------------------------------------------------------


def questions(batch: Batch) -> QuerySet[MatchCandidate]:
    """Open questions about golden records this file's rows are part of, surest first."""
    touched = Link.objects.filter(source_record__batch=batch, ended_at__isnull=True)
    asked = CandidateMember.objects.filter(record_id__in=touched.values("record_id"))
    open_ones = MatchCandidate.objects.filter(state=CandidateState.OPEN, pk__in=asked.values("candidate_id"))
    return open_ones.order_by("-score", "pk")


def golden_records(batch: Batch) -> QuerySet[GoldenRecord]:
    """The golden records this file's rows are part of, by code."""
    touched = Link.objects.filter(source_record__batch=batch, ended_at__isnull=True)
    return GoldenRecord.objects.filter(pk__in=touched.values("record_id")).order_by("code")


def in_quarantine(batch_ids: Iterable[UUID]) -> dict[UUID, int]:
    """{batch: rows that still wait in its quarantine}. One query."""
    rows = SourceRow.objects.filter(batch_id__in=list(batch_ids), state=RowState.QUARANTINED)
    return dict(rows.values_list("batch_id").annotate(number=Count("pk")).order_by())
