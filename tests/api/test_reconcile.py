"""Reconciling over the API, as a target does it with ten lines of its own."""

from typing import Any
from uuid import UUID

import pytest

from publishing.models import Difference, Endpoint, Holding
from tests.api.problems import problem
from tests.api.test_receipts import erp
from tests.publishing.holding import bucket, buckets_of, digest

__all__ = ["erp"]
pytestmark = pytest.mark.django_db
URL = "/api/v1/reconcile"
Erp = tuple[Any, Endpoint, list[Any]]


def post(client: Any, body: Any) -> Any:
    answer = client.post(URL, body, content_type="application/json")
    assert answer.status_code in (200, 201), answer.content
    return answer.json()


def held(made: list[Any]) -> dict[str, dict[str, Any]]:
    """What the target keeps, with digests the hub knows as well."""
    kept = {
        str(record.pk): {"id": str(record.pk), "version": 1, "attributes": {"name": record.title}} for record in made
    }
    for key, one in kept.items():
        Holding.objects.filter(record=UUID(key)).update(digest=digest(one))
    return kept


def test_nothing_differs_and_the_check_is_done(erp: Erp) -> None:
    client, _, made = erp
    buckets = {f"{number:03x}": value for number, value in buckets_of(held(made)).items()}
    begun = post(client, {"buckets": buckets})
    assert (begun["state"], begun["compared"], begun["differing"], begun["on_their_way"]) == ("done", 3, [], 0)


def test_an_altered_record_is_found_field_by_field(erp: Erp) -> None:
    client, _, made = erp
    kept = held(made)
    altered = str(made[1].pk)
    kept[altered]["attributes"]["name"] = "Other"
    begun = post(client, {"by": "content", "buckets": {f"{n:03x}": v for n, v in buckets_of(kept).items()}})
    assert begun["differing"] == [f"{bucket(altered):03x}"]
    record = {"id": altered, "version": 1, "digest": digest(kept[altered])}
    heard = post(client, {"check": begun["check"], "buckets": begun["differing"], "records": [record]})
    assert (heard["state"], heard["ask_fields_of"], heard["remaining"]) == ("done", [altered], [])
    heard = post(client, {"check": begun["check"], "records": [record | {"fields": kept[altered]["attributes"]}]})
    assert [(one["field"], one["ours"], one["theirs"]) for one in heard["differences"]] == [
        ("attributes.name", made[1].title, "Other")
    ]
    assert Difference.objects.get(state="open").theirs == "Other"


def test_everything_wrong_with_a_step_is_said_at_once(erp: Erp) -> None:
    client, *_ = erp
    first = {"by": "colour", "domains": ["planet"], "buckets": {"XYZ": "1"}, "page": 1}
    body = problem(client.post(URL, first, content_type="application/json"), 400, "invalid")
    assert {one["pointer"] for one in body["errors"]} == {"by", "domains", "buckets.XYZ", "page"}
    second = {"check": 0, "buckets": ["zz"], "records": [{"version": "1", "digest": "q", "fields": []}, 4]}
    body = problem(client.post(URL, second, content_type="application/json"), 400, "invalid")
    assert {one["pointer"] for one in body["errors"]} == {
        "check", "buckets", "records[0]", "records[0].version", "records[0].digest", "records[0].fields", "records[1]",
    }  # fmt: skip


def test_fields_nobody_can_keep_are_no_fault_of_the_hub(erp: Erp) -> None:
    client, _, made = erp
    begun = post(client, {})
    assert len(begun["differing"]) == 4096
    deep: Any = "bottom"
    for _ in range(300):
        deep = {"a": deep}
    record = {
        "id": str(made[0].pk),
        "version": 1,
        "fields": {"name": "x\u0000y", "deep": deep, "attributes": {"name": "\ud800"}},
    }
    assert post(client, {"check": begun["check"], "records": [record], "buckets": "all"})["state"] == "done"


def test_a_check_of_another_system_is_not_found(erp: Erp) -> None:
    client, *_ = erp
    body = {"check": 999, "records": []}
    problem(client.post(URL, body, content_type="application/json"), 404, "not-found")
