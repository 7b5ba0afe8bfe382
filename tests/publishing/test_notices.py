"""Notices: each once for one trouble, over every channel, and never lost when a channel is down."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core import mail
from django.db import IntegrityError, connection, transaction
from pytest_django.fixtures import Settings
from standardwebhooks.webhooks import Webhook

from mdm import liveness
from mdm.models import GoldenRecord, LogHead
from publishing import notices
from publishing.breaker import turn
from publishing.clock import now
from publishing.models import Delivery, Endpoint, EndpointState, Notice, NoticeKind, OnReject
from publishing.notices import see, unseen, watch
from publishing.receipts import Given, take
from publishing.verbs import disable, pause, resume
from tests.factories import publish, supplier
from tests.publishing.making import OWNER, SIGNING, Answer, Target, pass_time, rename, rest, run, suppliers, webhook

MINUTE, HOUR, DAY = 60, 3600, 24 * 3600
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _mails_are_kept(settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    mail.outbox = []


def kinds() -> list[str]:
    """Every notice given so far, oldest first."""
    return list(Notice.objects.order_by("pk").values_list("kind", flat=True))


def told() -> list[str]:
    """What this look tells anew."""
    return [notice.kind for notice in watch().new]


def failing(**given: Any) -> Endpoint:
    """An endpoint whose target has just begun to fail."""
    suppliers(1)
    with Target(Answer(503)) as dead:
        endpoint = webhook(dead.url, owner_email="olga@example.org", **given)
        run(endpoint)
    return endpoint


def test_a_failing_endpoint_is_told_of_at_each_hour_that_counts_and_once(clock: None) -> None:
    failing()
    assert told() == []
    for seconds, kind in (
        (15 * MINUTE, NoticeKind.FAILING_15M),
        (4 * HOUR, NoticeKind.FAILING_4H),
        (DAY, NoticeKind.FAILING_24H),
        (3 * DAY, NoticeKind.FAILING_72H),
    ):
        pass_time(seconds - 30)
        assert told() == []
        pass_time(seconds + 30)
        assert told() == [kind]
        assert told() == []
    assert len(mail.outbox) == 4
    assert mail.outbox[0].to == ["olga@example.org"]
    assert "has been failing for 15 minutes. The target is down" in str(mail.outbox[0].body)
    assert "/publishing/hook/" in str(mail.outbox[0].body)


def test_a_watch_that_comes_late_tells_the_worst_alone(clock: None) -> None:
    failing()
    pass_time(DAY + MINUTE)
    assert told() == [NoticeKind.FAILING_24H]
    assert told() == []


def test_recovery_is_told_once_and_only_of_a_trouble_that_was_told(target: Target, clock: None) -> None:
    endpoint = failing()
    pass_time(20 * MINUTE)
    assert told() == [NoticeKind.FAILING_15M]
    Endpoint.objects.filter(pk=endpoint.pk).update(url=target.url)
    assert run(endpoint).delivered == 1
    assert told() == [NoticeKind.RECOVERED]
    assert told() == []
    assert [notice.kind for notice in unseen()] == [NoticeKind.RECOVERED]
    assert not Notice.objects.filter(ended_at=None).exists()
    quick = webhook(target.url, code="quick", owner_email="olga@example.org")
    run(quick)
    assert told() == []


def test_a_new_trouble_after_a_recovery_is_told_anew(target: Target, clock: None) -> None:
    endpoint = failing()
    pass_time(20 * MINUTE)
    watch()
    Endpoint.objects.update(url=target.url)
    run(endpoint)
    watch()
    target.answer = Answer(503)
    rename(Delivery.objects.get().record, "Company Zero")
    run(endpoint)
    pass_time(60 * MINUTE)
    assert told() == [NoticeKind.FAILING_15M]


def test_a_target_that_is_gone_is_told_of_at_once_and_a_persons_own_act_is_not(clock: None) -> None:
    suppliers(1)
    with Target(Answer(410)) as gone:
        endpoint = webhook(gone.url)
        run(endpoint)
    assert told() == [NoticeKind.DISABLED]
    assert told() == []
    resume(endpoint=endpoint, by=OWNER)
    assert told() == []
    disable(endpoint=endpoint, by=OWNER, reason="moved")
    assert told() == []
    other = webhook("http://127.0.0.1:8899", code="other")
    disable(endpoint=other, by=OWNER, reason="not needed")
    assert told() == []


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("restored: the hub was restored from a backup.", NoticeKind.RESTORED),
        ("stopped: a record was refused.", NoticeKind.STOPPED),
        ("Month-end closing", None),
    ],
)
def test_a_pause_by_assay_itself_is_told_once(reason: str, kind: NoticeKind | None) -> None:
    lane = webhook("http://127.0.0.1:8899").lane
    turn(lane, EndpointState.PAUSED, reason, "pause", now())
    assert told() == ([kind] if kind else [])
    assert told() == []


def test_a_pause_by_a_person_is_no_news_whatever_its_reason() -> None:
    endpoint = webhook("http://127.0.0.1:8899")
    pause(endpoint=endpoint, by=OWNER, reason="stopped for the month-end")
    assert told() == []


def test_an_endpoint_disabled_again_after_a_person_resumed_it_is_told_of_again(clock: None) -> None:
    """P15: each time Assay gives a target up is a trouble of its own."""
    suppliers(1)
    with Target(Answer(410)) as gone:
        endpoint = webhook(gone.url)
        run(endpoint)
        assert told() == [NoticeKind.DISABLED]
        pass_time(HOUR)
        resume(endpoint=endpoint, by=OWNER)
        run(endpoint)
    assert told() == [NoticeKind.DISABLED]
    assert told() == []


def test_what_a_receipt_parks_after_the_owner_looked_is_told(target: Target, clock: None) -> None:
    [early, late] = suppliers(2)
    endpoint = webhook(target.url)
    run(endpoint)
    refuse(endpoint, early)
    assert told() == [NoticeKind.PARKED]
    pass_time(HOUR)
    see(notices=[notice.pk for notice in unseen()], by=OWNER)
    assert told() == []
    pass_time(2 * HOUR)
    refuse(endpoint, late)
    assert told() == [NoticeKind.PARKED]


def refuse(endpoint: Endpoint, record: GoldenRecord) -> None:
    """The target says later that it does not want the record."""
    take(endpoint=endpoint, receipt=Given(f"r-{record.pk}", accepted=False, record=record.code, version=1), by="erp")


def test_an_endpoint_that_stops_on_a_refused_record_says_so_once(clock: None) -> None:
    suppliers(2)
    with Target(Answer(422)) as picky:
        endpoint = webhook(picky.url, retry_seconds=(), on_reject=OnReject.STOP, max_in_flight=1)
        run(endpoint)
    assert Endpoint.objects.get().state == EndpointState.PAUSED
    assert NoticeKind.STOPPED in told()
    assert told() == []


def test_a_restored_hub_says_so_once_for_each_endpoint(target: Target) -> None:
    suppliers(1)
    endpoint = webhook(target.url)
    run(endpoint)
    LogHead.objects.update(epoch=uuid4())
    more_suppliers(1)
    run(endpoint)
    assert Endpoint.objects.get().state == EndpointState.PAUSED
    assert told() == [NoticeKind.RESTORED]
    assert told() == []


def test_work_that_waits_unseen_for_a_quarter_of_an_hour_is_the_dead_mans_alert(target: Target, clock: None) -> None:
    suppliers(1)
    endpoint = webhook(target.url)
    pass_time(14 * MINUTE)
    assert told() == []
    pass_time(16 * MINUTE)
    assert told() == [NoticeKind.SILENT]
    assert "No publishing worker is alive." in Notice.objects.get().words
    pass_time(3 * HOUR)
    assert told() == []
    run(endpoint)
    assert told() == [NoticeKind.RECOVERED]
    pass_time(9 * HOUR)
    assert told() == []


def test_a_living_worker_that_does_nothing_is_told_of_too(target: Target, clock: None) -> None:
    suppliers(1)
    webhook(target.url)
    liveness.forget()
    liveness.beat("publisher")
    pass_time(16 * MINUTE)
    assert told() == [NoticeKind.SILENT]
    assert "Its target has not failed." in Notice.objects.get().words


def test_an_endpoint_that_is_resumed_with_an_old_backlog_is_not_called_silent(target: Target, clock: None) -> None:
    suppliers(1)
    endpoint = webhook(target.url, state=EndpointState.PAUSED)
    pass_time(2 * DAY)
    assert told() == []
    resume(endpoint=endpoint, by=OWNER)
    Endpoint.objects.filter(pk=endpoint.pk).update(updated_at=now())
    assert told() == []


def test_many_parked_records_make_one_notice_until_somebody_has_seen_it(clock: None) -> None:
    made = suppliers(3)
    with Target(Answer(422)) as picky:
        endpoint = rest(picky.url, retry_seconds=(), owner_email="olga@example.org")
        run(endpoint)
        assert Delivery.objects.filter(state="parked").count() == 3
        assert told() == [NoticeKind.PARKED]
        assert "3 records are parked" in Notice.objects.get().words
        pass_time(HOUR)
        rename(made[0], "Company Zero")
        run(endpoint)
        assert told() == []
        see(notices=[notice.pk for notice in unseen()], by=OWNER)
        assert unseen() == []
        assert told() == []
        pass_time(2 * HOUR)
        more_suppliers(2)
        run(endpoint)
    assert told() == [NoticeKind.PARKED]
    assert len(mail.outbox) == 2
    Delivery.objects.update(state="delivered")
    assert told() == []
    assert not Notice.objects.filter(ended_at=None).exists()


def more_suppliers(count: int) -> None:
    for number in range(count):
        supplier(f"N{number}", f"Newcomer {number} Ltd")
    publish()


def test_a_mail_that_fails_is_tried_again_and_never_lost(
    clock: None, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    failing()
    pass_time(16 * MINUTE)
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    assert watch().mailed == 0
    assert Notice.objects.get().mailed_at is None
    assert "could not be mailed" in caplog.text
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert watch().mailed == 1
    assert watch().mailed == 0
    assert len(mail.outbox) == 1


def test_the_operators_webhook_is_told_signed_and_until_it_answers(clock: None, settings: Settings) -> None:
    failing()
    pass_time(16 * MINUTE)
    with Target(Answer(503)) as operator:
        settings.OPERATOR_WEBHOOK, settings.OPERATOR_WEBHOOK_SECRET = operator.url, SIGNING
        assert watch().called == 0
        operator.answer = Answer(204)
        assert watch().called == 1
        assert watch().called == 0
        first, second = operator.calls
    assert first.body == second.body
    message = Webhook(SIGNING).verify(second.body, second.headers)
    assert message["type"] == "assay.notice.v1"
    assert message["data"]["kind"] == "failing_15m"
    assert message["data"]["endpoint"] == "hook"
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == message["id"]


def test_no_second_watch_runs_beside_the_first(clock: None) -> None:
    failing()
    pass_time(16 * MINUTE)
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [notices.LOCK])
        assert watch().new == []
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [notices.LOCK])
    finally:
        other.close()
    assert told() == [NoticeKind.FAILING_15M]


def test_the_database_refuses_a_second_notice_of_one_trouble() -> None:
    endpoint = webhook("http://127.0.0.1:8899")
    moment = now()
    Notice.objects.create(endpoint=endpoint, kind="disabled", trouble_since=moment, words="a", created_at=moment)
    with pytest.raises(IntegrityError, match="notice_is_given_once_for_a_trouble"), transaction.atomic():
        Notice.objects.create(endpoint=endpoint, kind="disabled", trouble_since=moment, words="b", created_at=moment)


def test_seeing_says_who_and_twice_changes_nothing() -> None:
    endpoint = webhook("http://127.0.0.1:8899")
    moment = now()
    notice = Notice.objects.create(
        endpoint=endpoint, kind="disabled", trouble_since=moment - timedelta(1), words="a", created_at=moment
    )
    assert see(notices=[notice.pk], by=OWNER) == 1
    assert see(notices=[notice.pk], by=OWNER) == 0
    notice.refresh_from_db()
    assert notice.seen_by == OWNER.name
