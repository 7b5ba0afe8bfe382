"""What happened to a golden record: its versions, how it was at a time, what two versions differ in."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import path, reverse

from mdm import canonical, queries
from mdm.errors import Invalid
from mdm.filters.fields import moment
from mdm.mastering.compose import EXTENSION_PREFIX, extension_attributes
from mdm.models import GoldenRecord, GoldenState, Merge
from mdm.queries import HistoryEntry, PastRecord
from mdm.spec import Attribute, Domain
from stewardship import showing
from stewardship.access import require
from stewardship.lineage import lineage_of
from stewardship.permissions import may_see
from stewardship.views.located import located, show

PAGE = 25


@require(may_see)
@located
def history(request: HttpRequest, record: GoldenRecord, domain: Domain) -> HttpResponseBase:
    """Versions newest first, each with who, why, on whose approval, before and after."""
    before = _number(request.GET.get("before", ""), "before") if request.GET.get("before") else None
    entries = queries.history(record.pk, before=before, limit=PAGE + 1)
    more = len(entries) > PAGE
    own = {"slug": domain.slug, "name": record.code}
    timeline = showing.timeline(domain, entries[:PAGE], address=reverse("stewardship:as_it_was", kwargs=own))
    context = {
        "lineage": lineage_of(record) if before is None else None,
        "events": _with_unmerges(record, entries[:PAGE], timeline),
        "shown_here": min(len(entries), PAGE),
        "next_href": f"?before={entries[PAGE - 1].version}" if more else "",
        "previous_href": request.path if before else "",
        "versions": range(record.version, 0, -1)[:500],
    }
    return show(request, "stewardship/record/history.html", record, domain, context)


def _with_unmerges(
    record: GoldenRecord, entries: Sequence[HistoryEntry], timeline: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """The way to take back, beside each version that a merge made which still stands. One query."""
    standing = Merge.objects.filter(Q(winner=record) | Q(loser=record), undone_at__isnull=True)
    merges = dict(standing.values_list("correlation_id", "pk"))
    return [
        event | {"unmerge": merges.get(entry.correlation_id)} for entry, event in zip(entries, timeline, strict=True)
    ]


@require(may_see)
@located
def as_it_was(request: HttpRequest, record: GoldenRecord, domain: Domain) -> HttpResponseBase:
    """The whole record at a time (``at``) or in a version; with ``against`` what differs from another version."""
    at, version, against = (request.GET.get(name, "").strip() for name in ("at", "version", "against"))
    if not at and not version:
        return redirect(reverse("stewardship:record_history", kwargs={"slug": domain.slug, "name": record.code}))
    past = _past(record, at, version)
    other = queries.as_of(record.pk, version=_number(against, "against")) if against else None
    attributes = (*domain.attributes, *extension_attributes(domain))
    names = showing.systems()
    before = queries.as_of(record.pk, version=past.version - 1) if past.version > 1 and other is None else None
    context: dict[str, Any] = {
        "past": past,
        "other": other,
        "at": at,
        "versions": range(record.version, 0, -1)[:500],
        "events": showing.timeline(domain, [past.entry]),
        "standing": f"Version {past.version} of {record.version}",
        "period": _period(past),
        "rows": [
            row
            for row in (_row(past, attribute, names, before) for attribute in attributes)
            if row["value"] or row["mark"]
        ],
        "parts": [
            (part.label, [showing.row_text(part.attributes, row) for row in rows])
            for part in domain.parts
            if (rows := past.parts.get(part.name))
        ],
        "turn": _neighbours(past, record.version),
    }
    if other is not None:
        older, newer = sorted((past, other), key=lambda one: one.version)
        context |= {"older": older, "newer": newer, "differences": differences(domain, older, newer)}
    return show(request, "stewardship/record/as_it_was.html", record, domain, context)


def _past(record: GoldenRecord, at: str, version: str) -> PastRecord:
    if version:
        return queries.as_of(record.pk, version=_number(version, "version"))
    try:
        asked = moment(at)
    except ValidationError as error:
        raise Invalid("This is not a time.", error.messages[0], [("at", error.messages[0])]) from None
    return queries.as_of(record.pk, moment=_end_of_day(asked) if len(at) == len("2026-11-21") else asked)


def _end_of_day(asked: datetime) -> datetime:
    """A day alone means all of it: what the record was when the day was over."""
    return asked + timedelta(days=1) - timedelta(microseconds=1)


def _number(text: str, name: str) -> int:
    if text.isascii() and text.isdigit() and len(text) < 9:
        return int(text)
    raise Invalid("This is not a version.", "Choose one from the history.", [(name, f"{text} is not a number.")])


def _row(
    past: PastRecord, attribute: Attribute, names: Mapping[str, showing.Source], before: PastRecord | None
) -> dict[str, Any]:
    """One value, with where it came from; ``mark`` says what the version did to it."""
    value = _value(past, attribute)
    held = _value(before, attribute) if before else value
    mark = "" if held == value else "added" if held is None else "removed" if value is None else "changed"
    origin: Mapping[str, Any] = past.provenance.get(attribute.name) or {}
    row = {
        "label": attribute.label,
        "value": showing.shown(attribute, value),
        "href": showing.address_of(attribute, value),
        "mark": mark,
        "before": showing.shown(attribute, held) if mark else "",
    }
    return row | {"source": names.get(origin["source"]), "key": origin["key"]} if origin else row


def _value(past: PastRecord, attribute: Attribute) -> Any:
    if attribute.name.startswith(EXTENSION_PREFIX):
        return past.extension.get(attribute.name.removeprefix(EXTENSION_PREFIX))
    return past.attributes.get(attribute.name)


def _period(past: PastRecord) -> str:
    start = f"{past.valid_from:%d %b %Y, %H:%M:%S} UTC"
    return (
        f"It stood from {start} until {past.valid_to:%d %b %Y, %H:%M:%S} UTC."
        if past.valid_to
        else (f"It has stood since {start} and is the present one.")
    )


def _neighbours(past: PastRecord, last: int) -> dict[str, str]:
    before = f"?version={past.version - 1}" if past.version > 1 else ""
    after = f"?version={past.version + 1}" if past.version < last else ""
    return {"previous": before, "next": after}


def differences(domain: Domain, older: PastRecord, newer: PastRecord) -> list[dict[str, str]]:
    """Lines for ``partials/change.html``: every attribute, part and the state that two versions disagree on."""
    lines = []
    if older.state != newer.state:
        lines.append(
            {"label": "State", "before": GoldenState(older.state).label, "after": GoldenState(newer.state).label}
        )
    for attribute in (*domain.attributes, *extension_attributes(domain)):
        before, after = _value(older, attribute), _value(newer, attribute)
        if before != after:
            lines.append(
                {
                    "label": attribute.label,
                    "before": showing.shown(attribute, before),
                    "after": showing.shown(attribute, after),
                }
            )
    for part in domain.parts:
        rows = [{canonical.dumps(row): row for row in one.parts.get(part.name, ())} for one in (older, newer)]
        gone = [row for key, row in rows[0].items() if key not in rows[1]]
        come = [row for key, row in rows[1].items() if key not in rows[0]]
        if gone or come:
            lines.append(
                {
                    "label": part.label,
                    "before": showing.listed(part.attributes, gone),
                    "after": showing.listed(part.attributes, come),
                }
            )
    return lines


urls = [
    path("records/<slug:slug>/<str:name>/history/", history, name="record_history"),
    path("records/<slug:slug>/<str:name>/as-it-was/", as_it_was, name="as_it_was"),
]
