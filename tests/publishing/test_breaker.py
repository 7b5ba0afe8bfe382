"""Turns of the breaker are few, spread in time, seen where people look, and never undo what a person did."""

import time
from collections import Counter
from datetime import timedelta

import pytest
from django.utils import timezone

from publishing import breaker, outcomes
from publishing.lanes import claim
from publishing.models import Endpoint, EndpointState, Lane, OnReject
from publishing.outcomes import DOWN, RATE_LIMITED, TIMEOUT
from publishing.pacing import START, Pace
from publishing.sending import Result
from publishing.settling import settle
from publishing.verbs import pause, release, resend, resume
from publishing.window import take
from tests.publishing.making import OWNER, Answer, Target, pass_time, run, states, suppliers, webhook
from tests.publishing.test_turns import from_events

pytestmark = pytest.mark.django_db


def failed(outcome: outcomes.Outcome = DOWN, **more: object) -> Result:
    return Result(outcome, "http://target", "POST", words=outcome.words, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("result", "failures"),
    [
        (failed(TIMEOUT), 1),
        (failed(DOWN), 4),
        (failed(DOWN, rest=timedelta(minutes=30)), 1),
        (failed(RATE_LIMITED, rest=timedelta(minutes=10)), 1),
    ],
)
def test_five_hundred_lanes_that_fail_together_come_back_apart(result: Result, failures: int) -> None:
    endpoint = Endpoint()
    rests = [breaker.backoff(endpoint, failures, result).total_seconds() for _ in range(500)]
    fullest = Counter(int(rest) for rest in rests).most_common(1)[0][1]
    assert fullest <= 500 * 0.09, "a second sees few of them"
    if result.rest:
        assert min(rests) >= result.rest.total_seconds()


def test_the_day_a_target_asks_for_is_the_longest() -> None:
    rest = breaker.backoff(Endpoint(), 1, failed(DOWN, rest=outcomes.LONGEST_REST))
    assert rest == outcomes.LONGEST_REST


def test_each_turn_is_seen_in_history_and_interventions(target: Target, clock: None) -> None:
    suppliers(1)
    endpoint = webhook(target.url)
    target.answer = Answer(503)
    run(endpoint)
    pass_time(30)
    target.answer = Answer()
    run(endpoint)
    verbs = list(endpoint.interventions.order_by("pk").values_list("verb", "by"))
    assert verbs == [("create", "Olga Owner"), ("degrade", "Assay"), ("recover", "Assay")]
    assert [row.state for row in endpoint.history.order_by("history_id")][-2:] == ["degraded", "active"]


def test_a_pause_by_hand_outlives_the_failure_that_came_meanwhile(target: Target) -> None:
    suppliers(1)
    endpoint = webhook(target.url)
    from_events(endpoint)
    working = claim(endpoint.pk)
    assert working is not None
    taken = take(working, 1)
    pause(endpoint=endpoint, by=OWNER, reason="month end")
    settle(working, [(one, failed()) for one in taken], resting=False)
    endpoint.refresh_from_db()
    assert (endpoint.state, endpoint.state_reason) == ("paused", "month end")


def test_ten_failures_in_less_than_five_days_disable_nothing(target: Target, clock: None) -> None:
    suppliers(1)
    endpoint = webhook(target.url, backoff_seconds=(1,))
    target.answer = Answer(503)
    run(endpoint)
    Lane.objects.filter(endpoint=endpoint).update(failures=50, next_probe_at=None)
    pass_time(4 * 24 * 3600)
    run(endpoint)
    endpoint.refresh_from_db()
    assert endpoint.state == EndpointState.DEGRADED
    Lane.objects.filter(endpoint=endpoint).update(next_probe_at=None)
    pass_time(5 * 24 * 3600 + 60)
    run(endpoint)
    endpoint.refresh_from_db()
    assert endpoint.state == EndpointState.DISABLED
    assert endpoint.state_reason.startswith("No success since ")
    assert Lane.objects.get(endpoint=endpoint).cursor_low == 1


def test_an_endpoint_that_shall_stop_on_a_refusal_stops_and_says_why(target: Target) -> None:
    first, _ = suppliers(2)
    endpoint = webhook(target.url, retry_seconds=(), max_in_flight=1)
    Endpoint.objects.filter(pk=endpoint.pk).update(on_reject=OnReject.STOP)
    target.answer = lambda call: (
        Answer(422, body=b'{"detail": "no tax id"}') if call.json["subject"] == str(first.pk) else Answer()
    )
    run(endpoint)
    endpoint.refresh_from_db()
    assert endpoint.state == EndpointState.PAUSED
    assert endpoint.state_reason == "stopped: The target rejects the content of the record (HTTP 422): no tax id"
    assert endpoint.interventions.filter(verb="stop", by="Assay").exists()
    assert states(endpoint) == ["parked", "waiting"]
    target.answer = Answer()
    resume(endpoint=endpoint, by=OWNER)
    release(deliveries=[endpoint.deliveries.get(record=first).pk], by=OWNER)
    run(endpoint)
    assert states(endpoint) == ["delivered", "delivered"]


def test_sending_again_during_a_rest_makes_one_attempt(target: Target, clock: None) -> None:
    suppliers(1)
    endpoint = webhook(target.url)
    target.answer = Answer(422)
    run(endpoint)
    [row] = endpoint.deliveries.all()
    assert row.due_at > timezone.now()
    for _ in range(2):
        resend(deliveries=[row.pk], by=OWNER)
    target.answer = Answer()
    run(endpoint)
    assert len(target.calls) == 2
    pass_time(3600)
    run(endpoint)
    assert len(target.calls) == 2, "the schedule has moved on as well"


def test_who_asks_to_slow_down_is_sent_half_and_gets_it_back(target: Target, clock: None) -> None:
    suppliers(3)
    endpoint = webhook(target.url, max_in_flight=1)
    Endpoint.objects.filter(pk=endpoint.pk).update(max_per_second=100)
    target.answer = Answer(429, headers={"Retry-After": "7"})
    run(endpoint)
    lane = Lane.objects.get(endpoint=endpoint)
    assert lane.rate is not None
    assert lane.rate <= 50
    halved = lane.rate
    assert lane.next_probe_at is not None
    assert lane.last_failure_at is not None
    assert (lane.next_probe_at - lane.last_failure_at).total_seconds() >= 7
    pass_time(60)
    target.answer = Answer()
    run(endpoint)
    lane.refresh_from_db()
    assert set(states(endpoint)) == {"delivered"}
    assert lane.rate is not None
    assert halved < lane.rate < 50


def test_a_limit_is_kept_from_one_worker_to_the_next(target: Target) -> None:
    suppliers(12)
    endpoint = webhook(target.url)
    Endpoint.objects.filter(pk=endpoint.pk).update(max_per_second=4)
    Lane.objects.filter(endpoint=endpoint).update(last_success_at=timezone.now())
    times: list[float] = []

    def answer(_: object) -> Answer:
        times.append(timezone.now().timestamp())
        return Answer()

    target.answer = answer
    run(endpoint)
    from_events(endpoint)
    resend(deliveries=list(endpoint.deliveries.values_list("pk", flat=True)[:4]), by=OWNER)
    run(endpoint)
    assert len(times) == 16
    busiest = max(sum(1 for at in times[n:] if at < start + 1) for n, start in enumerate(times))
    assert busiest <= 5


def paced(sent: int) -> Pace:
    """A lane without a limit that has just sent so many."""
    pace = Pace.resumed(cap=None, rate=None, gently=False, tokens=0, idle=0, now=time.monotonic())
    for _ in range(sent):
        pace.take(time.monotonic())
    return pace


@pytest.mark.parametrize(
    ("failures", "left"),
    [
        ([failed(DOWN)], 20),
        ([failed(DOWN), failed(DOWN)], START),
        ([failed(DOWN, rest=timedelta(seconds=7))], START),
        ([failed(TIMEOUT)], START),
    ],
)
def test_one_failure_halves_the_rate_and_an_outage_begins_with_little(failures: list[Result], left: float) -> None:
    endpoint = webhook("http://target.example")
    working = claim(endpoint.pk)
    assert working is not None
    pace, moment = paced(40), timezone.now()
    for result in failures:
        breaker.rest(endpoint.lane, result, moment, pace=pace)
    breaker.clear(endpoint.lane, moment, succeeded=True, pace=pace)
    assert (pace.rate, Lane.objects.get(endpoint=endpoint).rate) == (left, left)
