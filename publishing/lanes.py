"""Lanes: who may move one, which of them have work, and what a lost claim leaves behind.

Nothing here calls out. A lane is claimed, the claim is committed, and only then does HTTP begin; every later write
proves first that the claim still stands.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from mdm.compiled import STANDS_FOR_A_MOMENT, Compiled
from mdm.models import LogHead
from publishing import outcomes
from publishing.clock import Now, now
from publishing.models import (
    HTTP_KINDS,
    LIVE,
    UNFINISHED,
    Attempt,
    Delivery,
    DeliveryState,
    Endpoint,
    Lane,
    Replay,
)
from publishing.turns import next_up

LEASE = timedelta(seconds=settings.LEASE_SECONDS)
RENEWED_AFTER = LEASE / 9  # a younger lease is not written again: most holds then write nothing
TRIALS = 16  # lanes on trial at a time: most of the worker's threads stay for targets that are known to answer
_HEAD = LogHead.objects.order_by("-seq")[:1]
_REPLAYS = Exists(Replay.objects.filter(endpoint_id=OuterRef("endpoint_id"), state__in=UNFINISHED))
ON_TRIAL = Q(failures__gt=0) | Q(last_success_at__isnull=True)


@dataclass(frozen=True)
class Claim:
    """The right to move one lane, until the lease ends or another takes it."""

    endpoint_id: UUID
    id: UUID


class Fenced(Exception):
    """The claim no longer stands: another worker has the lane, or its lease ended. Whoever holds it stops writing."""


def claim(endpoint_id: UUID, *, kinds: Collection[str] = HTTP_KINDS, lease: timedelta = LEASE) -> Claim | None:
    """Take the lane of a live endpoint that nobody holds; None where that is not so or the lane rests.

    Only of these ``kinds``: a file's lane is not drained by calls. The first lease may be shorter than usual.
    What a dead holder left on its way goes back to waiting, with an attempt saying that its outcome is unknown.
    """
    taken = Claim(endpoint_id, uuid4())
    with transaction.atomic():
        moment = now()
        free = Q(claim_id__isnull=True) | Q(lease_until__lte=moment)
        rested = Q(next_probe_at__isnull=True) | Q(next_probe_at__lte=moment)
        lanes = Lane.objects.filter(free, rested, endpoint_id=endpoint_id)
        count = lanes.filter(endpoint__state__in=LIVE, endpoint__kind__in=kinds).update(
            claim_id=taken.id, lease_until=moment + lease
        )
        if not count:
            return None
        _recover(endpoint_id, moment)
    return taken


def _recover(endpoint_id: UUID, moment: datetime) -> None:
    orphans = list(
        Delivery.objects.select_for_update(no_key=True)
        .filter(endpoint_id=endpoint_id, state=DeliveryState.IN_FLIGHT)
        .select_related("endpoint")
    )
    if not orphans:
        return
    Attempt.objects.bulk_create(
        Attempt(
            endpoint_id=endpoint_id,
            delivery=orphan,
            number=orphan.attempts,
            at=moment,
            method=orphan.endpoint.method,
            url=orphan.endpoint.url,
            outcome_code=outcomes.LOST.code,
            error=outcomes.LOST.words,
        )
        for orphan in orphans
    )
    Delivery.objects.filter(pk__in=[orphan.pk for orphan in orphans]).update(
        state=DeliveryState.WAITING,
        claim_id=None,
        due_at=moment,
        outcome_code=outcomes.LOST.code,
        outcome=outcomes.LOST.words,
    )


def hold(claimed: Claim) -> tuple[Lane, datetime]:
    """Lock the lane for this transaction, prove the claim and renew its lease. Raises Fenced.

    One question tells besides where the log stands and whether a replay is under way, as most turns want to know.
    Every write of a worker goes through here, so one that slept past its lease changes nothing.
    """
    found = _HELD.records(endpoint=claimed.endpoint_id, claim=claimed.id)
    lane = found[0] if found else None
    if lane is None:
        raise Fenced(f"the lane of {claimed.endpoint_id} has another holder")
    lane.endpoint = _REACHED.records(endpoint=claimed.endpoint_id)[0]
    asked = vars(lane)
    lane.head_seq, lane.head_epoch, lane.replays = asked["newest"], asked["life"], asked["again"]
    moment: datetime = asked["moment"]
    if lane.lease_until is None or lane.lease_until < moment + LEASE - RENEWED_AFTER:
        lane.lease_until = moment + LEASE
        keep(lane, "lease_until")
    return lane, moment


_BESIDES: dict[str, Any] = {
    "moment": Now(), "newest": _HEAD.values("seq"), "life": _HEAD.values("epoch"), "again": _REPLAYS,
}  # fmt: skip


def _held(endpoint: UUID, claim: UUID) -> QuerySet[Lane, Any]:
    return (
        Lane.objects.select_for_update(no_key=True, of=("self",))
        .annotate(**_BESIDES)
        .filter(endpoint_id=endpoint, claim_id=claim, lease_until__gt=Now())
    )


_HELD = Compiled(_held, endpoint=uuid4(), claim=uuid4())
_REACHED = Compiled(lambda endpoint: Endpoint.objects.filter(pk=endpoint), endpoint=uuid4())


def locked(endpoint_id: UUID) -> Endpoint:
    """The endpoint, locked for this transaction together with its lane: the lane first, as its holder does."""
    Lane.objects.select_for_update(no_key=True).filter(endpoint_id=endpoint_id).first()
    return Endpoint.objects.select_for_update(no_key=True).get(pk=endpoint_id)


def let_go(claimed: Claim) -> None:
    """Give the lane back; does nothing where the claim no longer stands. Repeating it changes nothing."""
    Lane.objects.filter(endpoint_id=claimed.endpoint_id, claim_id=claimed.id).update(claim_id=None, lease_until=None)


def due() -> list[UUID]:
    """Endpoints whose lane may be claimed now and has something to do, the longest unserved first.

    Lanes on trial (a failure, or no success yet) come last and few at a time, so that targets that hang cannot hold
    every thread. A lane of another life of the log is due too: it has to be paused.
    """
    known: list[UUID] = []
    trials: list[UUID] = []
    held = 0
    for endpoint_id, failures, success, held in _DUE.rows(moment=now()):  # noqa: B007 (the same in each row)
        (trials if failures or success is None else known).append(endpoint_id)
    return known + trials[: max(TRIALS - held, 0)]


def _due(moment: datetime) -> QuerySet[Lane, Any]:
    orphans = Delivery.objects.filter(endpoint_id=OuterRef("endpoint_id"), state=DeliveryState.IN_FLIGHT)
    ready = next_up().filter(endpoint_id=OuterRef("endpoint_id"), due_at__lte=moment)
    head = Coalesce(Subquery(_HEAD.values("seq")), 0)
    work = Q(cursor_low__lt=head) | Exists(ready) | Exists(orphans) | Q(_REPLAYS)
    # Of another life of the log: it has to be paused.
    stranded = Q(epoch__isnull=False) & ~Q(epoch=Subquery(_HEAD.values("epoch")))
    tried = (
        Lane.objects.filter(ON_TRIAL, claim_id__isnull=False, lease_until__gt=moment).order_by().values(one=Value(1))
    )
    return (
        Lane.objects.filter(work | stranded, endpoint__state__in=LIVE, endpoint__kind__in=HTTP_KINDS)
        .filter(Q(claim_id__isnull=True) | Q(lease_until__lte=moment))
        .filter(Q(next_probe_at__isnull=True) | Q(next_probe_at__lte=moment))
        .order_by(F("last_success_at").asc(nulls_first=True))
        .values_list("endpoint_id", "failures", "last_success_at", Subquery(tried.annotate(n=Count("*")).values("n")))
    )


_DUE = Compiled(_due, moment=STANDS_FOR_A_MOMENT)


def keep(lane: Lane, *names: str) -> None:
    """Write these columns of a lane that is held. As ``save`` without what Django spends on building the statement."""
    columns = ", ".join(f'"{name}" = %s' for name in names)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE publishing_lane SET {columns} WHERE endpoint_id = %s",  # noqa: S608 (names of our own columns)
            [*(getattr(lane, name) for name in names), lane.endpoint_id],
        )


def restart(endpoint: Endpoint) -> None:
    """Forget the failures of the lane, so that it is tried at once. The lane's row is locked by the update."""
    Lane.objects.filter(endpoint=endpoint).update(failures=0, fail_since=None, next_probe_at=None)
