"""Workers: the tasks wake lanes, the command needs no broker, and a killed worker loses nothing."""

import os
import signal
import subprocess
import sys
import threading
import time
from io import StringIO
from pathlib import Path
from urllib.parse import quote

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection

from publishing.lanes import LEASE
from publishing.models import Attempt, Delivery
from tests.factories import publish, supplier
from tests.publishing.making import Answer, Target, pass_time, rename, run, states, suppliers, webhook

PROJECT = Path(__file__).resolve().parents[2]


@pytest.mark.django_db
def test_the_command_delivers_without_a_broker_and_says_what_is_left(target: Target) -> None:
    suppliers(2)
    webhook(target.url)
    with Target(Answer(503)) as dead:
        webhook(dead.url, code="dead")
        said = StringIO()
        call_command("drain", "--until-empty", stdout=said)
    assert "hook (Active): 2 delivered, 0 waiting, 0 parked" in said.getvalue()
    assert "dead (Failing, tried again): 0 delivered, 2 waiting, 0 parked" in said.getvalue()


@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_in_the_middle_of_a_call_loses_nothing(target: Target, clock: None) -> None:
    suppliers(1)
    endpoint = webhook(target.url)
    called, released = threading.Event(), threading.Event()

    def hang() -> None:
        called.set()
        released.wait(20)

    target.answer = Answer(before=hang)
    worker = subprocess.Popen(
        [sys.executable, "-m", "django", "drain"],
        cwd=PROJECT,
        env={**os.environ, "DATABASE_URL": url_of_the_test(), "ASSAY_KEYS_FILE": str(settings.KEYS_FILE)},
        stdout=subprocess.DEVNULL,
    )
    assert called.wait(30)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    released.set()
    assert states(endpoint) == ["in_flight"]
    assert not run(endpoint).claimed
    target.answer = Answer()
    pass_time(int(LEASE.total_seconds()) + 1)
    assert run(endpoint).delivered == 1
    first, second = target.calls
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
    codes = list(Attempt.objects.order_by("pk").values_list("outcome_code", flat=True))
    assert codes == ["OUTCOME_UNKNOWN", "ACCEPTED"]
    assert Delivery.objects.get().attempts == 2


@pytest.mark.django_db(transaction=True)
def test_a_worker_stopped_past_its_lease_writes_nothing_when_it_wakes(target: Target, clock: None) -> None:
    suppliers(2)
    endpoint = webhook(target.url, max_in_flight=1)
    called, released = threading.Event(), threading.Event()

    def hang() -> None:
        called.set()
        released.wait(30)

    target.answer = Answer(before=hang)
    worker = subprocess.Popen(
        [sys.executable, "-m", "django", "drain"],
        cwd=PROJECT,
        env={**os.environ, "DATABASE_URL": url_of_the_test(), "ASSAY_KEYS_FILE": str(settings.KEYS_FILE),
             "ASSAY_LEASE_SECONDS": "3"},
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    assert called.wait(30)
    worker.send_signal(signal.SIGSTOP)
    try:
        assert not run(endpoint).claimed
        pass_time(4)
        target.answer = Answer(body=b'{"id": "heir"}')
        assert run(endpoint).delivered == 2
        before = rows()
    finally:
        released.set()
        worker.send_signal(signal.SIGCONT)
    assert worker.wait(30) == 0
    assert rows() == before, "what the zombie knew of is not written"
    first, *others = target.calls
    assert any(one.body == first.body and one.headers["webhook-id"] == first.headers["webhook-id"] for one in others)
    assert states(endpoint) == ["delivered", "delivered"]


@pytest.mark.django_db(transaction=True)
def test_a_worker_stopped_past_its_lease_sends_nothing_when_it_wakes(target: Target, clock: None) -> None:
    """P5, P21: what stood ready behind its call is the heir's; a late push would turn the target back."""
    first = suppliers(1)
    endpoint = webhook(target.url, max_in_flight=1)
    run(endpoint)
    for name in ("Company Two", "Company Three"):
        rename(first[0], name)
    for number in range(6):
        supplier(f"L{number}", f"Late {number} Ltd")
    publish()
    called, released = threading.Event(), threading.Event()

    def hang() -> None:
        called.set()
        released.wait(30)

    target.answer = Answer(before=hang)
    worker = subprocess.Popen(
        [sys.executable, "-m", "django", "drain"],
        cwd=PROJECT,
        env={**os.environ, "DATABASE_URL": url_of_the_test(), "ASSAY_KEYS_FILE": str(settings.KEYS_FILE),
             "ASSAY_LEASE_SECONDS": "1"},
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    assert called.wait(30)
    worker.send_signal(signal.SIGSTOP)
    try:
        time.sleep(1.2)  # its lease, in the time of the machine: that of the database alone does not pass for it
        target.answer = Answer(body=b'{"id": "heir"}')
        assert run(endpoint).delivered == 8
        calls = len(target.calls)
    finally:
        released.set()
        worker.send_signal(signal.SIGCONT)
    assert worker.wait(30) == 0
    assert len(target.calls) == calls


def rows() -> list[str]:
    """Everything a worker could have written, as text."""
    with connection.cursor() as cursor:
        said = []
        for table in ("delivery", "attempt", "holding", "lane"):
            cursor.execute(f"SELECT coalesce(json_agg(t ORDER BY t::text)::text, '') FROM publishing_{table} t")  # noqa: S608
            said.append(cursor.fetchone()[0])
    return said


def url_of_the_test() -> str:
    """The database of this test as another program finds it."""
    database = connection.settings_dict
    place = f"host={database['HOST']}&port={database['PORT']}"
    return f"postgresql://{database['USER']}:{quote(database['PASSWORD'])}@/{database['NAME']}?{place}"
