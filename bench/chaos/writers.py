"""Writers, as a program of their own: every transaction they end is one line in their diary.

    python -m bench.chaos.writers fast|golden --diary FILE --threads 8 --seed 1 [--changes N] [--rate R] [--seconds S]

``golden`` does what people and imports do, through the verbs of mdm.mastering: edits, new suppliers with a contract
that names them, retiring and reinstating, merging and unmerging. Survivorship bounds that to some hundred a second.

``fast`` is for figures beyond that: it writes the events alone, by mdm.log.emit, in transactions as they come in life:
a transaction number taken early, the record's row locked until the commit, versions counted under that lock, random
pauses before and after the insert, 5 % rolled back. Golden rows stay as they are, so only the log can be judged.

A line: {"t": seconds, "what": words, "end": committed | rolled back | refused | unknown, "uids": [...], "act": id}.
"unknown" is a commit whose answer never came, as when PostgreSQL was killed: either outcome is right.
"""

import argparse
import random
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import django
import orjson

django.setup()

from django.db import InterfaceError, OperationalError, close_old_connections, connection, transaction  # noqa: E402

from bench.chaos.golden import ACTS, World  # noqa: E402
from mdm import bulk, canonical, log  # noqa: E402
from mdm.errors import MdmError  # noqa: E402
from mdm.identity import uuid7  # noqa: E402
from mdm.models import ChangeEvent  # noqa: E402

ROLLBACKS = 0.05
HOT, HOT_SHARE = 50, 0.3


class Undo(Exception):
    """A transaction that changes its mind."""


@dataclass
class Diary:
    """Where threads note what they did; one write a line."""

    file: Path
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, end: str, what: str, **told: Any) -> None:
        """One line, with the time it is written."""
        line = orjson.dumps({"t": time.time(), "what": what, "end": end, **told}) + b"\n"
        with self.lock, self.file.open("ab") as stream:
            stream.write(line)


@dataclass
class Pace:
    """At most so many changes a second over all threads, and an end."""

    rate: float
    changes: int
    until: float
    begun: float = field(default_factory=time.monotonic)
    given: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def turn(self, count: int) -> bool:
        """Wait for the turn of so many changes; False when the work is over."""
        with self.lock:
            if time.monotonic() > self.until or (self.changes and self.given >= self.changes):
                return False
            self.given += count
            ahead = self.begun + self.given / self.rate - time.monotonic() if self.rate else 0.0
        if ahead > 0:
            time.sleep(ahead)
        return time.monotonic() <= self.until

    def take_back(self, count: int) -> None:
        """A turn that changed nothing is given to somebody else."""
        with self.lock:
            self.given -= count


# ---- fast -------------------------------------------------------------------------------------------------


def models_of_events() -> dict[UUID, tuple[ChangeEvent, dict[str, Any]]]:
    """The first event of each active record, as the pattern its next ones are made of."""
    events = ChangeEvent.objects.filter(version=1, outward=True).order_by("record_id")
    return {event.record_id: (event, orjson.loads(event.body)) for event in events}


def next_event(pattern: tuple[ChangeEvent, dict[str, Any]], version: int, text: str) -> ChangeEvent:
    """A change of the record's name, complete as a reader gets it."""
    first, body = pattern
    uid, correlation = uuid7(), uuid7()
    attributes = {**body["attributes"], "name": text}
    change = {"attribute": "name", "before": body["attributes"].get("name"), "after": text}
    whole = body | {
        "id": str(uid), "verb": "changed", "version": version, "previous_version": version - 1, "title": text,
        "attributes": attributes, "changed": [change], "correlation_id": str(correlation), "previous_state": "active",
        "occurred_at": first.occurred_at.isoformat(), "actor": "chaos",
    }  # fmt: skip
    return ChangeEvent(
        uid=uid, record_id=first.record_id, domain=first.domain, verb="changed", version=version, state=first.state,
        outward=True, occurred_at=first.occurred_at, actor="chaos", correlation_id=correlation, changed=["name"],
        body=canonical.dumps(whole),
    )  # fmt: skip


@dataclass
class Fast:
    """Transactions of one to eight changes, locked and counted as mastering does it."""

    patterns: dict[UUID, tuple[ChangeEvent, dict[str, Any]]]
    pause: float

    def __post_init__(self) -> None:
        self.ids = sorted(self.patterns)
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO chaos_version SELECT record_id, max(version) FROM mdm_changeevent GROUP BY 1 ORDER BY 1 "
                "ON CONFLICT DO NOTHING"
            )

    def once(self, dice: random.Random, diary: Diary, pace: Pace) -> bool:
        """One transaction; False when the work is over."""
        count = dice.randint(1, 8)
        chosen = sorted({self._any(dice) for _ in range(count)})
        if not pace.turn(len(chosen)):
            return False
        made: list[ChangeEvent] = []
        committing = False
        try:
            with transaction.atomic():
                made = self._write(dice, chosen)
                if dice.random() < ROLLBACKS:
                    raise Undo
                committing = True
            diary.note("committed", "fast", uids=[str(event.uid) for event in made])
            return True
        except Undo:
            diary.note("rolled back", "fast", uids=[str(event.uid) for event in made])
        except (OperationalError, InterfaceError) as error:
            diary.note("unknown" if committing else "rolled back", f"fast {type(error).__name__}",
                       uids=[str(event.uid) for event in made])  # fmt: skip
            start_over()
        pace.take_back(len(chosen))
        return True

    def _any(self, dice: random.Random) -> UUID:
        return dice.choice(self.ids[:HOT] if dice.random() < HOT_SHARE else self.ids)

    def _write(self, dice: random.Random, chosen: Sequence[UUID]) -> list[ChangeEvent]:
        with connection.cursor() as cursor:
            if dice.random() < 0.5:
                cursor.execute("SELECT pg_current_xact_id()")  # an early number, as a transaction has that wrote before
                self._rest(dice)
            cursor.execute(
                "SELECT id FROM mdm_goldenrecord WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE", [list(chosen)]
            )
            # A row a version: counting in one row would leave, while a transaction is held open, thousands of dead
            # ones for each writer to walk through, and the writers' own slowness would be measured.
            cursor.execute(
                "INSERT INTO chaos_version SELECT own.id, (SELECT version FROM chaos_version c "
                "WHERE c.record_id = own.id ORDER BY version DESC LIMIT 1) + 1 "
                "FROM unnest(%s::uuid[]) AS own(id) RETURNING record_id, version",
                [list(chosen)],
            )
            versions = dict(cursor.fetchall())
        text = f"Company {dice.randrange(10**6)} Ltd"
        made = [next_event(self.patterns[pk], versions[pk], text) for pk in chosen]
        log.emit(bulk.plain(made))
        self._rest(dice)
        return made

    def _rest(self, dice: random.Random) -> None:
        if self.pause:
            time.sleep(dice.uniform(0, self.pause))


# ---- golden -----------------------------------------------------------------------------------------------


@dataclass
class Golden:
    """Acts through the verbs, each with a correlation id of its own."""

    world: World

    def once(self, dice: random.Random, diary: Diary, pace: Pace) -> bool:
        """One act; False when the work is over."""
        if not pace.turn(1):
            return False
        name, act = dice.choices([(name, act) for name, (act, _) in ACTS.items()], [w for _, w in ACTS.values()])[0]
        undo = dice.random() < ROLLBACKS
        given = uuid7()
        committing = False
        try:
            with transaction.atomic():
                act(self.world, dice, given)
                if undo:
                    raise Undo
                committing = True
            diary.note("committed", name, act=str(given))
        except Undo:
            diary.note("rolled back", name, act=str(given))
        except MdmError as refusal:
            diary.note("refused", f"{name}: {refusal.code}", act=str(given))
        except (OperationalError, InterfaceError) as error:
            diary.note("unknown" if committing else "rolled back", f"{name} {type(error).__name__}", act=str(given))
            start_over()
        return True


def start_over() -> None:
    """A lost connection is thrown away; whoever killed the server gets a moment."""
    time.sleep(0.2)
    connection.close()
    close_old_connections()


def work(once: Callable[[random.Random, Diary, Pace], bool], seed: str, diary: Diary, pace: Pace) -> None:
    """Go on until the pace says that it is over."""
    dice = random.Random(seed)
    going = True
    while going:
        try:
            going = once(dice, diary, pace)
        except Exception as error:
            diary.note("FAILED", f"{type(error).__name__}: {error}"[:300])
            start_over()


def main() -> int:
    """Read the words and write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=["fast", "golden"])
    parser.add_argument("--diary", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--changes", type=int, default=0)
    parser.add_argument("--rate", type=float, default=0)
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--pause", type=float, default=0.015)
    given = parser.parse_args()
    pace = Pace(given.rate, given.changes, time.monotonic() + given.seconds)
    signal.signal(signal.SIGTERM, lambda *_: setattr(pace, "until", 0.0))
    diary = Diary(given.diary)
    once = Fast(models_of_events(), given.pause).once if given.kind == "fast" else Golden(World.load()).once
    pace.begun = time.monotonic()
    pace.until = pace.begun + given.seconds
    threads = [
        threading.Thread(target=work, args=(once, f"{given.seed}/{number}", diary, pace))
        for number in range(given.threads)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return 0


if __name__ == "__main__":
    sys.exit(main())
