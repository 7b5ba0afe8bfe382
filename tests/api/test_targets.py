"""A target's own id leads to the golden record, and the record says which target knows it as what."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from mdm.mastering import merge
from mdm.models import GoldenRecord
from publishing.models import Endpoint
from tests.factories import publish, why
from tests.publishing.making import Answer, Call, Target, rename, run, suppliers, webhook
from tests.publishing.test_pages import signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def endpoint(settings: Settings) -> Iterator[Endpoint]:
    """A target that calls each record by a number of its own."""
    settings.ALLOWED_NETWORKS = ["127.0.0.0/8"]

    def numbered(call: Call) -> Answer:
        code = call.json["data"]["code"]
        return Answer(200, body=f'{{"local_id": "N{code[-1]}"}}'.encode())

    with Target(numbered) as target:
        yield webhook(target.url, code="warehouse")


@pytest.fixture
def merged(endpoint: Endpoint) -> tuple[GoldenRecord, GoldenRecord]:
    winner, loser, _ = suppliers(3)
    run(endpoint)
    merge(winner_id=winner.pk, loser_ids=[loser.pk], expected={}, cause=why("the same"))
    publish()
    run(endpoint)
    return winner, loser


def test_a_targets_own_id_finds_the_record_that_answers_now(get: Any, merged: Any) -> None:
    winner, loser = merged
    [found] = get("/lookup", system="warehouse", key="N1")["items"]
    assert (found["id"], found["merged_from"]) == (str(winner.pk), None)
    [found] = get("/lookup", system="warehouse", key="N2")["items"]
    assert (found["id"], found["merged_from"]["code"]) == (str(winner.pk), loser.code)


def test_another_targets_id_is_not_found(api: Client, merged: Any) -> None:
    assert api.get("/api/v1/lookup", {"system": "other", "key": "N1"}).status_code == 404


def test_a_source_and_an_endpoint_of_one_code_are_both_asked(get: Any, merged: Any, endpoint: Endpoint) -> None:
    Endpoint.objects.update(code="erp")
    assert get("/lookup", system="erp", key="N3")["items"][0]["found_by"] == "key"
    assert get("/lookup", system="erp", key="K2")["items"][0]["matched"] == "K2"


def test_a_record_names_its_targets_and_what_merged_ones_are_called(get: Any, merged: Any) -> None:
    winner, loser = merged
    targets = get(f"/suppliers/{winner.code}")["targets"]
    assert [(one["endpoint"], one["local_id"], one["state"]) for one in targets] == [
        ("warehouse", "N1", "held"), ("warehouse", "N2", "held"),
    ]  # fmt: skip
    assert targets[0]["merged_from"] is None
    assert targets[1]["merged_from"] == {"id": str(loser.pk), "code": loser.code}
    assert get(f"/suppliers/{winner.code}", as_of_version=1)["targets"] == []


def test_what_is_still_owed_says_so(get: Any, endpoint: Endpoint) -> None:
    [record] = suppliers(1)
    run(endpoint)
    rename(record, "Renamed Ltd")
    Endpoint.objects.update(url="http://127.0.0.1:9100/", backoff_seconds=[1])
    run(endpoint)
    [target] = get(f"/suppliers/{record.code}")["targets"]
    assert (target["version"], target["state"]) == (1, "waiting")
    assert target["reason"]


def test_the_page_of_a_record_shows_the_ids_of_merged_ones(merged: Any) -> None:
    winner, loser = merged
    page = signed_in("viewer").get(f"/publishing/records/{winner.pk}/").content.decode()
    assert "Known as well" in page
    assert "N2" in page
    assert loser.code in page
