"""First-class figures: how old, how many, who lives. Read by `GET /metrics`, by pages, and by the alert rules.

Ages are in seconds by the database's clock, 0 where nothing waits. Nothing here names a record or a person.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Max, Min, Q

from mdm import liveness
from mdm.models import ChangeEvent, Checkpoint, LogHead
from mdm.verification import last_verdict
from publishing.clock import now
from publishing.models import (
    LIVE,
    UNFINISHED,
    UNSETTLED,
    Delivery,
    DeliveryState,
    Difference,
    DifferenceState,
    Endpoint,
    EndpointKind,
    EndpointState,
    FileDrop,
    Notice,
    Replay,
)

KINDS = ("sequencer", "publisher", "worker")
NEVER = float("inf")  # how old is what never was

HELP = {
    "log_head": "Number of the newest event of the log.",
    "log_unnumbered": "Committed events that have no number yet.",
    "log_oldest_unnumbered_seconds": "Age of the oldest committed event without a number.",
    "log_verified_seconds": "Age of the last verification of the log, or of its first event where there was none.",
    "log_unaltered": "1 while the last verification found everything as it was written.",
    "checkpoint_seconds": "Age of the oldest event no signed checkpoint vouches for.",
    "program_seconds": "Seconds since a program of this kind was last heard of.",
    "notices_open": "Troubles told to owners that are not over.",
    "endpoint_state": "1 for the state the endpoint is in.",
    "endpoint_live": "1 while the endpoint may be sent to.",
    "endpoint_backlog": "Events the lane has not come to and deliveries that wait or are on their way.",
    "endpoint_oldest_undelivered_seconds": "Age of the oldest event that is owed; of an overdue file, of its turn.",
    "endpoint_parked": "Deliveries parked until a person acts.",
    "endpoint_failing_seconds": "How long the target has been failing without a success.",
    "endpoint_success_seconds": "Seconds since the target last took something.",
    "endpoint_drift_open": "Differences from the hub nobody has settled.",
    "endpoint_replay_left": "Numbers of the log a running replay has not come to.",
}


@dataclass(frozen=True)
class Figure:
    """One measured value: its name without prefix, what it belongs to, and the value."""

    name: str
    value: float
    labels: tuple[tuple[str, str], ...] = ()


def figures() -> list[Figure]:
    """Every figure now. A few queries and some for each endpoint."""
    moment = now()
    head = LogHead.objects.values_list("seq", flat=True).first() or 0
    found = [*_of_log(moment, head), *_of_programs()]
    found.append(Figure("notices_open", Notice.objects.filter(ended_at=None).exclude(kind="recovered").count()))
    for endpoint in Endpoint.objects.select_related("lane").order_by("code"):
        found += _of_endpoint(endpoint, moment, head)
    return found


def _age(moment: datetime, since: datetime | None, *, otherwise: float = 0.0) -> float:
    return otherwise if since is None else max((moment - since).total_seconds(), 0.0)


def _of_log(moment: datetime, head: int) -> Iterator[Figure]:
    waiting = ChangeEvent.objects.filter(seq=None).aggregate(count=Count("pk"), first=Min("occurred_at"))
    yield Figure("log_head", head)
    yield Figure("log_unnumbered", waiting["count"])
    yield Figure("log_oldest_unnumbered_seconds", _age(moment, waiting["first"]))
    verified = last_verdict()
    yield Figure("log_verified_seconds", _age(moment, verified.at if verified else _begun(1, head)))
    yield Figure("log_unaltered", float(verified.verdict.is_green if verified else True))
    epoch = LogHead.objects.values("epoch")[:1]
    vouched = Checkpoint.objects.filter(epoch__in=epoch).aggregate(seq=Max("seq"))["seq"] or 0
    yield Figure("checkpoint_seconds", _age(moment, _begun(vouched + 1, head)))


def _of_programs() -> Iterator[Figure]:
    ages: dict[str, timedelta] = {}
    for program in liveness.programs():
        ages[program.kind] = min(program.age, ages.get(program.kind, program.age))
    for kind in KINDS:
        age = ages[kind].total_seconds() if kind in ages else NEVER
        yield Figure("program_seconds", age, (("program", kind),))


def _of_endpoint(endpoint: Endpoint, moment: datetime, head: int) -> Iterator[Figure]:
    lane = endpoint.lane
    mine = (("endpoint", endpoint.code),)
    for state in EndpointState.values:
        yield Figure("endpoint_state", float(endpoint.state == state), (*mine, ("state", state)))
    yield Figure("endpoint_live", float(endpoint.state in LIVE), mine)
    yield Figure("endpoint_failing_seconds", _age(moment, lane.fail_since), mine)
    yield Figure("endpoint_success_seconds", _age(moment, lane.last_success_at, otherwise=NEVER), mine)
    if endpoint.kind == EndpointKind.WITNESS:
        return
    waiting = (DeliveryState.WAITING, DeliveryState.IN_FLIGHT)
    owed = Delivery.objects.filter(endpoint=endpoint, state__in=UNSETTLED).aggregate(
        waiting=Count("pk", filter=Q(state__in=waiting)),
        first=Min("event__occurred_at", filter=Q(state__in=waiting)),
        parked=Count("pk", filter=Q(state=DeliveryState.PARKED)),
    )
    yield Figure("endpoint_backlog", owed["waiting"] + max(head - lane.cursor_low, 0), mine)
    if endpoint.kind == EndpointKind.FILE:  # it waits for its schedule: only an overdue turn counts
        overdue = FileDrop.objects.filter(endpoint=endpoint, next_run_at__lt=moment)
        oldest = overdue.values_list("next_run_at", flat=True).first()
    else:
        oldest = owed["first"] or _begun(lane.cursor_low + 1, head)
    yield Figure("endpoint_oldest_undelivered_seconds", _age(moment, oldest), mine)
    yield Figure("endpoint_parked", owed["parked"], mine)
    drift = Difference.objects.filter(endpoint=endpoint, state=DifferenceState.OPEN).count()
    yield Figure("endpoint_drift_open", drift, mine)
    replay = Replay.objects.filter(endpoint=endpoint, state__in=UNFINISHED).first()
    yield Figure("endpoint_replay_left", replay.to_seq - replay.cursor if replay else 0, mine)


def _begun(seq: int, head: int) -> datetime | None:
    """When the first event from that number on was committed; None where the log has not come so far."""
    if seq > head:
        return None
    ahead = ChangeEvent.objects.filter(seq__gte=seq, seq__lte=head).order_by("seq")
    return ahead.values_list("occurred_at", flat=True).first()


def exposition(found: list[Figure]) -> str:
    """The figures in the text format Prometheus reads, each name under its help."""
    lines: list[str] = []
    by_name: Mapping[str, list[Figure]] = {name: [] for name in HELP}
    for figure in found:
        by_name[figure.name].append(figure)
    for name, samples in by_name.items():
        if samples:
            lines += [f"# HELP assay_{name} {HELP[name]}", f"# TYPE assay_{name} gauge"]
            lines += [f"assay_{name}{_labels(figure)} {_number(figure.value)}" for figure in samples]
    return "\n".join(lines) + "\n"


def _labels(figure: Figure) -> str:
    if not figure.labels:
        return ""
    pairs = (f'{name}="{_escaped(value)}"' for name, value in figure.labels)
    return "{" + ",".join(pairs) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _number(value: float) -> str:
    return "+Inf" if value == NEVER else f"{value:.3f}".rstrip("0").rstrip(".")
