"""Feeds in the browser: what they say, their versions, trying them, changing them."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from mdm.intake.feeds import read_document
from mdm.models import Batch, Feed, SourceRecord, SourceRow
from mdm.people import DOMAIN_OWNER
from stewardship.toml_text import toml_text
from tests.stewardship import sending
from tests.stewardship.pages import client_of, outsider, text_of
from tests.stewardship.questions import someone

pytestmark = pytest.mark.django_db
DEMO = Path(__file__).resolve().parents[2] / "demo" / "feeds"
CHANGED = sending.SUPPLIERS.replace('phone = "Tel"', 'phone = "Phone"')


@pytest.fixture(autouse=True)
def _folder(settings: Any, tmp_path: Path) -> None:
    sending.in_folder(settings, tmp_path)


@pytest.fixture
def stella() -> Client:
    return client_of(someone("Stella Steward"))


@pytest.fixture
def dora() -> Client:
    return client_of(someone("Dora Owner", DOMAIN_OWNER))


def test_the_list_shows_each_feed_with_its_last_file(stella: Client) -> None:
    feed = sending.feed()
    sending.arrived(feed)
    said = text_of(stella.get("/feeds/"))
    assert "Vendor master" in said
    assert "vendors*.csv" in said
    [line] = stella.get("/feeds/").context["lines"]
    assert (line["feed"].rows, line["feed"].last_name) == (2, "vendors.csv")


def test_the_queries_of_the_list_do_not_grow(stella: Client) -> None:
    numbers = []
    for name in ("vendors", "second", "third"):
        sending.arrived(sending.feed(sending.SUPPLIERS.replace('feed = "vendors"', f'feed = "{name}"')))
        with CaptureQueriesContext(connection) as caught:
            stella.get("/feeds/")
        numbers.append(len(caught))
    assert len(set(numbers)) == 1


def test_a_feed_shows_its_document_versions_and_whom_the_hub_believes(stella: Client) -> None:
    sending.feed()
    sending.feed(CHANGED)
    page = stella.get("/feeds/vendors/")
    assert tomllib.loads(page.context["text"]) == tomllib.loads(CHANGED)
    newest, oldest = page.context["versions"]
    assert (newest["number"], oldest["number"]) == (2, 1)
    assert [line for kind, line in newest["changed"] if kind == "added"] == ['phone = "Phone"']
    assert "rank 2" in text_of(page)
    downloaded = stella.get("/feeds/vendors/document.toml")
    assert tomllib.loads(downloaded.content.decode()) == tomllib.loads(CHANGED)


@pytest.mark.parametrize("path", sorted(DEMO.glob("*.toml")), ids=lambda path: path.stem)
def test_a_document_written_back_reads_the_same(path: Path) -> None:
    document = read_document(path)
    assert tomllib.loads(toml_text(document)) == document


SCALARS = st.one_of(st.text(max_size=8), st.integers(-9, 9), st.booleans())
VALUES = st.one_of(SCALARS, st.lists(SCALARS, max_size=3), st.dictionaries(st.text(min_size=1, max_size=4), SCALARS))


@given(
    st.dictionaries(st.text(min_size=1, max_size=5), st.one_of(VALUES, st.dictionaries(st.text(max_size=4), VALUES)))
)
def test_any_document_written_down_reads_the_same(document: dict[str, Any]) -> None:
    assert tomllib.loads(toml_text(document)) == document


def test_all_mistakes_of_a_document_are_said_at_once_and_nothing_is_stored(dora: Client) -> None:
    sending.system("erp")
    wrong = sending.SUPPLIERS.replace('"supplier"', '"suplier"').replace('"erp"', '"epr"')
    answer = dora.post("/feeds/change/", {"document": wrong, "act": "save"})
    assert answer.status_code == 422
    said = text_of(answer)
    assert 'There is no domain "suplier". Did you mean "supplier"?' in said
    assert 'There is no source system "epr". Did you mean "erp"?' in said
    assert "suplier" in answer.context["text"]
    assert not Feed.objects.exists()


def test_text_that_is_no_toml_names_the_line(dora: Client) -> None:
    answer = dora.post("/feeds/change/", {"document": "feed = \ntitle = 1\n", "act": "check"})
    assert answer.status_code == 422
    assert "line 1" in text_of(answer)


def test_checking_shows_what_would_change_and_stores_nothing(dora: Client) -> None:
    sending.feed()
    answer = dora.post("/feeds/change/", {"document": CHANGED, "act": "check"})
    assert "The document is usable" in text_of(answer)
    assert "it becomes version 2" in text_of(answer)
    assert Feed.objects.get().version == 1


def test_saving_makes_a_new_version_in_the_persons_name(dora: Client) -> None:
    sending.feed()
    answer = dora.post("/feeds/change/", {"document": CHANGED, "act": "save"}, follow=True)
    assert "is stored as version 2" in text_of(answer)
    newest = Feed.objects.get().history.first()
    assert newest.history_change_reason == "Loaded by Dora Owner"
    again = dora.post("/feeds/change/", {"document": CHANGED, "act": "save"}, follow=True)
    assert "nothing changed" in text_of(again)


def test_a_file_takes_the_place_of_the_text(dora: Client) -> None:
    sending.system("erp")
    file = sending.file(sending.SUPPLIERS, "vendors.toml")
    dora.post("/feeds/change/", {"document": "", "file": file, "act": "save"})
    assert Feed.objects.get().code == "vendors"


def test_a_dry_run_says_what_would_become_of_each_row_and_stores_nothing(stella: Client) -> None:
    feed = sending.feed()
    sending.arrived(feed)
    pasted = "No\tName\tTax\tTel\nV1\tAcme Medical\t84-1368850\t\nV2\tBolton GmbH\t\t\nV7\tNew Ltd\t\t\n\tNo key\t\t\n"
    page = stella.post("/feeds/vendors/dry-run/", {"rows": pasted})
    rows = page.context["tried"]
    assert [row.outcome for row in rows] == ["unchanged", "changed", "new", "quarantined"]
    assert [(one.label, one.sent, one.kept) for one in rows[0].values] == [
        ("Name", "Acme Medical", "Acme Medical"),
        ("Tax id", "84-1368850", "841368850"),
    ]
    assert "No must be filled in" in text_of(page)
    assert (Batch.objects.count(), SourceRecord.objects.count(), SourceRow.objects.count()) == (1, 2, 2)


def test_a_dry_run_of_a_file_reads_it_as_the_feed_says(stella: Client) -> None:
    sending.feed()
    page = stella.post("/feeds/vendors/dry-run/", {"rows": "", "file": sending.file(sending.BROKEN)})
    assert [row.outcome for row in page.context["tried"]] == ["new", "quarantined", "quarantined", "new"]


def test_a_dry_run_masks_what_is_restricted(stella: Client) -> None:
    sending.feed(sending.BANKS)
    rows = "No,Name,Tax,Tel,Account,Bank\nV1,Acme,,,DE89370400440532013000,Big Bank\n"
    page = stella.post("/feeds/banks/dry-run/", {"rows": rows})
    cards = page.content.decode().partition("Line 2")[2]
    assert "3704004405" not in cards
    assert "Big Bank" not in cards


@pytest.mark.parametrize(("rows", "said"), [("", "There are no rows to try."), ("a,b\n1,2\n", "No")])
def test_a_dry_run_that_cannot_be_says_why(stella: Client, rows: str, said: str) -> None:
    sending.feed()
    answer = stella.post("/feeds/vendors/dry-run/", {"rows": rows})
    assert answer.status_code == 422
    assert said in text_of(answer)


def test_without_feeds_the_page_says_what_one_is(stella: Client) -> None:
    assert "No feed is set up yet" in text_of(stella.get("/feeds/"))


def test_a_steward_changes_no_feed(stella: Client) -> None:
    assert stella.get("/feeds/change/").status_code == 403
    sending.system("erp")
    answer = stella.post("/feeds/change/", {"document": sending.SUPPLIERS, "act": "save"})
    assert answer.status_code == 403
    assert "domain owner or administrator" in text_of(answer)
    assert not Feed.objects.exists()


def test_the_outsider_sees_nothing_and_changes_nothing() -> None:
    sending.feed()
    otto = outsider()
    for address in ("/feeds/", "/feeds/vendors/", "/feeds/vendors/document.toml", "/feeds/vendors/dry-run/"):
        assert otto.get(address).status_code == 403
    assert otto.post("/feeds/change/", {"document": CHANGED, "act": "save"}).status_code == 403
    assert Feed.objects.get().version == 1
