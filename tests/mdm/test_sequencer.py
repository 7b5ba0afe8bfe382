"""The sequencer as a program: real processes, killed under writers, and nothing is missed."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction

from mdm import liveness, log
from mdm.gaps import Gaps
from mdm.models import ChangeEvent, LogHead
from mdm.nudge import Waker
from mdm.queries import feed_head
from mdm.sequencer import Sequencer
from tests.factories import database_url
from tests.mdm.making import golden, source

PROJECT = Path(__file__).resolve().parents[2]
PATIENCE = 180.0

pytestmark = pytest.mark.django_db(transaction=True)

INSERT = (
    "INSERT INTO mdm_changeevent (uid, record_id, domain, verb, version, state, outward, occurred_at, actor, "
    "correlation_id, changed, body) VALUES (gen_random_uuid(), %s, 'supplier', 'changed', %s, 'active', true, now(), "
    "'test', gen_random_uuid(), '[]', '{}')"
)
MANY = (
    "INSERT INTO mdm_changeevent (uid, record_id, domain, verb, version, state, outward, occurred_at, actor, "
    "correlation_id, changed, body) SELECT gen_random_uuid(), %s, 'supplier', 'changed', %s + n, 'active', true, "
    "now(), 'test', gen_random_uuid(), '[]', repeat('x', 1000) FROM generate_series(1, %s) n"
)


class Sequencers:
    """Sequencer programs of one test, told apart by their process number."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.said = (folder / "said.log").open("ab")
        self.running: list[subprocess.Popen[bytes]] = []

    def start(self) -> "subprocess.Popen[bytes]":
        child = subprocess.Popen(
            [sys.executable, "-m", "django", "run_sequencer"],
            cwd=PROJECT,
            env={
                **os.environ,
                "DATABASE_URL": database_url(),
                "ASSAY_CHECKPOINT_FILE": str(self.folder / "checkpoints.jsonl"),
                "ASSAY_CHECKPOINT_KEY_FILE": str(self.folder / "checkpoint.key"),
            },
            stderr=self.said,
        )
        self.running.append(child)
        return child

    def main(self) -> "subprocess.Popen[bytes]":
        """The one that numbers, once there is one."""
        found: list[subprocess.Popen[bytes]] = []

        def one_numbers() -> bool:
            roles = {row.name: row.detail.get("role") for row in liveness.programs("sequencer")}
            found[:] = [
                child
                for child in self.running
                if child.poll() is None
                and roles.get(liveness.own_name("sequencer").rpartition(":")[0] + f":{child.pid}") == "main"
            ]
            return bool(found)

        until(one_numbers, "a sequencer that numbers")
        return found[0]

    def end(self) -> None:
        for child in self.running:
            child.kill()
            child.wait()
        self.said.close()


@pytest.fixture
def sequencers(tmp_path: Path) -> Iterator[Sequencers]:
    programs = Sequencers(tmp_path)
    yield programs
    programs.end()


def until(condition: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.02)


def all_numbered() -> bool:
    return not ChangeEvent.objects.filter(seq__isnull=True).exists()


def head() -> int:
    return LogHead.objects.values_list("seq", flat=True).first() or 0


def is_past(seq: int) -> bool:
    return head() > seq


def check_order() -> None:
    rows = list(ChangeEvent.objects.order_by("seq").values_list("seq", "record_id", "version"))
    assert [seq for seq, _, _ in rows] == list(range(1, len(rows) + 1))
    assert LogHead.objects.get().seq == len(rows)
    last: dict[object, int] = {}
    for _, record, version in rows:
        assert version > last.get(record, 0), "versions of a record out of order"
        last[record] = version


def test_killed_again_and_again_under_writers_nothing_is_missed(sequencers: Sequencers) -> None:
    records = [golden(source("erp", "supplier", f"V{n}", name=f"Supplier {n}")).pk for n in range(4)]
    stop, written, lock = threading.Event(), [4], threading.Lock()

    def write(seed: int) -> None:
        with psycopg.connect(database_url()) as session:
            turn = 0
            while not stop.is_set():
                turn += 1
                record = records[(seed + turn) % len(records)]
                row = session.execute("SELECT version FROM mdm_goldenrecord WHERE id = %s FOR UPDATE", [record])
                assert row.fetchone()
                newest = session.execute(
                    "SELECT coalesce(max(version), 1) + 1 FROM mdm_changeevent WHERE record_id = %s", [record]
                ).fetchone()
                assert newest
                session.execute(INSERT, [record, newest[0]])
                if turn % 20 == 7:
                    session.rollback()
                    continue
                session.commit()
                with lock:
                    written[0] += 1
                time.sleep(0.001)

    held = psycopg.connect(database_url())
    held.execute(INSERT, [records[0], 1_000_000])  # a transaction held open all the while
    for _ in range(2):
        sequencers.start()
    writers = [threading.Thread(target=write, args=(seed,)) for seed in range(4)]
    for writer in writers:
        writer.start()
    try:
        for _ in range(4):
            before = head()
            killed = sequencers.main()
            killed.send_signal(signal.SIGKILL)
            killed.wait()
            until(partial(is_past, before + 20), "the standby")
            sequencers.start()
    finally:
        stop.set()
        for writer in writers:
            writer.join()
    until(all_numbered, "the last numbers")
    assert ChangeEvent.objects.filter(seq__isnull=False).count() == written[0]
    held.commit()
    held.close()
    until(all_numbered, "the number of what was held open")
    assert ChangeEvent.objects.count() == written[0] + 1
    check_order()


def test_an_id_taken_by_a_younger_transaction_is_still_waited_for() -> None:
    """PostgreSQL's snapshot ends one above the newest transaction that ended: one that runs may lie beyond it."""
    record = golden(source("erp", "supplier", "V1", name="Acme")).pk
    gaps = Gaps()
    log.sequence(gaps=gaps)
    with psycopg.connect(database_url()) as older, psycopg.connect(database_url()) as younger:
        older.execute("SELECT pg_current_xact_id()")
        younger.execute("SELECT pg_current_xact_id()")
        younger.execute(INSERT, [record, 2])
        older.execute(INSERT, [record, 3])
        older.commit()
        assert log.sequence(gaps=gaps) == 1
        assert log.sequence(gaps=gaps) == 0
        younger.commit()
    assert log.sequence(gaps=gaps) == 1
    assert all_numbered()


def test_who_takes_over_waits_for_what_its_predecessor_waited_for() -> None:
    record = golden(source("erp", "supplier", "V1", name="Acme")).pk
    log.sequence(gaps=Gaps())
    with psycopg.connect(database_url()) as other:
        other.execute("SELECT pg_current_xact_id()")
        other.execute(INSERT, [record, 2])
        with psycopg.connect(database_url()) as newer:
            newer.execute(INSERT, [record, 3])
        assert log.sequence(gaps=Gaps()) == 1
        gaps = Gaps()
        assert log.sequence(gaps=gaps) == 0
        other.commit()
    assert log.sequence(gaps=gaps) == 1
    assert all_numbered()


def test_what_has_no_number_is_read_by_the_index_made_for_that_whatever_statistics_say() -> None:
    """While a transaction is held open, the index of numbers holds all that ever had none, and must not be read."""
    record = golden(source("erp", "supplier", "V1", name="Acme")).pk
    gaps = Gaps()
    log.sequence(gaps=gaps)
    plans: list[str] = []

    def explained(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        if "unnest" in sql and "seq IS NULL" in sql:
            context["cursor"].cursor.execute(f"EXPLAIN {sql}", params)
            plans.append("\n".join(line for (line,) in context["cursor"].cursor.fetchall()))
        return execute(sql, params, many, context)

    with psycopg.connect(database_url()) as held, psycopg.connect(database_url(), autocommit=True) as writer:
        held.execute("SELECT pg_current_xact_id()")
        writer.execute(MANY, [record, 10, 20_000])
        while log.sequence(gaps=gaps):
            pass
        writer.execute(MANY, [record, 30_000, 20])
        writer.execute("VACUUM ANALYZE mdm_changeevent")
        with psycopg.connect(database_url()) as other:
            other.execute(INSERT, [record, 90_000])
            writer.execute(INSERT, [record, 90_001])
            log.sequence(gaps=gaps)
        with connection.execute_wrapper(explained):
            log.sequence(gaps=gaps)
    assert plans
    assert not any("Sort  " in plan or "_seq " in plan for plan in plans), plans[0]


def test_the_head_is_found_at_once_whatever_a_transaction_held_open_keeps_of_it() -> None:
    record = golden(source("erp", "supplier", "V1", name="Acme")).pk
    gaps = Gaps()
    asked: dict[str, Any] = {}

    def noted(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        if "mdm_loghead" in sql and sql.startswith("SELECT"):
            asked[sql] = params
        return execute(sql, params, many, context)

    with psycopg.connect(database_url()) as held, psycopg.connect(database_url(), autocommit=True) as writer:
        held.execute("SELECT pg_current_xact_id()")
        writer.execute(MANY, [record, 10, 500])
        with connection.execute_wrapper(noted):
            while log.sequence(limit=1, gaps=gaps):
                pass
            feed_head()
            LogHead.objects.first()
        with connection.cursor() as cursor, transaction.atomic():
            for sql, params in asked.items():
                cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}", params)
                plan = cursor.fetchone()[0][0]["Plan"]
                assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < 20, plan


def test_one_numbers_and_the_other_stands_by(sequencers: Sequencers) -> None:
    golden(source("erp", "supplier", "V1", name="Acme"))
    sequencers.start()
    first = sequencers.main()
    sequencers.start()
    until(
        lambda: {row.detail.get("role") for row in liveness.programs("sequencer")} == {"main", "standby"},
        "a standby",
    )
    first.terminate()
    first.wait()
    second = sequencers.main()
    assert second.pid != first.pid
    assert (sequencers.folder / "checkpoints.jsonl").read_text().count("\n") == 1


def test_a_sequencer_put_to_sleep_is_replaced(sequencers: Sequencers) -> None:
    sequencers.start()
    asleep = sequencers.main()
    sequencers.start()
    asleep.send_signal(signal.SIGSTOP)
    golden(source("erp", "supplier", "V1", name="Acme"))
    until(all_numbered, "the standby")
    asleep.send_signal(signal.SIGCONT)
    golden(source("erp", "supplier", "V2", name="Beta"))
    until(all_numbered, "the number after it woke")
    check_order()


def test_a_key_that_cannot_be_used_stops_no_numbering(
    settings: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings.CHECKPOINT_KEY_FILE, settings.LOG_MARK_FILE = tmp_path / "checkpoint.key", tmp_path / "log.mark"
    settings.CHECKPOINT_KEY_FILE.write_text("nonsense")
    golden(source("erp", "supplier", "V1", name="Acme"))
    end = time.monotonic() + PATIENCE
    Sequencer(
        stopping=lambda: head() > 0 or time.monotonic() > end, waker=Waker("publishing.tasks.attend", queue="none")
    ).run()
    assert head() == 1
    assert "not signed: checkpoint.key holds no Ed25519 private key. Bring back the right file" in caplog.text
