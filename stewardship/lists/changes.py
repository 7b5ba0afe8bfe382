"""A list of changes for its page and for the file people take away: before and after in words."""

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from mdm.domains import BY_NAME
from mdm.filters.fields import uuid_or_none
from mdm.mastering.compose import extension_attributes
from mdm.queries.values import references_to
from mdm.spec import Attribute, Kind
from stewardship import showing
from stewardship.models import CheckedList, CheckedRow, Outcome

COLUMNS = ("row", "result", "record", "name of the record", "changes", "errors", "remarks", "change request")
# name in the address -> label, what it means; the first are told before, the rest after proposing
BEFORE = {
    Outcome.CHANGED: "differs from the record",
    Outcome.BESIDE: "somebody proposed a value",
    Outcome.SAME: "the record says so already",
    Outcome.WRONG: "each with every reason",
}
AFTER = {
    Outcome.PROPOSED: "waits for a colleague",
    Outcome.FAILED: "each with its reason",
    Outcome.DECIDED: "too late to withdraw",
    Outcome.WITHDRAWN: "will not take effect",
}
TONES = {Outcome.WRONG: "danger", Outcome.FAILED: "danger", Outcome.BESIDE: "warn"}


def figures(one: CheckedList) -> list[dict[str, Any]]:
    """The counts on top; each leads to its rows."""
    counts = one.counts
    found = [{"label": "Rows", "value": one.rows_done, "href": "?show=all", "tone": "", "note": ""}]
    for outcome, note in {**BEFORE, **AFTER}.items():
        number = counts.get(outcome.value, 0)
        if number or outcome in (Outcome.CHANGED, Outcome.SAME, Outcome.WRONG):
            tone = TONES.get(outcome, "") if number else ""
            found.append(
                {
                    "label": str(outcome.label),
                    "value": number,
                    "href": f"?show={outcome.value}",
                    "tone": tone,
                    "note": note,
                }
            )
    return found


def lines_of(one: CheckedList, rows: Sequence[CheckedRow]) -> dict[int, list[dict[str, str]]]:
    """{row id: lines for ``partials/change.html``}. One query for what references lead to."""
    domain = BY_NAME[one.document["domain"]]
    known = {attribute.name: attribute for attribute in (*domain.attributes, *extension_attributes(domain))}
    targets = references_to(set(_pointed(known, rows)))

    def shown(attribute: Attribute, value: Any) -> str:
        if attribute.kind is Kind.REFERENCE and value:
            value = targets.get(UUID(value))
        return showing.shown(attribute, value)

    return {
        row.pk: [
            {
                "label": known[name].label,
                "before": shown(known[name], row.before.get(name)),
                "after": shown(known[name], value),
            }
            for name, value in row.values.items()
            if name in known  # an added attribute may be gone by now
        ]
        for row in rows
    }


def _pointed(known: dict[str, Attribute], rows: Sequence[CheckedRow]) -> Iterator[UUID]:
    for row in rows:
        for side in (row.values, row.before):
            for name, value in side.items():
                if name in known and known[name].kind is Kind.REFERENCE and (record := uuid_or_none(str(value))):
                    yield record


def told(row: CheckedRow, lines: Sequence[dict[str, str]], said: Any) -> list[Any]:
    """The cells that are added to a row of the file."""
    texts = (f"{line['label']}: {line['before'] or 'no value'} -> {line['after'] or 'no value'}" for line in lines)
    code, title = (row.record.code, row.record.title) if row.record else ("", "")
    request = str(row.request_id) if row.request_id else ""
    return [
        row.line, row.get_outcome_display(), code, title, "; ".join(texts), said(row.problems), said(row.warnings),
        request,
    ]  # fmt: skip
