"""What would become of every row of a file. Nothing is stored but the rejected rows, as a file people may download."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from django.db import connection

from mdm.identity import uuid7
from mdm.intake import storing
from mdm.intake.mapping import Mapped, map_row
from mdm.intake.plan import Plan
from mdm.intake.quarantine import csv_line
from mdm.intake.readers import read as open_file
from mdm.intake.repetition import Keys, Seen, compare
from mdm.intake.storing import Destination
from mdm.models import RowState

CHUNK = 2000
KINDS_KEPT = 200  # of reasons; files with more are wrong as a whole
FRESH = 60  # new rows kept for a look at whom they resemble
MISSING = """
SELECT record.key FROM mdm_sourcerecord record JOIN mdm_batch batch ON batch.id = record.batch_id
WHERE batch.feed_id = %s AND record.part = %s AND NOT record.stub AND record.state <> 'retired'
  AND NOT EXISTS (SELECT FROM intake_seen seen WHERE seen.key = record.key)
ORDER BY record.key
"""
_NUMBERS = re.compile(r"\d+")


@dataclass
class Reason:
    """One thing that is wrong in many rows: how many, and the first of them as an example."""

    column: str
    message: str
    way_out: str
    rows: int
    line: int
    value: str


@dataclass
class Report:
    """Counts of a dry run. ``missing`` are records of the feed that the file does not name, where it is asked for."""

    read: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    quarantined: int = 0
    doubted: int = 0
    missing: int | None = None
    missing_keys: list[str] = field(default_factory=list)
    reasons: list[Reason] = field(default_factory=list)
    warnings: list[Reason] = field(default_factory=list)
    fresh: list[Mapped] = field(default_factory=list, repr=False)

    def as_json(self) -> dict[str, Any]:
        """The report without the rows themselves."""
        kept = {name: value for name, value in self.__dict__.items() if name not in ("fresh", "reasons", "warnings")}
        return kept | {
            name: [asdict(one) for one in sorted(given, key=lambda one: -one.rows)[:KINDS_KEPT]]
            for name, given in (("reasons", self.reasons), ("warnings", self.warnings))
        }


def rehearse(
    *,
    file: Path,
    plan: Plan,
    system_id: int,
    feed_id: int | None = None,
    rejected: Path | None = None,
    beat: Callable[[int], None] = lambda _rows: None,
) -> Report:
    """Judge every row of the file as reading it would, and count. The hub's records stay as they are.

    With ``feed_id`` the records of that feed the file does not name are counted too. Rows that would wait in
    quarantine go to ``rejected`` as CSV with every reason. Raises UnreadableFile, and whatever ``beat`` raises.
    """
    report = Report()
    to = Destination(batch_id=uuid7(), system_id=system_id, domain=plan.domain, part=plan.part, systems={})
    keys = Keys(batch_id=to.batch_id, system_id=system_id, domain=to.domain, part=to.part)
    groups: tuple[dict[tuple[str, str], Reason], ...] = ({}, {})
    try:
        with open_file(file, plan.dialect, expected_columns=plan.columns) as reading, _Rejected(rejected) as out:
            out.write(["Line", "Reasons", *reading.header])
            rows = iter(reading)
            while chunk := [map_row(plan, row) for row in islice(rows, CHUNK)]:
                _judge(chunk, to, keys, report)
                _gather(chunk, groups, report)
                for one in chunk:
                    if one.problems:
                        said = "; ".join(f"{p['message']} {p['way_out']}".strip() for p in one.problems)
                        out.write([str(one.line), said, *(one.cells.get(name) or "" for name in reading.header)])
                beat(report.read)
        if feed_id is not None:
            report.missing_keys, report.missing = _missing(feed_id, plan.part)
    finally:
        keys.forget()
    report.reasons, report.warnings = list(groups[0].values()), list(groups[1].values())
    return report


def _judge(chunk: Sequence[Mapped], to: Destination, keys: Keys, report: Report) -> None:
    wanted = [row.key for row in chunk if not row.problems]
    earlier, known = keys.seen(wanted), storing.known_hashes(to, wanted)
    fresh: dict[str, Seen] = {}
    for row in chunk:
        report.read += 1
        state = RowState.QUARANTINED if row.problems else compare(row, earlier.get(row.key) or fresh.get(row.key))
        if state == RowState.QUARANTINED:
            report.quarantined += 1
            continue
        if state == RowState.UNCHANGED:
            report.unchanged += 1
            continue
        fresh[row.key] = (row.line, row.content_hash)
        held = known.get(row.key)
        report.new += held is None
        report.unchanged += held is not None and held[1] == row.content_hash
        report.changed += held is not None and held[1] != row.content_hash
        report.doubted += bool(row.warnings)
        if held is None and len(report.fresh) < FRESH:
            report.fresh.append(row)
    keys.remember(fresh)


def _gather(chunk: Sequence[Mapped], groups: Sequence[dict[tuple[str, str], Reason]], report: Report) -> None:
    for row in chunk:
        for group, notes in zip(groups, (row.problems, [] if row.problems else row.warnings), strict=True):
            for note in notes:
                said = general(note["message"], note["value"], row.key)
                known = group.get((note["column"], said))
                if known is not None:
                    known.rows += 1
                elif len(group) < KINDS_KEPT:
                    group[note["column"], said] = Reason(
                        note["column"], said, note["way_out"], 1, row.line, note["value"][:120]
                    )


def general(message: str, value: str, key: str = "") -> str:
    """The message without what is special to one row, so that rows with one fault count together."""
    for special in (value, key):
        if len(special) > 1:
            message = message.replace(special, "…")
    return _NUMBERS.sub("#", message) if " line " in message or "characters" in message else message


def _missing(feed_id: int, part: str) -> tuple[list[str], int]:
    with connection.cursor() as cursor:
        cursor.execute(MISSING, [feed_id, part])
        keys = [key for (key,) in cursor.fetchall()]
    return keys[:KINDS_KEPT], len(keys)


class _Rejected:
    """The file of rejected rows; written aside and put in place when whole."""

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def __enter__(self) -> "_Rejected":
        if self._path is not None:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._file = self._path.with_suffix(".part").open("w", encoding="utf-8", newline="")
        return self

    def write(self, cells: Iterable[str]) -> None:
        if self._path is not None:
            self._file.write(csv_line(list(cells)))

    def __exit__(self, kind: object, *_: object) -> None:
        if self._path is not None:
            self._file.close()
            if kind is None:
                self._path.with_suffix(".part").replace(self._path)
