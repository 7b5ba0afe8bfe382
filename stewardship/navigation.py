"""What the side bar holds: sections of links, the domains among them, and which link is the present page.

Links name URL names, so this file imports no views; a page that is not installed has no link.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.urls import NoReverseMatch, reverse

from mdm.domains import DOMAINS
from stewardship.permissions import may_audit, suggests


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One link before it is resolved. ``keys`` is the shortcut as two keys pressed one after the other.

    ``seen_by`` says whether a person gets it: a link that leads to a refusal is a dead end.
    """

    name: str
    label: str
    icon: str
    keys: str = ""
    argument: str = ""
    seen_by: Callable[[Any], bool] | None = None


@dataclass(frozen=True, kw_only=True)
class Link:
    """One link of the side bar as shown: ``current`` marks the present page, ``count`` what waits there.

    ``counted`` is the id of the number where the link has one, so that a fragment can bring it up to date.
    """

    label: str
    icon: str
    href: str
    keys: str
    current: bool
    count: int | None
    counted: str = ""


@dataclass(frozen=True, kw_only=True)
class Section:
    """Links under one heading; the first section has none."""

    title: str
    links: tuple[Link, ...]


def entries() -> tuple[tuple[str, tuple[Entry, ...]], ...]:
    """The side bar in order, as (heading, entries)."""
    records = tuple(
        Entry(name="stewardship:records", label=domain.plural, icon=domain.icon, argument=domain.slug)
        for domain in DOMAINS
    )
    return (
        (
            "",
            (
                Entry(name="stewardship:queue", label="Work queue", icon="inbox", keys="g q"),
                Entry(name="stewardship:notices", label="My notices", icon="bell", keys="g n"),
                Entry(
                    name="stewardship:my_suggestions", label="My suggestions", icon="flag", keys="g y", seen_by=suggests
                ),
                Entry(name="stewardship:requests", label="Change requests", icon="git-pull-request", keys="g r"),
                Entry(name="stewardship:merges", label="Merges", icon="git-merge", keys="g m"),
                Entry(name="stewardship:boards", label="Boards", icon="chart-bar", keys="g b"),
                Entry(name="stewardship:search", label="Search", icon="search", keys="g s"),
            ),
        ),
        (
            "Records",
            (*records, Entry(name="stewardship:trees", label="Hierarchies", icon="hierarchy", keys="g h")),
        ),
        (
            "Flow",
            (
                Entry(name="stewardship:batches", label="Imports", icon="file-import", keys="g i"),
                Entry(name="stewardship:quarantine", label="Quarantine", icon="alert-triangle", keys="g k"),
                Entry(name="stewardship:lists", label="Lists to check", icon="file-spreadsheet", keys="g c"),
                Entry(name="stewardship:feeds", label="Feeds", icon="adjustments", keys="g f"),
                Entry(name="stewardship:rules", label="Matching rules", icon="settings", keys="g l"),
                Entry(name="stewardship:measure", label="Matching quality", icon="target", keys="g u"),
            ),
        ),
        (
            "Publishing",
            (
                Entry(name="publishing:endpoints", label="Endpoints", icon="send", keys="g p"),
                Entry(name="publishing:dead_letters", label="Dead letters", icon="mail", keys="g d"),
                Entry(name="publishing:drift", label="Drift", icon="scale", keys="g t"),
            ),
        ),
        (
            "Proof",
            (Entry(name="stewardship:audit", label="Audit", icon="shield-check", keys="g a", seen_by=may_audit),),
        ),
    )


def sections(path: str, counts: Mapping[str, int] | None = None, user: Any = None) -> tuple[Section, ...]:
    """The side bar of ``user`` for a request at ``path``; ``counts`` gives numbers by URL name, such as open reviews.

    The link whose address is the longest beginning of ``path`` is the current one.
    """
    resolved = [
        (title, [(entry, _address(entry)) for entry in group if entry.seen_by is None or entry.seen_by(user)])
        for title, group in entries()
    ]
    addresses = [address for _, group in resolved for _, address in group]
    current = max((address for address in addresses if address and path.startswith(address)), key=len, default="")
    shown = (
        Section(
            title=title,
            links=tuple(_link(entry, address, current, counts or {}) for entry, address in group if address),
        )
        for title, group in resolved
    )
    return tuple(section for section in shown if section.links)


@cache
def _address(entry: Entry) -> str:
    try:
        return reverse(entry.name, args=[entry.argument] if entry.argument else None)
    except NoReverseMatch:
        return ""


def _link(entry: Entry, address: str, current: str, counts: Mapping[str, int]) -> Link:
    return Link(
        label=entry.label,
        icon=entry.icon,
        href=address,
        keys=entry.keys,
        current=address == current,
        count=counts.get(entry.name) or None,
        counted=f"count-{entry.name.partition(':')[2]}" if entry.name in counts else "",
    )
