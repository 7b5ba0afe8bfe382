"""A lane carries the log in order, to its end, whatever its target does."""

import pytest
from standardwebhooks.webhooks import Webhook

from mdm.mastering import activate, merge, unmerge
from publishing.models import Attempt, Delivery, EndpointState, Holding, Mode
from tests.factories import publish, supplier, why
from tests.publishing.making import SIGNING, Answer, Target, pass_time, rename, rest, run, states, suppliers, webhook

pytestmark = pytest.mark.django_db


def test_every_event_arrives_once_and_what_the_target_holds_is_known(target: Target) -> None:
    made = suppliers(3)
    endpoint = webhook(target.url)
    assert run(endpoint).delivered == 3
    assert sorted(call.json["subject"] for call in target.calls) == sorted(str(record.pk) for record in made)
    assert run(endpoint).delivered == 0
    held = Holding.objects.get(endpoint=endpoint, record=made[0])
    assert (held.version, held.local_id) == (1, "V-1")
    endpoint.lane.refresh_from_db()
    assert endpoint.lane.claim_id is None
    assert endpoint.lane.last_success_at is not None


def test_messages_verify_and_say_where_they_stand_in_the_log(target: Target) -> None:
    [record] = suppliers(1)
    rename(record, "Renamed Ltd")
    run(webhook(target.url))
    first, second = target.calls
    said = Webhook(SIGNING).verify(second.body, second.headers)
    assert said["type"] == "assay.supplier.changed.v1"
    assert said["data"]["attributes"]["name"] == "Renamed Ltd"
    assert (said["recordversion"], said["previousversion"]) == (2, 1)
    assert first.json["sequence"] < second.json["sequence"]
    assert len(second.json["sequence"]) == 20
    assert "." not in second.headers["webhook-id"]


def test_versions_of_a_record_arrive_in_order_with_many_in_flight(target: Target) -> None:
    made = suppliers(4)
    for number in range(4):
        for record in made:
            rename(record, f"{record.code} {number} Ltd")
    run(webhook(target.url, max_in_flight=8))
    for record in made:
        assert target.versions(record) == [1, 2, 3, 4, 5]


def test_a_refused_record_parks_and_the_others_go_on(target: Target, clock: None) -> None:
    bad, _ = suppliers(2)
    target.answer = lambda call: (
        Answer(422, body=b'{"detail": "the tax id is missing"}') if call.json["subject"] == str(bad.pk) else Answer()
    )
    endpoint = webhook(target.url)
    run(endpoint)
    rename(bad, "Second Ltd")
    for hour in range(1, 5):
        pass_time(hour * 3600)
        run(endpoint)
    assert states(endpoint) == ["parked", "delivered", "waiting"]
    parked = Delivery.objects.get(endpoint=endpoint, state="parked")
    assert parked.outcome_code == "REJECTED_VALIDATION"
    assert "the tax id is missing" in parked.outcome
    assert parked.attempts == 4
    assert target.versions(bad) == [1, 1, 1, 1]
    endpoint.refresh_from_db()
    assert endpoint.state == EndpointState.ACTIVE


def test_every_try_has_the_same_id_and_bytes(target: Target, clock: None) -> None:
    suppliers(1)
    endpoint = webhook(target.url)
    target.answer = Answer(503)
    run(endpoint)
    pass_time(60)
    target.answer = Answer()
    run(endpoint)
    first, second = target.calls
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert (first.headers["webhook-attempt"], second.headers["webhook-attempt"]) == ("1", "2")
    assert [attempt.outcome_code for attempt in Attempt.objects.order_by("pk")] == ["TARGET_DOWN", "ACCEPTED"]


def test_latest_state_sends_the_newest_version_only(target: Target) -> None:
    [record] = suppliers(1)
    rename(record, "Second Ltd")
    rename(record, "Third Ltd")
    endpoint = webhook(target.url, mode=Mode.LATEST_STATE)
    run(endpoint)
    assert target.versions(record) == [3]
    assert states(endpoint) == ["superseded", "superseded", "delivered"]


def test_latest_state_takes_the_place_of_a_parked_version(target: Target) -> None:
    [record] = suppliers(1)
    endpoint = webhook(target.url, mode=Mode.LATEST_STATE, retry_seconds=())
    target.answer = Answer(422)
    run(endpoint)
    assert states(endpoint) == ["parked"]
    target.answer = Answer()
    rename(record, "Mended Ltd")
    run(endpoint)
    assert states(endpoint) == ["superseded", "delivered"]


def test_only_the_chosen_domains_are_sent(target: Target) -> None:
    suppliers(2)
    endpoint = webhook(target.url, domains=("facility",))
    run(endpoint)
    assert target.calls == []
    assert states(endpoint) == []
    endpoint.lane.refresh_from_db()
    assert endpoint.lane.cursor_low == publish()


def test_pending_records_stay_in_the_house_until_they_are_active(target: Target) -> None:
    record = supplier("K1", "Suspect Ltd", state="pending")
    publish()
    endpoint = webhook(target.url)
    run(endpoint)
    assert target.calls == []
    activate(record_ids=[record.pk], cause=why("no duplicate"))
    publish()
    run(endpoint)
    [call] = target.calls
    assert call.json["data"]["attributes"]["name"] == "Suspect Ltd"
    assert call.json["data"]["state"] == "active"


def test_a_merged_record_redirects_and_comes_back(target: Target) -> None:
    winner, loser = suppliers(2)
    endpoint = rest(target.url)
    run(endpoint)
    target.calls.clear()
    [merged] = merge(
        winner_id=winner.pk,
        loser_ids=[loser.pk],
        expected={winner.pk: 1, loser.pk: 1},
        cause=why("the same company"),
    )
    publish()
    run(endpoint)
    redirect = next(call for call in target.calls if call.path == f"/suppliers/{loser.pk}")
    assert (redirect.json["state"], redirect.json["merged_into"]) == ("merged", str(winner.pk))
    target.calls.clear()
    unmerge(merge_ids=[merged], cause=why("not the same after all"))
    publish()
    run(endpoint)
    back = next(call for call in target.calls if call.path == f"/suppliers/{loser.pk}")
    assert (back.json["state"], back.json["merged_into"]) == ("active", None)


def test_a_suspect_merged_away_is_a_redirect_without_values_and_withdrawn_on_unmerge(target: Target) -> None:
    winner = supplier("K1", "Company Ltd")
    loser = supplier("K2", "Company Limited", state="pending")
    endpoint = rest(target.url)
    [merged] = merge(
        winner_id=winner.pk, loser_ids=[loser.pk], expected={winner.pk: 1, loser.pk: 1}, cause=why("the same")
    )
    publish()
    run(endpoint)
    [redirect] = [call.json for call in target.calls if call.path == f"/suppliers/{loser.pk}"]
    assert (redirect["state"], redirect["merged_into"]) == ("merged", str(winner.pk))
    assert (redirect["attributes"], redirect["title"]) == ({}, loser.code)
    target.calls.clear()
    unmerge(merge_ids=[merged], cause=why("not the same after all"))
    publish()
    run(endpoint)
    [withdrawn] = [call.json for call in target.calls if call.path == f"/suppliers/{loser.pk}"]
    assert (withdrawn["state"], withdrawn["merged_into"], withdrawn["attributes"]) == ("pending", None, {})


def test_what_is_withdrawn_is_no_news_to_a_target_that_never_held_it(target: Target) -> None:
    winner, loser = supplier("K1", "Company Ltd"), supplier("K2", "Company Limited", state="pending")
    [merged] = merge(winner_id=winner.pk, loser_ids=[loser.pk], expected={}, cause=why("the same"))
    publish()
    endpoint = rest(target.url, from_now=True)
    unmerge(merge_ids=[merged], cause=why("not the same after all"))
    publish()
    run(endpoint)
    assert [call.path for call in target.calls] == [f"/suppliers/{winner.pk}"]
    skipped = Delivery.objects.get(endpoint=endpoint, record=loser)
    assert (skipped.state, skipped.outcome_code) == ("skipped", "NOT_HELD")


def test_a_push_names_the_record_in_its_path_and_signs_in(target: Target) -> None:
    [record] = suppliers(1)
    run(rest(target.url))
    [call] = target.calls
    assert (call.method, call.path) == ("PUT", f"/suppliers/{record.pk}")
    assert call.headers["authorization"].startswith("Bearer ")
    assert call.headers["idempotency-key"]
    assert call.json["crosswalk"] == [{"system": "erp", "key": "K0"}]
    assert "webhook-signature" not in call.headers


def test_nothing_is_sent_before_an_endpoint_is_verified(target: Target) -> None:
    suppliers(1)
    endpoint = webhook(target.url, state=EndpointState.PENDING_VERIFICATION)
    assert not run(endpoint).claimed
    assert target.calls == []
