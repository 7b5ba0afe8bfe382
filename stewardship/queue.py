"""The work queue: which questions wait, in which order, and which comes next, paged by place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.models import User
from django.db.models import Case, Count, ExpressionWrapper, F, FloatField, Func, Prefetch, Q, QuerySet, Value, When
from django.db.models.functions import Mod
from django.utils import timezone

from matching.models import CandidateMember, CandidateState, MatchCandidate
from mdm.domains import BY_NAME, DOMAINS
from mdm.errors import Invalid
from mdm.models import Link, SourceRow, SourceSystem
from mdm.models.sources import RowState
from stewardship.models import ChangeRequest, Decision, RequestState, Verb
from stewardship.requests import person

# Name in the address -> (label, lowest score, score it stays below).
BANDS: Mapping[str, tuple[str, float, float]] = {
    "likely": ("Likely", 0.9, 1.01),
    "possible": ("Possible", 0.7, 0.9),
    "unsure": ("Unsure", 0.0, 0.7),
}
# Name in the address -> (label, at least so many days old, fewer than so many).
# Name in the address -> label. The surest come first unless another order is asked for.
ORDERS: Mapping[str, str] = {"teaches": "What teaches most first"}
# Every question has a lot, drawn once by its number: most teach by how unsure they are, some by how sure, a few
# wherever they stand, so that a person who follows the order sees no single kind alone.
_LOT = ExpressionWrapper(
    Mod(F("pk") * Value(2_654_435_761), Value(4_294_967_296)) / Value(4_294_967_296.0), output_field=FloatField()
)
_PLACE = ExpressionWrapper(
    Mod(F("pk") * Value(1_597_334_677), Value(4_294_967_296)) / Value(4_294_967_296.0), output_field=FloatField()
)
_TEACHES = Case(
    When(lot__lt=0.1, then=F("place")),
    When(lot__lt=0.3, then=F("score")),
    default=1 - Func(2 * F("score") - 1, function="ABS"),
    output_field=FloatField(),
)
AGES: Mapping[str, tuple[str, int, int]] = {
    "today": ("Today", 0, 1),
    "week": ("1 to 7 days", 1, 7),
    "older": ("Over a week", 7, 100_000),
}


@dataclass(frozen=True)
class Filters:
    """What is asked of the queue; every part is optional, all are joined by *and*."""

    domain: str = ""
    band: str = ""
    source: str = ""
    age: str = ""
    mine: str = ""
    order: str = ""

    @classmethod
    def read(cls, asked: Mapping[str, Any]) -> "Filters":
        """From a query string; what is not known there is not asked."""
        chosen = {name: str(asked.get(name, "")) for name in cls.__dataclass_fields__}
        known = {"domain": BY_NAME, "band": BANDS, "age": AGES, "mine": ("yes",), "order": ORDERS}
        return cls(**{name: value for name, value in chosen.items() if value in known.get(name, (value,))})

    def query(self, **changed: str) -> str:
        """The query string that asks this, with some parts changed; "" where nothing is asked."""
        parts = {name: getattr(self, name) for name in self.__dataclass_fields__} | changed
        asked = {name: value for name, value in parts.items() if value}
        return f"?{urlencode(asked)}" if asked else ""

    def without(self, name: str) -> "Filters":
        """The same with one part left out: what its counts are taken over."""
        return replace(self, **{name: ""})


@dataclass(frozen=True)
class Page:
    """Candidates with ``shown_members`` attached, and the place after the last one, "" at the end."""

    candidates: Sequence[MatchCandidate]
    next: str


def waiting(filters: Filters, user: User) -> QuerySet[MatchCandidate]:
    """The open questions that fit."""
    found = MatchCandidate.objects.filter(state=CandidateState.OPEN)
    if filters.domain:
        found = found.filter(domain=filters.domain)
    if filters.band:
        _, lowest, below = BANDS[filters.band]
        found = found.filter(score__gte=lowest, score__lt=below)
    if filters.age:
        _, least, below_days = AGES[filters.age]
        now = timezone.now()
        found = found.filter(
            created_at__lte=now - timedelta(days=least), created_at__gt=now - timedelta(days=below_days)
        )
    if filters.source:
        held = Link.objects.filter(source_record__system__code=filters.source, ended_at__isnull=True)
        found = found.filter(
            pk__in=CandidateMember.objects.filter(record_id__in=held.values("record_id")).values("candidate_id")
        )
    if filters.mine:
        found = found.filter(claimed_by=person(user).name, claimed_until__gt=timezone.now())
    return found


def _ranked(filters: Filters, user: User) -> "QuerySet[Any]":
    """The open questions that fit; ``rank`` is what the order asked for sorts by, the highest first."""
    if filters.order:
        return waiting(filters, user).alias(lot=_LOT, place=_PLACE).annotate(rank=_TEACHES)
    return waiting(filters, user).annotate(rank=F("score"))


def page(filters: Filters, user: User, *, after: str = "", limit: int = 50) -> Page:
    """Open questions in the order asked for, from the place ``after``; two queries whatever the size."""
    rows = _ranked(filters, user).order_by("-rank", "pk")
    if after:
        rows = rows.filter(_beyond(*_read_place(after)))
    live = CandidateMember.objects.exclude(record__state="merged").select_related("record")
    ordered = live.order_by("record__suspected", "record__code")
    found = list(rows.prefetch_related(Prefetch("members", ordered, to_attr="shown_members"))[: limit + 1])
    more = len(found) > limit
    return Page(found[:limit], _place(found[limit - 1]) if more else "")


def following(candidate: MatchCandidate, filters: Filters, user: User) -> int | None:
    """The id of the question after this one, from the top again at the end; None when it is the only one."""
    others = _ranked(filters, user).exclude(pk=candidate.pk).order_by("-rank", "pk").values_list("pk", flat=True)
    return others.filter(_beyond(_rank(candidate, filters), candidate.pk)).first() or others.first()


def preceding(candidate: MatchCandidate, filters: Filters, user: User) -> int | None:
    """The id of the question before this one; None at the top."""
    rank = _rank(candidate, filters)
    better = Q(rank__gt=rank) | Q(rank=rank, pk__lt=candidate.pk)
    return _ranked(filters, user).filter(better).order_by("rank", "-pk").values_list("pk", flat=True).first()


def nearby(candidate: MatchCandidate, filters: Filters, user: User, *, limit: int = 12) -> list[MatchCandidate]:
    """This question and those after it, for the list beside the case."""
    rows = _ranked(filters, user).filter(Q(pk=candidate.pk) | _beyond(_rank(candidate, filters), candidate.pk))
    live = CandidateMember.objects.exclude(record__state="merged").select_related("record")
    ordered = live.order_by("record__suspected", "record__code")
    shown = Prefetch("members", ordered, to_attr="shown_members")
    return list(rows.order_by("-rank", "pk").prefetch_related(shown)[:limit])


def count_by_domain(filters: Filters, user: User) -> dict[str, int]:
    """{domain: open questions}, in the order of the domains, the domain filter left aside. One query."""
    rows = waiting(replace(filters, domain="", order=""), user).values("domain").annotate(number=Count("pk"))
    counted = {row["domain"]: row["number"] for row in rows}
    return {domain.name: counted.get(domain.name, 0) for domain in DOMAINS}


def sources() -> list[tuple[str, str]]:
    """(code, name) of the systems that send records. One query."""
    return list(SourceSystem.objects.filter(internal=False).order_by("name").values_list("code", "name"))


@dataclass(frozen=True)
class Standing:
    """What waits, filters or not, and what the person did today."""

    questions: int
    requests: int
    quarantined: int
    pending: int
    decided_today: int


def standing(user: User) -> Standing:
    """Five counts, one query each."""
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    held = CandidateMember.objects.filter(candidate__state=CandidateState.OPEN, record__state="pending")
    mine = Decision.objects.filter(decided_by=user, decided_at__gte=midnight).exclude(verb=Verb.UNDO)
    return Standing(
        questions=MatchCandidate.objects.filter(state=CandidateState.OPEN).count(),
        requests=ChangeRequest.objects.filter(state=RequestState.OPEN).count(),
        quarantined=SourceRow.objects.filter(state=RowState.QUARANTINED).count(),
        pending=held.values("record").distinct().count(),
        decided_today=mine.filter(undone_by__isnull=True).count(),
    )


def _rank(candidate: MatchCandidate, filters: Filters) -> float:
    """Where the order asked for puts this question, open or not."""
    if not filters.order:
        return candidate.score
    own = MatchCandidate.objects.filter(pk=candidate.pk).alias(lot=_LOT, place=_PLACE)
    return float(own.values_list(_TEACHES, flat=True).get())


def _beyond(rank: float, candidate_id: int) -> Q:
    return Q(rank__lt=rank) | Q(rank=rank, pk__gt=candidate_id)


def _place(candidate: Any) -> str:
    return f"{candidate.rank!r}_{candidate.pk}"


def _read_place(place: str) -> tuple[float, int]:
    score, _, candidate_id = place.partition("_")
    try:
        return float(score), int(candidate_id)
    except ValueError:
        raise Invalid("This place in the queue is not one of ours.", "Start at the top.") from None
