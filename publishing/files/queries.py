"""What pages show of file endpoints, and which of them are due. Reads only."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q

from publishing.clock import now
from publishing.files import columns, layout
from publishing.files.columns import Table
from publishing.files.going import address_of
from publishing.files.kept import still_there
from publishing.models import LIVE, UNFINISHED, Endpoint, EndpointKind, FileDrop, FileRun, JobState, Lane
from publishing.queries.overview import LATE

SHOWN = 30
STATES = {
    (JobState.WAITING, False): ("waiting", "Being written", ""),
    (JobState.WAITING, True): ("failing", "Failed, tried again", "danger"),
    (JobState.RUNNING, False): ("running", "On its way", ""),
    (JobState.RUNNING, True): ("failing", "Failed, tried again", "danger"),
    (JobState.DONE, True): ("delivered", "There", "success"),
    (JobState.FAILED, True): ("failed", "Lost its bytes", "danger"),
}


def due() -> list[UUID]:
    """File endpoints to be written now: their turn has come or an earlier file is unfinished, and the lane is free.

    However many turns were missed, it is one file. The longest due first.
    """
    moment = now()
    unfinished = FileRun.objects.filter(endpoint_id=OuterRef("endpoint_id"), state__in=UNFINISHED)
    turn = Q(endpoint__file_drop__next_run_at__lte=moment) | Q(endpoint__file_drop__next_run_at__isnull=True)
    lanes = (
        Lane.objects.filter(turn | Exists(unfinished), endpoint__kind=EndpointKind.FILE, endpoint__state__in=LIVE)
        .filter(Q(claim_id__isnull=True) | Q(lease_until__lte=moment))
        .filter(Q(next_probe_at__isnull=True) | Q(next_probe_at__lte=moment))
        .order_by("endpoint__file_drop__next_run_at")
    )
    return list(lanes.values_list("endpoint_id", flat=True))


def overdue(endpoint: Endpoint) -> bool:
    """Whether its turn passed a quarter of an hour ago and no file was written."""
    if endpoint.state not in LIVE:
        return False
    return FileDrop.objects.filter(endpoint=endpoint, next_run_at__lt=now() - LATE).exists()


@dataclass(frozen=True)
class Row:
    """One run as the page lists it: ``word`` for its state, ``kept`` the names that can still be looked at."""

    run: FileRun
    key: str
    word: str
    tone: str
    kept: list[str]

    @property
    def bytes(self) -> int:
        """The size of its files."""
        return sum(file["bytes"] for file in self.run.files)


@dataclass(frozen=True)
class Section:
    """A file endpoint's own part of its page."""

    endpoint: Endpoint
    drop: FileDrop
    address: str
    tables: list[Table]
    runs: list[Row]
    unwritten: str
    overdue: bool
    runs_now: bool

    @property
    def layout(self) -> dict[str, Any]:
        """How its lines look, what is not declared as usual."""
        read = layout.read(self.drop.layout)
        return {name: getattr(read, name) for name in layout.Layout.__dataclass_fields__}


def section(endpoint: Endpoint) -> Section:
    """Where its files go, how they look, and the last runs, newest first."""
    drop = FileDrop.objects.get(endpoint=endpoint)
    runs = FileRun.objects.filter(endpoint=endpoint).select_related("endpoint").order_by("-number")[:SHOWN]
    try:
        tables, why = columns.tables_of(endpoint.domains, endpoint.mapping, layout.read(drop.layout)), ""
    except (ValueError, TypeError) as error:
        tables, why = [], str(error)
    return Section(
        endpoint=endpoint, drop=drop, address=address_of(drop), tables=tables, runs=[_row(run) for run in runs],
        unwritten=why, overdue=overdue(endpoint), runs_now=endpoint.state in LIVE,
    )  # fmt: skip


def _row(run: FileRun) -> Row:
    key, word, tone = STATES.get(
        (JobState(run.state), bool(run.outcome_code)), (run.state, run.get_state_display(), "")
    )
    return Row(run, key, word, tone, still_there(run))
