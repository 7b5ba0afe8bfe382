"""Versions of a record: the timeline, the record as it was, and what two versions differ in."""

from datetime import UTC, datetime

import pytest
import time_machine
from django.test import Client

from mdm.mastering import contribute
from mdm.models import GoldenRecord
from tests.factories import golden, publish, source, supplier, why
from tests.stewardship.pages import client_of, text_of
from tests.stewardship.questions import someone

pytestmark = pytest.mark.django_db

MAY = datetime(2026, 5, 10, 12, tzinfo=UTC)
JUNE = datetime(2026, 6, 10, 12, tzinfo=UTC)


@pytest.fixture
def stella() -> Client:
    return client_of(someone("Stella Steward"))


@pytest.fixture
def record() -> GoldenRecord:
    """Acme since May, Acme Group since June, with an address from the start."""
    with time_machine.travel(MAY, tick=False):
        made = golden(
            source("erp", "supplier", "V1", name="Acme",
                   parts={"addresses": [{"role": "order", "city": "Reno"}]})
        )  # fmt: skip
    with time_machine.travel(JUNE, tick=False):
        contribute(record_id=made.pk, values={"name": "Acme Group"}, expected=1, cause=why("renamed"))
    return made


def as_it_was(client: Client, record: GoldenRecord, query: str):
    return client.get(f"/records/suppliers/{record.code}/as-it-was/?{query}")


def values(page) -> dict[str, str]:
    return {row["label"]: row["value"] for row in page.context["rows"]}


def test_the_timeline_says_who_why_before_and_after(stella: Client, record: GoldenRecord) -> None:
    publish()
    newest, oldest = stella.get(f"/records/suppliers/{record.code}/history/").context["events"]
    assert newest["title"] == "Changed, version 2"
    assert (newest["who"], newest["reason"]) == ("Stella Steward", "renamed")
    assert newest["changes"] == [{"label": "Name", "before": "Acme", "after": "Acme Group"}]
    assert "number 2 of the log" in newest["note"]
    assert {line["label"]: line["after"] for line in oldest["changes"]}["Addresses"] == "Order from, Reno"


def test_long_histories_have_pages(stella: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stewardship.views.record_history.PAGE", 2)
    made = supplier("V1", "Acme")
    for number in range(1, 5):
        contribute(record_id=made.pk, values={"name": f"Acme {number}"}, expected=number, cause=why())
    address = f"/records/suppliers/{made.code}/history/"
    first = stella.get(address)
    assert [event["title"][-1] for event in first.context["events"]] == ["5", "4"]
    second = stella.get(address + first.context["next_href"])
    assert [event["title"][-1] for event in second.context["events"]] == ["3", "2"]
    assert stella.get(address + second.context["next_href"]).context["next_href"] == ""


@pytest.mark.parametrize(
    ("query", "name"),
    [("version=1", "Acme"), ("version=2", "Acme Group"), ("at=2026-06-09", "Acme"), ("at=2026-06-10", "Acme Group"),
     ("at=2026-06-10T11:59:59Z", "Acme"), ("at=2026-11-01", "Acme Group")],
)  # fmt: skip
def test_the_record_as_it_was_at_a_version_a_day_or_a_moment(
    stella: Client, record: GoldenRecord, query: str, name: str
) -> None:
    page = as_it_was(stella, record, query)
    assert values(page)["Name"] == name
    assert "Order from, Reno" in text_of(page)


def test_before_its_time_there_was_no_record(stella: Client, record: GoldenRecord) -> None:
    page = as_it_was(stella, record, "at=2026-05-09")
    assert page.status_code == 404
    assert "The record did not exist then." in text_of(page)


@pytest.mark.parametrize("query", ["at=yesterday", "version=two", "version=1&against=x"])
def test_what_is_no_time_is_refused_in_words(stella: Client, record: GoldenRecord, query: str) -> None:
    page = as_it_was(stella, record, query)
    assert page.status_code == 422
    assert "This is not a" in text_of(page)


def test_two_versions_are_compared_in_either_order(stella: Client, record: GoldenRecord) -> None:
    expected = [{"label": "Name", "before": "Acme", "after": "Acme Group"}]
    assert as_it_was(stella, record, "version=2&against=1").context["differences"] == expected
    assert as_it_was(stella, record, "version=1&against=2").context["differences"] == expected
    assert "Both versions hold the same values" in text_of(as_it_was(stella, record, "version=1&against=1"))
