"""Purging: what was settled long ago goes, what a target holds by it, what waits and what people did stays."""

from datetime import timedelta

import pytest

from publishing import purging
from publishing.models import Attempt, Delivery, Endpoint, Holding
from publishing.purging import purge
from publishing.verbs import resend
from tests.publishing.making import OWNER, Answer, Target, pass_time, rename, run, states, suppliers, webhook

DAY = 24 * 3600
pytestmark = pytest.mark.django_db


def test_only_what_is_old_and_settled_and_no_longer_held_goes(
    target: Target, clock: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(purging, "BATCH", 2)
    records = suppliers(3)
    endpoint = webhook(target.url)
    for number in range(3):
        for record in records:
            rename(record, f"{record.title} {number}")
    assert run(endpoint).delivered == 12
    kept = Delivery.objects.order_by("seq")[0]
    resend(deliveries=[kept.pk], by=OWNER, reason="asked for by phone")
    run(endpoint)
    assert purge() == 0
    pass_time(31 * DAY)
    rename(records[0], "Newest")
    assert run(endpoint).delivered == 1
    assert purge() == 9
    assert purge() == 0
    assert Delivery.objects.filter(pk=kept.pk).exists()
    assert Delivery.objects.count() == 4
    held = {(holding.record_id, holding.seq) for holding in Holding.objects.all()}
    assert held <= set(Delivery.objects.values_list("record_id", "seq"))
    assert Attempt.objects.count() == 14


def test_what_waits_or_is_parked_is_never_purged(clock: None) -> None:
    suppliers(2)
    with Target(Answer(422)) as picky:
        endpoint = webhook(picky.url, retry_seconds=())
        run(endpoint)
    pass_time(400 * DAY)
    assert purge(keep=timedelta(0)) == 0
    assert states(endpoint) == ["parked", "parked"]


def test_an_endpoint_goes_on_after_a_purge(target: Target, clock: None) -> None:
    one = suppliers(1)[0]
    endpoint = webhook(target.url)
    rename(one, "Second")
    run(endpoint)
    pass_time(31 * DAY)
    assert purge() == 1
    rename(one, "Third")
    assert run(Endpoint.objects.get()).delivered == 1
    assert target.versions(one) == [1, 2, 3]
