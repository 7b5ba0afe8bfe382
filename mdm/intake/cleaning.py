"""Cleaning a column: spellings people put together become translations of the feed, replayed on every next file.

The raw layer is never touched; each change is a version of the feed, shown there and withdrawn like any other.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from mdm.errors import Invalid, NotFound
from mdm.intake.feeds import plan_of, save_feed
from mdm.intake.plan import Cell, Plan
from mdm.intake.readers import UnreadableFile, read
from mdm.intake.receiving import stored_file
from mdm.models import Batch, BatchState, Feed
from mdm.standardise.translations import Translations

MOST_ROWS = 300_000  # of a file are looked at
MOST_RULES = 5_000
LONGEST = 500


@dataclass(frozen=True)
class Held:
    """What the last file holds in one place: {text: rows}, how many rows were looked at, and the file's batch."""

    counts: Counter[str]
    rows: int
    batch: Batch


@dataclass(frozen=True)
class Place:
    """One attribute a feed fills from columns. ``path`` leads to it in the document: attributes, name."""

    code: str
    path: tuple[str | int, ...]
    cell: Cell
    part: str = ""


def places(plan: Plan) -> list[Place]:
    """Every attribute the feed fills from columns."""
    found = []
    for cell in plan.cells:
        is_added = cell.attribute.startswith("ext.")
        path = ("extension", cell.attribute[4:]) if is_added else ("attributes", cell.attribute)
        found.append(Place(cell.attribute, path, cell))
    seen: Counter[str] = Counter()
    for part in plan.parts:
        seen[part.part] += 1
        number = seen[part.part]
        for cell in part.cells:
            code = f"parts.{part.part}.{number}.{cell.attribute}"
            found.append(Place(code, ("parts", part.part, number - 1, cell.attribute), cell, part.part))
    return [place for place in found if place.cell.columns]


def find_place(plan: Plan, code: str) -> Place:
    """The place of that code. Raises NotFound."""
    place = next((place for place in places(plan) if place.code == code), None)
    if place is None:
        raise NotFound("The feed fills no such attribute from a column.", "Look at the columns of the feed.")
    return place


def last_file(feed: Feed) -> Batch | None:
    """The last file of the feed that was read."""
    return feed.batches.filter(state=BatchState.READ, rows_read__gt=0).order_by("-pk").first()


def held(feed: Feed, places_: Sequence[Place]) -> dict[str, Held]:
    """{place: what the feed's last file holds there}, as sent. Raises Invalid where there is no file to look at."""
    batch = last_file(feed)
    if batch is None:
        raise Invalid("No file of this feed was read yet.", "Import a file first; its values are what is cleaned.")
    plan = plan_of(feed)
    counts: dict[str, Counter[str]] = {place.code: Counter() for place in places_}
    rows = 0
    try:
        with read(stored_file(batch), plan.dialect, expected_columns=plan.columns) as reading:
            for row in reading:
                rows += 1
                if rows > MOST_ROWS:
                    break
                for place in places_:
                    if text := sent(place.cell, row.cells):
                        counts[place.code][text] += 1
    except (UnreadableFile, OSError) as error:
        raise Invalid("The feed's last file cannot be read any more.", "Import a file again, then clean it.") from error
    return {place.code: Held(counts[place.code], min(rows, MOST_ROWS), batch) for place in places_}


def sent(cell: Cell, cells: Mapping[str, str]) -> str:
    """What a row says at this place, as its translations are asked."""
    return cell.joined_by.join(text for column in cell.columns if (text := (cells.get(column) or "").strip()))


def rules_of(document: Mapping[str, Any], place: Place) -> dict[str, str]:
    """{written: read instead} of a place, as the document says."""
    given: Any = document
    for step in place.path:
        given = given[step]
    return dict(given.get("map", {})) if isinstance(given, Mapping) else {}


def with_rules(document: Mapping[str, Any], place: Place, rules: Mapping[str, str]) -> dict[str, Any]:
    """The document with these translations at the place, asked also by likeness; without any where there are none."""
    made = deepcopy(dict(document))
    within: Any = made
    for step in place.path[:-1]:
        within = within[step]
    given = within[place.path[-1]]
    table = {"column": given} if isinstance(given, str) else dict(given)
    table.pop("map", None)
    table.pop("alike", None)
    if rules:
        table |= {"map": dict(rules), "alike": True}
    within[place.path[-1]] = table["column"] if set(table) == {"column"} else table
    return made


def checked(changes: Mapping[str, str]) -> dict[str, str]:
    """The changes without those that change nothing. Raises Invalid, naming all that cannot be."""
    kept = {text: to.strip() for text, to in changes.items() if text != to.strip()}
    problems = [(text[:80], "A spelling needs a text to be read instead.") for text, to in kept.items() if not to]
    problems += [
        (text[:80], f"At most {LONGEST} characters are read instead.") for text, to in kept.items() if len(to) > LONGEST
    ]
    if not kept:
        problems.append(("", "Nothing was put together: tick at least one spelling that differs from its target."))
    if problems:
        raise Invalid("The spellings cannot be put together so.", "Correct them and send again.", problems)
    return kept


def preview(feed: Feed, place: Place, changes: Mapping[str, str]) -> list[tuple[str, str, int]]:
    """(as sent, read instead, rows of the last file) of everything these changes would concern, new spellings too."""
    kept = checked(changes)
    rules = Translations({**rules_of(feed.definition, place), **kept}, alike=True)
    counts = held(feed, [place])[place.code].counts
    concerned = [(text, rules.find(text), rows) for text, rows in counts.most_common()]
    return [one for one in concerned if one[0] != one[1]]


@transaction.atomic
def put_together(*, code: str, place: str, changes: Mapping[str, str], by: str) -> Feed:
    """Read these spellings as their targets from the next file on: the feed's next version.

    Targets of earlier changes follow to the new ones. Locks the feed. Raises NotFound, Invalid with every reason.
    """
    feed = _lock(code)
    found = find_place(plan_of(feed), place)
    kept = checked(changes)
    rules = {text: kept.get(to, to) for text, to in rules_of(feed.definition, found).items()} | kept
    rules = {text: to for text, to in rules.items() if text != to}
    if len(rules) > MOST_RULES:
        raise Invalid(f"A column keeps at most {MOST_RULES:,} spellings.", "Withdraw some, or mend them at the source.")
    return save_feed(document=with_rules(feed.definition, found, rules), by=by)


@transaction.atomic
def withdraw(*, code: str, place: str, written: Sequence[str], by: str) -> Feed:
    """Read these spellings as they are sent again: the feed's next version. Those withdrawn before are left alone."""
    feed = _lock(code)
    found = find_place(plan_of(feed), place)
    rules = {text: to for text, to in rules_of(feed.definition, found).items() if text not in written}
    return save_feed(document=with_rules(feed.definition, found, rules), by=by)


def _lock(code: str) -> Feed:
    feed = Feed.objects.select_for_update().filter(code=code).first()
    if feed is None:
        raise NotFound(f'There is no feed "{code}".', "Look at the list of feeds.")
    return feed
