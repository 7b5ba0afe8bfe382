"""What was found out about a list, for its page and for the file people take away."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from mdm.domains import BY_NAME
from mdm.intake.readers import Dialect, Reading, read
from mdm.intake.receiving import kept_at
from stewardship import showing
from stewardship.drafting import dialect_of
from stewardship.lists import changes
from stewardship.lists.checking import recount
from stewardship.lists.keeping import LEASE
from stewardship.models import CheckedList, CheckedRow, ListState, Outcome, Purpose
from stewardship.models.lists import ACTING, BEING_CHECKED

PAGE = 50
STEP = 1000
Kinds = Mapping[str, tuple[str, Q]]
ALL = {"all": ("All rows", Q())}
# name in the address -> label of the filter, and which rows
CHECKED: Kinds = {
    **ALL,
    "errors": ("With errors", ~Q(problems=[])),
    "known": ("There already", Q(outcome=Outcome.KNOWN)),
    "unsure": ("May be there", Q(outcome=Outcome.UNSURE)),
    "new": ("New", Q(outcome=Outcome.NEW)),
    "warnings": ("With remarks", ~Q(warnings=[])),
    "repeated": ("Twice in the list", Q(same_as__isnull=False) | Q(shares__isnull=False)),
}
CHANGES: Kinds = {
    **ALL,
    **{one.value: (str(one.label), Q(outcome=one)) for one in (*changes.BEFORE, *changes.AFTER)},
    "warnings": ("With remarks", ~Q(warnings=[])),
}
MARK = "Check: "
COLUMNS = ("row", "errors", "remarks", "result", "record", "name of the record", "score", "why", "others")


def kinds(one: CheckedList) -> Kinds:
    """The kinds of rows a list is looked at by."""
    return CHANGES if one.purpose == Purpose.CHANGE else CHECKED


def figures(one: CheckedList) -> list[dict[str, Any]]:
    """The counts on top; each leads to its rows."""
    if one.purpose == Purpose.CHANGE:
        return changes.figures(one)
    counts = one.counts
    errors, repeated = counts.get("errors", 0), counts.get("repeated", 0)
    return [
        {"label": "Rows", "value": one.rows_done, "href": "?show=all"},
        {"label": "With errors", "value": errors, "href": "?show=errors", "tone": "danger" if errors else "",
         "note": "each with every reason" if errors else "every row can be read"},
        {"label": "There already", "value": counts.get("known", 0), "href": "?show=known",
         "note": "would join a record"},
        {"label": "May be there", "value": counts.get("unsure", 0), "href": "?show=unsure",
         "tone": "warn" if counts.get("unsure") else "", "note": "a person would be asked"},
        {"label": "New", "value": counts.get("new", 0), "href": "?show=new", "note": "resemble no record"},
        {"label": "Twice in the list", "value": repeated, "href": "?show=repeated", "tone": "warn" if repeated else "",
         "note": "say or mean the same"},
    ]  # fmt: skip


def facets(one: CheckedList, show: str) -> list[dict[str, Any]]:
    """The filters of the rows with their counts."""
    counts = {**one.counts, "all": one.rows_done}
    return [
        {"label": label, "href": f"?show={name}", "current": name == show, "count": counts.get(name, 0)}
        for name, (label, _) in kinds(one).items()
        if counts.get(name) or name == show or one.purpose == Purpose.CHECK
    ]


def rows(one: CheckedList, show: str, after: int) -> list[CheckedRow]:
    """The rows of one kind behind a line, in the order of the file: a page, and one more where there is more."""
    found: QuerySet[CheckedRow] = one.rows.filter(kinds(one)[show][1], line__gt=after).select_related("record")
    return list(found.order_by("line")[: PAGE + 1])


def with_links(one: CheckedList, found: Sequence[CheckedRow]) -> list[dict[str, Any]]:
    """Rows ready for the table: the records found or named, each with its address, and what would change."""
    lines = changes.lines_of(one, found) if one.purpose == Purpose.CHANGE else {}
    return [
        {
            "row": row,
            "found": [{**alike, "href": showing.record_address(alike["domain"], alike["code"])} for alike in row.found],
            "href": showing.record_address(row.record.domain, row.record.code) if row.record else "",
            "changes": lines.get(row.pk, []),
        }
        for row in found
    ]


def progress(one: CheckedList) -> dict[str, Any]:
    """How far the check has come, for ``partials/progress.html``."""
    ended = one.state not in BEING_CHECKED
    return {
        "title": "Checking every row",
        "done": one.rows_done,
        "total": one.rows_done if ended else max(one.rows_expected, one.rows_done) or None,
        "note": f"{one.rows_done:,} rows checked" if one.rows_done else "Waiting for a worker",
        "steps": [
            {"label": "File kept", "state": "done"},
            {"label": "Every row checked", "state": "done" if ended else "now"},
        ],
    }


def act(one: CheckedList) -> dict[str, Any]:
    """How far proposing or withdrawing has come, for ``partials/progress.html``. One query."""
    counts = recount(one)
    back = one.state in (ListState.WITHDRAWING, ListState.WITHDRAWN)
    wanted = (Outcome.CHANGED, Outcome.BESIDE) if one.beside else (Outcome.CHANGED,)
    left = sum(counts.get(outcome.value, 0) for outcome in ((Outcome.PROPOSED,) if back else wanted))
    ended = (Outcome.WITHDRAWN, Outcome.DECIDED) if back else (Outcome.PROPOSED, Outcome.FAILED)
    done = sum(counts.get(outcome.value, 0) for outcome in ended)
    return {
        "title": "Withdrawing" if back else "Proposing",
        "done": done,
        "total": left + done,
        "note": f"{done:,} of {left + done:,}",
        "steps": [
            {"label": "Every row checked", "state": "done"},
            {"label": "Withdrawn" if back else "Proposed", "state": "now"},
        ],
    }


def waits_long(one: CheckedList) -> bool:
    """Whether no worker has taken it up for so long that an operator should hear of it."""
    at_rest = one.state == ListState.ASKED or one.state in ACTING
    return at_rest and timezone.now() - (one.heartbeat_at or one.created_at) > LEASE


def _opened(one: CheckedList) -> Reading:
    dialect: Dialect = dialect_of(one.document)
    return read(kept_at(one.stored_at), dialect)


def annotated(one: CheckedList, show: str = "all") -> tuple[list[str], Iterator[list[Any]]]:
    """The columns of the list as it came, and its rows of one kind with what was found out; in flat memory."""
    with _opened(one) as reading:
        header = list(reading.header)
    added = changes.COLUMNS if one.purpose == Purpose.CHANGE else COLUMNS
    return [*header, *(MARK + name for name in added)], _annotated(one, header, kinds(one)[show][1])


def _annotated(one: CheckedList, header: Sequence[str], wanted: Q) -> Iterator[list[Any]]:
    with _opened(one) as reading:
        raw = iter(reading)
        while chunk := list(islice(raw, STEP)):
            among = one.rows.filter(wanted, line__gte=chunk[0].line, line__lte=chunk[-1].line)
            known = {row.line: row for row in among.select_related("record")}
            lines = changes.lines_of(one, list(known.values())) if one.purpose == Purpose.CHANGE else {}
            for row in chunk:
                checked = known.get(row.line)
                if checked is not None:  # of another kind, or the check was cancelled before
                    cells = (row.cells.get(name, "") for name in header)
                    own = lines.get(checked.pk)
                    yield [*cells, *(_told(checked) if own is None else changes.told(checked, own, said))]


def _told(row: CheckedRow) -> list[Any]:
    best = row.found[0] if row.found else {}
    others = "; ".join(f"{one['code']} {one['title']} ({one['score']})" for one in row.found[1:])
    return [
        row.line, said(row.problems), said([*row.warnings, *(["", text] for text in remarks(row))]),
        row.get_outcome_display(), best.get("code", ""), best.get("title", ""), best.get("score", ""),
        best.get("sentence", ""), others,
    ]  # fmt: skip


def said(notes: Sequence[Sequence[str]]) -> str:
    """Notes of a row in one text, each with its column."""
    return "; ".join(f"{column}: {text}" if column else text for column, text in notes)


def remarks(row: CheckedRow) -> list[str]:
    """What a row has to do with others of its list."""
    found = [f"Row {row.same_as} of the list says the same."] if row.same_as else []
    return found + ([f"Row {row.shares} of the list means the same record."] if row.shares else [])


def domain_label(one: CheckedList) -> str:
    """What the rows are, in words."""
    domain = BY_NAME.get(str(one.document.get("domain", "")))
    return domain.plural if domain else ""
