"""Replays and resumptions from the page: the counts told before, the choice made, notices seen."""

import pytest

from publishing import verbs
from publishing.models import Notice, Replay
from tests.publishing.making import OWNER, Answer, Target, rename, run, states, suppliers, webhook
from tests.publishing.test_pages import signed_in

pytestmark = pytest.mark.django_db


def test_a_replay_says_how_much_it_sends_and_sends_it(target: Target) -> None:
    suppliers(3)
    endpoint = webhook(target.url)
    run(endpoint)
    client = signed_in("steward")
    counted = "/publishing/hook/replays/count/?kind="
    assert "Nothing would be sent" in client.get(counted + "missing").content.decode()
    assert "At most 3 messages" in client.get(counted + "snapshot").content.decode()
    assert "At most 2 messages" in client.get(counted + "range&from_seq=2").content.decode()
    assert "Give numbers of the log" in client.get(counted + "range&from_seq=x").content.decode()
    client.post("/publishing/hook/replays/start/", {"kind": "range", "from_seq": "2", "reason": "lost there"})
    run(endpoint)
    assert len(target.calls) == 5
    assert Replay.objects.get().reason == "lost there"
    assert "2 delivered" in client.get("/publishing/hook/replays/").content.decode()


def test_a_replay_is_cancelled_and_only_by_those_who_may(target: Target) -> None:
    suppliers(1)
    endpoint = webhook(target.url)
    run(endpoint)
    client = signed_in("steward")
    client.post("/publishing/hook/replays/start/", {"kind": "snapshot"})
    replay = Replay.objects.get()
    assert signed_in("viewer").post(f"/publishing/hook/replays/{replay.pk}/cancel/").status_code == 403
    client.post(f"/publishing/hook/replays/{replay.pk}/cancel/")
    replay.refresh_from_db()
    assert replay.state == "cancelled"
    assert signed_in("auditor").post("/publishing/hook/replays/start/", {"kind": "snapshot"}).status_code == 403
    assert client.post("/publishing/hook/replays/start/", {"kind": "everything"}).status_code == 422


def test_resuming_tells_what_each_choice_would_do(target: Target) -> None:
    [record, _] = suppliers(2)
    endpoint = webhook(target.url)
    verbs.pause(endpoint=endpoint, by=OWNER, reason="month end")
    rename(record, "Second Ltd")
    client = signed_in("steward")
    page = client.get("/publishing/hook/").content.decode()
    assert "Sends 3 messages, in the order of the log." in page
    assert "Sends 2 messages: the newest version of each record." in page
    assert "Leaves out 3" in page
    client.post("/publishing/hook/resume/", {"choice": "skip", "reason": "they took a copy"})
    endpoint.refresh_from_db()
    run(endpoint)
    assert endpoint.state == "active"
    assert target.calls == []
    assert "delivered" not in states(endpoint)


def test_resuming_with_the_latest_state_tells_each_record_once(target: Target) -> None:
    [record, _] = suppliers(2)
    endpoint = webhook(target.url)
    verbs.pause(endpoint=endpoint, by=OWNER, reason="month end")
    rename(record, "Second Ltd")
    signed_in("steward").post("/publishing/hook/resume/", {"choice": "latest"})
    run(endpoint)
    assert len(target.calls) == 2
    assert target.versions(record) == [2]


def test_an_unknown_choice_changes_nothing(target: Target) -> None:
    endpoint = webhook(target.url)
    verbs.pause(endpoint=endpoint, by=OWNER, reason="month end")
    assert signed_in("steward").post("/publishing/hook/resume/", {"choice": "all"}).status_code == 422
    endpoint.refresh_from_db()
    assert endpoint.state == "paused"


def test_a_notice_stays_until_somebody_has_seen_it(target: Target) -> None:
    endpoint = webhook(target.url)
    moment = endpoint.created_at
    notice = Notice.objects.create(
        endpoint=endpoint, kind="failing_15m", trouble_since=moment, words="Nobody answers.", created_at=moment
    )
    for path in ("", "hook/"):
        assert (
            "Nobody answers." in signed_in("viewer" if path else "auditor").get(f"/publishing/{path}").content.decode()
        )
    steward = signed_in("steward")
    steward.post("/publishing/notices/seen/", {"notice": [notice.pk, "x"]})
    assert "Nobody answers." not in steward.get("/publishing/").content.decode()
    notice.refresh_from_db()
    assert notice.seen_by == "Vera Voss"


def test_calls_are_listed_with_request_and_answer_by_what_came_of_them(target: Target) -> None:
    suppliers(2)
    endpoint = webhook(target.url, retry_seconds=())
    target.answer = Answer(422, body=b'{"detail": "<i>no</i> tax id"}')
    run(endpoint)
    client = signed_in("auditor")
    page = client.get("/publishing/hook/calls/?result=failed").content.decode()
    assert page.count('<details class="call"') == 2
    assert "&lt;i&gt;no&lt;/i&gt; tax id" in page
    assert "webhook-signature" in page
    assert client.get("/publishing/hook/calls/?result=taken").content.decode().count('<details class="call"') == 0
    assert client.get("/publishing/hook/calls/?code=TIMEOUT_UNKNOWN").content.decode().count('class="call"') == 0
    assert client.get("/publishing/hook/calls/?before=999999999&result=x").status_code == 200
