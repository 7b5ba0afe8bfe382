"""A look at a file before any feed knows it: its dialect, columns and first rows, and the feed it asks for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from mdm.errors import Invalid
from mdm.intake import guessing
from mdm.intake.compiling import compile_feed
from mdm.intake.feeds import in_order
from mdm.intake.plan import Plan
from mdm.intake.readers import Dialect, RawRow, UnreadableFile, read
from mdm.intake.readers.header import key as folded_header
from mdm.intake.suggesting import Learned, learned_from, likely_records, suggest
from mdm.intake.surroundings import Surroundings
from mdm.intake.targets import Records
from mdm.models import Feed
from mdm.standardise import Style

ROWS = 300  # the first rows a look is based on
WIDE = 200  # characters of a sample value that are kept


@dataclass(frozen=True)
class Look:
    """What the first rows of a file show. ``samples`` are {column: values in file order}."""

    dialect: Dialect
    header: tuple[str, ...]
    rows: tuple[RawRow, ...]

    @property
    def samples(self) -> dict[str, list[str]]:
        return {name: [str(row.cells.get(name, ""))[:WIDE] for row in self.rows] for name in self.header}


def look(file: Path | BinaryIO, dialect: Dialect | None = None, *, expected: Sequence[str] = ()) -> Look:
    """The first rows of a file, its dialect found out where it is not given.

    Raises Invalid, with the way out, where the file is no table or has no row.
    """
    try:
        with read(file, dialect or Dialect(), expected_columns=expected) as reading:
            rows = tuple(islice(reading, ROWS))
            found = Look(reading.dialect, tuple(reading.header), rows)
    except UnreadableFile as error:
        raise Invalid(error.message, error.way_out, [("file", f"{error.message} {error.way_out}")]) from error
    if not rows:
        raise Invalid(
            "There is a header line but no row below it.", "Export the file again and check that it has rows."
        )
    return found


def known_plans(around: Surroundings) -> list[tuple[Feed, Plan]]:
    """Every active feed with its plan, in the order files are read; feeds that are not usable now are left out."""
    found = []
    for feed in in_order(list(Feed.objects.filter(active=True).select_related("system"))):
        try:
            found.append((feed, compile_feed(feed.definition, around)))
        except Invalid:
            continue
    return found


def fits(plan: Plan, header: Sequence[str]) -> bool:
    """Whether the file has every column the feed reads."""
    present = {folded_header(name) for name in header}
    return all(folded_header(name) in present for name in plan.columns)


def recognised(plans: Sequence[tuple[Feed, Plan]], named: Sequence[Feed], header: Sequence[str]) -> Feed | None:
    """The feed such a file belongs to: one whose pattern names it and whose columns it has, else one that only the
    pattern names, else the one whose columns make up the largest part of the file (at least three, and half of it)."""
    by_name = {feed.pk for feed in named}
    fitting = [(feed, plan) for feed, plan in plans if fits(plan, header)]
    for feed, _plan in fitting:
        if feed.pk in by_name:
            return feed
    if named:
        return named[0]
    alike = [
        (len(plan.columns), feed)
        for feed, plan in fitting
        if len(plan.columns) >= 3 and len(plan.columns) * 2 >= len(header)
    ]
    return max(alike, key=lambda one: one[0])[1] if alike else None


def style_of(samples: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """The ``values`` table of a feed document as the samples suggest it, without what goes without saying."""
    found: dict[str, Any] = {}
    if guessing.decimal_mark(samples).value != ".":
        found["decimal"] = ","
    if formats := guessing.date_formats(samples)[0]:
        found["dates"] = formats
    if blanks := guessing.blanks(samples):
        found["blanks"] = blanks
    return found


def style(values: Mapping[str, Any]) -> Style:
    """The style a ``values`` table describes."""
    return Style(
        decimal=str(values.get("decimal", ".")),
        date_formats=tuple(values.get("dates", ())),
        blanks=tuple(values.get("blanks", ())),
        country=str(values.get("country", "US")),
    )


def propose(
    found: Look, file_name: str, around: Surroundings, learned: Mapping[str, Learned], records: Records | None = None
) -> tuple[Records, dict[str, str], dict[str, str], str]:
    """What the rows are, {column: target}, {column: why}, and why they are that. Pure but for the declarations."""
    samples = found.samples
    values = style(style_of(samples))
    because = "You chose it."
    if records is None:
        records, because = likely_records(file_name, samples, values, learned)
    keys = guessing.key_columns(found.header, samples, len(found.rows))[0]
    extension = around.extension.get(records.domain.name, {})
    chosen = suggest(records, samples, values, extension, learned.get(records.code, {}), keys)
    return records, {c: one.target for c, one in chosen.items()}, {c: one.reason for c, one in chosen.items()}, because


def taught(around: Surroundings) -> dict[str, dict[str, tuple[str, str]]]:
    """What the feeds there are teach about names of columns."""
    return learned_from(plan for _feed, plan in known_plans(around))
