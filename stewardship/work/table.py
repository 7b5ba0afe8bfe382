"""The queue as a table: which columns it can show, and what a file of it says."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.contrib.auth.models import User

from stewardship.asked import CLOCKS, Filters
from stewardship.tables import Column, Table
from stewardship.work import listing
from stewardship.work.listing import Work

AT_ONCE = 500
SCORE = "score"
TABLE = Table(
    "queue",
    (
        Column("why", "Why"),
        Column(SCORE, "Score", fit=True),
        Column("assigned", "Assigned to", fit=True),
        Column("due", "Due", fit=True),
        Column("kind", "Kind of work", fit=True),
        Column("domain", "Kind of record", fit=True),
        Column("since", "Waiting since", fit=True),
        Column("holder", "Looked at by", fit=True),
    ),
    ("why", SCORE, "assigned", "due"),
)


def told(filters: Filters, user: User) -> Iterator[Mapping[str, Any]]:
    """What stands in each column, "" naming the first, for everything that fits: all pages, in the order asked for."""
    after = ""
    while True:
        page = listing.page(filters, user, after=after, limit=AT_ONCE)
        yield from (_cells(row) for row in page.rows)
        if not page.next:
            return
        after = page.next


def _cells(row: Work) -> dict[str, Any]:
    names = [f"{code} {title}".strip() for code, title in zip(row.codes, row.titles, strict=False)]
    due = f"put off until {row.away.date()}" if row.away else CLOCKS.get(row.clock, "")
    return {
        "": "; ".join(names or row.titles),
        "why": row.why,
        SCORE: row.score if row.score is None else round(row.score, 4),
        "assigned": row.assignee,
        "due": f"{row.due.isoformat(timespec='minutes')} {due}".strip(),
        "kind": row.kind.label,
        "domain": row.declared.label if row.declared else "",
        "since": row.since.isoformat(timespec="minutes"),
        "holder": row.holder,
    }
