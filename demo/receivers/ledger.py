"""What a receiver remembers, in one SQLite file: records, ids it has seen, calls, and how it is switched."""

import json
import sqlite3
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

SCHEMA = """
CREATE TABLE IF NOT EXISTS seen (id TEXT PRIMARY KEY, at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS record (
  id TEXT PRIMARY KEY, local_id TEXT NOT NULL UNIQUE, domain TEXT NOT NULL, code TEXT NOT NULL, title TEXT NOT NULL,
  version INTEGER NOT NULL, state TEXT NOT NULL, merged_into TEXT, body TEXT NOT NULL, changed_at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS record_newest ON record (changed_at DESC);
CREATE TABLE IF NOT EXISTS call (
  number INTEGER PRIMARY KEY, at TEXT NOT NULL, what TEXT NOT NULL, subject TEXT NOT NULL, verified TEXT NOT NULL,
  code INTEGER NOT NULL, note TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS switch (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS receipt (key TEXT PRIMARY KEY, at REAL NOT NULL, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
"""
CALLS_KEPT = 2000


@dataclass(frozen=True)
class Taken:
    """What became of a message: the receiver's own id of the record, and a word for the log."""

    local_id: str
    note: str


class Ledger:
    """One receiver's memory. Safe among threads; every method is one transaction."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._file = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
        self._file.row_factory = sqlite3.Row
        self._file.execute("PRAGMA journal_mode = WAL")
        self._file.execute("PRAGMA synchronous = NORMAL")
        self._file.executescript(SCHEMA)

    def take(
        self,
        *,
        message_id: str,
        record: dict[str, Any],
        prefix: str,
        body: dict[str, Any] | None = None,
        replayed: bool = False,
    ) -> Taken:
        """The effect of a message, exactly once: the id is kept in the transaction of the effect.

        ``body`` is the record in this system's own fields, where it is not sent in the hub's.

        A message seen before changes nothing; neither does a version that is not newer than the one held. One that is
        marked as a replay is taken again unless a newer version is held: so the hub mends what was altered here.
        """
        now = _now()
        with self._lock, self._file:
            self._file.execute("BEGIN IMMEDIATE")
            first = self._file.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (message_id, now)).rowcount
            held = self._file.execute("SELECT local_id, version FROM record WHERE id = ?", (record["id"],)).fetchone()
            if not first and not replayed:
                return Taken(held["local_id"] if held else "", "seen before")
            if held and held["version"] + (not replayed) > record["version"]:
                return Taken(held["local_id"], f"older than version {held['version']}")
            local_id = held["local_id"] if held else self._next_id(prefix)
            self._file.execute(
                "INSERT OR REPLACE INTO record VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    record["id"], local_id, record["domain"], record["code"], record["title"], record["version"],
                    record["state"], record["merged_into"], json.dumps(record if body is None else body), now,
                ),
            )  # fmt: skip
            return Taken(local_id, _what_happened(record, new=held is None))

    def next_receipt(self) -> str:
        """A number no other receipt has."""
        with self._lock, self._file:
            return self._next_id("receipt")

    def owe_receipt(self, receipt: dict[str, Any], wait: float) -> None:
        """Remember to tell the hub later what became of a message."""
        with self._lock, self._file:
            due = datetime.now(UTC).timestamp() + wait
            self._file.execute(
                "INSERT OR REPLACE INTO receipt VALUES (?, ?, ?)", (receipt["key"], due, json.dumps(receipt))
            )

    def receipts_due(self, limit: int = 100) -> list[dict[str, Any]]:
        """Receipts whose time has come, oldest first."""
        now = datetime.now(UTC).timestamp()
        rows = self._rows("SELECT body FROM receipt WHERE at <= ? ORDER BY at LIMIT ?", (now, limit))
        return [json.loads(row["body"]) for row in rows]

    def receipt_told(self, key: str) -> None:
        """The hub has answered this receipt for good."""
        with self._lock, self._file:
            self._file.execute("DELETE FROM receipt WHERE key = ?", (key,))

    def all_held(self) -> list[tuple[str, int, dict[str, Any]]]:
        """Everything held: id, version, and the record as it was received."""
        rows = self._rows("SELECT id, version, body FROM record ORDER BY id")
        return [(row["id"], row["version"], json.loads(row["body"])) for row in rows]

    def alter(self, count: int) -> list[str]:
        """Change the name of some records here without anybody's leave; returns their codes."""
        altered = []
        rows = self._rows("SELECT id, body FROM record WHERE state = 'active' ORDER BY random() LIMIT ?", (count,))
        with self._lock, self._file:
            for row in rows:
                body = json.loads(row["body"])
                title = _renamed(body)
                self._file.execute(
                    "UPDATE record SET body = ?, title = ?, changed_at = ? WHERE id = ?",
                    (json.dumps(body), title, _now(), row["id"]),
                )
                altered.append(row["id"])
        return altered

    def _next_id(self, prefix: str) -> str:
        row = self._file.execute(
            "INSERT INTO counter VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value",
            (prefix,),
        ).fetchone()
        return f"{prefix}-{row['value']:06d}"

    def note(self, *, what: str, subject: str, verified: str, code: int, note: str) -> None:
        """Keep one call for the page; old ones are forgotten."""
        with self._lock, self._file:
            number = self._file.execute(
                "INSERT INTO call (at, what, subject, verified, code, note) VALUES (?, ?, ?, ?, ?, ?)",
                (_now(), what, subject, verified, code, note),
            ).lastrowid
            if number and number % 500 == 0:
                self._file.execute("DELETE FROM call WHERE number <= ?", (number - CALLS_KEPT,))

    def turn(self, mode: str) -> None:
        """Switch the receiver."""
        with self._lock, self._file:
            self._file.execute("INSERT OR REPLACE INTO switch VALUES ('mode', ?)", (mode,))

    def mode(self) -> str:
        """How the receiver is switched; up at first."""
        rows = self._rows("SELECT value FROM switch WHERE name = 'mode'")
        return str(rows[0]["value"]) if rows else "up"

    def record(self, record_id: str) -> dict[str, Any] | None:
        """One record as it was received, with the receiver's own id and, if merged, what answers for it."""
        rows = self._rows("SELECT * FROM record WHERE id = ? OR local_id = ? OR code = ?", (record_id,) * 3)
        if not rows:
            return None
        held = dict(rows[0])
        body = json.loads(held.pop("body"))
        return {**held, **body}

    def newest(self, search: str, domain: str, limit: int = 60) -> Sequence[sqlite3.Row]:
        """Records that match, newest first, each with where it was merged to."""
        words = f"%{search.strip()}%"
        return self._rows(
            "SELECT r.*, w.local_id AS into_id, w.title AS into_title, w.code AS into_code FROM record r "
            "LEFT JOIN record w ON w.id = r.merged_into WHERE (? = '' OR r.domain = ?) AND "
            "(r.title LIKE ? OR r.code LIKE ? OR r.local_id LIKE ? OR r.id LIKE ?) ORDER BY r.changed_at DESC LIMIT ?",
            (domain, domain, words, words, words, words, limit),
        )

    def calls(self, limit: int = 30) -> Sequence[sqlite3.Row]:
        """The last calls, newest first."""
        return self._rows("SELECT * FROM call ORDER BY number DESC LIMIT ?", (limit,))

    def counts(self) -> dict[str, int]:
        """How many records it holds of each domain, merged and withdrawn ones left out."""
        rows = self._rows(
            "SELECT domain, count(*) AS held FROM record WHERE state NOT IN ('merged', 'pending', 'left') "
            "GROUP BY 1 ORDER BY 1"
        )
        return {row["domain"]: row["held"] for row in rows}

    def totals(self) -> dict[str, int]:
        """Messages taken, redirects kept, calls refused."""
        [row] = self._rows(
            "SELECT (SELECT count(*) FROM seen) AS messages, "
            "(SELECT count(*) FROM record WHERE state = 'merged') AS redirects, "
            "(SELECT count(*) FROM call WHERE code >= 400) AS refused"
        )
        return dict(row)

    def _rows(self, sql: str, values: Sequence[Any] = ()) -> list[sqlite3.Row]:
        with self._lock:
            return self._file.execute(sql, tuple(values)).fetchall()


def _renamed(body: dict[str, Any]) -> str:
    """Write another name into the record, wherever it has one, and return it."""
    fields = body.get("attributes", body)
    name = next(one for one in ("name", "description", "Name1", "Description", "title", "number") if fields.get(one))
    fields[name] = f"{fields[name]} (as changed here)"
    return str(fields[name])


def _what_happened(record: dict[str, Any], *, new: bool) -> str:
    if record["state"] == "merged":
        return "redirect kept"
    if record["state"] == "retired":
        return "retired"
    if record["state"] == "left":
        return "none of our business any more"
    if record["state"] == "pending":
        return "withdrawn until it is decided"
    return "new" if new else "changed"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
