"""Attempts lie in partitions of a week: made ahead, dropped as a whole, and closed to everybody otherwise."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from publishing import tasks
from publishing.models import Attempt, Endpoint
from publishing.partitions import keep_attempts
from tests.publishing.making import webhook

pytestmark = pytest.mark.django_db

HOOK = "http://127.0.0.1:8801/hook"


def rows(sql: str, *params: object) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return list(cursor.fetchall()) if cursor.description else []


def tried(endpoint: Endpoint, at: datetime) -> Attempt:
    return Attempt.objects.create(
        endpoint=endpoint, number=1, at=at, method="POST", url=endpoint.url, outcome_code="ACCEPTED"
    )


def place(attempt: Attempt) -> str:
    [(name,)] = rows("SELECT tableoid::regclass::text FROM publishing_attempt WHERE id = %s", attempt.pk)
    return str(name)


def partition(name: str, low: datetime, high: datetime) -> None:
    rows(f"CREATE TABLE {name} PARTITION OF publishing_attempt FOR VALUES FROM ('{low}') TO ('{high}')")


def test_this_week_and_the_next_two_are_there() -> None:
    assert keep_attempts().made == 0
    names = {str(name) for name, _, _ in rows("SELECT * FROM assay_partitions('publishing_attempt')")}
    monday = datetime.now(UTC).date() - timedelta(days=datetime.now(UTC).weekday())
    assert {f"publishing_attempt_{monday + timedelta(days=7 * n):%Y%m%d}" for n in range(3)} <= names
    assert place(tried(webhook(HOOK), datetime.now(UTC))) == f"publishing_attempt_{monday:%Y%m%d}"


def test_a_time_without_a_week_is_taken_all_the_same() -> None:
    assert place(tried(webhook(HOOK), datetime(2031, 1, 1, tzinfo=UTC))) == "publishing_attempt_default"


def test_what_spilled_moves_to_its_week() -> None:
    monday = datetime.now(UTC).date() - timedelta(days=datetime.now(UTC).weekday())
    rows(f"DROP TABLE publishing_attempt_{monday:%Y%m%d}")
    spilled = tried(webhook(HOOK), datetime.now(UTC))
    assert place(spilled) == "publishing_attempt_default"
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # a commit would have checked them
    assert keep_attempts().made == 1
    assert place(spilled) == f"publishing_attempt_{monday:%Y%m%d}"
    later = tried(webhook(HOOK, code="later"), datetime(2031, 1, 1, tzinfo=UTC))
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        rows("DELETE FROM publishing_attempt WHERE id = %s", later.pk)


def test_whole_weeks_are_dropped_after_thirty_days_and_never_before() -> None:
    now = datetime.now(UTC)
    old, young = now - timedelta(days=60), now - timedelta(days=31)
    partition("publishing_attempt_old", old, old + timedelta(days=7))
    partition("publishing_attempt_young", young, young + timedelta(days=7))
    endpoint = webhook(HOOK)
    first, second = tried(endpoint, old), tried(endpoint, young)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    assert rows("SELECT * FROM assay_attempts_drop_partitions(1)") == [("publishing_attempt_old",)]
    assert list(Attempt.objects.values_list("pk", flat=True)) == [second.pk]
    assert first.pk != second.pk
    assert tasks.partitions() == 0


@pytest.mark.parametrize("table", ["publishing_attempt", "publishing_attempt_default"])
def test_no_road_leads_round_the_walls(table: str) -> None:
    tried(webhook(HOOK), datetime(2031, 1, 1, tzinfo=UTC))
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET LOCAL assay.allow_truncate = 'off'")
    for attack in ("DELETE FROM {}", "UPDATE {} SET error = ''", "TRUNCATE {}"):
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            rows(attack.format(table))
