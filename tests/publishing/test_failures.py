"""What a target's failure does to its lane, and to nothing else."""

from datetime import timedelta
from threading import Event

import pytest
from django.utils import timezone

from mdm.mastering import HUB
from publishing.lanes import TRIALS, claim, due
from publishing.models import Attempt, Delivery, Endpoint, EndpointState, Lane
from publishing.verbs import resume, try_now
from tests.publishing.making import Answer, Target, pass_time, rename, rest, run, states, suppliers, webhook

pytestmark = pytest.mark.django_db


def rests_for(endpoint: Endpoint) -> timedelta:
    endpoint.lane.refresh_from_db()
    assert endpoint.lane.next_probe_at is not None
    assert endpoint.lane.last_failure_at is not None
    wait: timedelta = endpoint.lane.next_probe_at - endpoint.lane.last_failure_at
    return wait


def test_a_target_that_is_down_rests_its_lane_longer_each_time(target: Target, clock: None) -> None:
    suppliers(5)
    endpoint = webhook(target.url, max_in_flight=1)
    target.answer = Answer(503)
    schedule = [5, 30, 120, 600, 1800, 3600, 3600]
    passed = 0
    for seconds in schedule:
        calls = len(target.calls)
        run(endpoint)
        assert len(target.calls) == calls + 1
        assert not run(endpoint).claimed
        wait = rests_for(endpoint).total_seconds()
        assert 0.8 * seconds <= wait <= 1.2 * seconds
        passed += int(wait) + 1
        pass_time(passed)
    endpoint.refresh_from_db()
    assert endpoint.state == EndpointState.DEGRADED
    endpoint.lane.refresh_from_db()
    assert endpoint.lane.failures == 7
    target.answer = Answer()
    run(endpoint)
    assert set(states(endpoint)) == {"delivered"}
    endpoint.refresh_from_db()
    assert endpoint.state == EndpointState.ACTIVE
    endpoint.lane.refresh_from_db()
    assert endpoint.lane.failures == 0


def test_one_outage_seen_by_many_calls_counts_once(target: Target) -> None:
    suppliers(20)
    endpoint = webhook(target.url, max_in_flight=8)
    target.answer = Answer(500)
    run(endpoint)
    endpoint.lane.refresh_from_db()
    assert endpoint.lane.failures == 1
    assert set(states(endpoint)) == {"waiting"}
    assert len(target.calls) <= 16
    sent = Delivery.objects.filter(endpoint=endpoint, attempts__gt=0).count()
    assert sent == len(target.calls) == Attempt.objects.filter(endpoint=endpoint).count()


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        (302, "TARGET_REDIRECTED"),
        (401, "AUTH_REJECTED"),
        (403, "AUTH_REJECTED"),
        (405, "METHOD_REJECTED"),
        (408, "TIMEOUT_UNKNOWN"),
        (429, "RATE_LIMITED"),
        (500, "TARGET_DOWN"),
        (502, "TARGET_DOWN"),
    ],
)
def test_failures_of_the_target_rest_the_lane(target: Target, code: int, outcome: str) -> None:
    suppliers(1)
    endpoint = webhook(target.url)
    target.answer = Answer(code)
    run(endpoint)
    endpoint.lane.refresh_from_db()
    assert endpoint.lane.last_failure_code == outcome
    assert endpoint.lane.next_probe_at is not None
    assert states(endpoint) == ["waiting"]


@pytest.mark.parametrize(
    ("code", "body", "outcome"),
    [
        (400, b"", "REJECTED_VALIDATION"),
        (404, b"", "REJECTED_NOT_FOUND"),
        (409, b"", "CONFLICT_NEWER"),
        (413, b"", "REJECTED_TOO_LARGE"),
        (415, b"", "REJECTED_FORMAT"),
        (422, b"\xff\x00not json", "REJECTED_VALIDATION"),
        (422, b'{"code": "unknown-reference"}', "REJECTED_UNKNOWN_REFERENCE"),
        (422, b'{"detail": "\\ud800 \\u0000"}', "REJECTED_VALIDATION"),
    ],
)
def test_refusals_wait_and_leave_the_lane_alone(target: Target, code: int, body: bytes, outcome: str) -> None:
    suppliers(1)
    endpoint = webhook(target.url)
    target.answer = Answer(code, body=body)
    run(endpoint)
    endpoint.lane.refresh_from_db()
    assert endpoint.lane.next_probe_at is None
    refused = Delivery.objects.get(endpoint=endpoint)
    assert (refused.state, refused.outcome_code, refused.refusals) == ("waiting", outcome, 1)


def test_redirects_are_never_followed(target: Target) -> None:
    suppliers(1)
    with Target() as elsewhere:
        target.answer = Answer(307, headers={"Location": elsewhere.url})
        run(webhook(target.url))
        assert len(target.calls) == 1
        assert elsewhere.calls == []


def test_a_target_that_is_gone_is_never_called_again_and_goes_on_where_it_stood(target: Target, clock: None) -> None:
    suppliers(3)
    endpoint = webhook(target.url, max_in_flight=1)
    target.answer = Answer(410)
    run(endpoint)
    endpoint.refresh_from_db()
    assert (endpoint.state, endpoint.state_reason) == ("disabled", "The target says it is gone for good.")
    assert endpoint.interventions.filter(verb="disable", by="Assay").count() == 1
    pass_time(24 * 3600)
    assert not run(endpoint).claimed
    assert due() == []
    assert len(target.calls) == 1
    target.answer = Answer()
    resume(endpoint=endpoint, by=HUB)
    assert run(endpoint).delivered == 3


@pytest.mark.parametrize("asked", ["7200", "Fri, 01 Jan 2100 00:00:00 GMT"])
def test_the_target_says_how_long_it_wants_to_be_left_alone(target: Target, asked: str) -> None:
    suppliers(1)
    endpoint = webhook(target.url)
    target.answer = Answer(503, headers={"Retry-After": asked})
    run(endpoint)
    expected = 7200 if asked.isdigit() else 24 * 3600
    # A tenth more at most: what is told to many lanes at once must not bring them all back at once.
    assert expected - 1 <= rests_for(endpoint).total_seconds() <= expected * 1.1


@pytest.mark.parametrize("asked", ["Fri, 31 Dec 99999999999 23:59:59 GMT", "soon", "-5", "9" * 400])
def test_a_moment_nobody_can_mean_is_no_fault_of_ours(target: Target, asked: str) -> None:
    suppliers(1)
    endpoint = webhook(target.url)
    target.answer = Answer(503, headers={"Retry-After": asked})
    run(endpoint)
    endpoint.lane.refresh_from_db()
    assert endpoint.lane.last_failure_code == "TARGET_DOWN"


def test_a_slow_target_ends_at_the_deadline_and_its_outcome_is_unknown(target: Target) -> None:
    suppliers(1)
    endpoint = webhook(target.url, timeout_seconds=1)
    released = Event()
    target.answer = Answer(before=lambda: released.wait(10) and None)
    run(endpoint)
    released.set()
    endpoint.lane.refresh_from_db()
    assert endpoint.lane.last_failure_code == "TIMEOUT_UNKNOWN"
    assert rests_for(endpoint).total_seconds() >= 48
    assert Attempt.objects.get(endpoint=endpoint).duration_ms >= 900


def test_nobody_listening_is_said_in_words() -> None:
    suppliers(1)
    with Target() as closed:
        url = closed.url
    endpoint = webhook(url)
    run(endpoint)
    endpoint.refresh_from_db()
    assert endpoint.lane.last_failure_code == "TARGET_UNREACHABLE"
    assert endpoint.lane.last_failure.startswith("The target cannot be reached: ")


def test_a_dead_target_costs_only_its_own_lane(target: Target) -> None:
    suppliers(2)
    with Target(Answer(503)) as dead:
        first, second = webhook(dead.url, code="dead"), webhook(target.url, code="alive")
        run(first)
        run(second)
        assert due() == []
    assert states(second) == ["delivered", "delivered"]


def test_targets_on_trial_leave_workers_to_those_that_answer(target: Target) -> None:
    suppliers(1)
    failing = [webhook(target.url, code=f"failing-{n}") for n in range(TRIALS + 2)]
    healthy = webhook(target.url, code="healthy")
    Lane.objects.filter(endpoint__in=failing).update(failures=1, fail_since=timezone.now())
    Lane.objects.filter(endpoint=healthy).update(last_success_at=timezone.now())
    assert due()[0] == healthy.pk
    assert len(due()) == 1 + TRIALS
    assert claim(failing[0].pk) is not None
    assert len(due()) == TRIALS


def test_trying_now_ends_the_rest(target: Target) -> None:
    suppliers(1)
    endpoint = rest(target.url)
    target.answer = Answer(503)
    run(endpoint)
    target.answer = Answer()
    assert not run(endpoint).claimed
    try_now(endpoint=endpoint, by=HUB)
    assert run(endpoint).delivered == 1


def test_five_days_without_success_disable_the_endpoint(target: Target, clock: None) -> None:
    [record] = suppliers(1)
    endpoint = webhook(target.url)
    target.answer = Answer(503)
    for number in range(11):
        pass_time(number * 13 * 3600)
        run(endpoint)
    endpoint.refresh_from_db()
    assert endpoint.state == EndpointState.DISABLED
    rename(record, "Meanwhile Ltd")
    target.answer = Answer()
    resume(endpoint=endpoint, by=HUB)
    run(endpoint)
    assert target.versions(record)[-2:] == [1, 2]
