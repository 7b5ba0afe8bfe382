"""What is wrong with each row of a list, and which records it may mean. Reads only."""

from collections.abc import Sequence
from itertools import islice

from matching.searching import Searched
from matching.searching_many import search_many
from mdm import canonical
from mdm.domains import BY_NAME
from mdm.intake.lists import LINE, Targets, read_row, resolve
from mdm.intake.mapping import Mapped
from mdm.intake.plan import Plan
from mdm.intake.readers import RawRow
from mdm.masking import MASK
from mdm.spec import Exposure
from mdm.values import title_of
from stewardship.models import CheckedList, CheckedRow, Outcome

FOUND = 3
MOST_NOTES = 40  # of one row; a row of a wrong file may have hundreds
LONGEST_NOTE = 400
OUTCOMES = {"auto": Outcome.KNOWN, "review": Outcome.UNSURE, "new": Outcome.NEW}


def judge(one: CheckedList, plan: Plan, rows: Sequence[RawRow], known: Targets) -> list[CheckedRow]:
    """What is wrong with each row and what it would be, in order. A few queries for all of them."""
    chunk = [read_row(plan, row) for row in rows]
    resolve(plan, chunk, known)
    domain = BY_NAME[plan.domain]
    searched = search_many(domain, [(row.values, row.parts) for row in chunk], limit=FOUND)
    hidden = _restricted_columns(plan)
    return [
        CheckedRow(
            line=row.line,
            title=title_of(domain, row.values, _first_text(row, hidden))[:200],
            outcome=OUTCOMES[found.band],
            problems=notes(row.problems, hidden),
            warnings=notes(row.warnings, hidden),
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


def notes(given: Sequence[dict[str, str]], hidden: frozenset[str] = frozenset()) -> list[list[str]]:
    """[[column, sentence]], each sentence once."""
    said: dict[tuple[str, str], None] = {}
    for note in given:
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
