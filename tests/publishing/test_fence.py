"""Workers die, sleep and meet: nothing is lost, nothing is settled twice, nobody writes without the claim."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from publishing.filling import fill
from publishing.lanes import LEASE, Fenced, claim, due, let_go
from publishing.models import Attempt, Delivery, Holding
from publishing.outcomes import ACCEPTED
from publishing.sending import Result
from publishing.settling import settle
from publishing.verbs import pause
from publishing.window import take
from tests.publishing.making import OWNER, Target, pass_time, run, states, suppliers, webhook

pytestmark = pytest.mark.django_db
LONGER_THAN_THE_LEASE = int(LEASE / timedelta(seconds=1)) + 1


def test_one_worker_at_a_time_moves_a_lane(target: Target) -> None:
    suppliers(1)
    endpoint = webhook(target.url)
    first = claim(endpoint.pk)
    assert first is not None
    assert claim(endpoint.pk) is None
    assert due() == []
    let_go(first)
    assert due() == [endpoint.pk]


def test_a_worker_that_slept_past_its_lease_settles_nothing(target: Target, clock: None) -> None:
    suppliers(1)
    endpoint = webhook(target.url)
    zombie = claim(endpoint.pk)
    assert zombie is not None
    fill(zombie)
    taken = take(zombie, 1)
    pass_time(LONGER_THAN_THE_LEASE)
    heir = claim(endpoint.pk)
    assert heir is not None
    done = [(one, Result(ACCEPTED, endpoint.url, "POST", http_code=200)) for one in taken]
    with pytest.raises(Fenced):
        settle(zombie, done, resting=False)
    with pytest.raises(Fenced):
        take(zombie, 1)
    let_go(zombie)
    assert states(endpoint) == ["waiting"]
    assert Holding.objects.count() == 0
    assert claim(endpoint.pk) is None, "the zombie must not give away its heir's claim"
    [again] = take(heir, 1)
    assert again.message.id == taken[0].message.id
    assert again.message.body == taken[0].message.body


def test_even_without_an_heir_a_lease_that_ended_is_worth_nothing(target: Target, clock: None) -> None:
    suppliers(1)
    endpoint = webhook(target.url)
    late = claim(endpoint.pk)
    assert late is not None
    pass_time(LONGER_THAN_THE_LEASE)
    with pytest.raises(Fenced):
        fill(late)
    assert states(endpoint) == []


def test_killed_between_sending_and_settling_it_is_sent_again_with_the_same_id(target: Target, clock: None) -> None:
    suppliers(1)
    endpoint = webhook(target.url)
    killed = claim(endpoint.pk)
    assert killed is not None
    fill(killed)
    [taken] = take(killed, 1)
    assert not run(endpoint).claimed
    pass_time(LONGER_THAN_THE_LEASE)
    assert due() == [endpoint.pk]
    run(endpoint)
    [call] = target.calls
    assert call.headers["webhook-id"] == taken.message.id
    assert call.body.decode() == taken.message.body
    assert call.headers["webhook-attempt"] == "2"
    codes = list(Attempt.objects.order_by("pk").values_list("outcome_code", flat=True))
    assert codes == ["OUTCOME_UNKNOWN", "ACCEPTED"]


def test_a_pause_stops_the_lane_in_the_middle(target: Target) -> None:
    suppliers(2)
    endpoint = webhook(target.url)
    working = claim(endpoint.pk)
    assert working is not None
    fill(working)
    taken = take(working, 1)
    pause(endpoint=endpoint, by=OWNER, reason="month end")
    assert take(working, 1) == []
    settle(working, [(one, Result(ACCEPTED, endpoint.url, "POST")) for one in taken], resting=False)
    endpoint.refresh_from_db()
    assert endpoint.state == "paused"
    assert states(endpoint) == ["delivered", "waiting"]


def test_an_event_is_owed_once_however_often_the_window_is_filled(target: Target) -> None:
    suppliers(3)
    endpoint = webhook(target.url)
    working = claim(endpoint.pk)
    assert working is not None
    assert fill(working) == 3
    endpoint.lane.__class__.objects.update(cursor_low=0)
    fill(working)
    assert len(states(endpoint)) == 3


@pytest.mark.parametrize(
    ("change", "wall"),
    [
        ("state = 'in_flight'", "delivery_is_claimed_exactly_while_in_flight"),
        ("claim_id = gen_random_uuid()", "delivery_is_claimed_exactly_while_in_flight"),
        ("state = 'lost'", "delivery_state_is_known"),
        ("attempts = 1, body = ''", "delivery_is_rendered_before_it_is_tried"),
        ("state = 'parked', outcome_code = ''", "delivery_parked_says_why"),
        (
            "state = 'in_flight', claim_id = gen_random_uuid(), record_id = (SELECT record_id FROM one LIMIT 1)",
            "delivery_of_a_record_is_on_its_way_one_at_a_time",
        ),
    ],
)
def test_states_that_must_not_exist_cannot(target: Target, change: str, wall: str) -> None:
    suppliers(2)
    endpoint = webhook(target.url)
    working = claim(endpoint.pk)
    assert working is not None
    fill(working)
    one = "WITH one AS (SELECT record_id FROM publishing_delivery ORDER BY id)"
    with pytest.raises(IntegrityError, match=wall), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"{one} UPDATE publishing_delivery SET {change}")  # noqa: S608 - written above
    assert Delivery.objects.filter(state="waiting").count() == 2


def test_attempts_are_never_changed(target: Target) -> None:
    suppliers(1)
    run(webhook(target.url))
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        Attempt.objects.update(outcome_code="ACCEPTED", error="nothing happened")
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        Attempt.objects.all().delete()
