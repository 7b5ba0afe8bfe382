"""The list of imports: its columns, its filters, and what a file of it says."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.db.models import QuerySet

from mdm.models import Batch, BatchState
from stewardship import arrivals
from stewardship.arrivals import Matched
from stewardship.listed import Listing
from stewardship.tables import Column, Table

FILTERS = ("feed", "state", "by")
LISTING = Listing(
    table=Table(
        "imports",
        (
            Column("sent", "Sent", sort="sent", fit=True),
            Column("state", "State", fit=True),
            Column("rows", "Rows", number=True, sort="rows"),
            Column("new", "New", number=True, sort="new"),
            Column("changed", "Changed", number=True, sort="changed"),
            Column("unchanged", "Unchanged", number=True, sort="unchanged"),
            Column("quarantined", "Quarantined", number=True),
            Column("matching", "Matching", fit=True),
            Column("feed", "Feed", sort="feed"),
            Column("system", "From", sort="system"),
            Column("by", "Sent by", sort="by"),
            Column("size", "Size", number=True, sort="size"),
            Column("finished", "Read", sort="finished", fit=True),
        ),
        ("sent", "state", "rows", "new", "changed", "unchanged", "quarantined", "matching"),
    ),
    head="File",
    # Ids are in the order of time.
    orders={
        "file": "file_name", "sent": "pk", "rows": "rows_read", "new": "rows_new", "changed": "rows_changed",
        "unchanged": "rows_unchanged", "feed": "feed__title", "system": "feed__system__name", "by": "submitted_by",
        "size": "size", "finished": "finished_at",
    },
    usual="-sent",
)  # fmt: skip


def asked(query: Mapping[str, str]) -> dict[str, str]:
    """The filters in force."""
    return {name: query[name] for name in FILTERS if query.get(name)}


def batches(filters: Mapping[str, str]) -> QuerySet[Batch]:
    """The imports that fit, with feed and system. An unknown state is no filter."""
    rows = Batch.objects.select_related("feed__system", "repeats")
    if filters.get("feed"):
        rows = rows.filter(feed__code=filters["feed"])
    if filters.get("state") in BatchState.values:
        rows = rows.filter(state=filters["state"])
    if filters.get("by"):
        rows = rows.filter(submitted_by=filters["by"])
    return rows


def told(rows: Sequence[Batch]) -> Iterator[dict[str, Any]]:
    """What stands in each column of a file of them. Two queries."""
    ids = [batch.pk for batch in rows]
    counts, waiting = arrivals.matched(ids), arrivals.in_quarantine(ids)
    for batch in rows:
        matched = counts.get(batch.pk, Matched())
        yield {
            "": batch.file_name,
            "sent": batch.received_at.isoformat(timespec="seconds"),
            "state": arrivals.stage_of(batch, matched),
            "rows": batch.rows_read,
            "new": batch.rows_new,
            "changed": batch.rows_changed,
            "unchanged": batch.rows_unchanged,
            "quarantined": waiting.get(batch.pk, 0),
            "matching": f"{matched.waiting} waiting, {matched.new} new, {matched.linked} linked, "
            f"{matched.review} in review",
            "feed": batch.feed.title,
            "system": batch.feed.system.name,
            "by": batch.submitted_by,
            "size": batch.size,
            "finished": batch.finished_at.isoformat(timespec="seconds") if batch.finished_at else "",
        }
