"""The check of a list, some rows at a time: each time a transaction of its own, so that it goes on where it stopped.

Golden data and source records stay as they are.
"""

import time
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from itertools import islice
from uuid import UUID

from django.db import connection
from django.db.models import Count, F, Q, QuerySet
from django.utils import timezone

from mdm.errors import Invalid
from mdm.intake.lists import Targets, open_list, plan_of_list
from mdm.intake.readers import UnreadableFile
from mdm.intake.receiving import kept_at
from mdm.intake.surroundings import look_around
from mdm.nudge import nudge
from mdm.retrying import atomic
from stewardship.lists import comparing, judging
from stewardship.lists.keeping import CHECK, LEASE
from stewardship.models import CheckedList, CheckedRow, ListState, Outcome, Purpose

CHUNK = 200
SLICE = timedelta(seconds=20)  # then others in the queue have their turn
JUDGES = {Purpose.CHECK: judging.judge, Purpose.CHANGE: comparing.judge}


class Overtaken(Exception):
    """The list was changed, cancelled or taken away, or another worker has it."""


def check(list_id: UUID | str) -> str:
    """Check a list that waits, for a while; its state afterwards, blank where there is none or another worker has it.

    What is left goes on with the next call. Repeating it is harmless: a row is judged once.
    """
    one = _claim(list_id)
    if one is None:
        return ""
    try:
        done = _check_for_a_while(one)
    except Overtaken:
        return ""
    except (UnreadableFile, Invalid) as error:
        problem = "; ".join(message for _, message in getattr(error, "problems", ())) or error.message
        return _end(one, ListState.FAILED, problem=problem, way_out=error.way_out)
    if done:
        _compare_rows(one)
        return _end(one, ListState.CHECKED)
    _mine(one).update(state=ListState.ASKED)
    nudge(CHECK, str(one.pk), queue="import")
    return ListState.ASKED


def _claim(list_id: UUID | str) -> CheckedList | None:
    now = timezone.now()
    due = Q(state=ListState.ASKED) | Q(state=ListState.RUNNING, heartbeat_at__lt=now - LEASE)
    free = CheckedList.objects.filter(due, pk=list_id)
    if not free.update(state=ListState.RUNNING, heartbeat_at=now, turn=F("turn") + 1):
        return None
    return CheckedList.objects.filter(pk=list_id).first()


def _mine(one: CheckedList) -> QuerySet[CheckedList]:
    return CheckedList.objects.filter(pk=one.pk, state=ListState.RUNNING, turn=one.turn)


def _check_for_a_while(one: CheckedList) -> bool:
    """Whether the end of the file was reached. Raises Overtaken, UnreadableFile, Invalid."""
    until = time.monotonic() + SLICE.total_seconds()
    plan = plan_of_list(one.document, look_around())
    known: Targets = {}
    judged = JUDGES[Purpose(one.purpose)]
    with open_list(kept_at(one.stored_at), plan) as rows:
        ahead = (row for row in rows if row.line > one.last_line)
        while chunk := list(islice(ahead, CHUNK)):
            _keep(one, judged(one, plan, chunk, known), chunk[-1].line)
            if time.monotonic() > until:
                return next(ahead, None) is None
    return True


@atomic
def _keep(one: CheckedList, rows: Sequence[CheckedRow], last_line: int) -> None:
    """Keep what was found out, with how far it has come. Raises Overtaken."""
    held = _mine(one).select_for_update().first()
    if held is None:
        raise Overtaken
    for row in rows:
        row.of = held
    CheckedRow.objects.bulk_create(rows)
    held.counts = dict(Counter(held.counts) + _counted(rows))
    held.rows_done, held.last_line, held.heartbeat_at = held.rows_done + len(rows), last_line, timezone.now()
    held.save(update_fields=["counts", "rows_done", "last_line", "heartbeat_at"])


def _counted(rows: Sequence[CheckedRow]) -> Counter[str]:
    counts: Counter[str] = Counter(row.outcome for row in rows)
    counts["errors"] = sum(bool(row.problems) for row in rows)
    counts["warnings"] = sum(bool(row.warnings) for row in rows)
    return counts


@atomic
def _compare_rows(one: CheckedList) -> None:
    """What rows of one list have to do with each other is known when all are there."""
    held = _mine(one).select_for_update().first()
    if held is None:
        return
    with connection.cursor() as cursor:
        for statement in TOGETHER[Purpose(held.purpose)]:
            cursor.execute(statement, {"list": one.pk})
    held.counts = recount(held)
    held.save(update_fields=["counts"])


def recount(one: CheckedList) -> dict[str, int]:
    """The counts of its rows as they are now: of each outcome, of errors, remarks and repetitions. One query."""
    wanted = {outcome.value: Count("pk", filter=Q(outcome=outcome)) for outcome in Outcome}
    wanted["errors"] = Count("pk", filter=~Q(problems=[]))
    wanted["warnings"] = Count("pk", filter=~Q(warnings=[]))
    wanted["repeated"] = Count("pk", filter=Q(same_as__isnull=False) | Q(shares__isnull=False))
    return {name: number for name, number in one.rows.aggregate(**wanted).items() if number}


_SAME = """
UPDATE stewardship_checkedrow AS later SET same_as = earlier.line
FROM (
  SELECT id, min(line) OVER (PARTITION BY digest) AS line FROM stewardship_checkedrow WHERE of_id = %(list)s
) earlier
WHERE later.id = earlier.id AND later.line > earlier.line
"""
_SHARES = """
UPDATE stewardship_checkedrow AS later SET shares = earlier.line
FROM (
  SELECT id, min(line) OVER (PARTITION BY found->0->>'record') AS line FROM stewardship_checkedrow
  WHERE of_id = %(list)s AND outcome = 'known'
) earlier
WHERE later.id = earlier.id AND later.line > earlier.line AND later.same_as IS NULL
"""
# Which of them is meant nobody can know, so none is proposed.
_RIVALS = """
UPDATE stewardship_checkedrow AS row SET outcome = 'wrong', problems = row.problems || jsonb_build_array(
  jsonb_build_array('', 'Rows ' || twice.lines || ' change the same record: say it in one row.'))
FROM (
  SELECT record_id, string_agg(line::text, ', ' ORDER BY line) AS lines FROM stewardship_checkedrow
  WHERE of_id = %(list)s AND outcome IN ('changed', 'beside') GROUP BY record_id HAVING count(*) > 1
) twice
WHERE row.of_id = %(list)s AND row.record_id = twice.record_id AND row.outcome IN ('changed', 'beside')
"""
TOGETHER = {Purpose.CHECK: (_SAME, _SHARES), Purpose.CHANGE: (_RIVALS,)}


def _end(one: CheckedList, state: ListState, **columns: str) -> str:
    ended = _mine(one).update(state=state, ended_at=timezone.now(), **columns)
    return state if ended else ""
