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
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from matching.searching import Searched
from matching.searching_many import search_many
from mdm import canonical
from mdm.domains import BY_NAME
from mdm.errors import Invalid
from mdm.intake.lists import LINE, Targets, opened_list, plan_of_list, resolve
from mdm.intake.mapping import Mapped
from mdm.intake.plan import Plan
from mdm.intake.readers import UnreadableFile
from mdm.intake.receiving import kept_at
from mdm.intake.surroundings import look_around
from mdm.masking import MASK
from mdm.nudge import nudge
from mdm.retrying import atomic
from mdm.spec import Exposure
from mdm.values import title_of
from stewardship.lists.keeping import CHECK, LEASE
from stewardship.models import CheckedList, CheckedRow, ListState, Outcome

CHUNK = 200
SLICE = timedelta(seconds=20)  # then others in the queue have their turn
FOUND = 3
MOST_NOTES = 40  # of one row; a row of a wrong file may have hundreds
LONGEST_NOTE = 400
OUTCOMES = {"auto": Outcome.KNOWN, "review": Outcome.UNSURE, "new": Outcome.NEW}


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
    with opened_list(kept_at(one.stored_at), plan) as (_, rows):
        ahead = (row for row in rows if row.line > one.last_line)
        while chunk := list(islice(ahead, CHUNK)):
            _keep(one, _judged(plan, chunk, known), chunk[-1].line)
            if time.monotonic() > until:
                return next(ahead, None) is None
    return True


def _judged(plan: Plan, chunk: Sequence[Mapped], known: Targets) -> list[CheckedRow]:
    """What is wrong with each row and what it would be. A few queries for all of them; writes nothing."""
    resolve(plan, chunk, known)
    domain = BY_NAME[plan.domain]
    searched = search_many(domain, [(row.values, row.parts) for row in chunk], limit=FOUND)
    hidden = _restricted_columns(plan)
    return [
        CheckedRow(
            line=row.line,
            title=title_of(domain, row.values, _first_text(row, hidden))[:200],
            outcome=OUTCOMES[found.band],
            problems=_notes(row.problems, hidden),
            warnings=_notes(row.warnings, hidden),
            found=_found(plan.domain, found),
            digest=canonical.digest([row.values, row.parts] if row.values else row.raw)[:32],
        )
        for row, found in zip(chunk, searched, strict=True)
    ]


def _first_text(row: Mapped, hidden: frozenset[str]) -> str:
    texts = (" ".join(str(text).split()) for name, text in row.cells.items() if name != LINE and name not in hidden)
    return next((text for text in texts if text), "")


def _restricted_columns(plan: Plan) -> frozenset[str]:
    """Columns whose values nobody but the list's owner is to read."""
    domain = BY_NAME[plan.domain]
    parts = {part.name: part.attributes for part in domain.parts}
    secret = {("", a.name) for a in domain.attributes if a.exposure is Exposure.RESTRICTED}
    secret |= {(name, a.name) for name, own in parts.items() for a in own if a.exposure is Exposure.RESTRICTED}
    cells = [("", cell) for cell in plan.cells] + [(part.part, cell) for part in plan.parts for cell in part.cells]
    return frozenset(column for part, cell in cells if (part, cell.attribute) in secret for column in cell.columns)


def _notes(notes: Sequence[dict[str, str]], hidden: frozenset[str]) -> list[list[str]]:
    """[[column, sentence]], each sentence once."""
    said: dict[tuple[str, str], None] = {}
    for note in notes:
        text = note["message"]
        if note["column"] in hidden and note["value"]:
            text = text.replace(note["value"], MASK)
        column = "" if note["column"] == LINE else note["column"]
        said[column, text[:LONGEST_NOTE]] = None
    return [list(one) for one in islice(said, MOST_NOTES)]


def _found(domain: str, searched: Searched) -> list[dict[str, object]]:
    return [
        {
            "record": str(one.record),
            "code": one.code,
            "title": one.title[:300],
            "domain": domain,
            "score": round(one.score.probability, 4),
            "band": one.band,
            "sentence": one.sentence,
        }
        for one in searched.likely
    ]


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


# What rows of one list have to do with each other is known when all are there.
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


@atomic
def _compare_rows(one: CheckedList) -> None:
    held = _mine(one).select_for_update().first()
    if held is None:
        return
    with connection.cursor() as cursor:
        cursor.execute(_SAME, {"list": one.pk})
        cursor.execute(_SHARES, {"list": one.pk})
    repeated = CheckedRow.objects.filter(of=held).filter(Q(same_as__isnull=False) | Q(shares__isnull=False))
    held.counts = {**held.counts, "repeated": repeated.count()}
    held.save(update_fields=["counts"])


def _end(one: CheckedList, state: ListState, **columns: str) -> str:
    ended = _mine(one).update(state=state, ended_at=timezone.now(), **columns)
    return state if ended else ""
