"""Search before create over the API."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from matching.run import match
from mdm.cause import HUB, Cause
from mdm.domains import BY_NAME
from mdm.models import ChangeEvent, Link, SourceRecord
from tests.api.problems import problem
from tests.factories import source

pytestmark = pytest.mark.django_db
URL = "/api/v1/match"


@pytest.fixture
def waters() -> SourceRecord:
    """One supplier, matched."""
    made = source("erp", "supplier", "V1", name="Waters Corporation", tax_id="133668640", phone="+15084782000")
    match(BY_NAME["supplier"], Cause(by=HUB, reason="test"))
    return made


def post(client: Client, **body: Any) -> Any:
    return client.post(URL, body, content_type="application/json")


def found(client: Client, **body: Any) -> Any:
    answer = post(client, domain="supplier", **body)
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_the_record_is_named_with_why_and_where_it_is(api: Client, waters: SourceRecord) -> None:
    answer = found(api, attributes={"name": "WATERS CORP", "tax_id": "13-3668640"})
    assert (answer["domain"], answer["band"], answer["left_out"]) == ("supplier", "auto", [])
    (item,) = answer["items"]
    golden = str(Link.objects.get(source_record=waters).record_id)
    assert (item["id"], item["href"]) == (golden, f"/api/v1/suppliers/{golden}")
    assert (item["title"], item["state"], item["band"], item["vetoes"]) == ("Waters Corporation", "active", "auto", [])
    assert item["probability"] > 0.95
    assert item["sentence"] == "Tax id and name agree."
    assert item["closest"] == {"system": "erp", "key": "V1"}
    told = {one["label"]: (one["left"], one["right"], one["level"]) for one in item["evidence"]}
    assert told["Tax id"] == ("133668640", "133668640", "equal")
    points = item["before_any_evidence"] + sum(one["weight"] for one in item["evidence"])
    assert points == pytest.approx(item["points"], abs=0.05)
    assert api.get(item["href"]).status_code == 200


def test_what_could_not_be_read_is_told_and_the_rest_is_searched_for(api: Client, waters: SourceRecord) -> None:
    answer = found(api, attributes={"name": "Waters", "duns": "12"})
    assert [one["title"] for one in answer["items"]] == ["Waters Corporation"]
    assert [one["pointer"] for one in answer["left_out"]] == ["attributes.duns"]


def test_all_faults_of_a_question_are_named_at_once(api: Client) -> None:
    body = problem(
        post(api, domain="supplier", attributes={"nmae": "x", "name": []}, parts={"adresses": []}, limit=0, fuzzy=True),
        400,
        "invalid",
    )
    assert {error["pointer"] for error in body["errors"]} == {
        "fuzzy", "limit", "attributes.nmae", "attributes.name", "parts.adresses",
    }  # fmt: skip
    body = problem(post(api, domain="vendor", limit="many"), 400, "invalid")
    assert {error["pointer"] for error in body["errors"]} == {"domain", "limit"}
    for nothing in ({"domain": "supplier"}, {"domain": "supplier", "attributes": {}, "parts": {}}):
        assert problem(post(api, **nothing), 400, "invalid")["errors"][0]["pointer"] == "attributes"
    assert problem(api.post(URL, "[1]", content_type="application/json"), 400, "invalid")
    assert problem(api.post(URL, "{", content_type="application/json"), 400, "parse-error")
    assert problem(api.get(URL), 405, "method-not-allowed")


@pytest.mark.parametrize(
    "body",
    [
        '{"domain": "supplier", "attributes": {"name": "\\ud800Wat\\u0000ers"}}',
        '{"domain": "supplier", "attributes": {"name": "\u202ewaters \u533b\u7597", "phone": 5084782000}}',
        '{"domain": "item", "attributes": {"manufacturer": {"system": "\\ud800", "key": "\\u0000x"}}}',
        '{"domain": "supplier", "attributes": {"name": "x"}, "parts": {"names": [{"name": "\\u0000"}, {}]}}',
    ],
)
def test_strange_characters_are_read_as_what_they_are(api: Client, waters: SourceRecord, body: str) -> None:
    assert api.post(URL, body, content_type="application/json").status_code == 200


@pytest.mark.parametrize(
    "name", ["A", "\u533b\u7597\u5668\u68b0", "\u05e8\u05d7\u05d5\u05d1 \u202e\u05d4", "-", "a " * 99]
)
def test_names_that_tell_little_are_answered(api: Client, waters: SourceRecord, name: str) -> None:
    answer = found(api, attributes={"name": name, "tax_id": "000000000", "phone": "0000000000"})
    assert answer["compared"] <= 1
    assert all(item["band"] != "auto" for item in answer["items"])


@pytest.mark.parametrize("long", ["x" * 40_000, "word " * 8_000, "a" + " " * 40_000 + "b"])
def test_values_of_forty_kilobytes_are_refused_by_name(api: Client, waters: SourceRecord, long: str) -> None:
    body = problem(post(api, domain="supplier", attributes={"name": long, "phone": long}), 400, "invalid")
    assert {error["pointer"] for error in body["errors"]} == {"attributes.name", "attributes.phone"}


def test_strange_names_are_faults_like_others(api: Client) -> None:
    body = '{"domain": "supplier", "attributes": {"\\ud800": 1}, "parts": {"\\u0000": []}, "\\ud800": 1}'
    assert len(problem(api.post(URL, body, content_type="application/json"), 400, "invalid")["errors"]) == 3


def test_each_domain_needs_its_own_scope(client_with: Callable[..., Client], waters: SourceRecord) -> None:
    items_only = client_with("item:read")
    body = problem(post(items_only, domain="supplier", attributes={"name": "Waters"}), 403, "permission-denied")
    assert "supplier:read" in body["detail"]
    assert post(items_only, domain="item", attributes={"description": "Screw"}).status_code == 200
    assert post(Client(), domain="supplier", attributes={"name": "Waters"}).status_code == 401


def test_restricted_values_stay_out_and_nothing_is_written(api: Client, waters: SourceRecord) -> None:
    before = SourceRecord.objects.count(), ChangeEvent.objects.count()
    account = {"bank": "First", "country": "US", "account_tail": "12345678"}
    answer = post(api, domain="supplier", attributes={"name": "Waters"}, parts={"bank_accounts": [account]})
    assert answer.status_code == 200
    assert "12345678" not in answer.content.decode()
    assert (SourceRecord.objects.count(), ChangeEvent.objects.count()) == before


def test_the_example_of_the_guide_works(api: Client, waters: SourceRecord) -> None:
    guide = (Path(__file__).parents[2] / "docs" / "guides" / "integrator.md").read_text()
    body = guide.partition("/api/v1/match\" -d '")[2].partition("'")[0]
    answer = api.post(URL, body, content_type="application/json")
    assert answer.status_code == 200, answer.content
    assert answer.json()["items"][0]["title"] == "Waters Corporation"
    assert answer.json()["left_out"] == []


def test_limit_bounds_the_answer(api: Client) -> None:
    for number in range(4):
        source("erp", "supplier", f"V{number}", name=f"Northgate Branch {number}", tax_id=f"13366864{number}")
    match(BY_NAME["supplier"], Cause(by=HUB, reason="test"))
    assert len(found(api, attributes={"name": "Northgate"}, limit=2)["items"]) == 2
    assert len(found(api, attributes={"name": "Northgate"})["items"]) == 4
