"""Calls as made and answered: of one endpoint, filtered and paged; of one delivery, all of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.db.models import Count, F, QuerySet

from publishing import outcomes
from publishing.models import Attempt, Delivery, Endpoint

PAGE = 50
READ = 20_000  # calls whose outcomes are counted for the filter: the latest
RESULTS = {"taken": "Taken", "failed": "Failed or refused"}


@dataclass(frozen=True)
class Asked:
    """Which calls: by what came of them, those of one code, those older than ``before``."""

    result: str = ""
    code: str = ""
    before: int = 0

    @classmethod
    def read(cls, given: Mapping[str, str]) -> "Asked":
        """The filter a request names; words nobody knows ask nothing."""
        result, before = given.get("result", ""), given.get("before", "")
        number = int(before) if before.isascii() and before.isdigit() and len(before) < 19 else 0
        return cls(result if result in RESULTS else "", given.get("code", "")[:32], number)

    def query(self, **changed: object) -> str:
        """The address of the same filter with some members changed, from its first page."""
        members = {"result": self.result, "code": self.code} | changed
        return "?" + urlencode({name: value for name, value in members.items() if value})


def calls(endpoint: Endpoint, asked: Asked) -> tuple[Sequence[Attempt], int]:
    """A page of calls, newest first, with their records; and the ``before`` of the next page, 0 on the last."""
    rows = Attempt.objects.filter(endpoint=endpoint).select_related("delivery__record").defer("delivery__body")
    if asked.result == "taken":
        rows = rows.filter(outcome_code=outcomes.ACCEPTED.code)
    elif asked.result == "failed":
        rows = rows.exclude(outcome_code=outcomes.ACCEPTED.code)
    if asked.code:
        rows = rows.filter(outcome_code=asked.code)
    if asked.before:
        mark = Attempt.objects.filter(endpoint=endpoint, pk=asked.before).values_list("at", flat=True).first()
        rows = rows.filter(at__lte=mark, pk__lt=asked.before) if mark else rows.none()
    found = list(rows.order_by("-at", "-pk")[: PAGE + 1])
    return found[:PAGE], found[PAGE - 1].pk if len(found) > PAGE else 0


def codes(endpoint: Endpoint) -> list[tuple[str, int]]:
    """(code, calls) of what came of the latest calls, the most frequent first."""
    latest: QuerySet[Attempt] = Attempt.objects.filter(endpoint=endpoint).order_by("-at")[:READ]
    rows = Attempt.objects.filter(pk__in=latest.values("pk")).values_list("outcome_code")
    return list(rows.annotate(count=Count("pk")).order_by("-count", "outcome_code"))


def recent(endpoint: Endpoint, *, limit: int = 8) -> Sequence[Attempt]:
    """The last calls, newest first, with their record."""
    rows = Attempt.objects.filter(endpoint=endpoint).select_related("delivery__record").defer("delivery__body")
    return list(rows.order_by("-at", "-pk")[:limit])


def history_of(delivery: Delivery) -> Sequence[Attempt]:
    """Every try of one delivery, newest first."""
    return list(Attempt.objects.filter(delivery=delivery).order_by(F("pk").desc()))
