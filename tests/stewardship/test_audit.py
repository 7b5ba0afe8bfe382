"""The audit log: found, opened, exported, a record as it was, and whether the log is whole."""

import csv
import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from mdm import queries
from mdm.mastering import contribute, merge, retire
from mdm.models import ChangeEvent, GoldenRecord, LogHead
from mdm.people import AUDITOR, VIEWER
from mdm.tasks import verify
from mdm.verification import keep_verdict, last_verdict, note_start
from mdm.verify import Finding, Verdict
from stewardship import requests
from stewardship.models import ChangeRequest
from stewardship.views.audit_proof import ASKED
from tests.factories import publish, supplier, why
from tests.stewardship import sending
from tests.stewardship.pages import client_of, outsider, text_of
from tests.stewardship.questions import someone

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _folder(settings: Any, tmp_path: Path) -> None:
    sending.in_folder(settings, tmp_path)


@pytest.fixture
def ann() -> Client:
    return client_of(someone("Ann Auditor", AUDITOR))


@pytest.fixture
def acme() -> GoldenRecord:
    record = supplier("V1", "Acme")
    contribute(record_id=record.pk, values={"name": "Acme Medical"}, expected=1, cause=why("they renamed"))
    publish()
    return record


def sequences(client: Client, query: str = "") -> list[int | None]:
    return [line["entry"].seq for line in client.get(f"/audit/{query}").context["lines"]]


def test_every_change_shows_who_when_why_before_and_after(ann: Client, acme: GoldenRecord) -> None:
    said = text_of(ann.get("/audit/"))
    event = ChangeEvent.objects.get(seq=2)
    assert f"{event.occurred_at:%Y-%m-%d %H:%M:%S.%f}" in said
    assert "Stella Steward person, in the browser" in said
    assert "Name Acme Acme Medical" in said
    assert "they renamed" in said


def test_an_approval_and_its_decision_are_named(ann: Client, acme: GoldenRecord) -> None:
    pia, adam = someone("Pia Proposer"), someone("Adam Approver")
    values = {"name": "Acme Group"}
    request = requests.propose(record_id=acme.pk, values=values, base_version=2, reason="new deed", user=pia)
    requests.approve(request_id=request.pk, digest=request.digest, user=adam)
    publish()
    newest = ann.get("/audit/").context["lines"][0]
    assert newest["entry"].approved_by == "Adam Approver"
    page = ann.get(newest["event_href"])
    assert "Approved by Adam Approver" in text_of(page)
    assert f"/requests/{ChangeRequest.objects.get().pk}/" in page.content.decode()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", [4, 3, 2, 1]),
        ("?record={code}", [2, 1]),
        ("?record={id}", [2, 1]),
        ("?attribute=name&verb=changed", [2]),
        ("?verb=retired", [4]),
        ("?domain=facility", []),
        ("?person=Stella+Steward", [4, 3, 2, 1]),
        ("?person=Nobody", []),
        ("?correlation={act}", [2]),
        ("?since={day}&until={day}", [4, 3, 2, 1]),
        ("?until={before}", []),
        ("?since={after}", []),
    ],
)
def test_changes_are_found_by(ann: Client, acme: GoldenRecord, query: str, found: list[int]) -> None:
    other = supplier("V2", "Bolton")
    retire(record_id=other.pk, expected=1, cause=why("gone"))
    publish()
    event = ChangeEvent.objects.get(seq=2)
    day = event.occurred_at
    asked = query.format(
        code=acme.code, id=acme.pk, act=event.correlation_id, day=f"{day:%Y-%m-%d}",
        before=f"{day - timedelta(days=1):%Y-%m-%d}", after=f"{day + timedelta(days=1):%Y-%m-%d}",
    )  # fmt: skip
    assert sequences(ann, asked) == found


def test_everything_wrong_with_a_search_is_said_at_once(ann: Client) -> None:
    answer = ann.get("/audit/?since=yesterday&until=soon&domain=ship&verb=sink&correlation=7")
    assert answer.status_code == 422
    assert len(answer.context["problems"]) == 5
    assert 'value="yesterday"' in answer.content.decode()


def test_the_whole_act_is_one_link_away(ann: Client) -> None:
    kept, gone = supplier("V1", "Acme"), supplier("V2", "Acme Inc")
    merge(winner_id=kept.pk, loser_ids=[gone.pk], expected={kept.pk: 1, gone.pk: 1}, cause=why("same"))
    publish()
    newest = ann.get("/audit/").context["lines"][0]
    act = ann.get(newest["act_href"]).context["lines"]
    assert {line["entry"].code for line in act} >= {gone.code}
    assert {line["entry"].correlation_id for line in act} == {newest["entry"].correlation_id}


def test_the_list_is_paged_and_its_queries_do_not_grow(ann: Client, acme: GoldenRecord) -> None:
    numbers = []
    for number in range(2):
        with CaptureQueriesContext(connection) as caught:
            page = ann.get("/audit/")
        numbers.append(len(caught))
        for one in range(30):
            supplier(f"X{number}-{one}", f"Firm {number} {one}")
    assert numbers[0] == numbers[1]
    page = ann.get("/audit/")
    assert len(page.context["lines"]) == 50
    assert len(ann.get("/audit/" + page.context["next_href"]).context["lines"]) == 12


def test_one_event_shows_its_hashes_and_body(ann: Client, acme: GoldenRecord) -> None:
    event, before = ChangeEvent.objects.get(seq=2), ChangeEvent.objects.get(seq=1)
    for headers in ({}, {"HX-Request": "true"}):
        page = ann.get(f"/audit/{event.pk}/", headers=headers)
        assert event.hash in page.content.decode()
        assert before.hash in page.content.decode()
        assert json.loads(page.context["text"])["reason"] == "they renamed"
    assert ann.get("/audit/987654/").status_code == 404


def test_a_record_as_it_was_is_shown_whole_with_provenance(ann: Client, acme: GoldenRecord) -> None:
    for asked in ("seq=1", f"at={ChangeEvent.objects.get(seq=1).occurred_at.isoformat().replace('+00:00', 'Z')}"):
        page = ann.get(f"/audit/as-it-was/?record={acme.code}&{asked}")
        [row] = page.context["rows"]
        assert (row["value"], row["origin"]["key"], row["origin"]["source"]) == ("Acme", "V1", "erp")
        assert page.context["past"].version == 1
    today = f"{ChangeEvent.objects.get(seq=2).occurred_at:%Y-%m-%d}"
    assert ann.get(f"/audit/as-it-was/?record={acme.code}&at={today}").context["past"].version == 2


def test_what_is_missing_for_a_record_as_it_was_is_said_at_once(ann: Client) -> None:
    answer = ann.get("/audit/as-it-was/?at=1999&seq=x")
    assert answer.status_code == 422
    said = text_of(answer)
    assert "Name the record by its code" in said
    assert "either a date or a sequence number" in said
    assert "whole number" in said


def test_exports_hold_exactly_what_is_filtered(ann: Client, acme: GoldenRecord) -> None:
    supplier("V2", "=cmd()")
    publish()
    text = b"".join(ann.get("/audit/export.csv").streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    lines = list(csv.DictReader(io.StringIO(text)))
    assert [line["sequence"] for line in lines if line["attribute"] == "name"] == ["3", "2", "1"]
    assert lines[0]["after"] == "'=cmd()"
    only = ann.get(f"/audit/export.jsonl?record={acme.code}")
    events = [json.loads(line) for line in b"".join(only.streaming_content).splitlines()]  # type: ignore[attr-defined]
    assert [event["sequence"] for event in events] == [2, 1]
    assert events[0]["hash"] == ChangeEvent.objects.get(seq=2).hash
    assert events[0]["event"]["reason"] == "they renamed"


def test_an_export_of_a_search_that_makes_no_sense_is_refused(ann: Client) -> None:
    assert ann.get("/audit/export.csv?since=yesterday").status_code == 422


def test_the_panel_shows_head_epoch_and_the_last_verdict(ann: Client, acme: GoldenRecord) -> None:
    assert "Not verified yet" in text_of(ann.get("/audit/"))
    assert verify() is True
    said = text_of(ann.get("/audit/"))
    assert "2 events, 2 versions and 1 record verified just now , up to number 2: each is as it was written." in said
    assert str(LogHead.objects.get().epoch) in said


def test_the_panel_names_what_was_altered(ann: Client) -> None:
    keep_verdict(Verdict(events=1, head=1, findings=[Finding("event 1", "its body was altered")]))
    said = text_of(ann.get("/audit/"))
    assert "Altered" in said
    assert "event 1 : its body was altered" in said


def test_a_verdict_that_cannot_be_read_is_none(tmp_path: Path) -> None:
    (tmp_path / "verification.json").write_text('{"at": "2026-11-21T00:00:00Z"}')
    assert last_verdict() is None


def test_asking_for_a_verification_waits_for_the_verdict_and_then_stops() -> None:
    stella = client_of(someone("Stella Steward"))
    asked = stella.post("/audit/verify/", follow=True)
    assert "Being verified" in text_of(asked)
    assert 'hx-get="/audit/proof/"' in stella.get("/audit/proof/").content.decode()
    verify()
    done = stella.get("/audit/proof/")
    assert "Whole" in text_of(done)
    assert "hx-trigger" not in done.content.decode()


def test_a_verification_nobody_takes_up_waits_for_a_worker() -> None:
    stella = client_of(someone("Stella Steward"))
    session = stella.session
    session[ASKED] = (timezone.now() - timedelta(seconds=20)).isoformat()
    session.save()
    assert "Waiting for a worker" in text_of(stella.get("/audit/proof/"))
    note_start()
    assert "Being verified" in text_of(stella.get("/audit/proof/"))


def test_people_who_changed_something_can_be_chosen(acme: GoldenRecord) -> None:
    assert queries.actors() == ["Stella Steward"]


def test_before_the_first_change_the_page_says_so(ann: Client) -> None:
    assert "Nothing has changed yet" in text_of(ann.get("/audit/"))
    assert "No change fits this search" in text_of(ann.get("/audit/?verb=merged"))


@pytest.mark.parametrize("who", ["viewer", "outsider"])
def test_others_do_not_read_the_log(acme: GoldenRecord, who: str) -> None:
    client = outsider() if who == "outsider" else client_of(someone("Vera Viewer", VIEWER))
    for address in ("", "1/", "export.csv", "export.jsonl", "proof/", f"as-it-was/?record={acme.code}&seq=1"):
        assert client.get(f"/audit/{address}").status_code == 403
    assert client.post("/audit/verify/").status_code == 403
