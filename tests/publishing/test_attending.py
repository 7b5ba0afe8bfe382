"""The attendant of a program moves every lane by itself, hears the log grow, and lets go when it is told to end."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from django.db import connection

from mdm import log
from publishing import attending, tasks
from publishing.attending import Attendant
from publishing.lanes import TRIALS
from publishing.models import Delivery, Endpoint, Lane
from tests.factories import supplier
from tests.publishing.making import Answer, Target, states, suppliers, webhook

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ended() -> threading.Event:
    """Set by a test to end the attendant."""
    return threading.Event()


@pytest.fixture
def attendant(ended: threading.Event) -> Iterator[Attendant]:
    """An attendant that has ended, with every lane let go, before the database is emptied."""
    one = Attendant()
    yield one
    ended.set()
    one.wait(30)


def until(true: Callable[[], bool], seconds: float = 30) -> bool:
    """Whether it comes true within some time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if true():
            return True
        time.sleep(0.02)
    return False


def test_it_delivers_what_waits_and_what_comes(target: Target, attendant: Attendant, ended: threading.Event) -> None:
    suppliers(2)
    endpoint = webhook(target.url)
    attendant.ensure(ended.is_set)
    assert until(lambda: len(target.calls) == 2)
    supplier("K9", "Late Ltd")
    log.sequence_all()
    assert until(lambda: states(endpoint) == ["delivered"] * 3)
    assert attendant.ensure(ended.is_set) == 1, "the lane lingers on the connection to its target"


def test_told_to_end_it_waits_for_what_is_on_its_way(
    target: Target, attendant: Attendant, ended: threading.Event
) -> None:
    suppliers(3)
    endpoint = webhook(target.url, max_in_flight=1)
    Lane.objects.update(last_success_at=endpoint.created_at)
    called, released = threading.Event(), threading.Event()

    def hang() -> None:
        called.set()
        released.wait(20)

    target.answer = Answer(before=hang)
    attendant.ensure(ended.is_set)
    assert called.wait(20)
    ended.set()
    released.set()
    attendant.wait(30)
    assert len(target.calls) == 1
    assert sorted(states(endpoint)) == ["delivered", "waiting", "waiting"]
    assert Lane.objects.get().claim_id is None


def test_targets_that_hang_hold_up_nobody_and_no_connection(
    target: Target, attendant: Attendant, ended: threading.Event
) -> None:
    suppliers(1)
    released = threading.Event()

    def hang() -> None:
        released.wait(60)

    with Target(Answer(before=hang)) as hanging:
        dead = [webhook(hanging.url, code=f"dead-{number}") for number in range(TRIALS + 8)]
        # Half of them were fine until now: nothing told that they would hang.
        Lane.objects.filter(endpoint__in=dead[::2]).update(last_success_at=dead[0].created_at)
        attendant.ensure(ended.is_set)
        assert until(lambda: len(hanging.calls) >= TRIALS + 4)
        healthy = webhook(target.url, code="healthy")
        Lane.objects.filter(endpoint=healthy).update(last_success_at=healthy.created_at)
        started = time.monotonic()
        assert until(lambda: bool(target.calls), 10)
        assert time.monotonic() - started < 5, "a healthy target waits for no deadline of another"
        assert until(lambda: connections() <= attending.SEATS + 4), "who waits for a target holds no connection"
        assert until(lambda: idle_in_transaction() == 0), "nor a transaction"
        released.set()
        ended.set()
        attendant.wait(30)
    assert Delivery.objects.filter(state="in_flight").count() == 0
    assert Endpoint.objects.count() == len(dead) + 1


def connections() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        return int(cursor.fetchone()[0])


def idle_in_transaction() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in tr%'"
        )
        return int(cursor.fetchone()[0])


def test_the_task_sees_that_one_attendant_lives(
    target: Target, attendant: Attendant, ended: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    suppliers(1)
    endpoint = webhook(target.url)
    monkeypatch.setattr(tasks, "ATTENDANT", attendant)
    monkeypatch.setattr(tasks, "stopping", ended.is_set)
    tasks.attend()
    first = attendant._thread
    tasks.attend()
    assert attendant._thread is first
    assert until(lambda: states(endpoint) == ["delivered"])
