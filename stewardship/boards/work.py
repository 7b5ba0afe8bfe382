"""The board of work: what waits by domain and person from the queue's own counts, and what was decided day by day."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Count, QuerySet
from django.db.models.functions import TruncDate
from django.utils import timezone

from mdm.domains import BY_NAME, DOMAINS
from mdm.work import kinds
from stewardship.asked import Filters
from stewardship.models import Decision, Verb
from stewardship.work.colleagues import Colleague, colleagues
from stewardship.work.facets import Cell, facets

DAYS = 30
# What the hub proposed and a person agreed to, and what a person judged in all.
AGREED = (Verb.MERGE,)
JUDGED = (Verb.MERGE, Verb.REJECT, Verb.RELATE)
# Decisions of a person about the work of the queue; proposing and undoing are not answers to it.
ANSWERS = tuple(verb for verb in Verb if verb not in (Verb.UNDO, Verb.PROPOSE, Verb.SKIP, Verb.WITHDRAW))
PLOT_HEIGHT, PLOT_STEP, PLOT_BAR = 96, 12, 9


@dataclass
class Line:
    """One line of the board: a domain, a kind or a person. ``agreed`` and ``judged`` make the rate of acceptance."""

    name: str
    label: str
    waiting: int = 0
    late: int = 0
    soon: int = 0
    old: int = 0
    decided: int = 0
    today: int = 0
    agreed: int = 0
    judged: int = 0

    @property
    def accepted(self) -> float | None:
        """The share of judged questions that were one thing, as the hub had said; None where none was judged."""
        return self.agreed / self.judged if self.judged else None


@dataclass(frozen=True)
class Day:
    """One bar of the plot: what was decided on a day, agreed to at the foot, in units of the view box."""

    day: date
    agreed: int
    other: int
    x: int
    agreed_y: float
    agreed_height: float
    other_y: float
    other_height: float


@dataclass(frozen=True)
class Board:
    """Everything on the board; ``total`` sums up."""

    total: Line
    domains: Sequence[Line]
    kinds: Sequence[Line]
    people: Sequence[Line]
    days: Sequence[Day] = field(default_factory=tuple)
    width: int = DAYS * PLOT_STEP
    height: int = PLOT_HEIGHT
    bar: int = PLOT_BAR


def since() -> datetime:
    """The first moment of the days the board looks back on."""
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - timedelta(days=DAYS - 1)


def answers() -> QuerySet[Decision]:
    """The decisions of these days that stand."""
    return Decision.objects.filter(decided_at__gte=since(), verb__in=ANSWERS, undone_by__isnull=True)


def board(user: User) -> Board:
    """Five queries, whatever waits and whatever was decided."""
    people = colleagues()
    cells = [cell for cell in facets(Filters(), user, {}).cells if not cell.parked]
    rows = list(
        answers().annotate(day=TruncDate("decided_at")).values("day", "verb", "domain", "decided_by").annotate(
            number=Count("pk")
        )
    )  # fmt: skip
    return Board(
        total=_line(Line("", "All"), cells, rows),
        domains=[
            _line(
                Line(one.name, one.plural),
                [cell for cell in cells if cell.domain == one.name],
                [row for row in rows if row["domain"] == one.name],
            )
            for one in DOMAINS
        ],
        kinds=[
            _line(Line(one.name, one.plural), [cell for cell in cells if cell.kind == one.name], ())
            for one in kinds().values()
        ],
        people=_people(people, cells, rows),
        days=_days(rows),
    )


def _people(people: Iterable[Colleague], cells: Sequence[Cell], rows: Sequence[Any]) -> list[Line]:
    """Those who decide, or decided, the busiest first."""
    found = [
        _line(
            Line(one.username, one.name),
            [cell for cell in cells if cell.assignee == one.pk],
            [row for row in rows if row["decided_by"] == one.pk],
        )
        for one in people
    ]
    shown = [line for line, one in zip(found, people, strict=True) if one.decides or line.decided]
    return sorted(shown, key=lambda line: (-line.decided, -line.waiting, line.label))


def _line(line: Line, cells: Iterable[Cell], rows: Iterable[Any]) -> Line:
    for cell in cells:
        line.waiting += cell.number
        line.late += cell.number if cell.due == "late" else 0
        line.soon += cell.number if cell.due == "soon" else 0
        line.old += cell.number if cell.age == "older" else 0
    today = timezone.localdate()
    for row in rows:
        line.decided += row["number"]
        line.today += row["number"] if row["day"] == today else 0
        line.agreed += row["number"] if row["verb"] in AGREED else 0
        line.judged += row["number"] if row["verb"] in JUDGED else 0
    return line


def _days(rows: Iterable[Any]) -> list[Day]:
    agreed, other = Counter[date](), Counter[date]()
    for row in rows:
        (agreed if row["verb"] in AGREED else other)[row["day"]] += row["number"]
    first = since().date()
    days = [first + timedelta(days=number) for number in range(DAYS)]
    highest = max((agreed[day] + other[day] for day in days), default=0) or 1

    def tall(number: int) -> float:
        return max(round(number / highest * PLOT_HEIGHT, 1), 2.0) if number else 0.0

    return [_day(day, number * PLOT_STEP, agreed[day], other[day], tall) for number, day in enumerate(days)]


def _day(day: date, x: int, agreed: int, other: int, tall: Callable[[int], float]) -> Day:
    one = tall(agreed)
    two = min(tall(other), PLOT_HEIGHT - one)
    return Day(day, agreed, other, x, round(PLOT_HEIGHT - one, 1), one, round(PLOT_HEIGHT - one - two, 1), two)


@dataclass(frozen=True)
class AskedDecisions:
    """Which of the decisions behind a figure are looked at; blank members ask nothing."""

    person: str = ""
    domain: str = ""
    day: str = ""
    which: str = ""

    def rows(self) -> QuerySet[Decision]:
        """The decisions, the newest first."""
        found = answers().select_related("decided_by").order_by("-decided_at", "-pk")
        if self.person:
            found = found.filter(decided_by__username=self.person)
        if self.domain in BY_NAME:
            found = found.filter(domain=self.domain)
        if self.day:
            found = found.filter(decided_at__date=self.day)
        if self.which in ("agreed", "judged"):
            found = found.filter(verb__in=AGREED if self.which == "agreed" else JUDGED)
        return found
