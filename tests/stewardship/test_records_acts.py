"""Retire, reinstate and unmerge from the record page, duplicates on demand, and that nobody else can."""

import pytest
from django.test import Client

from matching.models import KnownNonMatch
from matching.preparing import prepare
from mdm.domains import BY_NAME
from mdm.mastering import contribute, merge
from mdm.models import GoldenRecord, Merge
from mdm.people import AUDITOR, VIEWER
from tests.factories import check_walls, reload, supplier, why
from tests.stewardship.pages import client_of, outsider, text_of, traces
from tests.stewardship.questions import someone, twins

pytestmark = pytest.mark.django_db


@pytest.fixture
def stella() -> Client:
    return client_of(someone("Stella Steward"))


@pytest.fixture
def record() -> GoldenRecord:
    return supplier("V1", "Acme")


def merged() -> tuple[GoldenRecord, GoldenRecord, Merge]:
    first, second = twins()
    merge(winner_id=first.pk, loser_ids=[second.pk], expected={first.pk: 1, second.pk: 1}, cause=why())
    return first, second, Merge.objects.get()


def act(client: Client, record: GoldenRecord, verb: str, **sent: object):
    return client.post(f"/records/suppliers/{record.code}/{verb}/", sent)


def test_a_record_is_retired_and_reinstated_with_reasons(stella: Client, record: GoldenRecord) -> None:
    assert act(stella, record, "retire", version=1, reason="closed down").status_code == 302
    assert reload(record.pk).state == "retired"
    assert act(stella, record, "reinstate", version=2, reason="opened again").status_code == 302
    check_walls()
    assert reload(record.pk).state == "active"
    events = stella.get(f"/records/suppliers/{record.code}/history/").context["events"]
    assert [(event["title"], event["reason"]) for event in events[:2]] == [
        ("Reinstated, version 3", "opened again"),
        ("Retired, version 2", "closed down"),
    ]


def test_without_a_reason_it_is_asked_for_on_a_page_that_needs_no_script(stella: Client, record: GoldenRecord) -> None:
    before = traces()
    asked = stella.get(f"/records/suppliers/{record.code}/retire/")
    assert 'name="version" value="1"' in asked.content.decode()
    again = act(stella, record, "retire", version=1, reason="  ")
    assert again.status_code == 422
    assert "say why" in text_of(again)
    assert traces() == before


def test_a_stale_page_retires_nothing_and_shows_what_changed(stella: Client, record: GoldenRecord) -> None:
    contribute(record_id=record.pk, values={"name": "Acme Group"}, expected=1, cause=why("renamed"))
    answer = act(stella, record, "retire", version=1, reason="closed down")
    assert answer.status_code == 412
    assert "Acme Group" in text_of(answer)
    assert reload(record.pk).state == "active"


def test_a_merge_is_taken_back_from_either_record(stella: Client) -> None:
    first, second, made = merged()
    address = f"/records/merges/{made.pk}/unmerge/"
    assert second.code in text_of(stella.get(address))
    assert stella.post(address, {"reason": "two firms"})["Location"] == f"/records/suppliers/{second.code}/"
    assert reload(second.pk).state == "active"
    assert KnownNonMatch.objects.exists()
    assert stella.post(address, {"reason": "again"}).status_code == 409
    assert reload(first.pk).state == "active"


@pytest.mark.parametrize("role", [VIEWER, AUDITOR, None])
def test_who_may_not_decide_changes_nothing(record: GoldenRecord, role: str | None) -> None:
    _, second, made = merged()
    client = client_of(someone("Vic Viewer", role)) if role else outsider()
    before = traces()
    assert act(client, record, "retire", version=1, reason="x").status_code == 403
    assert act(client, record, "reinstate", version=1, reason="x").status_code == 403
    assert client.post(f"/records/merges/{made.pk}/unmerge/", {"reason": "x"}).status_code == 403
    assert (reload(record.pk).state, reload(second.pk).state) == ("active", "merged")
    assert traces() == before


def test_duplicates_are_found_on_demand_and_lead_to_the_comparison(stella: Client) -> None:
    first = supplier("V1", "Acme Medical Supplies", phone="+17755550100")
    second = supplier("9", "ACME MEDICAL SUPPLIES INC", system_code="ap", phone="+17755550100")
    supplier("V2", "Bolton")
    prepare(BY_NAME["supplier"])
    before = traces()
    page = stella.get(f"/records/suppliers/{first.code}/duplicates/")
    (found,) = page.context["found"]
    assert found["one"].record == second
    assert found["one"].score > 0.5
    assert "Name" in found["one"].sentence
    assert stella.get(found["compare"]).status_code == 200
    assert traces() == before
