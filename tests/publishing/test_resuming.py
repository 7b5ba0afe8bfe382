"""A lane that stood still goes on by choice: with everything, with the latest state of each record, or from now on."""

from collections import Counter
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction

from mdm.errors import Invalid
from mdm.models import GoldenRecord, LogHead
from publishing.breaker import RESTORED
from publishing.lanes import due
from publishing.models import Delivery, Endpoint, EndpointState, Holding, Lane
from publishing.verbs import disable, resume
from tests.factories import publish, supplier
from tests.publishing.making import OWNER, Answer, Target, rename, run, states, suppliers, webhook

pytestmark = pytest.mark.django_db
PER_RECORD = 25


@pytest.fixture
def records() -> list[GoldenRecord]:
    return suppliers(4)


@pytest.fixture
def stopped(target: Target, records: list[GoldenRecord]) -> Endpoint:
    """An endpoint disabled after its first messages, one of them parked, and a hundred changes since."""
    bad = records[0]
    endpoint = webhook(target.url, retry_seconds=())
    target.answer = lambda call: Answer(422) if call.json["subject"] == str(bad.pk) else Answer()
    run(endpoint)
    disable(endpoint=endpoint, by=OWNER, reason="month end")
    for number in range(PER_RECORD):
        for record in records:
            rename(record, f"{record.code} {number} Ltd")
    supplier("K9", "New Ltd")
    publish()
    target.answer = Answer()
    target.calls.clear()
    return endpoint


def ledger(endpoint: Endpoint) -> Counter[str]:
    return Counter(states(endpoint))


def in_order(target: Target, records: list[GoldenRecord]) -> bool:
    return all(target.versions(record) == sorted(set(target.versions(record))) for record in records)


def test_everything_is_told_from_where_the_cursor_stood(
    target: Target, stopped: Endpoint, records: list[GoldenRecord]
) -> None:
    resume(endpoint=stopped, by=OWNER, reason="closed")
    run(stopped)
    # The parked version holds back its own record only, until somebody releases it.
    assert len(target.calls) == 3 * PER_RECORD + 1
    assert ledger(stopped) == {"delivered": 3 + 3 * PER_RECORD + 1, "parked": 1, "waiting": PER_RECORD}
    assert in_order(target, records)


def test_each_record_is_told_once_in_its_latest_state(
    target: Target, stopped: Endpoint, records: list[GoldenRecord]
) -> None:
    resume(endpoint=stopped, by=OWNER, choice="latest")
    run(stopped)
    assert [target.versions(record) for record in records] == [[PER_RECORD + 1]] * 4
    assert len(target.calls) == 5
    assert ledger(stopped) == {"delivered": 3 + 5, "superseded": 4 * PER_RECORD + 1 - 4}
    rename(records[0], "After Ltd")
    rename(records[0], "After that Ltd")
    run(stopped)
    assert target.versions(records[0])[-2:] == [PER_RECORD + 2, PER_RECORD + 3], "from then on every version again"
    assert Lane.objects.get(endpoint=stopped).passing == ""


def test_what_is_left_out_is_kept_with_who_and_why(
    target: Target, stopped: Endpoint, records: list[GoldenRecord]
) -> None:
    resume(endpoint=stopped, by=OWNER, reason="loaded by hand", choice="skip")
    run(stopped)
    assert target.calls == []
    assert ledger(stopped) == {"delivered": 3, "skipped": 4 * PER_RECORD + 2}
    left = Delivery.objects.filter(endpoint=stopped, state="skipped").values_list("outcome_code", "outcome").distinct()
    words = "Left out when Olga Owner resumed the endpoint: From now on. loaded by hand"
    assert list(left) == [("LEFT_OUT", words)]
    assert stopped.interventions.get(verb="resume").reason == "From now on. loaded by hand"
    rename(records[1], "After Ltd")
    run(stopped)
    assert target.versions(records[1]) == [PER_RECORD + 2]
    assert Holding.objects.get(endpoint=stopped, record=records[1]).version == PER_RECORD + 2


def test_another_choice_is_refused(stopped: Endpoint) -> None:
    with pytest.raises(Invalid):
        resume(endpoint=stopped, by=OWNER, choice="everything")
    stopped.refresh_from_db()
    assert stopped.state == EndpointState.DISABLED


def test_a_restored_hub_pauses_its_endpoints_until_somebody_decides(target: Target) -> None:
    suppliers(3)
    endpoint = webhook(target.url)
    run(endpoint)
    LogHead.objects.update(epoch=uuid4())
    Lane.objects.filter(endpoint=endpoint).update(cursor_low=50)
    assert due() == [endpoint.pk]
    run(endpoint)
    endpoint.refresh_from_db()
    assert (endpoint.state, endpoint.state_reason) == (EndpointState.PAUSED, RESTORED)
    assert endpoint.history.first().history_change_reason == RESTORED[:100]
    assert endpoint.interventions.filter(verb="pause", by="Assay").count() == 1
    assert due() == []
    resume(endpoint=endpoint, by=OWNER)
    lane = Lane.objects.get(endpoint=endpoint)
    assert (lane.epoch, lane.cursor_low) == (LogHead.objects.get().epoch, 3)
    supplier("K9", "New Ltd")
    publish()
    run(endpoint)
    assert len(target.calls) == 4


@pytest.mark.parametrize(
    ("change", "wall"),
    [
        ({"passing": "latest"}, "lane_passes_up_to_a_number"),
        ({"passing_until": 5}, "lane_passes_up_to_a_number"),
        ({"passing": "other", "passing_until": 5}, "lane_passes_up_to_a_number"),
        ({"rate": 0}, "lane_rate_is_positive"),
    ],
)
def test_lanes_that_must_not_exist_cannot(target: Target, change: dict[str, object], wall: str) -> None:
    webhook(target.url)
    with pytest.raises(IntegrityError, match=wall), transaction.atomic():
        Lane.objects.update(**change)
