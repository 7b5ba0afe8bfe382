"""Values of golden records in words: what the read side answers, made ready for the components of the pages."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from django.urls import reverse

from mdm.domains import BY_NAME
from mdm.models import SourceSystem
from mdm.queries import Change, CrosswalkEntry, HistoryEntry, PartRow, Reference, Value
from mdm.spec import Attribute, Domain, Kind
from stewardship.readable import readable

LIST_LIMIT = 6

VERBS: Mapping[str, tuple[str, str, str]] = {
    # verb of a version -> title, icon, tone
    "created": ("Created", "plus", "ok"),
    "changed": ("Changed", "pencil", "info"),
    "activated": ("Activated", "circle-check", "ok"),
    "merged": ("Merged away", "git-merge", "violet"),
    "unmerged": ("Brought back by an unmerge", "arrows-split", "violet"),
    "retired": ("Retired", "archive", "warn"),
    "reinstated": ("Reinstated", "refresh", "ok"),
}


class Source(NamedTuple):
    """A source system as ``source_chip`` takes it."""

    code: str
    name: str


def systems() -> dict[str, Source]:
    """{code: source system}, for what only names a code: past versions, records whose sources moved on. One query."""
    return {code: Source(code, name) for code, name in SourceSystem.objects.values_list("code", "name")}


def shown(attribute: Attribute, value: Any, *, parted: bool = True) -> str:
    """The value as people read it: choices by label, yes and no, references by title; "" for none.

    Identifiers and numbers get their separators unless ``parted`` is false, for pages that show what is stored.
    """
    if value is None or value == "":
        return ""
    if isinstance(value, Reference):
        return str(value)
    if isinstance(value, Mapping):
        return str(value.get("title") or value.get("code") or value.get("record") or "")
    if attribute.kind is Kind.BOOLEAN:
        return "Yes" if value in (True, "true") else "No"
    if attribute.kind is Kind.DATE:
        return f"{date.fromisoformat(str(value)):%d %b %Y}"
    text = str(dict(attribute.choices).get(str(value), value))
    return readable(attribute, text) if parted else text


@lru_cache(maxsize=2000)
def record_address(domain: str, code: str | UUID) -> str:
    """Where a golden record is shown."""
    return reverse("stewardship:record", args=[BY_NAME[domain].slug, str(code)])


def address_of(attribute: Attribute, value: Any) -> str:
    """Where the record a reference points to is shown; "" for any other value."""
    if isinstance(value, Reference):
        return record_address(value.domain, value.code)
    if isinstance(value, Mapping) and attribute.references and value.get("record"):
        return record_address(attribute.references, value.get("code") or value["record"])
    return ""


def sheet_rows(values: Iterable[Value], crosswalk: Iterable[CrosswalkEntry] = ()) -> list[dict[str, Any]]:
    """Rows for ``partials/sheet.html``: value, where it came from and what the other sources say."""
    edits = {entry.source_record: entry for entry in crosswalk if entry.internal}
    return [_sheet_row(value, edits) for value in values]


def _sheet_row(value: Value, edits: Mapping[int, CrosswalkEntry]) -> dict[str, Any]:
    attribute, origin = value.attribute, value.provenance
    row: dict[str, Any] = {
        "name": attribute.name,
        "label": attribute.label,
        "value": shown(attribute, value.value),
        "href": address_of(attribute, value.value),
        "code": value.value.code if isinstance(value.value, Reference) else "",
        "masked": value.masked,
        "disputed": value.disputed,
    }
    if origin is None:
        return row
    edit = edits.get(origin.source_record)
    return row | {
        "source": Source(origin.source, origin.source_name),
        "key": "" if edit else origin.key,
        "rule": origin.rule,
        "version": origin.since,
        "seen": origin.seen,
        "pinned": f"{edit.reason} ({edit.by})" if edit else "",
        "losers": [
            {"source": Source(said.source, said.source_name), "value": shown(attribute, said.value), "seen": said.seen}
            for said in value.others
        ],
    }


def part_cells(attributes: Sequence[Attribute], row: PartRow) -> list[dict[str, Any]]:
    """The cells of a row of a part, in declared order."""
    return [
        {
            "label": attribute.label,
            "value": shown(attribute, row.values.get(attribute.name)),
            "href": address_of(attribute, row.values.get(attribute.name)),
            "number": attribute.kind in (Kind.DECIMAL, Kind.INTEGER),
            "date": attribute.kind is Kind.DATE,
        }
        for attribute in attributes
    ]


def change_lines(domain: Domain, changes: Iterable[Change]) -> list[dict[str, str]]:
    """Lines for ``partials/change.html``; the rows of a part that went and came are listed in words."""
    attributes = {attribute.name: attribute for attribute in domain.attributes}
    parts = {part.name: part.attributes for part in domain.parts}
    lines = []
    for change in changes:
        if change.is_part:
            known = parts.get(change.attribute, ())
            before, after = listed(known, change.before), listed(known, change.after)
        else:
            attribute = attributes.get(change.attribute, Attribute(name=change.attribute, label=change.label))
            before, after = shown(attribute, change.before), shown(attribute, change.after)
        lines.append({"label": change.label, "before": before, "after": after})
    return lines


def listed(attributes: Sequence[Attribute], rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows of a part in one text, the first few spelled out."""
    texts = [row_text(attributes, row) for row in rows[:LIST_LIMIT]]
    if len(rows) > LIST_LIMIT:
        texts.append(f"and {len(rows) - LIST_LIMIT} more")
    return "; ".join(texts)


def row_text(attributes: Sequence[Attribute], row: Mapping[str, Any]) -> str:
    """One row of a part in one text."""
    return ", ".join(text for attribute in attributes if (text := shown(attribute, row.get(attribute.name))))


def timeline(domain: Domain, entries: Iterable[HistoryEntry], *, address: str = "") -> list[dict[str, Any]]:
    """Events for ``partials/timeline.html``; ``address`` is the page of a version, asked with ``?version=``."""
    events = []
    for entry in entries:
        title, icon, tone = VERBS.get(entry.verb, (entry.verb.capitalize(), "history", ""))
        events.append(
            {
                "icon": icon,
                "tone": tone,
                "title": f"{title}, version {entry.version}",
                "href": f"{address}?version={entry.version}" if address else "",
                "who": entry.actor,
                "when": entry.moment,
                "reason": entry.reason,
                "note": _note(entry),
                "changes": change_lines(domain, entry.changes),
            }
        )
    return events


def _note(entry: HistoryEntry) -> str:
    words = [f"Approved by {entry.approved_by}"] if entry.approved_by else []
    words.append({"page": "in the browser", "api": "through the API"}.get(entry.channel, f"by a {entry.channel}"))
    words.append(f"number {entry.seq:,} of the log" if entry.seq else "not numbered yet")
    return " · ".join(words)
