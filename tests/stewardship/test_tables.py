"""Tables people make their own: columns, order by several, views under a name, files of exactly what is shown."""

import io
import json
from typing import Any

import pytest
from django.db import IntegrityError
from django.test import Client
from openpyxl import load_workbook

from mdm.people import AUDITOR, DOMAIN_OWNER
from stewardship.models import SavedView, TableChoice
from tests.factories import supplier
from tests.stewardship.pages import client_of, text_of
from tests.stewardship.questions import someone

pytestmark = pytest.mark.django_db

LIST = "/records/suppliers/"
KEEP = "/tables/records.suppliers/keep/"
SAVE = "/tables/records.suppliers/views/"


@pytest.fixture
def stella() -> Client:
    return client_of(someone("Stella Steward"))


def heads(client: Client, query: str = "") -> list[str]:
    return [column.label for column in client.get(LIST + query).context["columns"]]


def body(response: Any) -> bytes:
    return b"".join(response.streaming_content)


def test_the_address_says_which_columns_are_shown_in_which_order(stella: Client) -> None:
    supplier("V1", "Acme", currency="USD")
    usual = heads(stella)
    assert heads(stella, "?columns=currency,code,nonsense,code") == ["Currency", "Code"]
    assert heads(stella, "?columns=nonsense") == usual
    picked = stella.get(LIST, {"pick": "1", "columns": ["code", "currency"], "at.code": "2", "at.currency": "1"})
    assert picked.headers["Location"] == f"{LIST}?columns=currency%2Ccode&dense=no"


def test_a_filled_in_panel_keeps_the_filters_and_orders_by_several(stella: Client) -> None:
    asked = {
        "pick": "1",
        "columns": ["code"],
        "q": "ac",
        "sort1": "title",
        "down1": "yes",
        "sort2": "code",
        "dense": "yes",
    }
    answer = stella.get(LIST, asked)
    assert answer.headers["Location"] == f"{LIST}?q=ac&sort=-title%2Ccode&columns=code&dense=yes"


def test_columns_are_kept_for_the_person_alone_and_put_back(stella: Client) -> None:
    supplier("V1", "Acme")
    usual = heads(stella)
    stella.post(KEEP, {"columns": "phone,code", "dense": "yes", "next": LIST})
    assert heads(stella) == ["Phone", "Code"]
    assert "table--dense" in stella.get(LIST).content.decode()
    assert heads(client_of(someone("Dora Owner", DOMAIN_OWNER))) == usual
    stella.post(KEEP, {"next": "https://elsewhere.example/"})
    assert heads(stella) == usual


@pytest.mark.parametrize("order", ["currency,-title", "-currency,title", "currency,-updated", "-state,currency"])
def test_lists_ordered_by_several_columns_page_through_everything_once_both_ways(
    stella: Client, monkeypatch: pytest.MonkeyPatch, order: str
) -> None:
    monkeypatch.setattr("stewardship.views.records.PAGE", 2)
    for number, currency in enumerate(["USD", None, "EUR", "USD", None, "EUR", "USD"]):
        supplier(f"V{number}", f"Firm {number}", **({"currency": currency} if currency else {}))
    page = stella.get(f"{LIST}?sort={order}")
    if order.startswith("-state"):
        assert page.status_code == 422
        return
    pages = [[row["title"] for row in page.context["rows"]]]
    while page.context["next_href"]:
        page = stella.get(LIST + page.context["next_href"])
        pages.append([row["title"] for row in page.context["rows"]])
    seen = [title for one in pages for title in one]
    assert sorted(seen) == [f"Firm {number}" for number in range(7)]
    assert {seen[-1], seen[-2]} == {"Firm 1", "Firm 4"}, "blanks come last whichever way"
    back = []
    while page.context["previous_href"]:
        page = stella.get(LIST + page.context["previous_href"])
        back.append([row["title"] for row in page.context["rows"]])
    assert back == pages[-2::-1]


def test_nobody_learns_a_masked_value_by_ordering(stella: Client) -> None:
    assert stella.get(f"{LIST}?sort=title,code,updated,phone").status_code == 422
    labels = dict(stella.get(LIST).context["orders"])
    assert "title" in labels
    for name in labels:
        assert stella.get(f"{LIST}?sort={name}").status_code == 200, name


def test_a_view_has_a_name_and_an_address_and_can_be_shared(stella: Client) -> None:
    supplier("V1", "Acme", currency="USD")
    dora = client_of(someone("Dora Owner", DOMAIN_OWNER))
    own = stella.post(SAVE, {"name": "  Dollars ", "query": "currency=USD&after=x&columns=code&phone="})
    view = SavedView.objects.get()
    assert own.headers["Location"] == f"{LIST}?currency=USD&columns=code&saved={view.pk}"
    assert "Dollars" in text_of(stella.get(own.headers["Location"]))
    assert dora.get(f"/views/{view.pk}/").status_code == 404
    stella.post(SAVE, {"name": "Dollars", "query": "currency=USD", "shared": "yes"})
    assert SavedView.objects.count() == 1
    assert dora.get(f"/views/{view.pk}/").headers["Location"] == f"{LIST}?currency=USD&saved={view.pk}"
    assert "of Stella Steward" in text_of(dora.get(LIST))
    assert dora.post(f"/views/{view.pk}/remove/").status_code == 409
    assert stella.post(f"/views/{view.pk}/remove/").status_code == 302
    assert SavedView.objects.count() == 0


def test_a_view_needs_a_name_and_bounds(stella: Client) -> None:
    refused = stella.post(SAVE, {"name": "   ", "query": "q=" + "x" * 5000})
    assert refused.status_code == 422
    assert "Give the view a name" in text_of(refused)
    assert "too many filters" in text_of(refused)
    assert stella.post("/tables/nonsense/views/", {"name": "x"}).status_code == 404


def test_a_name_full_of_markup_is_only_a_name(stella: Client) -> None:
    stella.post(SAVE, {"name": "<script>alert(1)</script>", "query": ""})
    assert "<script>alert" not in stella.get(LIST).content.decode()


def test_the_files_hold_exactly_what_is_shown(stella: Client, monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    monkeypatch.setattr("stewardship.views.records.EXPORT_PAGE", 2)
    for number in range(5):
        supplier(
            f"V{number}", "=1+1" if number == 0 else f"Firm {number}", currency="USD" if number % 2 == 0 else "EUR"
        )
    asked = "?currency=USD&sort=-title&columns=currency,state"
    with caplog.at_level("INFO"):
        text = body(stella.get(f"{LIST}seen.csv{asked}")).decode("utf-8-sig").splitlines()
    assert text == ["Name,Currency,Record state", "Firm 4,USD,active", "Firm 2,USD,active", "'=1+1,USD,active"]
    assert "Export of suppliers (csv) by Stella Steward: currency=USD" in caplog.text
    lines = [json.loads(line) for line in body(stella.get(f"{LIST}seen.jsonl{asked}")).splitlines()]
    assert lines[0] == {"Name": "Firm 4", "Currency": "USD", "Record state": "active"}
    sheet = load_workbook(io.BytesIO(body(stella.get(f"{LIST}seen.xlsx{asked}")))).active
    assert [[cell.value for cell in row] for row in sheet.iter_rows()][1:3] == [
        ["Firm 4", "USD", "active"], ["Firm 2", "USD", "active"],
    ]  # fmt: skip
    assert stella.get(f"{LIST}seen.pdf").status_code == 404


def test_an_auditor_looks_at_other_columns_and_keeps_nothing() -> None:
    supplier("V1", "Acme")
    ann = client_of(someone("Ann Auditor", AUDITOR))
    assert heads(ann, "?columns=code") == ["Code"]
    assert "Always show it so" not in text_of(ann.get(LIST))
    assert ann.post(KEEP, {"columns": "code"}).status_code == 403
    assert not TableChoice.objects.exists()


def test_a_choice_is_one_for_each_person() -> None:
    ada = someone("Ada")
    TableChoice.objects.create(person=ada, table="merges")
    with pytest.raises(IntegrityError, match="table_choice_is_one_for_each_person"):
        TableChoice.objects.create(person=ada, table="merges")


def test_a_view_cannot_be_nameless() -> None:
    with pytest.raises(IntegrityError, match="saved_view_has_a_name"):
        SavedView.objects.create(owner=someone("Ada"), table="merges", name=" ")


def test_a_name_is_used_once_by_its_owner() -> None:
    ada = someone("Ada")
    SavedView.objects.create(owner=ada, table="merges", name="x")
    with pytest.raises(IntegrityError, match="saved_view_name_is_used_once_by_its_owner"):
        SavedView.objects.create(owner=ada, table="merges", name="x")
