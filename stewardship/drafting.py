"""A file being set up, made ready for people: columns with samples, targets and reasons, and what was typed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from django.http import QueryDict

from mdm.intake.drafting import Choices, choices_of, part_rows, unmapped_requirements, with_choices
from mdm.intake.drafts import JOINS, NEW_SOURCE
from mdm.intake.looking import Look, look, propose, taught
from mdm.intake.naming import likeness
from mdm.intake.readers import Dialect
from mdm.intake.readers.header import key as same_name
from mdm.intake.receiving import kept_at
from mdm.intake.surroundings import Surroundings
from mdm.intake.targets import BY_NAME_MARK, Records, Target, kinds, records_of, targets_of
from mdm.models import FeedDraft
from stewardship.models import CheckedList

SAMPLES = 3
RENAMED = 0.45  # likeness from which a new column is offered in place of a missing one
DELIMITERS = (("comma", "Comma"), ("semicolon", "Semicolon"), ("tab", "Tab"), ("pipe", "Bar |"))
ENCODINGS = ("utf-8", "utf-8-sig", "cp1252", "utf-16", "cp850", "mac_roman", "cp1250", "cp1251", "shift_jis", "gb18030")


SetUp = FeedDraft | CheckedList  # a file whose columns a person is choosing


@dataclass(frozen=True)
class Column:
    """One column of the file: ``samples`` of its values, how many are filled, and what it is proposed or chosen for."""

    place: int
    name: str
    samples: Sequence[str]
    filled: int
    target: str
    reason: str
    is_key: bool
    is_parent: bool


@dataclass(frozen=True)
class Fixed:
    """An attribute that may hold one value for the whole file."""

    target: str
    label: str
    choices: Sequence[tuple[str, str]]
    value: str


@dataclass(frozen=True)
class Shape:
    """How the file differs from what its feed read so far. ``renamed`` are {new name: missing column}."""

    missing: Sequence[str]
    added: Sequence[str]
    renamed: Mapping[str, str]


def dialect_of(document: Mapping[str, Any]) -> Dialect:
    """The dialect a document names, as readers take it."""
    table = document.get("dialect", {})
    return Dialect(
        format=str(table.get("format", "auto")), encoding=str(table.get("encoding", "")),
        delimiter=str(table.get("delimiter", "")), quote=str(table.get("quote", '"')),
        header_line=table.get("header_line"), sheet=str(table.get("sheet", "")),
    )  # fmt: skip


def seen(draft: SetUp, document: Mapping[str, Any] | None = None) -> Look:
    """The first rows of the draft's file, read as its document says. Raises Invalid."""
    return look(kept_at(draft.stored_at), dialect_of(draft.document if document is None else document))


def records_in(document: Mapping[str, Any]) -> Records:
    """What the document says its rows are."""
    code = ".".join(filter(None, (str(document.get("domain", "")), str(document.get("part", "")))))
    return records_of(code) or kinds()[0]


def shape(draft: SetUp, found: Look) -> Shape:
    """Columns the feed reads and the file lacks, columns the feed's last file did not have, and likely new names."""
    choices = choices_of(draft.document)
    read = dict.fromkeys([*choices.key, *choices.parent, *filter(None, [choices.updated]), *choices.columns])
    present = {same_name(name) for name in found.header}
    missing = [name for name in read if same_name(name) not in present]
    last = draft.feed.batches.filter(state="read", repeats=None).order_by("-pk").first() if draft.feed else None
    before = {same_name(str(name)) for name in (last.header if last else [])}
    added = [name for name in found.header if before and same_name(name) not in before]
    free = [name for name in found.header if same_name(name) not in {same_name(one) for one in read}]
    renamed: dict[str, str] = {}
    for lost in missing:
        best = max(((likeness(name, lost), name) for name in free if name not in renamed), default=(0.0, ""))
        if best[0] >= RENAMED:
            renamed[best[1]] = lost
    return Shape(missing, added, renamed)


def columns(draft: SetUp, found: Look, around: Surroundings) -> list[Column]:
    """Every column of the file with its target, as chosen, as the feed reads it or as proposed, and the reason."""
    records = records_in(draft.document)
    choices = choices_of(draft.document)
    changed = shape(draft, found)
    _, _targets, reasons, _ = propose(found, draft.file_name, around, taught(around), records)
    spelled = {same_name(name): target for name, target in choices.columns.items()}
    keys, parents = {same_name(one) for one in choices.key}, {same_name(one) for one in choices.parent}
    rows = []
    for place, name in enumerate(found.header):
        folded, lost = same_name(name), changed.renamed.get(name, "")
        target = spelled.get(folded) or spelled.get(same_name(lost), "") if lost else spelled.get(folded, "")
        reason = reasons.get(name, "") if _targets.get(name) == target else "You chose it." if target else ""
        if draft.feed and target and not lost:
            reason = f"{draft.feed.title} reads it so."
        if not target and folded in keys:
            reason = "It tells the rows apart: its source knows each record by it."
        if lost:
            reason = f"Renamed? The feed reads this from “{lost}”, which this file does not have."
        values = [str(row.cells.get(name) or "").strip() for row in found.rows]
        filled = [value for value in values if value]
        rows.append(
            Column(
                place, name, list(dict.fromkeys(filled))[:SAMPLES], len(filled), target, reason,
                folded in keys or same_name(lost) in keys, folded in parents or same_name(lost) in parents,
            )
        )  # fmt: skip
    return rows


def groups(records: Records, around: Surroundings, chosen: Sequence[str]) -> list[tuple[str, list[Target]]]:
    """The targets to choose from, by what they belong to; one more row of each part that is in use."""
    rows = {part: number + 1 for part, number in part_rows([one for one in chosen if one]).items()}
    targets = targets_of(records, around.extension.get(records.domain.name, {}), rows)
    return [(group, list(of_group)) for group, of_group in groupby(targets, key=lambda target: target.group)]


def fixed(draft: SetUp, records: Records, around: Surroundings, chosen: Sequence[str]) -> list[Fixed]:
    """Attributes without a column that a value for the whole file makes sense of: lists of choices, and countries."""
    constants = choices_of(draft.document).constants
    filled = {one.removesuffix(BY_NAME_MARK) for one in chosen if one}
    parts = {one.rpartition(".")[0] for one in filled if one.startswith("parts.")}
    found = []
    for target in targets_of(records, {}, part_rows(sorted(filled))):
        attribute, own = target.attribute, target.code
        used = not target.in_part or own.rpartition(".")[0] in parts
        asked = attribute.choices or attribute.code_set == "countries" or own in constants
        if used and asked and own not in filled and not own.endswith(BY_NAME_MARK):
            label = f"{target.group}: {target.label}" if target.in_part else target.label
            found.append(Fixed(own, label, attribute.choices, constants.get(own, "")))
    return found


def lacking(draft: SetUp) -> list[tuple[str, bool]]:
    """(message, whether every row would wait in quarantine) of what no column and no fixed value fills."""
    choices = choices_of(draft.document)
    targets = [*filter(None, choices.columns.values()), *choices.constants]
    found = [(message, stops) for _, message, stops in unmapped_requirements(records_in(draft.document), targets)]
    return sorted(set(found), key=lambda one: not one[1])


# ---- what was typed ------------------------------------------------------------------------------


def typed_dialect(form: QueryDict, document: Mapping[str, Any]) -> dict[str, Any]:
    """The document with dialect, writing of values and source as typed."""
    made = dict(document)
    table = dict(document.get("dialect", {}))
    for name in ("encoding", "delimiter", "quote", "sheet"):
        if name in form:
            table[name] = str(form[name]).strip() if name != "quote" else form[name]
    table = {name: value for name, value in table.items() if value or name == "quote"}
    line = str(form.get("header_line", "")).strip()
    table.pop("header_line", None)
    if line.isascii() and line.isdigit() and 0 < len(line) < 6 and int(line):
        table["header_line"] = int(line)
    if table.get("format") != "csv":
        table = {name: value for name, value in table.items() if name in ("format", "sheet", "header_line")}
    made["dialect"] = table
    values = dict(document.get("values", {}))
    for name, text in (("decimal", form.get("decimal", "")), ("country", form.get("country", "").strip().upper())):
        values.pop(name, None)
        values |= {name: text} if text and text not in (".", "US") else {}
    for name in ("dates", "blanks"):
        listed = [one.strip() for one in form.get(name, "").splitlines() if one.strip()]
        values.pop(name, None)
        values |= {name: listed} if listed else {}
    made.pop("values", None)
    if values:
        made["values"] = values
    made["source"] = form.get("source", "") or NEW_SOURCE
    return made


def typed_choices(
    form: QueryDict, document: Mapping[str, Any], found: Look, fixed_ones: Sequence[str]
) -> dict[str, Any]:
    """The document with the targets, keys and fixed values as typed. Columns are named by their place."""
    targets = {name: form.get(f"target-{place}", "") for place, name in enumerate(found.header)}
    choices = Choices(
        targets,
        [name for place, name in enumerate(found.header) if f"key-{place}" in form],
        [name for place, name in enumerate(found.header) if f"parent-{place}" in form],
        next((name for name in found.header if name == form.get("updated")), ""),
        {target: form.get(f"fixed-{target}", "").strip() for target in fixed_ones},
    )
    kept = {one: text for one, text in choices_of(document).constants.items() if f"fixed-{one}" not in form}
    joins = {target: JOINS[last] for target in targets.values() if (last := target.rpartition(".")[2]) in JOINS}
    return with_choices(document, replace(choices, constants={**kept, **choices.constants}), joins)
