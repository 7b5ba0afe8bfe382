"""Receipts over the API: bound to an endpoint, each answered for itself, whatever is sent."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from api.models import ApiClient
from api.scopes import DRIFT_WRITE, RECEIPT_WRITE
from publishing.models import Delivery, Endpoint, Holding, Receipt
from tests.api.conftest import Make
from tests.api.problems import problem
from tests.publishing.making import Target, run, suppliers, webhook

pytestmark = pytest.mark.django_db
URL = "/api/v1/receipts"
Bound = Callable[..., Client]


@pytest.fixture
def erp(client_with: Make, settings: Settings) -> Any:
    """A client that speaks for an endpoint which was given three suppliers."""
    settings.ALLOWED_NETWORKS = ["127.0.0.0/8"]
    with Target() as target:
        made = suppliers(3)
        endpoint = webhook(target.url, retry_seconds=())
        run(endpoint)
        client = client_with(RECEIPT_WRITE, DRIFT_WRITE, name="erp system")
        ApiClient.objects.update(endpoint=endpoint)
        yield client, endpoint, made


def test_receipts_are_taken_one_or_many(erp: tuple[Any, Endpoint, list[Any]]) -> None:
    client, endpoint, (first, second, third) = erp
    one = {"key": "1", "record": str(first.pk), "version": 1, "accepted": True, "local_id": "V-9"}
    answer = client.post(URL, one, content_type="application/json")
    assert answer.status_code == 200, answer.content
    assert answer.json()["items"] == [{"key": "1", "state": "taken", "retryable": False, "problems": []}]
    assert Holding.objects.get(record=first).local_id == "V-9"
    many = [
        one,
        {"key": "2", "record": second.code, "version": 1, "accepted": False, "code": "X", "reason": "no \u0000 tax id"},
        {"key": "3", "record": third.code, "version": 4, "accepted": True},
    ]
    counts = client.post(URL, {"receipts": many}, content_type="application/json").json()["counts"]
    assert counts == {"taken": 1, "known": 1, "later": 0, "refused": 1}
    parked = Delivery.objects.get(record=second)
    assert (parked.state, parked.outcome[-9:]) == ("parked", "no  tax id"[-9:])
    assert Receipt.objects.filter(endpoint=endpoint).count() == 2


def test_everything_wrong_with_a_receipt_is_said_at_once(erp: tuple[Any, Endpoint, list[Any]]) -> None:
    client, _, (first, *_) = erp
    bad = {"accepted": "yes", "version": 0, "event_id": "x", "colour": 1, "local_id": "9" * 121}
    good = {"key": "1", "record": first.code, "version": 1, "accepted": True}
    items = client.post(URL, [bad, good, 7], content_type="application/json").json()["items"]
    assert [item["state"] for item in items] == ["refused", "taken", "refused"]
    assert {one["pointer"] for one in items[0]["problems"]} == {
        "key", "accepted", "version", "event_id", "colour", "local_id",
    }  # fmt: skip


@pytest.mark.parametrize(
    "body", ["", "[", "null", "[]", "{}x", "NaN", "[" * 100_000, '"text"', b"\xff", '{"receipts": {}}']
)
def test_what_is_no_receipt_is_refused(erp: tuple[Any, Endpoint, list[Any]], body: Any) -> None:
    client, *_ = erp
    answer = client.post(URL, body, content_type="application/json")
    assert answer.status_code == 400, answer.content
    assert answer["Content-Type"] == "application/problem+json"


def test_more_than_a_thousand_are_refused(erp: tuple[Any, Endpoint, list[Any]]) -> None:
    client, *_ = erp
    problem(client.post(URL, [{}] * 1001, content_type="application/json"), 400, "invalid")


def test_only_a_client_that_speaks_for_an_endpoint_may(client_with: Make) -> None:
    body = [{"key": "1", "record": "SUP-1", "version": 1, "accepted": True}]
    without: Any = client_with("supplier:read", name="reader")
    detail = problem(without.post(URL, body, content_type="application/json"), 403, "permission-denied")["detail"]
    assert RECEIPT_WRITE in detail
    unbound: Any = client_with(RECEIPT_WRITE, name="unbound")
    told = problem(unbound.post(URL, body, content_type="application/json"), 403, "permission-denied")
    assert "--endpoint" in told["way_out"]


def test_a_client_never_speaks_for_another_endpoint(erp: tuple[Any, Endpoint, list[Any]]) -> None:
    client, endpoint, (first, *_) = erp
    other = webhook("http://127.0.0.1:8999/", code="other")
    ApiClient.objects.update(endpoint=other)
    body = {"key": "1", "record": first.code, "version": 1, "accepted": False}
    item = client.post(URL, body, content_type="application/json").json()["items"][0]
    assert item["problems"][0]["detail"] == f"Hook was never sent version 1 of {first.code}."
    assert Holding.objects.filter(endpoint=endpoint).count() == 3
