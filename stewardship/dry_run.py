"""A decision carried out in earnest and rolled back: what it would write and send, or why it would fail."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.db import DatabaseError, connection, transaction

from mdm.errors import Invalid, MdmError, Stale
from mdm.models import ChangeEvent
from stewardship.models import Decision


@dataclass(frozen=True)
class Sent:
    """One event the decision would send."""

    code: str
    title: str
    verb: str
    version: int
    changed: Sequence[str]
    outward: bool


@dataclass(frozen=True)
class Outcome:
    """What a dry run found: events in their order, what was ruled out, or why it would be refused."""

    events: Sequence[Sent] = ()
    non_matches: int = 0
    problems: Sequence[str] = ()


def rehearse(act: Callable[[], Decision]) -> Outcome:
    """Run the act with every check of the database, then take all of it back. Writes nothing, wakes nobody."""
    try:
        with transaction.atomic():
            decision = act()
            with connection.cursor() as cursor:
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            found = Outcome(_events(decision), len(decision.non_matches))
            transaction.set_rollback(True)
            return found
    except Invalid as invalid:
        return Outcome(problems=[problem for _, problem in invalid.problems] or [invalid.message])
    except Stale as stale:
        return Outcome(problems=[f"{stale.message} {stale.way_out}"])
    except MdmError as error:
        return Outcome(problems=[f"{error.message} {error.way_out}".strip()])
    except DatabaseError as error:
        return Outcome(problems=[f"The database refuses it: {str(error).splitlines()[0]}"])


def _events(decision: Decision) -> list[Sent]:
    written = ChangeEvent.objects.filter(correlation_id=decision.correlation_id).select_related("record").order_by("pk")
    return [
        Sent(event.record.code, event.record.title, event.verb, event.version, event.changed, event.outward)
        for event in written
    ]
