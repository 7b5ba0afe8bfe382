"""Past merges, newest first: what became one, who said so and why, and what was taken back."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet

from mdm.domains import BY_NAME
from mdm.models import Merge
from stewardship.listed import Listing
from stewardship.tables import Column, Table

LISTING = Listing(
    table=Table(
        "merges",
        (
            Column("into", "Into", sort="into"),
            Column("by", "By", sort="by"),
            Column("reason", "Reason"),
            Column("when", "When", sort="when", fit=True),
            Column("state", "State", fit=True),
            Column("kind", "Kind of record", sort="kind", fit=True),
            Column("undone_by", "Taken back by", sort="undone_by"),
            Column("undone", "Taken back", sort="undone", fit=True),
        ),
        ("into", "by", "reason", "when", "state"),
    ),
    head="Merged",
    # Ids are in the order of time.
    orders={
        "merged": "loser__title", "into": "winner__title", "by": "merged_by", "when": "pk", "kind": "winner__domain",
        "undone_by": "undone_by", "undone": "undone_at",
    },
    usual="-when",
)  # fmt: skip


@dataclass(frozen=True)
class Filters:
    """``record`` is a code; ``state`` is standing or undone; every part is optional."""

    domain: str = ""
    record: str = ""
    state: str = ""


def merges(filters: Filters) -> QuerySet[Merge]:
    """Merges that fit, with winner and loser."""
    rows = Merge.objects.select_related("winner", "loser")
    if filters.domain:
        rows = rows.filter(winner__domain=filters.domain)
    if filters.record:
        rows = rows.filter(Q(winner__code=filters.record.upper()) | Q(loser__code=filters.record.upper()))
    if filters.state:
        rows = rows.filter(undone_at__isnull=filters.state == "standing")
    return rows


def told(rows: Sequence[Merge]) -> Iterator[dict[str, Any]]:
    """What stands in each column of a file of them."""
    for merge in rows:
        yield {
            "": f"{merge.loser.code} {merge.loser.title}".strip(),
            "into": f"{merge.winner.code} {merge.winner.title}".strip(),
            "by": merge.merged_by,
            "reason": merge.reason,
            "when": merge.merged_at.isoformat(timespec="seconds"),
            "state": "Taken back" if merge.undone_at else "Standing",
            "kind": BY_NAME[merge.winner.domain].label,
            "undone_by": merge.undone_by,
            "undone": merge.undone_at.isoformat(timespec="seconds") if merge.undone_at else "",
        }
