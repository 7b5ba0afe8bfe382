"""Lists of golden records: what they show, filter, count and give away."""

import csv
import io

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from mdm.domains import DOMAINS
from mdm.mastering import merge, retire
from mdm.models import ExtensionAttribute
from mdm.people import AUDITOR
from stewardship import listing
from tests.factories import golden, hospital, source, supplier, system, why
from tests.stewardship.pages import client_of, outsider, text_of
from tests.stewardship.questions import someone

pytestmark = pytest.mark.django_db

LIST = "/records/suppliers/"


@pytest.fixture
def stella() -> Client:
    return client_of(someone("Stella Steward"))


def titles(client: Client, query: str = "") -> list[str]:
    return [row["title"] for row in client.get(LIST + query).context["rows"]]


def test_a_list_shows_what_is_worked_on_with_state_and_number_of_sources(stella: Client) -> None:
    golden(source("erp", "supplier", "V1", name="Acme"), source("ap", "supplier", "9", name="Acme"))
    supplier("V2", "Bolton", state="pending")
    kept, gone = supplier("V3", "Cardio"), supplier("V4", "Cardio Ltd")
    merge(winner_id=kept.pk, loser_ids=[gone.pk], expected={kept.pk: 1, gone.pk: 1}, cause=why())
    page = stella.get(LIST)
    assert [(row["title"], row["state"], row["sources"]) for row in page.context["rows"]] == [
        ("Acme", "active", 2),
        ("Bolton", "pending", 1),
        ("Cardio", "active", 2),
    ]
    assert {facet["label"]: facet["count"] for facet in page.context["facets"]} == {
        "All": 3, "Pending": 1, "Active": 2, "Retired": 0, "Merged": 1,
    }  # fmt: skip
    assert titles(stella, "?state=merged") == ["Cardio Ltd"]


def test_facets_count_within_the_other_filters(stella: Client) -> None:
    supplier("V1", "Acme", currency="USD")
    supplier("V2", "Bolton", currency="EUR")
    last = supplier("V3", "Cardio", currency="EUR")
    retire(record_id=last.pk, expected=1, cause=why())
    page = stella.get(LIST + "?currency=eur")
    assert {facet["label"]: facet["count"] for facet in page.context["facets"]}["All"] == 2
    assert page.context["total"] == 2
    assert stella.get(LIST + "?currency=eur&state=retired").context["total"] == 1


@pytest.mark.parametrize("domain", DOMAINS, ids=lambda domain: domain.name)
def test_every_list_opens_and_every_filter_can_be_added(stella: Client, domain) -> None:
    address = f"/records/{domain.slug}/"
    page = stella.get(address)
    assert f"No {domain.plural} yet" in text_of(page)
    offered = {choice.name for _, choices in page.context["choices"] for choice in choices}
    assert offered == set(listing.filters_by_name(domain)) - set(listing.FIXED)
    labels = [choice.label for _, choices in page.context["choices"] for choice in choices]
    assert not offered & set(labels), "every filter has a name for people"
    assert len(set(labels)) == len(labels)
    for name in offered:
        field = stella.get(f"{address}filter-value/", {"filter": name})
        assert 'name="value"' in field.content.decode(), name


def test_a_filter_is_added_without_script_and_taken_away_by_its_chip(stella: Client) -> None:
    supplier("V1", "Acme", currency="USD")
    supplier("V2", "Bolton", currency="EUR")
    added = stella.get(LIST, {"filter": "currency", "value": "EUR", "sort": "-title", "q": "bolt"})
    assert added.status_code == 302
    assert titles(stella, added["Location"].removeprefix(LIST)) == ["Bolton"]
    (chip,) = stella.get(added["Location"]).context["chips"]
    assert chip == {"label": "Currency is", "value": "EUR", "href": "?q=bolt&sort=-title"}


def test_filters_reach_parts_references_sources_and_added_attributes(stella: Client) -> None:
    ExtensionAttribute.objects.create(domain="supplier", name="diverse", label="Diverse supplier")
    acme = golden(
        source(
            "erp", "supplier", "V1", name="Acme",
            parts={"addresses": [{"role": "order", "city": "Reno"}]}, **{"ext.diverse": "Yes"},
        )
    )  # fmt: skip
    supplier("V2", "Bolton", parent={"record": str(acme.pk)}, system_code="ap")
    assert titles(stella, "?addresses.city=reno") == ["Acme"]
    assert titles(stella, f"?parent={acme.code}") == ["Bolton"]
    assert titles(stella, "?source=ap") == ["Bolton"]
    assert titles(stella, "?ext.diverse=yes") == ["Acme"]


def test_filters_that_cannot_be_understood_are_all_named_and_can_be_taken_away(stella: Client) -> None:
    supplier("V1", "Acme")
    page = stella.get(LIST + "?colour=red&parent=SUP-9")
    assert page.status_code == 422
    assert "There is no filter colour" in text_of(page)
    assert "There is no supplier with the id or code SUP-9" in text_of(page)
    assert [chip["href"] for chip in page.context["chips"]] == ["?parent=SUP-9", "?colour=red"]


def test_sorting_and_paging_keep_the_filters(stella: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stewardship.views.records.PAGE", 2)
    for number in range(5):
        supplier(f"V{number}", f"Firm {number}", currency="USD")
    page = stella.get(LIST + "?currency=USD&sort=-title")
    seen = [row["title"] for row in page.context["rows"]]
    assert page.context["previous_href"] == ""
    while page.context["next_href"]:
        page = stella.get(LIST + page.context["next_href"])
        seen += [row["title"] for row in page.context["rows"]]
    assert seen == [f"Firm {number}" for number in (4, 3, 2, 1, 0)]
    assert "currency=USD" in page.context["previous_href"]


def test_htmx_gets_the_rows_alone_and_caches_keep_the_two_apart(stella: Client) -> None:
    supplier("V1", "Acme")
    part = stella.get(LIST, headers={"HX-Request": "true"})
    assert b"<html" not in part.content
    assert b"Acme" in part.content
    assert "HX-Request" in part["Vary"]


def test_a_list_costs_the_same_however_long_it_is(stella: Client) -> None:
    system("erp")
    supplier("V0", "Firm 0")
    with CaptureQueriesContext(connection) as one:
        stella.get(LIST)
    for number in range(1, 30):
        supplier(f"V{number}", f"Firm {number}")
    with CaptureQueriesContext(connection) as many:
        assert len(stella.get(LIST).context["rows"]) == 30
    assert len(many) == len(one) <= 11  # the person's columns and the saved views among them


def test_the_csv_holds_every_page_of_what_is_shown_and_calculates_nothing(
    stella: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stewardship.views.records.EXPORT_PAGE", 2)
    supplier("V1", "=1+1", currency="USD")
    supplier("V2", "Bolton", currency="EUR")
    parent = supplier("V3", "Cardio", currency="USD")
    supplier("V4", "Dental", currency="USD", parent={"record": str(parent.pk)})
    response = stella.get(LIST + "export.csv?currency=USD&sort=title")
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    lines = list(csv.DictReader(io.StringIO(text)))
    assert [line["Name"] for line in lines] == ["'=1+1", "Cardio", "Dental"]
    assert lines[2]["Parent supplier"] == f"{parent.code} Cardio"
    assert lines[0]["source records"] == "1"
    assert 'filename="suppliers.csv"' in response["Content-Disposition"]


def test_an_auditor_sees_lists_and_an_outsider_nothing() -> None:
    hospital("H1", "Saint Mary")
    assert "Saint Mary" in text_of(client_of(someone("Ada Auditor", AUDITOR)).get("/records/facilities/"))
    nobody = outsider()
    for address in (LIST, LIST + "export.csv", LIST + "filter-value/"):
        assert nobody.get(address).status_code == 403
    assert Client().get(LIST)["Location"].startswith("/sign-in/")


def test_a_kind_of_record_that_does_not_exist_is_said_so(stella: Client) -> None:
    page = stella.get("/records/horses/")
    assert page.status_code == 404
    assert "There is no such kind of record." in text_of(page)
