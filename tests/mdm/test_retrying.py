"""Of two transactions that wait for each other one is ended by PostgreSQL, and begun anew."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier, BrokenBarrierError

import pytest
from django.db import OperationalError, connection

from mdm.errors import Busy
from mdm.models import SourceSystem
from mdm.retrying import ATTEMPTS, atomic

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_deadlock_costs_one_of_the_two_a_second_attempt_and_no_more() -> None:
    one, two = (SourceSystem.objects.create(code=code, name=code) for code in ("one", "two"))
    met, attempts = Barrier(2), []

    @atomic
    def rename(first: SourceSystem, second: SourceSystem, name: str) -> str:
        attempts.append(name)
        SourceSystem.objects.filter(pk=first.pk).update(name=name)
        with suppress(BrokenBarrierError):
            met.wait(5)  # only the first time both are here
        met.abort()
        SourceSystem.objects.filter(pk=second.pk).update(name=name)
        return name

    def run(*given: object) -> str:
        try:
            return rename(*given)  # type: ignore[arg-type]
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        said = [pool.submit(run, one, two, "a"), pool.submit(run, two, one, "b")]
    assert {answer.result() for answer in said} == {"a", "b"}
    assert len(attempts) == 3
    assert SourceSystem.objects.values_list("name", flat=True).distinct().count() == 1


def test_who_never_gets_through_is_told_to_try_again() -> None:
    attempts = []

    @atomic
    def never() -> None:
        attempts.append(1)
        with connection.cursor() as cursor:
            cursor.execute("DO $$ BEGIN RAISE EXCEPTION 'lost' USING ERRCODE = 'deadlock_detected'; END $$")

    with pytest.raises(Busy) as refusal:
        never()
    assert (len(attempts), refusal.value.http, refusal.value.way_out) == (ATTEMPTS, 503, "Try again.")


def test_what_would_not_pass_is_not_tried_again() -> None:
    attempts = []

    @atomic
    def gone() -> None:
        attempts.append(1)
        with connection.cursor() as cursor:
            cursor.execute("DO $$ BEGIN RAISE EXCEPTION 'gone' USING ERRCODE = 'disk_full'; END $$")

    with pytest.raises(OperationalError):
        gone()
    assert attempts == [1]
