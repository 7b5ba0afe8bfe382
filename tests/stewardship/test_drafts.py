"""A file set up in the browser: dropped, its columns chosen, tried, saved as a feed, imported."""

from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from mdm.models import Batch, DraftState, Feed, FeedDraft, SourceRecord, SourceSystem
from mdm.people import DOMAIN_OWNER, VIEWER
from stewardship import rehearsing
from tests.stewardship import sending
from tests.stewardship.pages import client_of, outsider, text_of
from tests.stewardship.questions import someone

pytestmark = pytest.mark.django_db

VENDORS = "Vendor No,Vendor Name,Phone\nV1,Acme Medical,(619) 555-0100\nV2,Bolton Ltd,\nV3,,\n"


@pytest.fixture(autouse=True)
def _folder(settings: Any, tmp_path: Path) -> None:
    sending.in_folder(settings, tmp_path)


@pytest.fixture
def dora() -> Client:
    return client_of(someone("Dora Owner", DOMAIN_OWNER))


@pytest.fixture
def stella() -> Client:
    return client_of(someone("Stella Steward"))


def drop(client: Client, content: str = VENDORS, name: str = "vendor list.csv") -> Any:
    return client.post("/imports/look/", {"file": sending.file(content, name)}, follow=True)


def form_of(page: Any, **typed: str) -> dict[str, str]:
    """What the form of columns would send as it stands, with what is typed on top."""
    context = page.context
    sent = {"records": context["records"].code, "source": "", "updated": context["updated"], "act": "try"}
    for column in context["columns"]:
        sent[f"target-{column.place}"] = column.target
        sent |= {f"key-{column.place}": "on"} if column.is_key else {}
    return sent | typed


def test_from_a_dropped_file_to_a_feed_and_its_import(dora: Client) -> None:
    page = drop(dora)
    said = text_of(page)
    assert "It is named like Name." in said
    assert "3 of 3 columns have a place" not in said  # the key fills no attribute
    draft = FeedDraft.objects.get()
    page = dora.post(f"/imports/drafts/{draft.pk}/columns/", form_of(page), follow=True)
    assert "Waiting for a worker" in text_of(page)
    rehearsing.dry_run(draft.pk)
    page = dora.get(f"/imports/drafts/{draft.pk}/")
    assert "A supplier needs a name." in text_of(page)
    assert "Of the first 2 new rows, 0 would join a record the hub has" in text_of(page)
    assert not SourceRecord.objects.exists()
    rejected = dora.get(f"/imports/drafts/{draft.pk}/rejected.csv")
    assert b"A supplier needs a name." in b"".join(rejected.streaming_content)  # type: ignore[attr-defined]
    answer = dora.post(
        f"/imports/drafts/{draft.pk}/take/",
        {"title": "Vendors", "code": "vendors-x", "pattern": "vendor*.csv", "source_name": "New ERP", "rank": "2"},
    )
    batch = Batch.objects.get()
    assert answer["Location"] == f"/imports/{batch.pk}/"
    assert (batch.feed.code, batch.feed.system.code, batch.feed.system.trust.get().rank) == ("vendors-x", "new-erp", 2)
    again = dora.post(f"/imports/drafts/{draft.pk}/take/", {})
    assert again["Location"] == f"/imports/{batch.pk}/"


def test_everything_wrong_with_the_names_is_said_at_once_and_nothing_typed_is_lost(dora: Client) -> None:
    drop(dora)
    draft = FeedDraft.objects.get()
    rehearsing.dry_run(draft.pk)
    FeedDraft.objects.update(state=DraftState.ASKED)
    rehearsing.dry_run(draft.pk)
    typed = {"title": "", "code": "a b!", "pattern": "x*", "source_name": "", "rank": "first"}
    page = dora.post(f"/imports/drafts/{draft.pk}/take/", typed)
    assert page.status_code == 422
    said = text_of(page)
    for sentence in ("Give the feed a name.", "letters, digits and dashes", "Name the system", "whole number from 1"):
        assert sentence in said
    assert 'value="a b!"' in page.content.decode()
    assert not SourceSystem.objects.filter(internal=False).exists()
    assert not Feed.objects.exists()


def test_a_column_given_to_nothing_and_a_required_one_missing_are_said_at_once(dora: Client) -> None:
    page = drop(dora)
    draft = FeedDraft.objects.get()
    name = next(column.place for column in page.context["columns"] if column.target == "name")
    sent = form_of(page, act="keep", **{f"target-{name}": ""})
    page = dora.post(f"/imports/drafts/{draft.pk}/columns/", sent, follow=True)
    assert "A supplier needs a name. No column fills it: as it stands every row would go to quarantine." in text_of(
        page
    )
    assert page.context["columns"][name].target == ""


def test_without_a_key_the_form_says_so_and_keeps_nothing(dora: Client) -> None:
    page = drop(dora)
    draft = FeedDraft.objects.get()
    sent = {name: value for name, value in form_of(page).items() if not name.startswith("key-")}
    answer = dora.post(f"/imports/drafts/{draft.pk}/columns/", sent)
    assert answer.status_code == 422
    assert "Name the columns that identify a row." in text_of(answer)
    draft.refresh_from_db()
    assert draft.document["key"]["columns"] == ["Vendor No"]


def test_other_records_propose_the_columns_anew(dora: Client) -> None:
    page = drop(dora)
    draft = FeedDraft.objects.get()
    dora.post(f"/imports/drafts/{draft.pk}/columns/", form_of(page, records="facility"))
    draft.refresh_from_db()
    assert (draft.document["domain"], draft.state) == ("facility", DraftState.DRAWN)


def test_a_known_file_goes_straight_to_its_dry_run(stella: Client) -> None:
    sending.feed()
    page = drop(stella, sending.TWO, "vendors-june.csv")
    draft = FeedDraft.objects.get()
    assert page.redirect_chain[-1][0] == f"/imports/drafts/{draft.pk}/"
    rehearsing.dry_run(draft.pk)
    assert stella.post(f"/imports/drafts/{draft.pk}/take/").status_code == 302
    assert Batch.objects.get().feed.code == "vendors"


def test_a_renamed_column_is_offered_and_its_choice_makes_the_next_version(dora: Client) -> None:
    feed = sending.feed()
    sending.arrived(feed)
    page = drop(dora, "No,Supplier Name,Tax,Tel,Fax\nV1,Acme,,,\n", "vendors.csv")
    said = text_of(page)
    assert "Columns the feed reads are missing" in said
    assert "Renamed? The feed reads this from “Name”" in said
    assert "New columns since the last file" in said
    draft = FeedDraft.objects.get()
    dora.post(f"/imports/drafts/{draft.pk}/columns/", form_of(page, source="erp"))
    rehearsing.dry_run(draft.pk)
    assert "Save as the next version of Vendor master" in text_of(dora.get(f"/imports/drafts/{draft.pk}/"))
    dora.post(f"/imports/drafts/{draft.pk}/take/")
    feed.refresh_from_db()
    assert (feed.version, feed.definition["attributes"]["name"]) == (2, "Supplier Name")


def test_a_steward_prepares_a_feed_and_an_owner_saves_it(stella: Client, dora: Client) -> None:
    page = drop(stella)
    draft = FeedDraft.objects.get()
    stella.post(f"/imports/drafts/{draft.pk}/columns/", form_of(page))
    rehearsing.dry_run(draft.pk)
    assert "A domain owner or administrator saves feeds" in text_of(stella.get(f"/imports/drafts/{draft.pk}/"))
    assert stella.post(f"/imports/drafts/{draft.pk}/take/", {"title": "x", "code": "x"}).status_code == 403
    assert "Save and import" in text_of(dora.get(f"/imports/drafts/{draft.pk}/"))


@pytest.mark.parametrize(
    ("content", "said"),
    [("%PDF-1.7 x", "PDF"), ("a,b\n", "no row below"), ("   \n", "empty")],
)
def test_a_file_that_is_no_table_is_explained_on_the_imports_page(stella: Client, content: str, said: str) -> None:
    page = drop(stella, content, "list.csv")
    assert said in text_of(page)
    assert not FeedDraft.objects.exists()


def test_html_emoji_and_right_to_left_in_columns_are_only_text(dora: Client) -> None:
    nasty = '<script>alert(1)</script>,Name 🏥,شركة\n"<b>1</b>",Acme 🏥,مستشفى\n"<b>2</b>",' + "x" * 10_000 + ",b\n"
    page = drop(dora, nasty)
    assert page.status_code == 200
    body = page.content.decode()
    assert "<script>alert" not in body
    assert "<b>1" not in body
    assert len(body) < 300_000
    rows = dora.get(f"/imports/drafts/{FeedDraft.objects.get().pk}/rows/")
    assert "<b>1" not in rows.content.decode()


def test_viewers_and_outsiders_neither_drop_nor_see_files_being_set_up(dora: Client) -> None:
    drop(dora)
    draft = FeedDraft.objects.get()
    for client in (outsider(), client_of(someone("Vera Viewer", VIEWER))):
        for address in ("", "columns/", "rows/", "rejected.csv"):
            assert client.get(f"/imports/drafts/{draft.pk}/{address}").status_code == 403
        assert drop(client).status_code == 403
        assert client.post(f"/imports/drafts/{draft.pk}/take/").status_code == 403
    assert not Batch.objects.exists()
