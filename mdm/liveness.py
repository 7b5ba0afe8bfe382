"""Who is alive: programs say so every few seconds, pages and operators read it. All times are the database's."""

import os
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import DatabaseError, connection
from django.db.models import DateTimeField, Func

from mdm import canonical
from mdm.models import Heartbeat

WRITE_EVERY = 5.0  # seconds between two writes of one program
ALIVE_FOR = timedelta(seconds=15)  # three missed beats
FORGOTTEN_AFTER = "1 day"

_UPSERT = (
    "INSERT INTO mdm_heartbeat AS h (name, detail, since, beat_at) "
    "VALUES (%s, %s::jsonb, clock_timestamp(), clock_timestamp()) ON CONFLICT (name) DO UPDATE SET "
    "detail = excluded.detail, beat_at = excluded.beat_at, "
    "since = CASE WHEN h.beat_at < excluded.beat_at - %s::interval THEN excluded.since ELSE h.since END"
)
_last: dict[str, tuple[float, str]] = {}
_lock = threading.Lock()


@dataclass(frozen=True)
class Program:
    """A program as it last spoke. ``lives`` is whether that is recent enough to believe."""

    name: str
    detail: Mapping[str, Any]
    since: datetime
    beat_at: datetime
    age: timedelta

    @property
    def kind(self) -> str:
        """What it is: sequencer, publisher, worker, beat."""
        return self.name.partition("@")[0]

    @property
    def lives(self) -> bool:
        return self.age <= ALIVE_FOR


def own_name(program: str) -> str:
    """The name of this process as such a program: ``sequencer@host:1234``."""
    return f"{program}@{socket.gethostname()}:{os.getpid()}"


def beat(name: str, detail: Mapping[str, Any] | None = None) -> bool:
    """Say that this program lives; whether it was written. A bare word becomes ``word@host:pid``.

    Cheap: written at most every five seconds, or at once when ``detail`` is another. Never raises for a database
    that is away; must not be called inside a transaction whose failure matters.
    """
    name = name if "@" in name else own_name(name)
    text = canonical.dumps(dict(detail or {}))
    now = time.monotonic()
    with _lock:
        before = _last.get(name)
        if before and before[1] == text and now - before[0] < WRITE_EVERY:
            return False
        _last[name] = (now, text)
    try:
        with connection.cursor() as cursor:
            cursor.execute(_UPSERT, [name, text, str(ALIVE_FOR)])
            if before is None:
                cursor.execute(
                    "DELETE FROM mdm_heartbeat WHERE beat_at < clock_timestamp() - %s::interval", [FORGOTTEN_AFTER]
                )
    except DatabaseError:
        return False
    return True


def programs(kind: str = "") -> list[Program]:
    """Every program heard of within the last day, the latest first in its kind. One query."""
    clock = Func(function="clock_timestamp", output_field=DateTimeField())
    rows = Heartbeat.objects.annotate(asked_at=clock)
    found = [Program(row.name, row.detail, row.since, row.beat_at, row.asked_at - row.beat_at) for row in rows]
    wanted = [program for program in found if not kind or program.kind == kind]
    return sorted(wanted, key=lambda program: (program.kind, program.age))


def lives(kind: str) -> bool:
    """Whether at least one program of this kind lives."""
    return any(program.lives for program in programs(kind))


def forget() -> None:
    """Write the next beat at once; for tests."""
    with _lock:
        _last.clear()
