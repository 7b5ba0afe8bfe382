"""Source records that could not be mastered go back to quarantine, so that the rest of their domain goes on."""

import logging
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import F

from mdm.intake.feeds import plan_of
from mdm.intake.readers import UnreadableFile
from mdm.intake.readers import read as open_file
from mdm.intake.receiving import stored_file
from mdm.models import Batch, RowState, SourceRecord, SourceRow, SourceState
from mdm.spec import Severity

AFRESH = ""  # no content has this hash: whatever is sent next under this key counts as changed

logger = logging.getLogger(__name__)


@transaction.atomic
def turn_back(*, source_record_id: int, reason: str) -> None:
    """Take a waiting source record out of the queue: it no longer counts, and its row is in quarantine with the reason.

    A golden record it is linked to stays as it is. Sent again, mended or not, the row is tried anew. Locks the source
    record; one that no longer waits is left alone.
    """
    record = SourceRecord.objects.select_for_update().filter(pk=source_record_id, state=SourceState.WAITING).first()
    if record is None:
        return
    problem = {
        "column": "", "value": "", "message": f"The row was read, but no golden record could be made of it: {reason}",
        "way_out": "Mend the row and send it again, or correct it at its source.", "severity": Severity.REFUSE.value,
    }  # fmt: skip
    record.state, record.content_hash, record.warnings = SourceState.RETIRED, AFRESH, [*record.warnings, problem]
    record.save(update_fields=["state", "content_hash", "warnings"])
    logger.warning("%s %s of %s could not be mastered: %s", record.domain, record.key, record.system_id, reason)
    if record.row_id:
        _quarantine(record.row_id, problem, linked=record.links.filter(ended_at__isnull=True).exists())


def _quarantine(row_id: int, problem: Mapping[str, Any], *, linked: bool) -> None:
    row = SourceRow.objects.select_for_update(of=("self",)).select_related("batch__feed").get(pk=row_id)
    row.state, row.problems, row.cells = RowState.QUARANTINED, [problem], row.cells or _cells(row)
    row.save(update_fields=["state", "problems", "cells"])
    counted = "rows_changed" if linked else "rows_new"
    Batch.objects.filter(pk=row.batch_id, **{f"{counted}__gt": 0}).update(
        **{counted: F(counted) - 1, "rows_quarantined": F("rows_quarantined") + 1}
    )


def _cells(row: SourceRow) -> dict[str, str] | None:
    """The row's cells, read from the stored file once more; None where that is no longer kept."""
    plan = plan_of(row.batch.feed, row.batch.feed_version)
    try:
        rows = open_file(stored_file(row.batch), plan.dialect, expected_columns=plan.columns)
        return next((read.cells for read in rows if read.line == row.line), None)
    except (OSError, UnreadableFile):
        return None
