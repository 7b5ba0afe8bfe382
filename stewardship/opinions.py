"""Second opinions: people say what they think of a question, and whom they ask, before somebody decides it.

Nobody decides by an opinion. Whoever was asked sees what others said only after saying it themselves, so that two
opinions are two. Where opinions differ, deciding takes a reason.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.utils import timezone

from matching import verdicts
from matching.models import MatchCandidate
from mdm.cause import LONGEST_REASON
from mdm.compiled import prepared
from mdm.errors import Invalid
from mdm.retrying import atomic
from stewardship.models import Opinion, OpinionVerdict
from stewardship.permissions import may_decide
from stewardship.requests import person
from stewardship.workflow.recording import WAITING, open_question, require_reason

# How the opinions of a question stand, as the queue's filter names it: what is seen first stands first.
DIFFER, ASKED, AGREE, GIVEN = "differ", "asked", "agree", "given"
SIDES = frozenset({OpinionVerdict.SAME.value, OpinionVerdict.DIFFERENT.value})


@dataclass(frozen=True)
class Opinions:
    """What was said of a question, the oldest first, and who has yet to say it.

    ``shown``: whether the reader may see what others said; ``own`` is the reader's.
    """

    given: Sequence[Opinion] = ()
    owed: Sequence[Opinion] = ()
    own: Opinion | None = None
    shown: bool = True
    sides: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.given or self.owed)

    @property
    def only_given(self) -> "Opinions":
        """The same without those who never said anything, for a page about what is past."""
        return replace(self, owed=())

    @property
    def differ(self) -> bool:
        """Whether one says the same and another not."""
        return self.sides == SIDES

    @property
    def agree(self) -> bool:
        """Whether at least two spoke, all of them of one mind, and nobody is waited for."""
        return (
            len(self.given) > 1 and not self.owed and len(self.sides) == 1 == len({one.verdict for one in self.given})
        )


def standing(candidate: MatchCandidate) -> QuerySet[Opinion]:
    """The opinions of a question that stand, asked or given, the oldest first."""
    return (
        Opinion.objects.filter(candidate=candidate, withdrawn_at__isnull=True)
        .select_related("person", "asked_by")
        .order_by("pk")
    )


def of_question(candidate: MatchCandidate, reader: User | None = None, before: datetime | None = None) -> Opinions:
    """How the opinions of a question stand for whoever reads; ``before``: those given until then. Two queries."""
    rows = list(standing(candidate)) if _has_any(candidate) else []
    given = [one for one in rows if one.given_at and (before is None or one.given_at <= before)]
    own = next((one for one in rows if reader and one.person_id == reader.pk), None)
    return Opinions(
        given=sorted(given, key=lambda one: (one.given_at, one.pk)),
        owed=[one for one in rows if not one.given_at],
        own=own,
        shown=own is None or own.given_at is not None,
        sides=frozenset(one.verdict for one in given) & SIDES,
    )


def _has_any(candidate: MatchCandidate) -> bool:
    """Few questions have; the others are told apart in a tenth of the time."""
    with prepared() as cursor:
        cursor.execute("SELECT 1 FROM stewardship_opinion WHERE candidate_id = %s LIMIT 1", [candidate.pk])
        return cursor.fetchone() is not None


def owed_by(user: User, since: datetime, until: datetime) -> QuerySet[Opinion]:
    """What a person was asked between two moments and has not said, where the question still waits."""
    return Opinion.objects.filter(
        person=user,
        given_at__isnull=True,
        withdrawn_at__isnull=True,
        candidate__state__in=WAITING,
        asked_at__gt=since,
        asked_at__lte=until,
    ).select_related("asked_by", "candidate")


@atomic
def say(*, candidate_id: int, user: User, verdict: str = "", reason: str = "", ask: Sequence[str] = ()) -> str:
    """Say what one thinks of a question, ask colleagues (user names) what they think, or both. Decides nothing.

    The reason is kept with the own opinion, and shown to those who are asked where none is given. Saying it again
    replaces the own opinion, the one before is kept; asking somebody again changes nothing. Locks the question.
    Returns what was done in one sentence. Raises Invalid naming all mistakes, NotFound, WrongState (decided).
    """
    candidate, _ = open_question(candidate_id)
    words, people = reason.replace("\x00", "").replace("\r\n", "\n").strip(), _asked(ask)
    _require_fitting(verdict, words, ask, people, user)
    now, done = timezone.now(), []
    rows = {one.person_id: one for one in standing(candidate).select_for_update(of=("self",))}
    if verdict:
        _give(candidate, user, verdict, words, rows.get(user.pk), now)
        done.append(f"Kept: {OpinionVerdict(verdict).label.lower()}")
    fresh = [one for one in people if one.pk not in rows]
    note = "" if verdict else words
    Opinion.objects.bulk_create(
        Opinion(candidate=candidate, person=one, asked_by=user, asked_at=now, note=note) for one in fresh
    )
    verdicts.release(candidate_id=candidate.pk, by=person(user).name)
    if people:
        names = " and ".join(person(one).name for one in fresh)
        done.append(f"{names} asked" if fresh else "They were asked already")
    return "; ".join(done) + "."


def require_settled(candidate: MatchCandidate, reason: str) -> None:
    """Raise Invalid where opinions differ and the decision gives no reason. One query."""
    if of_question(candidate).differ:
        require_reason(reason, "Colleagues do not agree here, so say why you decide as you do.")


def _require_fitting(verdict: str, reason: str, names: Sequence[str], people: Sequence[User], user: User) -> None:
    problems = []
    if not verdict and not names:
        problems.append(("verdict", "Say what you think, or choose whom to ask."))
    if verdict and verdict not in OpinionVerdict.values:
        problems.append(("verdict", "Choose one of the three."))
    if len(reason) > LONGEST_REASON:
        problems.append(("reason", f"{len(reason):,} characters are too many: at most {LONGEST_REASON}."))
    known = {one.get_username() for one in people}
    problems += [("ask", f"There is nobody called {name}.") for name in names if name not in known]
    problems += [
        ("ask", f"{person(one).name} may not decide questions, so ask a steward or a domain owner.")
        for one in people
        if not may_decide(one)
    ]
    if user in people:
        problems.append(("ask", "You cannot ask yourself."))
    if problems:
        raise Invalid("Your opinion was not kept.", "Correct it and send it again.", problems)


def _asked(names: Sequence[str]) -> list[User]:
    wanted = [name for name in names if "\x00" not in name]
    return list(User.objects.filter(username__in=wanted, is_active=True).order_by("pk"))


def _give(
    candidate: MatchCandidate, user: User, verdict: str, reason: str, standing: Opinion | None, now: datetime
) -> None:
    if standing and not standing.given_at:
        standing.verdict, standing.reason, standing.given_at = verdict, reason, now
        standing.save(update_fields=["verdict", "reason", "given_at"])
        return
    if standing:
        standing.withdrawn_at = now
        standing.save(update_fields=["withdrawn_at"])
    Opinion.objects.create(candidate=candidate, person=user, verdict=verdict, reason=reason, given_at=now)
