"""A person's decisions of the day, newest first, each with what can be taken back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.contrib.auth.models import User
from django.utils import timezone

from mdm.errors import MdmError
from mdm.models import Merge
from stewardship import review, workflow
from stewardship.models import Decision, Verb
from stewardship.workflow import UNDOABLE

HOURS = 12
MOST = 500


@dataclass(frozen=True)
class Line:
    """One decision in words. ``standing``: it can be undone; ``undone``: it was."""

    decision: Decision
    told: str
    standing: bool
    undone: bool


@dataclass(frozen=True)
class Undone:
    """What undoing back to a point did: how many decisions, and why others were not."""

    number: int
    problems: Sequence[str]


def lines(user: User) -> list[Line]:
    """The decisions of the last twelve hours, newest first. Three queries."""
    made = list(
        Decision.objects.filter(decided_by=user, decided_at__gte=timezone.now() - timedelta(hours=HOURS))
        .exclude(verb=Verb.UNDO)
        .select_related("undone_by", "candidate")
        .order_by("-decided_at", "-pk")[:MOST]
    )
    merges = {merge for decision in made for merge in decision.merges}
    alive = {str(pk) for pk in Merge.objects.filter(pk__in=merges, undone_at=None).values_list("pk", flat=True)}
    return [_line(decision, alive) for decision in made]


def undo_back_to(*, decision_id: UUID, user: User) -> Undone:
    """Undo the person's decisions of the day from the newest back to this one, each in its own transaction.

    What cannot be undone is named and the rest goes on. Repeats without effect.
    """
    number, problems = 0, []
    for line in lines(user):
        if line.standing:
            try:
                workflow.undo(decision_id=line.decision.pk, user=user)
                number += 1
            except MdmError as error:
                problems.append(f"{line.told} {error.message}")
        if line.decision.pk == decision_id:
            break
    return Undone(number, problems)


def _line(decision: Decision, alive: set[str]) -> Line:
    # A merge stands while one of its merges does; an unmerge, while none of those it took back was made again.
    stood = bool(alive & set(decision.merges)) != (decision.verb == Verb.UNMERGE)
    undone = hasattr(decision, "undone_by") or bool(decision.merges and not stood)
    standing = decision.verb in UNDOABLE and not undone
    return Line(decision, review.told(decision) if decision.records else decision.get_verb_display(), standing, undone)
