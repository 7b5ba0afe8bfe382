"""What people do with work short of deciding it: assign, give back, park, resume. Each may name many pieces at once."""

from collections.abc import Sequence
from datetime import datetime

from django.contrib.auth.models import User
from django.utils import timezone

from matching import verdicts
from matching.models import CandidateState, MatchCandidate
from mdm.cause import LONGEST_REASON
from mdm.errors import Invalid, Refused
from mdm.people import ADMINISTRATOR, DOMAIN_OWNER, STEWARD, in_group
from mdm.retrying import atomic
from mdm.work import kinds
from stewardship.asked import QUESTIONS
from stewardship.models import Allowance, Arrangement, WorkAct, WorkVerb
from stewardship.requests import person
from stewardship.workflow import skip_candidate

MOST = 5000
LONGEST_WAIT = 8784  # hours: a leap year
Names = Sequence[tuple[str, str]]


def may_be_given_work(user: User) -> bool:
    """Whether the person decides, so that work can be theirs."""
    return in_group(user, STEWARD, DOMAIN_OWNER, ADMINISTRATOR)


def read_names(given: Sequence[str]) -> list[tuple[str, str]]:
    """(kind, key) of what a form names. Raises Invalid for words that name no work."""
    found = [(kind, key) for kind, _, key in (one.partition(":") for one in given)]
    if any(kind not in kinds() or not key or len(key) > 120 or "\x00" in key for kind, key in found):
        raise Invalid("This is no piece of work.", "Go back to the queue and tick it there.")
    return list(dict.fromkeys(found))


@atomic
def assign(*, work: Names, to: User, user: User) -> int:
    """Make the work somebody's, oneself included. Returns how much was not theirs before; that is kept as an act.

    Repeating it changes nothing. Raises Refused for somebody who may not decide, Invalid where nothing is named.
    """
    _require_some(work)
    if not to.is_active or not may_be_given_work(to):
        raise Refused(
            f"{person(to).name} may not decide work.", "Assign it to a steward, a domain owner or an administrator."
        )
    theirs = {(one.kind, one.key) for one in _locked(work) if one.assignee_id == to.pk}
    given = [one for one in work if one not in theirs]
    rows = [
        Arrangement(kind=kind, key=key, assignee=to, assigned_by=person(user).name, assigned_at=timezone.now())
        for kind, key in given
    ]
    _write(rows, ["assignee", "assigned_by", "assigned_at"])
    _keep(given, WorkVerb.ASSIGN, user, to=to)
    return len(given)


@atomic
def give_back(*, work: Names, user: User) -> int:
    """Nobody's again. Returns how much was somebody's before. Repeating it changes nothing."""
    _require_some(work)
    given = [(one.kind, one.key) for one in _locked(work) if one.assignee_id is not None]
    rows = [Arrangement(kind=kind, key=key) for kind, key in given]
    _write(rows, ["assignee", "assigned_by", "assigned_at"])
    _keep(given, WorkVerb.GIVE_BACK, user)
    return len(given)


@atomic
def park(*, work: Names, until: datetime, user: User, reason: str = "") -> int:
    """Put work off until a moment; then it is in the queue again, its clock as late as it is. Returns how much.

    Questions of matching are skipped, as on their own page, and a second call moves the moment. Raises Invalid for a
    moment gone by, WrongState where a question was decided meanwhile.
    """
    _require_some(work)
    problems = []
    if until <= timezone.now():
        problems.append(("until", "That day has gone by; choose one to come."))
    if len(reason.strip()) > LONGEST_REASON:
        problems.append(("reason", f"The reason is too long: at most {LONGEST_REASON} characters are kept."))
    if problems:
        raise Invalid("The work was not parked.", "Correct it and try again.", problems)
    for kind, key in work:
        if kind in QUESTIONS:
            skip_candidate(candidate_id=_number(key), until=until, user=user, reason=reason.strip())
    others = [one for one in work if one[0] not in QUESTIONS]
    by = person(user).name
    rows = [
        Arrangement(kind=kind, key=key, parked_until=until, parked_by=by, park_reason=reason.strip())
        for kind, key in others
    ]
    _locked(others)
    _write(rows, ["parked_until", "parked_by", "park_reason"])
    _keep(work, WorkVerb.PARK, user, until=until, reason=reason.strip())
    return len(work)


@atomic
def resume(*, work: Names, user: User) -> int:
    """Take work up again before its day. Returns how much had been put off. Repeating it changes nothing."""
    _require_some(work)
    questions = {_number(key): (kind, key) for kind, key in work if kind in QUESTIONS}
    asked = MatchCandidate.objects.filter(pk__in=questions, state=CandidateState.SKIPPED).order_by("pk")
    taken: list[tuple[str, str]] = []
    for candidate in asked:
        verdicts.reopen(candidate_id=candidate.pk, by=person(user).name)
        taken.append(questions[candidate.pk])
    away = [(one.kind, one.key) for one in _locked(work) if one.parked_until is not None]
    _write([Arrangement(kind=kind, key=key) for kind, key in away], ["parked_until", "parked_by", "park_reason"])
    _keep(taken + away, WorkVerb.RESUME, user)
    return len(taken) + len(away)


@atomic
def allow(*, kind: str, hours: int, user: User) -> None:
    """Set how many hours work of a kind may wait. Kept with who and when; the same again changes nothing."""
    if kind not in kinds():
        raise Invalid("There is no such kind of work.", "Choose one of the list.")
    if not 1 <= hours <= LONGEST_WAIT:
        raise Invalid(
            "The time was not changed.",
            f"Choose a number of hours between 1 and {LONGEST_WAIT:,} (a year).",
            [(kind, f"Between 1 and {LONGEST_WAIT:,} hours.")],
        )
    row = Allowance.objects.select_for_update().filter(pk=kind).first()
    if (row.hours if row else kinds()[kind].hours) == hours:
        return
    row = row or Allowance(kind=kind)
    row.hours = hours
    row._history_user = user  # type: ignore[attr-defined]  # read by django-simple-history
    row.save()


def _require_some(work: Names) -> None:
    if not work:
        raise Invalid("Nothing is ticked.", "Tick the work first: press X on a row, or the box before it.")
    if len(work) > MOST:
        raise Invalid(f"That is more than {MOST:,} at once.", "Narrow the filter.")


def _locked(work: Names) -> list[Arrangement]:
    """The arrangements of this work, locked in the order of their names."""
    wanted = set(work)
    rows = Arrangement.objects.select_for_update().filter(
        kind__in={kind for kind, _ in work}, key__in={key for _, key in work}
    )
    return [one for one in rows.order_by("kind", "key") if (one.kind, one.key) in wanted]


def _write(rows: Sequence[Arrangement], columns: Sequence[str]) -> None:
    """Insert or change these columns alone, in the order in which everybody locks them."""
    ordered = sorted(rows, key=lambda one: (one.kind, one.key))
    Arrangement.objects.bulk_create(
        ordered, update_conflicts=True, unique_fields=["kind", "key"], update_fields=list(columns)
    )


def _keep(
    work: Names,
    verb: WorkVerb,
    user: User,
    *,
    to: User | None = None,
    until: datetime | None = None,
    reason: str = "",
) -> None:
    WorkAct.objects.bulk_create(
        WorkAct(kind=kind, key=key, verb=verb, to=to, until=until, reason=reason, by=user) for kind, key in work
    )


def _number(key: str) -> int:
    if not key.isascii() or not key.isdigit() or len(key) > 18:
        raise Invalid("This is no question.", "Go back to the queue and tick it there.")
    return int(key)
