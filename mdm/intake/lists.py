"""A list that belongs to no source: its rows read and judged as those of a feed would be. Nothing is stored."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.db.models.functions import Upper

from mdm.intake.compiling import compile_feed
from mdm.intake.drafts import NEW_SOURCE
from mdm.intake.given import golden_of
from mdm.intake.mapping import Mapped, map_row
from mdm.intake.plan import Cell, Plan
from mdm.intake.readers import RawRow, Reading
from mdm.intake.readers import read as open_file
from mdm.intake.surroundings import Surroundings
from mdm.models import GoldenRecord, GoldenState

LINE = "\x1fline"  # a column no file has: a row of a list is known by its place alone
MOST_REMEMBERED = 50_000

Targets = dict[tuple[str, str, str], str | None]  # (system, domain, text) -> id of the golden record it leads to


def plan_of_list(document: Mapping[str, Any], around: Surroundings) -> Plan:
    """The plan of a list. Its source may be left open: then references are codes, ids and names only.

    Raises Invalid with every reason why the document cannot be used.
    """
    made = {**document, "key": {"columns": [LINE]}}
    made["source"] = document.get("source") or NEW_SOURCE
    plan = compile_feed(made, replace(around, systems=around.systems | {NEW_SOURCE}))
    return replace(plan, columns=tuple(column for column in plan.columns if column != LINE))


def open_list(file: Path, plan: Plan) -> Reading:
    """The list opened for one pass. Raises UnreadableFile."""
    return open_file(file, plan.dialect, expected_columns=plan.columns)


def read_row(plan: Plan, row: RawRow) -> Mapped:
    """What the plan makes of one row, all problems at once. Pure."""
    return map_row(plan, replace(row, cells={**row.cells, LINE: str(row.line)}))


def resolve(plan: Plan, rows: Sequence[Mapped], known: Targets) -> None:
    """References of these rows become {"record": id}; one that leads nowhere is a problem of its row.

    What one was found to lead to is remembered in ``known``. A text is taken for a code or an id, for a key of the
    plan's source where it names one, and for a name that one record alone bears. A few queries for all rows.
    """
    said = [
        (mapped, place, row, name, value)
        for mapped in rows
        for place, row in _within(mapped)
        for name, value in row.items()
        if isinstance(value, Mapping) and "key" in value
    ]
    if len(known) > MOST_REMEMBERED:
        known.clear()
    missing: dict[str, set[str]] = {}
    for *_, value in said:
        if _asked(value) not in known:
            missing.setdefault(value["domain"], set()).add(value["key"])
    for domain, texts in missing.items():
        found = _led_to(plan, domain, texts)
        known |= {(plan.source, domain, text): found.get(text) for text in texts}
    cells = _cells(plan)
    for mapped, place, row, name, value in said:
        target = known.get(_asked(value))
        if target:
            row[name] = {"record": target}
            continue
        del row[name]
        cell = cells[place, name]
        what = value["domain"].replace("_", " ")
        mapped.refuse(
            f"{cell.label}: there is no {what} “{value['key'][:80]}”.", "Give its code or its exact name.",
            cell.columns[0] if cell.columns else "", value["key"],
        )  # fmt: skip


def _asked(value: Mapping[str, Any]) -> tuple[str, str, str]:
    return value["system"], value["domain"], value["key"]


def _within(mapped: Mapped) -> Iterator[tuple[str, dict[str, Any]]]:
    yield "", mapped.values
    for part, rows in mapped.parts.items():
        for row in rows:
            yield part, row


def _cells(plan: Plan) -> dict[tuple[str, str], Cell]:
    found = {("", cell.attribute): cell for cell in plan.cells}
    for part in reversed(plan.parts):
        found |= {(part.part, cell.attribute): cell for cell in part.cells}
    return found


def _led_to(plan: Plan, domain: str, texts: set[str]) -> dict[str, str]:
    systems = {} if plan.source == NEW_SOURCE else {(domain, text): plan.source for text in texts}
    found = {text: str(pk) for text, pk in golden_of(domain, texts, systems).items()}
    names = {text: text.upper() for text in texts - found.keys()}
    if names:
        alive = GoldenRecord.objects.filter(domain=domain).exclude(state=GoldenState.MERGED)
        bearing = alive.annotate(name=Upper("title")).filter(name__in=set(names.values())).values_list("name", "pk")
        by_name: dict[str, list[str]] = {}
        for name, pk in bearing:
            by_name.setdefault(name, []).append(str(pk))
        found |= {text: by_name[name][0] for text, name in names.items() if len(by_name.get(name, ())) == 1}
    return found
