"""From what is owed to files on this machine: every table of a run written, hashed, added up and noted."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from publishing import mapping, outcomes, payloads
from publishing.files import control, naming
from publishing.files.batches import Owed, Page, changed, everything
from publishing.files.columns import Table, tables_of
from publishing.files.layout import Layout, read
from publishing.files.places import Tick
from publishing.files.spooling import PARKED, WRITTEN, Note, Notes, fresh
from publishing.files.writing import Line, TableFile, Unwritable, trailer_facts, value_at
from publishing.models import Endpoint, FileContent, FileDrop, FileFormat

NO_TRANSLATION = "NO_TRANSLATION"
SHOWN = 5  # records left out that a run names; all of them are counted

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Task:
    """What is to be written: by which number, for which stretch of the log."""

    endpoint: Endpoint
    drop: FileDrop
    number: int
    from_seq: int
    through: int
    epoch: UUID
    moment: datetime

    @property
    def full(self) -> bool:
        """Whether every record is written, not only those that changed."""
        return self.drop.content == FileContent.FULL


@dataclass
class Rendered:
    """What was written, kept in ``folder``. ``left_out`` counts records that do not fit, ``why`` shows some."""

    folder: Path
    files: list[dict[str, Any]] = field(default_factory=list)
    rows: int = 0
    left_out: int = 0
    why: list[str] = field(default_factory=list)


def render(task: Task, tick: Tick) -> Rendered:
    """Write the files of a run. A record that cannot be written is noted with its reason, the others go on.

    Tables without rows give no file, unless the layout asks for empty ones. ``tick`` is called on the way.
    """
    layout = read(task.drop.layout)
    made = Rendered(fresh(task.endpoint.code, task.number))
    tables = tables_of(task.endpoint.domains, task.endpoint.mapping, layout)
    notes = Notes(made.folder)
    try:
        for domain in dict.fromkeys(table.domain for table in tables):
            _domain(task, layout, [table for table in tables if table.domain == domain], made, notes, tick)
    finally:
        notes.close()
    if task.drop.control_totals:
        _controls(task, layout, made)
    return made


def _domain(task: Task, layout: Layout, tables: Sequence[Table], made: Rendered, notes: Notes, tick: Tick) -> None:
    """The record's table and those of its parts, side by side: all lines of a record, or none."""
    fixed = task.drop.format == FileFormat.FIXED
    names = [_name(task, table) for table in tables]
    with ExitStack() as stack:
        files = [
            stack.enter_context(TableFile(made.folder / name, table.columns, layout, fixed=fixed))
            for name, table in zip(names, tables, strict=True)
        ]
        for owed, others in _pages(task, tables[0]):
            for note in [*others, *(_one(task.endpoint, one, tables, files, made) for one in owed)]:
                notes.add(note)
            tick()
        for name, table, file in zip(names, tables, files, strict=True):
            _end(task, layout, name, table, file, made)


def _end(task: Task, layout: Layout, name: str, table: Table, file: TableFile, made: Rendered) -> None:
    facts = trailer_facts(
        number=task.number, kind=task.drop.content, moment=task.moment, from_seq=task.from_seq, through=task.through
    )
    totals = file.end(facts)
    if not totals.rows and layout.when_empty == "skip":
        file.path.unlink()
        return
    made.rows += totals.rows
    made.files.append(
        {"name": name, "table": table.key, "rows": totals.rows, "bytes": totals.bytes, "sha256": totals.sha256,
         "sums": totals.sums}
    )  # fmt: skip


def _name(task: Task, table: Table) -> str:
    return naming.file_name(
        task.drop.file_name, code=task.endpoint.code, table=table.key, number=task.number, moment=task.moment,
        kind=task.drop.content,
    )  # fmt: skip


def _pages(task: Task, table: Table) -> Iterator[Page]:
    if task.full:
        return everything(task.endpoint, table.domain, task.through, tells_state=table.tells_state)
    return changed(task.endpoint, table.domain, task.through)


def _one(endpoint: Endpoint, one: Owed, tables: Sequence[Table], files: Sequence[TableFile], made: Rendered) -> Note:
    """Write one record, all its lines or none, and say what became of it."""
    try:
        content = payloads.content_left(endpoint, one.body) if one.leaves else payloads.content(endpoint, one.body)
        lines = _lines(content, tables[:1] if one.leaves else tables, files)
    except mapping.NoTranslation as error:
        code, words = NO_TRANSLATION, str(error)
    except (mapping.Unfit, Unwritable) as error:
        code, words = outcomes.UNREADABLE.code, str(error)
    except (KeyError, TypeError, ValueError):
        logger.exception("Event %s cannot be written for %s", one.seq, endpoint.code)
        code, words = outcomes.UNREADABLE.code, outcomes.UNREADABLE.words
    else:
        for file, line in lines:
            file.write(line)
        digest = payloads.content_digest(content)
        return Note(one.record_id, one.version, one.seq, WRITTEN, one.leaves, digest)
    made.left_out += 1
    if len(made.why) < SHOWN:
        made.why.append(f"{one.body['code']}: {words}")
    return Note(one.record_id, one.version, one.seq, PARKED, code=code, words=words[:480])


def _lines(
    content: dict[str, Any], tables: Sequence[Table], files: Sequence[TableFile]
) -> list[tuple[TableFile, Line]]:
    found = []
    for table, file in zip(tables, files, strict=False):
        if not table.rows:
            found.append((file, file.prepared(content)))
            continue
        rows = value_at(content, table.rows) or ()
        found += [(file, file.prepared({**row, "record": content})) for row in rows]
    return found


def _controls(task: Task, layout: Layout, made: Rendered) -> None:
    """One control file beside each file, named after it."""
    together = [file["name"] for file in made.files]
    for file in made.files:
        facts = {
            "file": file["name"],
            "number": task.number,
            "content": task.drop.content,
            "table": file["table"],
            "rows": file["rows"],
            "bytes": file["bytes"],
            "sha256": file["sha256"],
            "sums": file["sums"],
            "from_sequence": task.from_seq,
            "through_sequence": task.through,
            "epoch": str(task.epoch),
            "created_at": f"{task.moment:%Y-%m-%dT%H:%M:%SZ}",
            "together_with": [name for name in together if name != file["name"]],
        }
        if layout.control == "csv":
            facts["together_with"] = " ".join(name for name in together if name != file["name"])
        file["control"] = file["name"] + naming.CONTROL
        (made.folder / file["control"]).write_bytes(control.written(facts, layout.control))
