"""Differences between targets and the hub, of one endpoint or of all, and how the last comparisons went."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, QuerySet

from mdm.domains import BY_NAME
from mdm.models import GoldenState
from publishing.adopting import NotAdoptable, meant_by
from publishing.models import UNFINISHED, Difference, DifferenceKind, DifferenceState, DriftCheck, Endpoint, JobState

PAGE = 50
KINDS = {
    DifferenceKind.ALTERED: "Altered",
    DifferenceKind.MISSING: "Missing there",
    DifferenceKind.BEHIND: "Behind",
    DifferenceKind.EXTRA: "Only there",
}
STATES = {
    DifferenceState.OPEN: "Open",
    DifferenceState.SENT_AGAIN: "Sent again",
    DifferenceState.ADOPTED: "Adopted",
    DifferenceState.LEFT: "Left",
    DifferenceState.GONE: "Gone",
}


@dataclass(frozen=True)
class Asked:
    """What of the differences is looked at; blank members ask nothing, and the state is open unless said otherwise."""

    endpoint: str = ""
    kind: str = ""
    field: str = ""
    state: str = DifferenceState.OPEN.value
    difference: int = 0
    after: int = 0

    @classmethod
    def read(cls, given: Mapping[str, str], endpoint: str = "") -> "Asked":
        """The filter a request names; words nobody knows ask nothing."""
        kind, state = given.get("kind", ""), given.get("state", "")
        return cls(
            endpoint=endpoint or given.get("endpoint", ""),
            kind=kind if kind in DifferenceKind.values else "",
            field=given.get("field", ""),
            state=state if state in DifferenceState.values else DifferenceState.OPEN.value,
            difference=_number(given.get("difference", "")),
            after=_number(given.get("after", "")),
        )

    def query(self, **changed: object) -> str:
        """The address of the same filter with some members changed, from its first page."""
        members = {name: getattr(self, name) for name in ("endpoint", "kind", "field", "state", "difference")} | changed
        return "?" + urlencode({name: value for name, value in members.items() if value})

    @property
    def narrowed(self) -> bool:
        """Whether anything but the state and the endpoint is asked."""
        return bool(self.kind or self.field or self.difference)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


@dataclass(frozen=True)
class Line:
    """One difference as the list shows it: values as text, and why it cannot be adopted, blank where it can."""

    row: Difference
    ours: str
    theirs: str
    refusal: str
    propose: str

    @property
    def kind(self) -> str:
        """The kind in a word or two."""
        return KINDS[DifferenceKind(self.row.kind)]

    @property
    def of_record(self) -> bool:
        """Whether it is about the record as a whole, so that versions stand for values."""
        return not self.row.field

    @property
    def slug(self) -> str:
        """Where the record's page is."""
        return BY_NAME[self.row.record.domain].slug if self.row.record else ""


@dataclass(frozen=True)
class Page:
    """One page of differences; ``total`` counts the whole filter, ``next_after`` is 0 on the last page."""

    lines: tuple[Line, ...]
    total: int
    next_after: int
    kinds: Mapping[str, int]
    states: Mapping[str, int]
    fields: Sequence[tuple[str, int]]
    endpoints: Sequence[tuple[str, str, int]]


def differences(asked: Asked) -> QuerySet[Difference]:
    """The differences a filter asks for."""
    rows = Difference.objects.filter(state=asked.state)
    if asked.endpoint:
        rows = rows.filter(endpoint__code=asked.endpoint)
    if asked.kind:
        rows = rows.filter(kind=asked.kind)
    if asked.field:
        rows = rows.filter(field=asked.field)
    if asked.difference:
        rows = rows.filter(pk=asked.difference)
    return rows


def page(asked: Asked) -> Page:
    """One page, oldest first, with the numbers beside each choice. Six queries."""
    rows = differences(asked).filter(pk__gt=asked.after).select_related("record", "endpoint").order_by("pk")
    found = list(rows[: PAGE + 1])
    here = Difference.objects.filter(endpoint__code=asked.endpoint) if asked.endpoint else Difference.objects.all()
    kinds = _counted(differences(replace(asked, kind="")), "kind")
    of_systems = differences(replace(asked, endpoint="")).values_list("endpoint__code", "endpoint__name")
    return Page(
        lines=tuple(_line(row) for row in found[:PAGE]),
        total=kinds.get(asked.kind, 0) if asked.kind else sum(kinds.values()),
        next_after=found[PAGE - 1].pk if len(found) > PAGE else 0,
        kinds=kinds,
        states=_counted(here, "state"),
        fields=[
            (name, count) for name, count in _counted(differences(replace(asked, field="")), "field").items() if name
        ],
        endpoints=list(of_systems.annotate(count=Count("pk")).order_by("endpoint__name")),
    )


def _counted(rows: QuerySet[Difference], name: str) -> dict[str, int]:
    return dict(rows.values_list(name).annotate(count=Count("pk")).order_by(name))


def _line(row: Difference) -> Line:
    refusal, propose = "", ""
    if row.state == DifferenceState.OPEN:
        try:
            meant = meant_by(row)
            propose = urlencode({meant.attribute: "" if meant.value is None else str(meant.value)})
        except NotAdoptable as error:
            refusal = str(error)
        if row.record and row.record.state == GoldenState.MERGED:
            refusal, propose = f"{row.record.code} was merged: change the record that answers for it now.", ""
    return Line(row, _text(row.ours), _text(row.theirs), refusal, propose)


def _text(value: Any) -> str:
    """A value as a person reads it; what is no single value as JSON."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)


@dataclass(frozen=True)
class Comparing:
    """How the comparisons of one endpoint stand: the last one finished, and the one under way."""

    endpoint: Endpoint
    last: DriftCheck | None
    running: DriftCheck | None
    open: int

    @property
    def asks(self) -> bool:
        """Whether the hub can ask the target."""
        return bool(self.endpoint.reconcile_path and self.endpoint.url)


def comparing(endpoint: Endpoint) -> Comparing:
    """How the comparisons of one endpoint stand. Three queries."""
    checks = DriftCheck.objects.filter(endpoint=endpoint).order_by("-pk")
    return Comparing(
        endpoint=endpoint,
        last=checks.filter(state__in=[JobState.DONE, JobState.FAILED]).first(),
        running=checks.filter(state__in=UNFINISHED, via="asked").first(),
        open=Difference.objects.filter(endpoint=endpoint, state=DifferenceState.OPEN).count(),
    )


def comparing_all() -> list[Comparing]:
    """The same for every endpoint that was ever compared or can be. Four queries."""
    last = DriftCheck.objects.filter(state__in=[JobState.DONE, JobState.FAILED]).order_by("endpoint_id", "-pk")
    lasts = {check.endpoint_id: check for check in last.distinct("endpoint_id")}
    running = DriftCheck.objects.filter(state__in=UNFINISHED, via="asked")
    runs = {check.endpoint_id: check for check in running}
    counts = _counted(Difference.objects.filter(state=DifferenceState.OPEN), "endpoint_id")
    return [
        Comparing(endpoint, lasts.get(endpoint.pk), runs.get(endpoint.pk), counts.get(endpoint.pk, 0))  # type: ignore[call-overload]
        for endpoint in Endpoint.objects.order_by("name")
        if endpoint.pk in lasts or endpoint.pk in runs or endpoint.reconcile_path
    ]
