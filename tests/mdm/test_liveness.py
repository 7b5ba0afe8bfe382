"""Programs say that they live; who stops saying it is taken for dead."""

from collections.abc import Iterator

import pytest
from django.db import connection

from mdm import liveness
from mdm.models import Heartbeat
from mdm.tasks import pulse

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    liveness.forget()
    yield
    liveness.forget()


def grow_old(name: str, age: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE mdm_heartbeat SET beat_at = beat_at - %s::interval WHERE name = %s", [age, name])


def test_a_program_that_beats_lives_and_one_that_stopped_does_not() -> None:
    liveness.beat("sequencer@a:1", {"role": "main"})
    liveness.beat("sequencer@b:2", {"role": "standby"})
    grow_old("sequencer@a:1", "16 seconds")
    assert [(one.name, one.lives) for one in liveness.programs("sequencer")] == [
        ("sequencer@b:2", True),
        ("sequencer@a:1", False),
    ]
    assert liveness.lives("sequencer")
    assert not liveness.lives("publisher")


def test_beating_often_writes_seldom_and_news_at_once() -> None:
    assert liveness.beat("publisher", {"lanes": 1})
    assert not liveness.beat("publisher", {"lanes": 1})
    assert liveness.beat("publisher", {"lanes": 2})
    assert Heartbeat.objects.get().name == liveness.own_name("publisher")


def test_since_counts_from_the_return_of_a_program() -> None:
    liveness.beat("x@a:1")
    grow_old("x@a:1", "1 minute")
    before = Heartbeat.objects.get().since
    liveness.forget()
    liveness.beat("x@a:1")
    assert Heartbeat.objects.get().since > before


def test_the_long_silent_are_forgotten() -> None:
    liveness.beat("x@a:1")
    grow_old("x@a:1", "2 days")
    liveness.beat("x@a:2")
    assert [one.name for one in liveness.programs()] == ["x@a:2"]


def test_a_pulse_tells_of_the_worker_and_of_the_timetable() -> None:
    pulse("publisher")
    assert {one.kind for one in liveness.programs() if one.lives} == {"publisher", "beat"}
