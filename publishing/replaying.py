"""Replays: a second cursor on the log, moved by whoever holds the endpoint's lane, until it has offered everything.

Under the lane's claim there is one mover at a time and a zombie writes nothing; cursor and offered deliveries move
in one transaction, so a replay killed at any point goes on exactly where it stood. It rests while its endpoint does.
"""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, InterfaceError, OperationalError, transaction
from django.db.models import Count, Max, Q

from mdm.cause import HUB, Actor
from mdm.domains import BY_NAME
from mdm.errors import Invalid, WrongState
from mdm.models import LogCut
from publishing import turns
from publishing.again import step
from publishing.clock import now
from publishing.lanes import Claim, Fenced, hold
from publishing.models import (
    LIVE,
    UNFINISHED,
    Delivery,
    DeliveryState,
    Endpoint,
    EndpointKind,
    Intervention,
    JobState,
    Lane,
    Replay,
    ReplayKind,
)

WINDOW = 500  # deliveries that wait at a time: a replay of a million floods neither table nor target
SCAN_SECONDS = 0.5  # of one turn, so that a search in a long log does not keep deliveries waiting
PASSING = (Fenced, OperationalError, InterfaceError)  # no fault of the replay: its next step may succeed

logger = logging.getLogger(__name__)


@transaction.atomic
def start_replay(
    *,
    endpoint: Endpoint,
    kind: ReplayKind,
    from_seq: int = 1,
    to_seq: int | None = None,
    domains: Sequence[str] = (),
    by: Actor,
    reason: str = "",
) -> Replay:
    """A job that offers again what was already told: a range of the log, what is missing, or each record as it is.

    What the lane has not come to yet is told anyway, so a range ends there. Locks the endpoint; one replay of an
    endpoint at a time. Raises Invalid with every problem, WrongState where one runs or nothing is sent to it.
    """
    row = Endpoint.objects.select_for_update(no_key=True).get(pk=endpoint.pk)
    if row.kind == EndpointKind.WITNESS:
        raise WrongState(f"{row.name} keeps checkpoints: no events are sent to it.", "Choose another endpoint.")
    reached = Lane.objects.values_list("cursor_low", flat=True).get(endpoint=row)
    if kind != ReplayKind.RANGE:
        from_seq, to_seq = 1, None
    last = reached if to_seq is None else min(to_seq, reached)
    cut = _archived() if kind == ReplayKind.RANGE else 0
    if problems := _problems(from_seq, to_seq, last, cut, domains):
        raise Invalid("Nothing can be sent again like this.", "Mend what is named and try again.", problems)
    moment = now()
    try:
        with transaction.atomic():
            replay = Replay.objects.create(
                endpoint=row, kind=kind, from_seq=from_seq, to_seq=last, cursor=from_seq - 1, domains=list(domains),
                by=by.name, reason=reason, created_at=moment,
            )  # fmt: skip
    except IntegrityError as error:
        raise WrongState(f"A replay to {row.name} is running.", "Wait for its end, or cancel it.") from error
    words = f"{ReplayKind(kind).label}: {from_seq:,} to {last:,}. {reason}".strip()
    Intervention.objects.create(endpoint=row, verb="replay", by=by.name, reason=words, at=moment)
    return replay


def _archived() -> int:
    """The last number that was archived and dropped, 0 where none was."""
    return LogCut.objects.aggregate(last=Max("through_seq"))["last"] or 0


def _problems(from_seq: int, to_seq: int | None, last: int, cut: int, domains: Sequence[str]) -> list[tuple[str, str]]:
    problems = []
    if from_seq < 1:
        problems.append(("from_seq", "The log begins with number 1."))
    elif from_seq <= cut:
        words = (
            f"Events up to {cut:,} were archived and dropped. Begin with {cut + 1:,}, or send every record as it is."
        )
        problems.append(("from_seq", words))
    if to_seq is not None and to_seq < from_seq:
        problems.append(("to_seq", f"The range ends at {to_seq:,}, before it begins."))
    elif from_seq > max(last, 1):
        problems.append(("from_seq", f"The endpoint has been told up to {last:,}; what comes after is told anyway."))
    if unknown := sorted(set(domains) - set(BY_NAME)):
        problems.append(("domains", f"There is no domain {', '.join(unknown)}."))
    return problems


@transaction.atomic
def cancel_replay(*, replay: Replay, by: Actor, reason: str = "") -> None:
    """The replay offers nothing more; what waits already is sent. Locks it. Raises WrongState where it has ended."""
    row = Replay.objects.select_for_update(no_key=True).select_related("endpoint").get(pk=replay.pk)
    if row.state not in UNFINISHED:
        raise WrongState(f"The replay is {row.get_state_display().lower()}.", "There is nothing to cancel.")
    row.state, row.finished_at = JobState.CANCELLED, now()
    row.save(update_fields=["state", "finished_at"])
    Intervention.objects.create(
        endpoint=row.endpoint, verb="cancel replay", by=by.name, reason=reason, at=row.finished_at
    )
    replay.state = row.state


def advance(claimed: Claim, *, most: int = WINDOW, seconds: float = 0.0) -> int:
    """Move the endpoint's replay on by a step, or, for ``seconds``, until ``most`` deliveries wait. Returns how many
    it offered; where a step finds nothing it looks further for a moment. Nothing where none runs or the endpoint
    stands still; repeating it offers nothing twice. One that cannot go on ends as failed, so that the lane goes on.
    Raises Fenced.
    """
    try:
        return _advance(claimed, most, seconds)
    except PASSING:
        raise
    except Exception as error:
        logger.exception("The replay to %s cannot go on", claimed.endpoint_id)
        _fail(claimed, error)
        return 0


@transaction.atomic
def _fail(claimed: Claim, error: Exception) -> None:
    _, moment = hold(claimed)
    replay = Replay.objects.select_for_update(no_key=True).filter(endpoint_id=claimed.endpoint_id, state__in=UNFINISHED)
    if (row := replay.first()) is None:
        return
    row.error = (
        f"It stopped after number {row.cursor:,}: Assay itself failed ({type(error).__name__}); its log says how."
    )
    row.state, row.finished_at = JobState.FAILED, moment
    row.save(update_fields=["state", "finished_at", "error"])
    Intervention.objects.create(
        endpoint_id=claimed.endpoint_id, verb="replay failed", by=HUB.name, reason=row.error, at=moment
    )


def _advance(claimed: Claim, most: int, seconds: float) -> int:
    offered = 0
    begun = time.monotonic()
    running = Replay.objects.filter(endpoint_id=claimed.endpoint_id, state__in=UNFINISHED)
    while running.exists():
        with transaction.atomic():
            lane, moment = hold(claimed)
            replay = running.select_for_update(no_key=True, of=("self",)).first()
            room = most - _coming(lane, most)
            if replay is None or lane.endpoint.state not in LIVE or room <= 0:
                return offered
            offered += _move(lane, replay, room, moment)
        if time.monotonic() - begun >= (seconds if offered else max(seconds, SCAN_SECONDS)):
            break
    return offered


def _move(lane: Lane, replay: Replay, room: int, moment: datetime) -> int:
    done = step(lane, replay, room, moment)
    replay.cursor, replay.offered, replay.state = done.cursor, replay.offered + done.offered, JobState.RUNNING
    if replay.cursor >= replay.to_seq:
        replay.state, replay.finished_at = JobState.DONE, moment
    replay.save(update_fields=["cursor", "offered", "state", "finished_at"])
    return done.offered


def _coming(lane: Lane, most: int) -> int:
    return len(turns.coming().filter(endpoint_id=lane.endpoint_id).values_list("pk")[:most])


@dataclass(frozen=True)
class Progress:
    """How far a replay is: numbers of the log gone through of ``total``, and what became of what it offered."""

    looked_at: int
    total: int
    offered: int
    waiting: int
    delivered: int
    parked: int

    @property
    def percent(self) -> int:
        """Of the log gone through."""
        return 100 if not self.total else self.looked_at * 100 // self.total


def progress(replay: Replay) -> Progress:
    """How far the replay is. One query."""
    mine = Delivery.objects.filter(replay=replay).aggregate(
        waiting=Count("pk", filter=Q(state__in=[DeliveryState.WAITING, DeliveryState.IN_FLIGHT])),
        delivered=Count("pk", filter=Q(state=DeliveryState.DELIVERED)),
        parked=Count("pk", filter=Q(state=DeliveryState.PARKED)),
    )
    first = replay.from_seq - 1
    return Progress(looked_at=replay.cursor - first, total=replay.to_seq - first, offered=replay.offered, **mine)
