"""Past merges, newest first: what became one, who said so and why, and what was taken back."""

from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q, QuerySet

from mdm.domains import BY_NAME
from mdm.errors import Invalid
from mdm.models import Merge


@dataclass(frozen=True)
class Filters:
    """``record`` is a code; ``state`` is standing or undone; every part is optional."""

    domain: str = ""
    record: str = ""
    state: str = ""


@dataclass(frozen=True)
class Line:
    """One merge and the address part of its domain."""

    merge: Merge
    slug: str


@dataclass(frozen=True)
class Page:
    """Merges with winner and loser, and the place after the last one, "" at the end."""

    lines: list[Line]
    next: str


def page(filters: Filters, *, after: str = "", limit: int = 50) -> Page:
    """Merges, newest first, from the place ``after``. Their ids are in the order of time. One query."""
    rows: QuerySet[Merge] = Merge.objects.select_related("winner", "loser").order_by("-pk")
    if filters.domain:
        rows = rows.filter(winner__domain=filters.domain)
    if filters.record:
        rows = rows.filter(Q(winner__code=filters.record.upper()) | Q(loser__code=filters.record.upper()))
    if filters.state:
        rows = rows.filter(undone_at__isnull=filters.state == "standing")
    if after:
        rows = rows.filter(pk__lt=_read_place(after))
    found = list(rows[: limit + 1])
    lines = [Line(merge, BY_NAME[merge.winner.domain].slug) for merge in found[:limit]]
    return Page(lines, str(found[limit - 1].pk) if len(found) > limit else "")


def _read_place(place: str) -> UUID:
    try:
        return UUID(place)
    except ValueError:
        raise Invalid("This place in the list is not one of ours.", "Start at the first page.") from None
