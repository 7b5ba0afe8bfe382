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
from stewardship.lists.keeping import LEASE
from stewardship.models import CheckedList, CheckedRow, ListState, Outcome
from stewardship.models.lists import UNDER_WAY

PAGE = 50
STEP = 1000
SHOWN: Mapping[str, tuple[str, Q]] = {
    # name in the address -> label of the filter, and which rows
    "all": ("All rows", Q()),
    "errors": ("With errors", ~Q(problems=[])),
    "known": ("There already", Q(outcome=Outcome.KNOWN)),
    "unsure": ("May be there", Q(outcome=Outcome.UNSURE)),
    "new": ("New", Q(outcome=Outcome.NEW)),
    "warnings": ("With remarks", ~Q(warnings=[])),
    "repeated": ("Twice in the list", Q(same_as__isnull=False) | Q(shares__isnull=False)),
}
MARK = "Check: "
COLUMNS = ("row", "errors", "remarks", "result", "record", "name of the record", "score", "why", "others")


def figures(one: CheckedList) -> list[dict[str, Any]]:
    """The counts on top; each leads to its rows."""
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
        for name, (label, _) in SHOWN.items()
    ]


def rows(one: CheckedList, show: str, after: int) -> list[CheckedRow]:
    """The rows of one kind behind a line, in the order of the file: a page, and one more where there is more."""
    found: QuerySet[CheckedRow] = one.rows.filter(SHOWN[show][1], line__gt=after)
    return list(found.order_by("line")[: PAGE + 1])


def with_links(found: Sequence[CheckedRow]) -> list[dict[str, Any]]:
    """Rows ready for the table: the records found, each with its address."""
    return [
        {
            "row": row,
            "found": [{**one, "href": showing.record_address(one["domain"], one["code"])} for one in row.found],
        }
        for row in found
    ]


def progress(one: CheckedList) -> dict[str, Any]:
    """How far the check has come, for ``partials/progress.html``."""
    ended = one.state == ListState.CHECKED
    return {
        "done": one.rows_done,
        "total": one.rows_done if ended else max(one.rows_expected, one.rows_done) or None,
        "note": f"{one.rows_done:,} rows checked" if one.rows_done else "Waiting for a worker",
        "steps": [
            {"label": "File kept", "state": "done"},
            {"label": "Every row checked", "state": "done" if ended else "now" if one.state in UNDER_WAY else "failed"},
        ],
    }


def waits_long(one: CheckedList) -> bool:
    """Whether no worker has taken it up for so long that an operator should hear of it."""
    return one.state == ListState.ASKED and timezone.now() - (one.heartbeat_at or one.created_at) > LEASE


def _opened(one: CheckedList) -> Reading:
    dialect: Dialect = dialect_of(one.document)
    return read(kept_at(one.stored_at), dialect)


def annotated(one: CheckedList) -> tuple[list[str], Iterator[list[Any]]]:
    """The columns and rows of the list as it came, each row with what was found out; in flat memory."""
    with _opened(one) as reading:
        header = list(reading.header)
    return [*header, *(MARK + name for name in COLUMNS)], _annotated(one, header)


def _annotated(one: CheckedList, header: Sequence[str]) -> Iterator[list[Any]]:
    with _opened(one) as reading:
        raw = iter(reading)
        while chunk := list(islice(raw, STEP)):
            lines = [row.line for row in chunk]
            known = {row.line: row for row in one.rows.filter(line__gte=lines[0], line__lte=lines[-1])}
            for row in chunk:
                checked = known.get(row.line)
                if checked is not None:  # a check that was cancelled ends before the file does
                    yield [*(row.cells.get(name, "") for name in header), *_told(checked)]


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
