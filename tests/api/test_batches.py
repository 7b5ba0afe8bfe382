"""Sending files: kept, read once, and every row that stayed out comes back with all its reasons."""

from io import BytesIO
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from api.scopes import BATCH_WRITE
from mdm.intake import batches
from mdm.intake.feeds import save_feed
from mdm.models import Batch, SourceRecord
from tests.api.problems import problem
from tests.factories import system

pytestmark = pytest.mark.django_db

FEED = {
    "feed": "ap-suppliers",
    "title": "Suppliers",
    "source": "ap",
    "domain": "supplier",
    "key": {"columns": ["id"]},
    "attributes": {"name": "name", "tax_id": "tax"},
}
ROWS = b"id,name,tax\n1,Acme Inc,84-1368850\n2,Other Co,12-3456789\n"
DAMAGED = b"id,name,tax\n1,Acme Inc,84-1368850\n,,nonsense\n3,,\n"


@pytest.fixture(autouse=True)
def feed(db: None) -> None:
    system("ap")
    save_feed(document=FEED, by="test")


def send(api: Client, content: bytes = ROWS, query: str = "feed=ap-suppliers&file_name=s.csv", **more: Any) -> Any:
    return api.post(f"/api/v1/batches?{query}", content, content_type="text/csv", **more)


def test_a_file_is_received_and_its_progress_can_be_read(api: Client) -> None:
    answer = send(api)
    body = answer.json()
    assert (answer.status_code, answer["Location"], body["state"]) == (202, body["href"], "received")
    assert (body["feed"], body["file_name"], body["size"]) == ("ap-suppliers", "s.csv", len(ROWS))
    batches.read(body["id"])
    body = api.get(body["href"]).json()
    assert (body["state"], body["bytes_read"]) == ("read", len(ROWS))
    assert body["rows"] == {"read": 2, "new": 2, "changed": 0, "unchanged": 0, "quarantined": 0}
    assert Batch.objects.get().submitted_by == "full"
    assert SourceRecord.objects.get(key="1").values == {"name": "Acme Inc", "tax_id": "841368850"}


def test_a_form_brings_a_file_too(api: Client) -> None:
    file = BytesIO(ROWS)
    file.name = "suppliers.csv"
    answer = api.post("/api/v1/batches", {"feed": "ap-suppliers", "file": file})
    assert (answer.status_code, answer.json()["file_name"]) == (202, "suppliers.csv")
    batches.read(answer.json()["id"])
    assert SourceRecord.objects.count() == 2


def test_the_same_file_twice_changes_nothing(api: Client) -> None:
    first = send(api).json()
    batches.read(first["id"])
    again = send(api)
    assert (again.status_code, again.json()["repeats"], again.json()["state"]) == (202, first["id"], "read")
    assert again.json()["problem"]
    asked = send(api, query="feed=ap-suppliers&again=true").json()
    assert asked["state"] == "received"


def test_rows_that_stay_out_are_told_with_all_their_reasons(api: Client) -> None:
    sent = send(api, DAMAGED).json()
    batches.read(sent["id"])
    assert api.get(sent["href"]).json()["rows"]["quarantined"] == 2
    first = api.get(sent["quarantine"], {"limit": 1}).json()
    (row,) = first["items"]
    assert (row["line"], row["raw"].strip(), first["has_more"]) == (3, ",,nonsense", True)
    assert len(row["problems"]) >= 2
    last = api.get(sent["quarantine"], {"limit": 1, "cursor": first["next_cursor"]}).json()
    assert ([row["line"] for row in last["items"]], last["has_more"], last["next_cursor"]) == ([4], False, None)


def test_what_cannot_be_received_is_refused_with_all_reasons(api: Client) -> None:
    body = problem(send(api, b"", query=""), 400, "invalid")
    assert {error["pointer"] for error in body["errors"]} == {"feed", "file"}
    assert "ap-suppliers" in problem(send(api, query="feed=nothing"), 404, "not-found")["way_out"]
    problem(send(api, query="feed=ap-suppliers&fiel_name=x"), 400, "invalid")
    assert not Batch.objects.exists()


def test_a_client_sees_its_own_batches_only(api: Client, client_with: Any) -> None:
    sent = send(api, DAMAGED).json()
    other = client_with(BATCH_WRITE, name="other")
    problem(other.get(sent["href"]), 404, "not-found")
    problem(other.get(sent["quarantine"]), 404, "not-found")
    problem(api.get(f"/api/v1/batches/{uuid4()}"), 404, "not-found")
    problem(api.get("/api/v1/batches/not-an-id"), 404, "not-found")


def test_a_file_that_cannot_be_stored_is_to_be_sent_again(api: Client, settings: Any, tmp_path: Any) -> None:
    blocked = tmp_path / "a-file"
    blocked.write_text("in the way")
    settings.DATA_DIR = blocked
    assert problem(send(api), 503, "not-kept")["retryable"] is True
