"""Parked deliveries, of one endpoint or of all: filtered, grouped by the reason they were refused for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from urllib.parse import urlencode

from django.db.models import Count, QuerySet

from publishing.advice import Advice, advice_for, codes_of
from publishing.clock import now
from publishing.models import Delivery, DeliveryState

PAGE = 50
AGES = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(weeks=1)}
AGE_WORDS = {"hour": "Longer than an hour", "day": "Longer than a day", "week": "Longer than a week"}


@dataclass(frozen=True)
class Asked:
    """What of the parked deliveries is looked at. Blank members ask nothing."""

    endpoint: str = ""
    code: str = ""
    owner: str = ""
    domain: str = ""
    age: str = ""
    after: int = 0

    @classmethod
    def read(cls, given: Mapping[str, str], endpoint: str = "") -> "Asked":
        """The filter a request names; words nobody knows ask nothing."""
        age = given.get("age", "")
        after = given.get("after", "")
        return cls(
            endpoint=endpoint or given.get("endpoint", ""),
            code=given.get("code", ""),
            owner=given.get("owner", ""),
            domain=given.get("domain", ""),
            age=age if age in AGES else "",
            after=int(after) if after.isascii() and after.isdigit() and len(after) < 19 else 0,
        )

    def query(self, **changed: object) -> str:
        """The address of the same filter with some members changed, from its first page."""
        members = {name: getattr(self, name) for name in ("endpoint", "code", "owner", "domain", "age")} | changed
        return "?" + urlencode({name: value for name, value in members.items() if value})

    @property
    def narrowed(self) -> bool:
        """Whether anything is asked."""
        return replace(self, after=0) != Asked()


@dataclass(frozen=True)
class Group:
    """Parked deliveries that share a reason, with what to do about it."""

    code: str
    count: int
    advice: Advice


@dataclass(frozen=True)
class Page:
    """One page of parked deliveries; ``total`` counts the whole filter, ``next_after`` is 0 on the last page."""

    rows: tuple[Delivery, ...]
    total: int
    next_after: int
    groups: tuple[Group, ...] = ()
    counts: Mapping[str, Sequence[tuple[str, int]]] = field(default_factory=dict)


def parked(asked: Asked) -> QuerySet[Delivery]:
    """The parked deliveries a filter asks for. Served by the partial index of unsettled deliveries."""
    rows = Delivery.objects.filter(state=DeliveryState.PARKED)
    if asked.endpoint:
        rows = rows.filter(endpoint__code=asked.endpoint)
    if asked.code:
        rows = rows.filter(outcome_code=asked.code)
    if asked.owner:
        rows = rows.filter(outcome_code__in=codes_of(asked.owner))
    if asked.domain:
        rows = rows.filter(domain=asked.domain)
    if asked.age:
        rows = rows.filter(due_at__lte=now() - AGES[asked.age])
    return rows


def page(asked: Asked) -> Page:
    """One page, oldest first, with the groups and the numbers beside each choice. Five queries."""
    rows = parked(asked)
    found = list(
        rows.filter(pk__gt=asked.after).select_related("record", "endpoint").defer("body").order_by("pk")[: PAGE + 1]
    )
    groups = groups_of(replace(asked, code=""))
    by_code = {group.code: group.count for group in groups}
    counts = {
        "endpoint": _counted(parked(replace(asked, endpoint="")), "endpoint__code"),
        "domain": _counted(parked(replace(asked, domain="")), "domain"),
        "code": sorted(by_code.items()),
    }
    total = by_code.get(asked.code, 0) if asked.code else sum(by_code.values())
    more = len(found) > PAGE
    return Page(tuple(found[:PAGE]), total, found[PAGE - 1].pk if more else 0, groups, counts)


def groups_of(asked: Asked) -> tuple[Group, ...]:
    """The reasons, the most frequent first, each with its way out. One query."""
    rows = parked(asked).values_list("outcome_code").annotate(count=Count("pk"))
    return tuple(Group(code, count, advice_for(code)) for code, count in rows.order_by("-count", "outcome_code"))


def _counted(rows: QuerySet[Delivery], name: str) -> list[tuple[str, int]]:
    return list(rows.values_list(name).annotate(count=Count("pk")).order_by(name))
