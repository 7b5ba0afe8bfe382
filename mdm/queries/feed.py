"""The change feed: numbered events in order, proof of completeness included."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Now

from mdm.masking import published_body
from mdm.models import ChangeEvent, LogHead

# How many numbers one page looks at, so that a reader of a rare domain pays for a page and not for the whole log.
WINDOW = 20_000


@dataclass(frozen=True, slots=True)
class FeedHead:
    """The life of the log, its last number and the first one the feed still tells (0 while the log is empty)."""

    epoch: UUID | None
    seq: int
    oldest: int


@dataclass(frozen=True, slots=True)
class FeedPage:
    """Event bodies, masked, each with its ``sequence``. Whoever read up to here knows everything asked for whose
    number is at most ``through``; ``more`` says that there is more to read at once."""

    items: Sequence[Mapping[str, Any]]
    through: int
    more: bool


def feed_head() -> FeedHead:
    """Where the log stands, and from where the feed tells it. One query."""
    numbered = ChangeEvent.objects.filter(seq__isnull=False)
    first = numbered.order_by("seq").values("seq")[:1]
    head = LogHead.objects.annotate(first=Subquery(first), last_old=Subquery(_old(numbered)))
    epoch, seq, kept, last_old = head.values_list("epoch", "seq", "first", "last_old").first() or (None, 0, None, None)
    return FeedHead(epoch, seq, max(kept or 0, last_old or 0))


def _old(numbered: QuerySet[ChangeEvent]) -> QuerySet[ChangeEvent, Any]:
    """The number after the newest event past the feed's retention; no row where none is, or everything is told."""
    if settings.FEED_RETENTION_DAYS <= 0:
        return numbered.none().values("seq")
    past = Now() - timedelta(days=settings.FEED_RETENTION_DAYS)
    return numbered.filter(occurred_at__lt=past).order_by("-occurred_at").values_list(F("seq") + 1)[:1]


def read_feed(
    head: FeedHead,
    *,
    after: int,
    domains: Sequence[str] = (),
    verbs: Sequence[str] = (),
    limit: int = 100,
    latest_only: bool = False,
) -> FeedPage:
    """Events numbered above ``after``, in order, of records the outside knows or comes to know. One query, none where
    ``head`` counts nothing above it.

    With ``latest_only`` events that a later one up to the head has made old news are left out.

    ``head`` must have been read before: whatever it counts is visible here, so nothing below it can still appear.
    """
    if after >= head.seq:
        return FeedPage([], through=after, more=False)
    asked = Q(seq__gt=after, seq__lte=after + WINDOW, outward=True)
    if domains:
        asked &= Q(domain__in=domains)
    if verbs:
        asked &= Q(verb__in=verbs)
    events = ChangeEvent.objects.filter(asked)
    if latest_only:
        newer = ChangeEvent.objects.filter(
            record_id=OuterRef("record_id"), version__gt=OuterRef("version"), seq__lte=head.seq, outward=True
        )
        events = events.filter(~Exists(newer))
    rows = list(events.order_by("seq").values_list("seq", "body")[: limit + 1])
    shown = rows[:limit]
    items = [{"sequence": seq, **published_body(json.loads(body))} for seq, body in shown]
    last = shown[-1][0] if shown else after
    if len(rows) > limit:
        return FeedPage(items, through=last or 0, more=True)
    reached = min(head.seq, after + WINDOW)
    return FeedPage(items, through=max(reached, last or 0, after), more=reached < head.seq)
