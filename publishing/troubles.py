"""What is wrong with an endpoint at this moment, and since when: what its owner has to be told. Reads only."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Min, Q

from mdm import liveness
from mdm.models import ChangeEvent, LogHead
from publishing import turns
from publishing.models import (
    LIVE,
    Delivery,
    DeliveryState,
    Endpoint,
    EndpointKind,
    EndpointState,
    FileDrop,
    Intervention,
    Lane,
    NoticeKind,
)

HOUR = timedelta(hours=1)
# From the longest: a watch that comes late tells of the worst alone.
FAILING = (
    (NoticeKind.FAILING_72H, 72 * HOUR, "three days"),
    (NoticeKind.FAILING_24H, 24 * HOUR, "a day"),
    (NoticeKind.FAILING_4H, 4 * HOUR, "4 hours"),
    (NoticeKind.FAILING_15M, timedelta(minutes=15), "15 minutes"),
)
SILENT_AFTER = timedelta(minutes=15)
# How a reason begins that Assay itself gave for pausing an endpoint.
PAUSED_BY_ASSAY = {NoticeKind.STOPPED: "stopped", NoticeKind.RESTORED: "restored"}
BY_ASSAY = "Assay"


@dataclass(frozen=True)
class Trouble:
    """One thing that is wrong, since when, and a sentence about it."""

    kind: NoticeKind
    since: datetime
    words: str


@dataclass(frozen=True)
class Surroundings:
    """What is the same for every endpoint at one look: the time, the head of the log, and who works."""

    moment: datetime
    head: int
    publisher_lives: bool


def surroundings(moment: datetime) -> Surroundings:
    """Two queries."""
    head = LogHead.objects.values_list("seq", flat=True).first() or 0
    return Surroundings(moment, head, liveness.lives("publisher"))


def troubles_of(endpoint: Endpoint, around: Surroundings) -> list[Trouble]:
    """Everything that is wrong with the endpoint now, parked records apart. A few queries."""
    return [*_failing(endpoint, around), *_stopped(endpoint), *_silent(endpoint, around)]


def _failing(endpoint: Endpoint, around: Surroundings) -> Iterator[Trouble]:
    """At most one: the longest time reached."""
    since = endpoint.lane.fail_since
    if endpoint.state not in LIVE or since is None:
        return
    for kind, limit, words in FAILING:
        if around.moment - since >= limit:
            yield Trouble(kind, since, f"{endpoint.name} has been failing for {words}. {endpoint.lane.last_failure}")
            return


def _stopped(endpoint: Endpoint) -> Iterator[Trouble]:
    """Disabled, or paused, by Assay itself: a person's own act is no news to people."""
    if endpoint.state == EndpointState.DISABLED:
        since = _turned(endpoint)
        if since:
            words = f"{endpoint.name} was disabled: nothing is sent until somebody resumes it. {endpoint.state_reason}"
            yield Trouble(NoticeKind.DISABLED, since, words)
    elif endpoint.state == EndpointState.PAUSED:
        for kind, begins in PAUSED_BY_ASSAY.items():
            since = _turned(endpoint) if endpoint.state_reason.startswith(begins) else None
            if since:
                words = f"{endpoint.name} was paused until somebody resumes it. {endpoint.state_reason}"
                yield Trouble(kind, since, words)


def _turned(endpoint: Endpoint) -> datetime | None:
    """When Assay brought the endpoint to a stop; None where a person did."""
    verbs = ("disable", "pause", "stop", "resume")
    last = Intervention.objects.filter(endpoint=endpoint, delivery=None, verb__in=verbs).order_by("-pk").first()
    return last.at if last and last.by == BY_ASSAY else None


def _silent(endpoint: Endpoint, around: Surroundings) -> Iterator[Trouble]:
    """Work waits, nothing succeeds, and no failure says why: the dead man's alert."""
    if endpoint.state not in LIVE or endpoint.lane.failures or endpoint.kind == EndpointKind.WITNESS:
        return
    since = waiting_since(endpoint, around)
    if since is None or around.moment - since < SILENT_AFTER:
        return
    why = "Its target has not failed." if around.publisher_lives else "No publishing worker is alive."
    minutes = int((around.moment - since).total_seconds() // 60)
    yield Trouble(NoticeKind.SILENT, since, f"Work for {endpoint.name} waits and nothing went for {minutes} min. {why}")


def waiting_since(endpoint: Endpoint, around: Surroundings) -> datetime | None:
    """Since when work could have been done and nothing was: at the earliest since the last success or change of state.

    A file waits for its schedule: only an overdue one counts.
    """
    if endpoint.kind == EndpointKind.FILE:
        overdue = FileDrop.objects.filter(endpoint=endpoint, next_run_at__lt=around.moment)
        begun = overdue.values_list("next_run_at", flat=True).first()
    else:
        begun = _oldest(endpoint.lane, around)
    if begun is None:
        return None
    return max(begun, endpoint.updated_at, endpoint.lane.last_success_at or begun)


def _oldest(lane: Lane, around: Surroundings) -> datetime | None:
    ready = turns.next_up().filter(endpoint_id=lane.endpoint_id, due_at__lte=around.moment)
    due: datetime | None = ready.aggregate(first=Min("due_at"))["first"]
    if due is not None or lane.cursor_low >= around.head:
        return due
    ahead = ChangeEvent.objects.filter(seq__gt=lane.cursor_low, seq__lte=around.head).order_by("seq")
    return ahead.values_list("occurred_at", flat=True).first()


def parked(endpoint: Endpoint, since: datetime | None) -> Trouble | None:
    """The records parked since then (or at all), as one trouble; None where there are none. One query."""
    rows = Delivery.objects.filter(endpoint=endpoint, state=DeliveryState.PARKED)
    recent = Q(due_at__gt=since) if since else Q()
    found = rows.aggregate(first=Min("due_at", filter=recent), new=Count("pk", filter=recent), all=Count("pk"))
    if not found["new"]:
        return None
    records = "1 record is" if found["all"] == 1 else f"{found['all']:,} records are"
    return Trouble(NoticeKind.PARKED, found["first"], f"{records} parked at {endpoint.name} until a person acts.")


def standing(kinds: Sequence[str], endpoint: Endpoint, around: Surroundings) -> bool:
    """Whether troubles of these kinds go on, judged leniently: a trouble ends when the endpoint has worked again."""
    return (
        endpoint.state not in LIVE
        or bool(endpoint.lane.failures)
        or (NoticeKind.SILENT in kinds and any(True for _ in _silent(endpoint, around)))
    )
