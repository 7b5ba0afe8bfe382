"""Rows in quarantine made ready for people: every reason beside its cell, and the mistakes many rows share."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Count, F, Func, QuerySet, TextField, Value
from django.db.models.functions import Coalesce

from mdm.domains import BY_NAME
from mdm.intake.feeds import plan_of
from mdm.intake.mapping import Mapped, map_row
from mdm.intake.readers import RawRow
from mdm.models import Batch, Feed, RowState, SourceRow
from mdm.queries import MASK
from mdm.spec import Attribute, Exposure

ALIKE_SHOWN = 12
ALIKE_AT_ONCE = 500
LONG = 80  # characters from which a cell is a text of several lines

SHARED = """
SELECT reason->>'column' AS wrong, coalesce(row.mended_cells, row.cells)->>(reason->>'column') AS held,
       count(DISTINCT row.id) AS number
FROM mdm_sourcerow row, jsonb_array_elements(row.problems) AS reason
WHERE row.batch_id = %s AND row.state = 'quarantined' AND reason->>'column' <> ''
GROUP BY wrong, held HAVING count(DISTINCT row.id) > 1
ORDER BY number DESC, wrong, held LIMIT %s
"""


@dataclass(frozen=True)
class Reason:
    """One thing wrong with a row; ``column`` is "" for the row as a whole, ``label`` the business word for it."""

    column: str
    label: str
    value: str
    message: str
    way_out: str


@dataclass(frozen=True)
class Cell:
    """One cell as a form field. A ``hidden`` cell is not shown; what is typed into it replaces it."""

    column: str
    label: str
    value: str
    reasons: Sequence[Reason]
    hidden: bool

    @property
    def is_long(self) -> bool:
        """Whether the value needs more than one line."""
        return len(self.value) > LONG or "\n" in self.value


@dataclass(frozen=True)
class BadRow:
    """A row in quarantine: all reasons, the wrong cells first, and its text verbatim ("" where it holds secrets)."""

    row: SourceRow
    batch: Batch
    reasons: Sequence[Reason]
    wrong: Sequence[Cell]
    others: Sequence[Cell]
    raw: str

    @property
    def is_open(self) -> bool:
        """Whether it still waits."""
        return bool(self.row.state == RowState.QUARANTINED)


@dataclass(frozen=True)
class Shared:
    """One value of one column that is wrong in many rows of a file."""

    column: str
    label: str
    value: str
    number: int


def waiting(batch: Batch | None = None) -> QuerySet[SourceRow]:
    """Rows in quarantine, of one file or of all, newest file first, in file order."""
    rows = SourceRow.objects.filter(state=RowState.QUARANTINED)
    if batch is not None:
        return rows.filter(batch=batch).order_by("line")
    return rows.select_related("batch__feed__system").order_by("-batch_id", "line")


def described(row: SourceRow, batch: Batch) -> BadRow:
    """The row for its page. No query."""
    labels, hidden = column_labels(batch.feed), hidden_columns(batch.feed)
    reasons = [reason(one, labels, hidden) for one in row.problems]
    held: Mapping[str, Any] = {**(row.cells or {}), **(row.mended_cells or {})}
    columns = [*(str(name) for name in batch.header if name in held), *(n for n in held if n not in batch.header)]
    cells = [
        Cell(
            column=column,
            label=labels.get(column, ""),
            value="" if column in hidden else str(held[column] or ""),
            reasons=[reason for reason in reasons if reason.column == column],
            hidden=column in hidden,
        )
        for column in columns
    ]
    return BadRow(
        row=row,
        batch=batch,
        reasons=reasons,
        wrong=[cell for cell in cells if cell.reasons],
        others=[cell for cell in cells if not cell.reasons],
        raw="" if hidden else row.raw,
    )


def reason(problem: Mapping[str, str], labels: Mapping[str, str], hidden: frozenset[str]) -> Reason:
    """One problem as the intake words it, with the business word for its column; restricted values are masked."""
    column, value, message = problem.get("column", ""), problem.get("value", ""), problem.get("message", "")
    if column in hidden and value:
        message, value = message.replace(value, MASK), MASK
    return Reason(column, labels.get(column, column), value, message, problem.get("way_out", ""))


def by_feed() -> list[tuple[str, str, int]]:
    """(code, title, rows waiting) of every feed with rows in quarantine, by title. One query."""
    rows = SourceRow.objects.filter(state=RowState.QUARANTINED).values_list("batch__feed__code", "batch__feed__title")
    return list(rows.annotate(number=Count("pk")).order_by("batch__feed__title"))


def shared(batch: Batch) -> list[Shared]:
    """The values that are wrong in more than one row, most frequent first; hidden columns are left out. One query."""
    labels, hidden = column_labels(batch.feed), hidden_columns(batch.feed)
    with connection.cursor() as cursor:
        cursor.execute(SHARED, [batch.pk, ALIKE_SHOWN])
        found = cursor.fetchall()
    return [
        Shared(column, labels.get(column, column), value or "", number)
        for column, value, number in found
        if column not in hidden
    ]


def alike(batch: Batch, column: str, value: str) -> QuerySet[SourceRow]:
    """Rows of the file in quarantine for this column that hold exactly this value there, in file order."""
    held = Func(
        Coalesce(F("mended_cells"), F("cells")),
        Value(column),
        function="jsonb_extract_path_text",
        output_field=TextField(),
    )
    rows = waiting(batch).filter(problems__contains=[{"column": column}])
    nothing = Value("", output_field=TextField())
    return rows.annotate(held=Coalesce(held, nothing)).filter(held=value)


def tried(batch: Batch, rows: Sequence[SourceRow], cells: Mapping[str, str]) -> list[tuple[SourceRow, Mapped]]:
    """What would become of these rows with these cells in place of their own. Nothing is stored.

    Raises Invalid where the feed is no longer usable.
    """
    plan = plan_of(batch.feed)
    return [
        (row, map_row(plan, RawRow(row.line, row.raw, {**(row.cells or {}), **(row.mended_cells or {}), **cells})))
        for row in rows
    ]


# ---- what the feed says about a column -----------------------------------------------------------


def column_labels(feed: Feed) -> dict[str, str]:
    """{column of the file: what the hub calls it}."""
    return {column: label for column, label, _attribute in _mapped_columns(feed)}


def hidden_columns(feed: Feed) -> frozenset[str]:
    """Columns whose values are restricted: pages show neither them nor the raw line they stand in."""
    return frozenset(
        column for column, _label, attribute in _mapped_columns(feed) if attribute.exposure is Exposure.RESTRICTED
    )


def _mapped_columns(feed: Feed) -> Iterator[tuple[str, str, Attribute]]:
    domain, definition = BY_NAME[feed.domain], feed.definition
    part = next((part for part in domain.parts if part.name == feed.part), None)
    own = {attribute.name: attribute for attribute in (part.attributes if part else domain.attributes)}
    yield from _named(own, definition.get("attributes", {}), "")
    for one in () if part else domain.parts:
        known = {attribute.name: attribute for attribute in one.attributes}
        for row in definition.get("parts", {}).get(one.name, []):
            yield from _named(known, row, f"{one.one}: ")


def _named(
    known: Mapping[str, Attribute], given: Mapping[str, Any], prefix: str
) -> Iterator[tuple[str, str, Attribute]]:
    for name, source in given.items():
        if name not in known:
            continue
        table = {"column": source} if isinstance(source, str) else source
        columns = table.get("columns", [table["column"]] if "column" in table else [])
        for column in columns:
            yield str(column), prefix + known[name].label, known[name]
