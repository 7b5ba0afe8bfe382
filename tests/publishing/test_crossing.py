"""What is asked for again meets what is on its way, and a fault of Assay's own: order holds, nothing is sent twice."""

import threading

import pytest
from django.db import connection, transaction

from mdm.models import ChangeEvent, GoldenRecord
from publishing.filling import fill
from publishing.lanes import claim, let_go
from publishing.models import Delivery, Intervention, Replay, ReplayKind
from publishing.outcomes import ACCEPTED
from publishing.replaying import start_replay
from publishing.sending import Result
from publishing.settling import settle
from publishing.verbs import resend
from publishing.window import take
from tests.publishing.making import OWNER, Answer, Call, Target, rename, run, states, suppliers, webhook

pytestmark = pytest.mark.django_db


def test_an_old_version_asked_for_again_waits_for_the_newer_one_on_its_way(target: Target) -> None:
    [one] = suppliers(1)
    endpoint = webhook(target.url)
    run(endpoint)
    rename(one, "Company Two Ltd")
    working = claim(endpoint.pk)
    assert working is not None
    fill(working)
    [newer] = take(working, 4)
    resend(deliveries=[Delivery.objects.get(version=1).pk], by=OWNER, reason="lost there")
    assert take(working, 4) == []
    settle(working, [(newer, Result(ACCEPTED, endpoint.url, "POST", http_code=200))], resting=False)
    assert [taken.version for taken in take(working, 4)] == [1]
    let_go(working)


def _alter_newest(record: GoldenRecord) -> None:
    """As an intruder with every right would: the body of its last event is no JSON any more."""
    newest = ChangeEvent.objects.filter(record=record).order_by("-version")[:1].get()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("UPDATE mdm_changeevent SET body = 'not JSON' WHERE id = %s", [newest.pk])
        cursor.execute("SET LOCAL session_replication_role = origin")


def test_a_replay_that_cannot_go_on_fails_and_the_lane_goes_on(target: Target) -> None:
    """P19: one bad job stops neither the lane nor sends the same again and again."""
    broken, whole = suppliers(2)
    endpoint = webhook(target.url)
    endpoint.selection = {"attributes": {"supplier": [{"attribute": "name", "begins with": ["Company"]}]}}
    endpoint.save(update_fields=["selection"])
    run(endpoint)
    _alter_newest(broken)
    replay = start_replay(endpoint=endpoint, kind=ReplayKind.RANGE, by=OWNER, reason="to see")
    rename(whole, "Company One Inc")
    target.calls.clear()
    run(endpoint)
    run(endpoint)
    assert target.versions(whole) == [2]
    assert states(endpoint) == ["delivered"] * 3
    failed = Replay.objects.get(pk=replay.pk)
    assert failed.state == "failed"
    assert "its log says how" in failed.error
    assert Intervention.objects.get(verb="replay failed").by == "Assay"
    start_replay(endpoint=endpoint, kind=ReplayKind.MISSING, by=OWNER, reason="another may be started")


@pytest.mark.django_db(transaction=True)
def test_what_is_on_its_way_when_assay_fails_is_written_down(target: Target) -> None:
    """P18, P20: an event that cannot be read comes while others are being sent; these are not sent again."""
    quick, slow, broken = suppliers(3)
    endpoint = webhook(target.url, max_in_flight=2)
    endpoint.selection = {"attributes": {"supplier": [{"attribute": "name", "begins with": ["Company"]}]}}
    endpoint.save(update_fields=["selection"])
    run(endpoint)
    target.calls.clear()
    rename(quick, "Company Zero Inc")
    rename(slow, "Company One Inc")
    both, failing = threading.Barrier(2), threading.Event()

    def spoil() -> None:
        both.wait(20)
        rename(broken, "Company Two Inc")
        _alter_newest(broken)
        connection.close()

    def linger() -> None:
        both.wait(20)
        failing.wait(1)

    def answer(call: Call) -> Answer:
        return Answer(before=spoil if call.json["subject"] == str(quick.pk) else linger)

    target.answer = answer
    with pytest.raises(ValueError, match="invalid literal"):
        run(endpoint)
    assert states(endpoint) == ["delivered"] * 5
    assert len(target.calls) == 2
