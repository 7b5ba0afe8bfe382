"""The timetable and the tasks behind it: everything has a worker, nothing waits in the broker, twice is harmless."""

import re
from pathlib import Path

import pytest
from django.conf import settings

from mdm.celery import app
from ops.programs import WORKERS, lasting
from publishing import tasks
from publishing.models import Delivery, Notice
from tests.publishing.making import Answer, Target, pass_time, run, suppliers, webhook

PROJECT = Path(__file__).resolve().parents[2]
ROOMS = ("mdm", "matching", "stewardship", "publishing", "api")
DAY = 24 * 3600


def queues(program: str) -> set[str]:
    """The queues a program of the launcher serves."""
    command = next(one.command for one in lasting("127.0.0.1", 8800, demo=False) if one.name == program)
    return set(command[command.index("-Q") + 1].split(","))


def test_every_entry_of_the_timetable_names_a_task_and_a_queue_somebody_serves() -> None:
    app.loader.import_default_modules()
    served = queues(WORKERS[0]) | queues(WORKERS[1])
    assert [name for name, entry in settings.TIMETABLE.items() if entry["task"] not in app.tasks] == []
    assert [name for name, entry in settings.TIMETABLE.items() if entry["options"]["queue"] not in served] == []


def test_no_message_outlives_its_turn() -> None:
    """J1, J2: a worker that comes back finds the work in PostgreSQL, not a heap of old messages."""
    unlimited = [name for name, entry in settings.TIMETABLE.items() if not entry["options"].get("expires")]
    assert unlimited == []


def test_imports_and_publishing_share_no_worker() -> None:
    """J7: a bulk import keeps the other worker busy for minutes."""
    assert queues("publisher") == {"publish"}
    assert "publish" not in queues("worker")


def test_the_watch_is_kept_by_both_workers() -> None:
    entries = [entry for entry in settings.TIMETABLE.values() if entry["task"] == "publishing.tasks.watch"]
    assert {entry["options"]["queue"] for entry in entries} == {"maintenance", "publish"}


def test_no_retry_waits_inside_the_broker() -> None:
    """J4: what is to be done later has a due date in the database."""
    waits = re.compile(r"\b(countdown|eta)\s*=|\.retry\(")
    found = [
        f"{path.relative_to(PROJECT)}:{number}"
        for room in ROOMS
        for path in (PROJECT / room).rglob("*.py")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if waits.search(line)
    ]
    assert found == []


@pytest.mark.django_db
def test_watching_and_purging_twice_does_it_once(clock: None) -> None:
    suppliers(1)
    with Target(Answer(503)) as dead:
        endpoint = webhook(dead.url, owner_email="olga@example.org")
        run(endpoint)
    pass_time(16 * 60)
    assert tasks.watch() == {"new": 1, "mailed": 1, "called": 0}
    assert tasks.watch() == {"new": 0, "mailed": 0, "called": 0}
    assert Notice.objects.count() == 1
    pass_time(60 * DAY)
    Delivery.objects.update(state="superseded", settled_at="2020-01-01T00:00:00Z")
    assert tasks.purge() == 1
    assert tasks.purge() == 0
