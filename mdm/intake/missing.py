"""What a full file does not name any more: counted, or retired where no other source speaks of it."""

import logging
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from mdm.cause import Actor, Cause
from mdm.errors import MdmError
from mdm.mastering import reinstate, retire
from mdm.models import (
    BatchState,
    Coverage,
    GoldenRecord,
    GoldenState,
    Link,
    MissingRows,
    SourceRecord,
    SourceState,
    WatchRun,
    WatchRunState,
)

logger = logging.getLogger(__name__)
WATCHER = Actor(name="Watched folder")


def settle_full_files() -> int:
    """See to the records missing from full files that were read since; how many files. Repeating it finds none."""
    read = WatchRun.objects.filter(
        state=WatchRunState.TAKEN, settled_at=None, watch__coverage=Coverage.FULL, batch__state=BatchState.READ
    )
    ids = list(read.order_by("pk").values_list("pk", flat=True))
    for run_id in ids:
        settle(run_id=run_id)
    return len(ids)


@transaction.atomic
def settle(*, run_id: int) -> WatchRun:
    """Retire what the file does not name and nobody else does, where the watch says so; reinstate what came back.

    Locks the run; the second time nothing happens.
    """
    run = WatchRun.objects.select_for_update(of=("self",)).select_related("watch", "batch").get(pk=run_id)
    if run.settled_at is not None or run.batch is None:
        return run
    # Of a file that was not read a second time nothing was seen: it says nothing of what is missing.
    if run.watch.missing == MissingRows.RETIRE and run.batch.rows_read:
        run.reinstated = len(_reinstate(run))
        run.retired = [str(pk) for pk in _retire(run)]
    run.settled_at = timezone.now()
    run.save(update_fields=["retired", "reinstated", "settled_at"])
    return run


def missing_records(run: WatchRun) -> QuerySet[GoldenRecord]:
    """Golden records in use whose only sources are rows of this feed that the file does not name."""
    if run.batch is None:
        return GoldenRecord.objects.none()
    feed, began = run.batch.feed, run.batch.started_at
    gone = SourceRecord.objects.filter(batch__feed=feed, part="", stub=False, last_seen_at__lt=began)
    gone = gone.exclude(state=SourceState.RETIRED)
    open_links = Link.objects.filter(record=OuterRef("pk"), ended_at=None, source_record__part="")
    living = open_links.exclude(source_record__in=gone).exclude(source_record__system__internal=True)
    records = GoldenRecord.objects.filter(domain=feed.domain, state__in=[GoldenState.ACTIVE, GoldenState.PENDING])
    return records.filter(Exists(open_links.filter(source_record__in=gone)), ~Exists(living)).order_by("pk")


def _retire(run: WatchRun) -> list[UUID]:
    cause = Cause(by=WATCHER, reason=f"{run.file_name}, which holds everything, does not name it any more")
    done = []
    for record_id in list(missing_records(run).values_list("pk", flat=True)):
        try:
            with transaction.atomic():
                retire(record_id=record_id, expected=None, cause=cause)
        except MdmError as error:
            logger.warning("%s is missing from %s and was not retired: %s", record_id, run.file_name, error.message)
        else:
            done.append(record_id)
    return done


def _reinstate(run: WatchRun) -> list[UUID]:
    """Records earlier full files of this watch retired, and which this one names again."""
    earlier = WatchRun.objects.filter(watch=run.watch).exclude(retired=[]).values_list("retired", flat=True)
    ids = {pk for listed in earlier for pk in listed}
    assert run.batch is not None  # noqa: S101 - settle asked
    seen = Link.objects.filter(
        record=OuterRef("pk"), ended_at=None, source_record__last_seen_at__gte=run.batch.started_at,
        source_record__batch__feed=run.batch.feed,
    )  # fmt: skip
    back = GoldenRecord.objects.filter(pk__in=ids, state=GoldenState.RETIRED).filter(Exists(seen)).order_by("pk")
    cause = Cause(by=WATCHER, reason=f"{run.file_name} names it again")
    done = list(back.values_list("pk", flat=True))
    for record_id in done:
        reinstate(record_id=record_id, expected=None, cause=cause)
    return done
