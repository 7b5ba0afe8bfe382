"""What the auditor asks, read from a query string with all its mistakes at once, and entries in words."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.urls import NoReverseMatch, reverse

from mdm.domains import BY_NAME, DOMAINS
from mdm.errors import Invalid
from mdm.filters.fields import moment, uuid_or_none
from mdm.mastering.compose import EXTENSION_PREFIX, extension_attributes
from mdm.models import EventVerb
from mdm.queries import AuditEntry, AuditFilters, PastRecord
from stewardship import showing

NAMES = ("person", "record", "domain", "attribute", "verb", "since", "until", "correlation")
FIRST_CHANGES = 4
LONGEST = 90  # characters of a value in a list
DAY = len("2026-11-21")


def read_filters(asked: Mapping[str, Any]) -> AuditFilters:
    """The filters of a query string. ``until`` as a day alone includes that day.

    Raises Invalid with every parameter that cannot be understood.
    """
    given = {name: str(asked.get(name, "")).strip() for name in NAMES}
    problems: list[tuple[str, str]] = []
    if given["domain"] and given["domain"] not in BY_NAME:
        problems.append(("domain", f"There is no kind of record called {given['domain']}."))
    if given["verb"] and given["verb"] not in EventVerb.values:
        problems.append(("verb", f"There is no act called {given['verb']}."))
    correlation = uuid_or_none(given["correlation"]) if given["correlation"] else None
    if given["correlation"] and correlation is None:
        problems.append(("correlation", "The number of an act looks like 0199d2c4-7a53-7f11-9a57-2f6f0c1d9b10."))
    since, until = _moment(given, "since", problems), _moment(given, "until", problems)
    if until is not None and len(given["until"]) == DAY:
        until += timedelta(days=1)
    if since and until and since >= until:
        problems.append(("until", "The end lies before the beginning."))
    if problems:
        raise Invalid("The search cannot be understood.", "Correct what is named.", problems)
    return AuditFilters(
        person=given["person"],
        record=given["record"],
        domain=given["domain"],
        attribute=given["attribute"],
        verb=given["verb"],
        since=since,
        until=until,
        correlation_id=correlation,
    )


def _moment(given: Mapping[str, str], name: str, problems: list[tuple[str, str]]) -> datetime | None:
    if not given[name]:
        return None
    try:
        return moment(given[name])
    except ValidationError as error:
        problems.append((name, error.messages[0]))
    return None


def attributes() -> list[tuple[str, list[tuple[str, str]]]]:
    """What can have changed, in groups by domain: (name, label) of every attribute and part."""
    return [
        (
            domain.plural,
            [(one.name, one.label) for one in domain.attributes] + [(part.name, part.label) for part in domain.parts],
        )
        for domain in DOMAINS
    ]


def shown(entry: AuditEntry) -> dict[str, Any]:
    """One entry for its line: the changes in words, and links to the record, the whole event and the whole act."""
    domain = BY_NAME[entry.domain]
    changes = showing.change_lines(domain, entry.changes)
    title, icon, tone = showing.VERBS.get(entry.verb, (entry.verb.capitalize(), "history", ""))
    return {
        "entry": entry,
        "domain": domain,
        "verb": title,
        "icon": icon,
        "tone": tone,
        "changes": [_short(change) for change in changes[:FIRST_CHANGES]],
        "more": max(0, len(changes) - FIRST_CHANGES),
        "all_changes": changes,
        "href": showing.record_address(entry.domain, entry.code or entry.record),
        "then_href": as_it_was(entry.domain, entry.code, entry.version),
        "event_href": reverse("stewardship:audit_event", args=[entry.id]),
        "act_href": f"{reverse('stewardship:audit')}?correlation={entry.correlation_id}",
    }


def _short(change: Mapping[str, str]) -> dict[str, str]:
    """A change for a line of a list; the whole of it stands on the page of the event."""
    return {
        name: text if len(text) <= LONGEST else text[:LONGEST].rstrip() + "\N{HORIZONTAL ELLIPSIS}"
        for name, text in change.items()
    }


def as_it_was(domain: str, code: str, version: int) -> str:
    """The record as it was in that version; "" where no such page is installed."""
    try:
        address = reverse("stewardship:as_it_was", kwargs={"slug": BY_NAME[domain].slug, "name": code})
    except NoReverseMatch:
        return ""
    return f"{address}?version={version}"


def whole(past: PastRecord) -> dict[str, Any]:
    """A past record for paper: every value with source, key and rule, every row of every part, every source."""
    rows = []
    for attribute in (*past.domain.attributes, *extension_attributes(past.domain)):
        name = attribute.name.removeprefix(EXTENSION_PREFIX)
        value = past.extension.get(name) if name != attribute.name else past.attributes.get(name)
        origin: Mapping[str, Any] = past.provenance.get(attribute.name) or {}
        if value is not None:
            rows.append({"label": attribute.label, "value": showing.shown(attribute, value), "origin": origin})
    parts = [
        {
            "label": part.label,
            "columns": [attribute.label for attribute in part.attributes],
            "rows": [
                [showing.shown(one, row.get(one.name)) for one in part.attributes] for row in past.parts[part.name]
            ],
        }
        for part in past.domain.parts
        if past.parts.get(part.name)
    ]
    return {
        "domain": past.domain,
        "rows": rows,
        "parts": parts,
        "verb": showing.VERBS.get(past.entry.verb, (past.entry.verb,))[0],
        "href": showing.record_address(past.domain.name, past.code),
        "version_href": as_it_was(past.domain.name, past.code, past.version),
    }
