"""What happened to a golden record, and what it was at a time."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from mdm.queries.shapes import HistoryEntry, PastRecord


def history(record_id: UUID, *, before: int | None = None, limit: int = 50) -> Sequence[HistoryEntry]:
    """Versions newest first, below version ``before``; NotFound for an unknown record."""
    raise NotImplementedError


def as_of(
    record_id: UUID, *, moment: datetime | None = None, seq: int | None = None, version: int | None = None
) -> PastRecord:
    """The record as it was at a moment, at a place in the log, or in a version (give exactly one).

    NotFound when it did not exist yet. Restricted values are masked.
    """
    raise NotImplementedError
