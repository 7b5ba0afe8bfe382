"""What became of what a person suggested: change requests and reported duplicates, with who decided and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.urls import reverse

from matching.models import CandidateState
from stewardship.models import ChangeRequest, Report, RequestState
from stewardship.requests import person

DECIDED = (RequestState.APPROVED, RequestState.SCHEDULED, RequestState.REFUSED)
SETTLED = (CandidateState.MERGED, CandidateState.REJECTED, CandidateState.SUPERSEDED, CandidateState.WITHDRAWN)
OUTCOMES = {
    CandidateState.OPEN: "Waits for a steward",
    CandidateState.SKIPPED: "Put off",
    CandidateState.MERGED: "They are one",
    CandidateState.REJECTED: "Not the same",
    CandidateState.SUPERSEDED: "Settled otherwise",
    CandidateState.WITHDRAWN: "No longer asked",
}


@dataclass(frozen=True)
class Suggestion:
    """One thing a person suggested. ``answer`` is what whoever decided said; blank ``by``: nobody has decided."""

    what: str
    title: str
    code: str
    reason: str
    at: datetime
    state: str
    outcome: str
    by: str
    decided_at: datetime | None
    answer: str
    address: str


def of(user: User, limit: int) -> list[Suggestion]:
    """What the person suggested, the newest first. Two queries."""
    requests = _requests(user).order_by("-requested_at")[:limit]
    reports = _reports(user).order_by("-reported_at")[:limit]
    found = [*map(_of_request, requests), *map(_of_report, reports)]
    return sorted(found, key=lambda one: one.at, reverse=True)[:limit]


def decided(user: User, since: datetime, until: datetime, limit: int) -> Sequence[Suggestion]:
    """Of what the person suggested what others decided between two moments, the newest first. Two queries."""
    requests = _requests(user).filter(state__in=DECIDED, decided_at__gt=since, decided_at__lte=until)
    settled = Q(candidate__state__in=SETTLED, candidate__decided_at__gt=since, candidate__decided_at__lte=until)
    reports = _reports(user).filter(settled)
    found = [
        *map(_of_request, requests.order_by("-decided_at")[:limit]),
        *map(_of_report, reports.order_by("-candidate__decided_at")[:limit]),
    ]
    return sorted(found, key=lambda one: one.decided_at or one.at, reverse=True)[:limit]


def _requests(user: User) -> QuerySet[ChangeRequest]:
    return ChangeRequest.objects.filter(requested_by=user).select_related("record", "decided_by")


def _reports(user: User) -> QuerySet[Report]:
    return Report.objects.filter(reported_by=user).select_related("first", "second", "candidate")


def _of_request(one: ChangeRequest) -> Suggestion:
    by = person(one.decided_by).name if one.decided_by and one.state in DECIDED else ""
    return Suggestion(
        what="New record" if one.is_new and not one.record else "Change",
        title=one.title, code=one.record.code if one.record else "", reason=one.reason, at=one.requested_at,
        state=one.state, outcome=RequestState(one.state).label, by=by,
        decided_at=one.decided_at if one.state in DECIDED else None,
        answer=one.answer, address=reverse("stewardship:request", args=[one.pk]),
    )  # fmt: skip


def _of_report(one: Report) -> Suggestion:
    question = one.candidate
    settled = question.state in SETTLED
    return Suggestion(
        what="Possible duplicate",
        title=f"{one.first.title or one.first.code} / {one.second.title or one.second.code}",
        code=f"{one.first.code} / {one.second.code}", reason=one.reason, at=one.reported_at,
        state=question.state, outcome=OUTCOMES[CandidateState(question.state)],
        by=question.decided_by if settled else "", decided_at=question.decided_at if settled else None,
        answer=question.decision_reason if settled else "",
        address=reverse("stewardship:review", args=[question.pk]),
    )  # fmt: skip
