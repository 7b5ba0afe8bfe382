"""Questions of matching in the queue: which wait, in which order, and which comes next."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import reduce
from operator import or_
from typing import Any

from django.contrib.auth.models import User
from django.db.models import (
    Case,
    Count,
    ExpressionWrapper,
    F,
    FloatField,
    Func,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.expressions import RawSQL
from django.db.models.functions import Cast, Coalesce, Extract, Mod
from django.utils import timezone

from matching.models import CandidateKind, CandidateMember, CandidateState, MatchCandidate
from mdm.models import SourceSystem
from stewardship.asked import AGES, BANDS
from stewardship.asked import Filters as Filters
from stewardship.models import Decision, Verb
from stewardship.work.listing import allowed_hours, chosen

KINDS = {
    "duplicates": CandidateKind.RESEMBLANCE,
    "conflicts": CandidateKind.CONFLICT,
    "misfits": CandidateKind.MISFIT,
}
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


def waiting(filters: Filters, user: User) -> QuerySet[MatchCandidate]:
    """The open questions that fit; filters of other work are filters here, too."""
    found = MatchCandidate.objects.filter(state=CandidateState.OPEN)
    if filters.kind:
        found = found.filter(kind=KINDS.get(filters.kind, ""))
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
    rest = replace(filters, domain="", band="", age="", order="", parked="")
    if replace(rest, kind="") != Filters():
        # Whose it is, until when, and whom it concerns is asked as the queue of all work asks it.
        kinds = [filters.kind] if filters.kind in KINDS else list(KINDS)
        keys = [chosen(replace(rest, kind=kind), user).keys() for kind in kinds]
        fitting = (Q(pk__in=RawSQL(sql, given)) for sql, given in keys)  # noqa: S611 (declarations; values are given)
        found = found.filter(reduce(or_, fitting))
    return found


def _ranked(filters: Filters, user: User) -> "QuerySet[Any]":
    """The open questions that fit; ``rank`` is what the order asked for sorts by, the highest first."""
    return waiting(filters, user).alias(lot=_LOT, place=_PLACE).annotate(rank=_rank_by(filters))


def _rank_by(filters: Filters) -> Any:
    """What the list sorts by under these filters: without a word the surest first, of members that no longer fit those
    that fit least."""
    asked = Cast(Extract("created_at", "epoch"), FloatField())
    if filters.order == "teaches":
        return _TEACHES
    if filters.order == "newest":
        return asked
    if filters.order == "oldest":
        return -asked
    if filters.order == "due":
        allowed = allowed_hours()
        hours = Case(*(When(kind=kind, then=Value(3600.0 * allowed[name])) for name, kind in KINDS.items()))
        return -(asked + hours)
    return 1 - F("score") if filters.kind == "misfits" else F("score")


def following(candidate: MatchCandidate, filters: Filters, user: User) -> int | None:
    """The id of the question after this one, from the top again at the end; None when it is the only one."""
    others = _ranked(filters, user).exclude(pk=candidate.pk).order_by("-rank", "pk").values_list("pk", flat=True)
    return others.filter(_beyond(_rank(candidate, filters), candidate.pk)).first() or others.first()


def after(candidate: MatchCandidate, shown: Sequence[MatchCandidate], filters: Filters, user: User) -> int | None:
    """The same as ``following``, told by the questions ``nearby`` has read where they hold it."""
    others = (one.pk for one in shown if one.pk != candidate.pk)
    return next(others, None) or following(candidate, filters, user)


def preceding(candidate: MatchCandidate, filters: Filters, user: User) -> int | None:
    """The id of the question before this one; None at the top."""
    rank = _rank(candidate, filters)
    better = Q(rank__gt=rank) | Q(rank=rank, pk__lt=candidate.pk)
    return _ranked(filters, user).filter(better).order_by("rank", "-pk").values_list("pk", flat=True).first()


def nearby(candidate: MatchCandidate, filters: Filters, user: User, *, limit: int = 12) -> list[MatchCandidate]:
    """This question and those after it, each with its ``lead``'s title and the ``size`` of its group. One query."""
    rows = _ranked(filters, user).filter(Q(pk=candidate.pk) | _beyond(_rank(candidate, filters), candidate.pk))
    live = CandidateMember.objects.filter(candidate=OuterRef("pk")).exclude(record__state="merged")
    lead = live.order_by("record__suspected", "record__code").values("record__title")[:1]
    size = live.order_by().values("candidate").annotate(size=Count("pk")).values("size")
    return list(rows.order_by("-rank", "pk").annotate(lead=Subquery(lead), size=Coalesce(Subquery(size), 0))[:limit])


def sources() -> list[tuple[str, str]]:
    """(code, name) of the systems that send records. One query."""
    return list(SourceSystem.objects.filter(internal=False).order_by("name").values_list("code", "name"))


def decided_today(user: User) -> int:
    """How many decisions of the person since midnight stand. One query."""
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    mine = Decision.objects.filter(decided_by=user, decided_at__gte=midnight).exclude(verb=Verb.UNDO)
    return mine.filter(undone_by__isnull=True).count()


def _rank(candidate: MatchCandidate, filters: Filters) -> float:
    """Where the order asked for puts this question, open or not."""
    if not filters.order and filters.kind != "misfits":
        return candidate.score
    own = MatchCandidate.objects.filter(pk=candidate.pk).alias(lot=_LOT, place=_PLACE)
    return float(own.annotate(rank=_rank_by(filters)).values_list("rank", flat=True).get())


def _beyond(rank: float, candidate_id: int) -> Q:
    return Q(rank__lt=rank) | Q(rank=rank, pk__gt=candidate_id)
