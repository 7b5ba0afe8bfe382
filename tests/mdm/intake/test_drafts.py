"""A file nobody knows: drawn, tried as a whole with nothing stored, saved as a feed, recognised the next time."""

import io
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from mdm.errors import Invalid, WrongState
from mdm.intake import drafts
from mdm.intake.batches import read
from mdm.intake.dry_running import general
from mdm.intake.sources import state_source
from mdm.models import Batch, DraftState, Feed, FeedDraft, SourceRecord, SourceRow, SourceSystem
from tests.factories import system
from tests.mdm.intake.test_suggesting import DEMO
from tests.stewardship import sending

pytestmark = pytest.mark.django_db

VENDORS = (
    "Vendor No,Vendor Name,Phone\nV1,Acme Medical,(619) 555-0100\nV2,Bolton Ltd,\nV3,,\nV1,Other Acme,\n,Nameless,\n"
)


def drawn(content: str = VENDORS, name: str = "vendor list 2026-05.csv") -> FeedDraft:
    return drafts.draw(file=io.BytesIO(content.encode()), file_name=name, by="Stella Steward")


def named(draft: FeedDraft, **more: Any) -> FeedDraft:
    system("erp", supplier=2)
    return drafts.choose(draft_id=draft.pk, document={**draft.document, "source": "erp", **more})


def test_an_unknown_file_gets_a_proposal_and_stores_nothing() -> None:
    draft = drawn()
    assert draft.state == DraftState.DRAWN
    assert draft.document["domain"] == "supplier"
    assert draft.document["attributes"]["name"] == "Vendor Name"
    assert draft.document["file"]["pattern"] == "vendor list*.csv"
    assert not Feed.objects.exists()
    assert not Batch.objects.exists()


def test_a_dry_run_counts_as_reading_does_and_stores_nothing() -> None:
    draft = drawn("Vendor No,Vendor Name,Phone\nV1,Acme Medical,(619) 555-0100\nV2,Bolton Ltd,\n")
    draft = named(draft)
    tried, report = drafts.try_draft(draft.pk)
    assert report is not None
    assert (tried.state, report.new, report.quarantined) == (DraftState.TRIED, 2, 0)
    assert not SourceRecord.objects.exists()
    assert not SourceRow.objects.exists()


def test_every_reason_of_every_rejected_row_is_counted_and_can_be_downloaded() -> None:
    draft = drawn()
    assert draft.document["key"] == {"columns": ["Vendor No"]}
    draft = named(draft)
    tried, report = drafts.try_draft(draft.pk)
    assert report is not None
    assert (report.read, report.new, report.quarantined) == (5, 2, 3)
    said = {reason["message"]: reason["rows"] for reason in tried.report["reasons"]}
    assert said["A supplier needs a name."] == 1
    lines = drafts.rejected_file(tried).read_text().splitlines()
    assert lines[0] == "Line,Reasons,Vendor No,Vendor Name,Phone"
    assert len(lines) == 4


@pytest.mark.parametrize("name", ["erp_suppliers", "legacy_facilities", "procurement_items"])
def test_the_dry_run_of_a_demo_file_says_what_reading_it_then_does(name: str) -> None:
    path = next((DEMO / "files").glob(f"{name}*"))
    with path.open("rb") as file:
        draft = drafts.draw(file=file, file_name=path.name, by="test")
    draft = named(draft)
    tried, report = drafts.try_draft(draft.pk)
    assert report is not None, tried.problem
    batch = read(drafts.take(draft_id=draft.pk, by="Dora Owner").pk)
    counts = (batch.rows_read, batch.rows_new, batch.rows_changed, batch.rows_unchanged, batch.rows_quarantined)
    assert counts == (report.read, report.new, report.changed, report.unchanged, report.quarantined)
    assert batch.rows_new > 0


def test_the_next_file_of_the_shape_is_recognised_whatever_its_name() -> None:
    draft = named(drawn())
    drafts.try_draft(draft.pk)
    batch = drafts.take(draft_id=draft.pk, by="Dora Owner")
    assert drafts.take(draft_id=draft.pk, by="Dora Owner") == batch
    again = drawn(VENDORS.replace("Acme Medical", "Acme Medical Inc"), "export (7).csv")
    assert (again.feed, again.state) == (batch.feed, DraftState.ASKED)
    read(batch.pk)
    _, report = drafts.try_draft(again.pk)
    assert report is not None
    assert (report.changed, report.unchanged, report.missing) == (1, 1, 0)


def test_content_that_came_before_is_read_again_where_others_came_in_between() -> None:
    feed = sending.feed()
    for content in (sending.TWO, sending.TWO.replace("Bolton Ltd", "Bolton Limited")):
        sending.arrived(feed, content)
    draft = drawn(sending.TWO, "vendors.csv")
    drafts.try_draft(draft.pk)
    batch = read(drafts.take(draft_id=draft.pk, by="Stella Steward").pk)
    assert (batch.rows_changed, batch.rows_unchanged) == (1, 1)
    assert SourceRecord.objects.get(key="V2").values["name"] == "Bolton Ltd"


def test_a_full_look_counts_the_records_the_file_does_not_name() -> None:
    sending.arrived(sending.feed())
    draft = drawn("No,Name,Tax,Tel\nV2,Bolton Ltd,,\n", "vendors.csv")
    _, report = drafts.try_draft(draft.pk)
    assert report is not None
    assert (report.missing, report.missing_keys) == (1, ["V1"])


def test_a_known_file_that_lacks_a_column_waits_for_a_person() -> None:
    feed = sending.feed()
    draft = drawn("No,Supplier Name,Tax,Tel\nV1,Acme,,\n", "vendors.csv")
    assert (draft.feed, draft.state) == (feed, DraftState.DRAWN)


def test_a_change_meanwhile_overtakes_the_dry_run() -> None:
    draft = named(drawn())
    FeedDraft.objects.filter(pk=draft.pk).update(state=DraftState.RUNNING, heartbeat_at="2020-01-01T00:00Z")
    assert drafts.due_drafts() == [draft.pk]
    drafts.try_draft(draft.pk)
    assert drafts.due_drafts() == []
    assert drafts.try_draft(draft.pk)[1] is None


def test_a_document_that_is_no_feed_is_refused_with_all_reasons_and_not_kept() -> None:
    draft = drawn()
    with pytest.raises(Invalid) as refused:
        drafts.choose(draft_id=draft.pk, document={**draft.document, "attributes": {}, "key": {"columns": []}})
    assert {place for place, _ in refused.value.problems} == {"attributes", "key.columns"}
    draft.refresh_from_db()
    assert draft.document["attributes"]


def test_what_was_imported_is_not_changed_any_more() -> None:
    draft = named(drawn())
    drafts.take(draft_id=draft.pk, by="Dora Owner")
    with pytest.raises(WrongState):
        drafts.choose(draft_id=draft.pk, document=draft.document)


@pytest.mark.parametrize("column", ["state = 'odd'", "state = 'taken'"])
def test_postgresql_keeps_drafts_in_known_states_and_taken_ones_with_their_batch(column: str) -> None:
    draft = drawn()
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE mdm_feeddraft SET {column} WHERE id = %s", [draft.pk])  # noqa: S608 - our own texts


def test_rows_with_one_fault_count_together() -> None:
    assert general('Price: "12x" is no number.', "12x") == general('Price: "abc" is no number.', "abc")


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("vendors_2026-05-01.csv", "vendors*.csv"),
        ("list", "list*"),
        ("2026.csv", "2026*.csv"),
        ("a (3).xlsx", "a*.xlsx"),
    ],
)
def test_the_pattern_fits_the_next_file(name: str, pattern: str) -> None:
    assert drafts.pattern_of(name) == pattern


def test_a_new_source_is_stated_once_with_its_trust() -> None:
    drafts_source = {"code": "wms", "name": "Warehouse", "domain": "item", "rank": 4}
    for _ in range(2):
        state_source(**drafts_source)  # type: ignore[arg-type]
    known = SourceSystem.objects.get(code="wms")
    assert [(one.domain, one.rank) for one in known.trust.all()] == [("item", 4)]
    with pytest.raises(Invalid):
        state_source(code="stewardship", name="x", domain="item", rank=0)


def test_a_folder_of_the_hub_holds_what_was_dropped(tmp_path: Path) -> None:
    draft = drawn()
    assert drafts.draft_file(draft).read_text() == VENDORS
    assert drafts.draft_file(draft).is_relative_to(tmp_path)
