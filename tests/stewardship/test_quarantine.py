"""Rows in quarantine: every reason beside its cell, mended in place or together, dismissed, sent again, downloaded."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from mdm.models import Batch, SourceRecord, SourceRow
from mdm.people import VIEWER
from tests.stewardship import sending
from tests.stewardship.pages import client_of, outsider, text_of
from tests.stewardship.questions import someone

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def _folder(settings: Any, tmp_path: Path) -> None:
    sending.in_folder(settings, tmp_path)


@pytest.fixture
def stella() -> Client:
    return client_of(someone("Stella Steward"))


@pytest.fixture
def broken() -> Batch:
    return sending.arrived(sending.feed(), sending.BROKEN)


@pytest.fixture
def prices() -> Batch:
    return sending.arrived(sending.feed(sending.PRICES_FEED), sending.PRICES, name="prices.csv")


def row(batch: Batch, line: int) -> SourceRow:
    return batch.rows.get(line=line)


def test_every_row_shows_its_line_its_text_and_all_its_reasons(stella: Client, broken: Batch) -> None:
    said = text_of(stella.get(f"/imports/{broken.pk}/quarantine/"))
    assert "Line 3" in said
    assert ",Nameless Key,," in said
    assert "The row has no key: No must be filled in." in said
    assert "stands twice in this file with different content" in said


def test_a_row_with_several_mistakes_shows_each_beside_its_cell(stella: Client, prices: Batch) -> None:
    page = stella.get(f"/quarantine/{row(prices, 7).pk}/")
    wrong = {cell.column: len(cell.reasons) for cell in page.context["bad"].wrong}
    assert wrong == {"Contract": 1, "Price": 1}
    assert page.content.decode().count('aria-invalid="true"') == 2


def test_mending_in_place_sends_the_row_again(stella: Client, broken: Batch) -> None:
    pk = row(broken, 3).pk
    answer = stella.post(f"/quarantine/{pk}/mend/", {"cell:No": "V9", "cell:Name": "Nameless Key"}, headers=HTMX)
    assert answer.status_code == 200
    assert "Taken by Stella Steward" in text_of(answer)
    assert SourceRecord.objects.get(key="V9").values == {"name": "Nameless Key"}
    mended = row(broken, 3)
    assert (mended.state, mended.settled_by, mended.raw) == ("mended", "Stella Steward", ",Nameless Key,,")


def test_a_row_still_wrong_shows_all_reasons_there_are_now_and_keeps_what_was_typed(
    stella: Client, prices: Batch
) -> None:
    pk = row(prices, 7).pk
    answer = stella.post(f"/quarantine/{pk}/mend/", {"cell:Contract": "", "cell:Price": "ask"}, headers=HTMX)
    assert answer.status_code == 422
    said = text_of(answer)
    assert "2 things are still wrong" in said
    assert '"ask" is not a number' in said
    assert 'value="ask"' in answer.content.decode()
    assert row(prices, 7).state == "quarantined"


def test_mending_works_without_javascript(stella: Client, broken: Batch) -> None:
    pk = row(broken, 3).pk
    refused = stella.post(f"/quarantine/{pk}/mend/", {"cell:No": " "})
    assert refused.status_code == 422
    assert "<html" in refused.content.decode()
    back = f"/imports/{broken.pk}/quarantine/"
    taken = stella.post(f"/quarantine/{pk}/mend/", {"cell:No": "V9", "back": back}, follow=True)
    assert taken.redirect_chain == [(back, 302)]
    assert "Line 3 was taken" in text_of(taken)


def test_nobody_is_led_away_from_the_hub_after_mending(stella: Client, broken: Batch) -> None:
    pk = row(broken, 3).pk
    answer = stella.post(f"/quarantine/{pk}/mend/", {"cell:No": "V9", "back": "https://example.org/"})
    assert answer.headers["Location"] == f"/imports/{broken.pk}/quarantine/"


def test_mistakes_many_rows_share_are_offered_once(stella: Client, prices: Batch) -> None:
    shared = stella.get(f"/imports/{prices.pk}/quarantine/").context["shared"]
    assert [(one.label, one.value, one.number) for one in shared] == [("Price", "call us", 5)]


def test_mending_together_previews_and_then_mends_exactly_these_rows(stella: Client, prices: Batch) -> None:
    address = f"/imports/{prices.pk}/quarantine/alike/"
    asked = {"column": "Price", "value": "call us", "new": "1.50"}
    preview = stella.get(address, asked)
    assert (preview.context["good"], preview.context["bad"]) == (4, 1)
    assert "Contract must be filled in" in text_of(preview)
    assert prices.rows.filter(state="quarantined").count() == 5
    chosen = [one.pk for one, _ in preview.context["rows"]]
    done = stella.post(address, asked | {"rows": chosen}, follow=True)
    assert "4 rows were taken and wait to be matched. 1 are still wrong" in text_of(done)
    assert SourceRecord.objects.get(key="L2").values["price"] == "1.5"
    prices.refresh_from_db()
    assert (prices.rows_new, prices.rows_quarantined) == (5, 1)


def test_mending_together_without_a_choice_says_all_that_is_missing(stella: Client, prices: Batch) -> None:
    answer = stella.post(f"/imports/{prices.pk}/quarantine/alike/", {"column": "Price", "value": "call us"})
    assert answer.status_code == 422
    assert "No row is chosen." in text_of(answer)
    assert "Say what the new value is." in text_of(answer)


def test_rows_are_dismissed_only_with_a_reason(stella: Client, broken: Batch) -> None:
    ids = [row(broken, 3).pk, row(broken, 4).pk]
    refused = stella.post("/quarantine/dismiss/", {"rows": ids, "reason": " "})
    assert refused.status_code == 422
    stella.post("/quarantine/dismiss/", {"rows": ids, "reason": "Test entries"})
    assert {row(broken, 3).state, row(broken, 4).state} == {"dismissed"}
    shown = stella.get(f"/imports/{broken.pk}/rows/?show=dismissed")
    assert [line["row"].line for line in shown.context["lines"]] == [3, 4]


def test_dismissing_nothing_says_so(stella: Client, broken: Batch) -> None:
    answer = stella.post("/quarantine/dismiss/", {"reason": "x"}, follow=True)
    assert "tick the rows first" in text_of(answer)


def test_sending_all_again_follows_the_feed_as_it_is_now(stella: Client, prices: Batch) -> None:
    sending.feed(sending.PRICES_FEED.replace("[key]", '[values]\nblanks = ["call us"]\n\n[key]'))
    answer = stella.post(f"/imports/{prices.pk}/quarantine/send-again/", follow=True)
    assert "4 of 5 rows were taken." in text_of(answer)


def test_a_download_holds_every_reason_and_runs_no_formula(stella: Client) -> None:
    batch = sending.arrived(sending.feed(), sending.HEAD + ",=cmd(),,\n")
    answer = stella.get(f"/imports/{batch.pk}/quarantine/rows.csv")
    text = b"".join(answer.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    [line] = csv.DictReader(io.StringIO(text))
    assert line["Line"] == "2"
    assert "No must be filled in" in line["Reasons"]
    assert line["Name"] == "'=cmd()"


def test_restricted_values_are_neither_shown_nor_lost(stella: Client) -> None:
    content = "No,Name,Tax,Tel,Account,Bank\n,Acme,,,DE89370400440532013000,Big Bank\n"
    batch = sending.arrived(sending.feed(sending.BANKS), content)
    pk = batch.rows.get().pk
    for address in (f"/imports/{batch.pk}/quarantine/", f"/quarantine/{pk}/", "/quarantine/"):
        page = stella.get(address).content.decode()
        assert "370400" not in page
        assert "Big Bank" not in page
    form = {"cell:No": "V1", "cell:Name": "Acme", "cell:Account": "", "cell:Bank": ""}
    stella.post(f"/quarantine/{pk}/mend/", form)
    [account] = SourceRecord.objects.get(key="V1").parts["bank_accounts"]
    assert account["account_tail"].endswith("3000")


def test_a_row_settled_meanwhile_says_by_whom(stella: Client, broken: Batch) -> None:
    pk = row(broken, 3).pk
    stella.post(f"/quarantine/{pk}/mend/", {"cell:No": "V9"})
    late = stella.post(f"/quarantine/{pk}/mend/", {"cell:No": "V8"})
    assert late.status_code == 409
    assert "mended by Stella Steward" in text_of(late)
    assert "Taken by Stella Steward" in text_of(stella.get(f"/quarantine/{pk}/"))


def test_all_files_are_in_one_list_by_feed(stella: Client, broken: Batch, prices: Batch) -> None:
    page = stella.get("/quarantine/")
    assert {bad.batch.pk for bad in page.context["rows"]} == {broken.pk, prices.pk}
    only = stella.get("/quarantine/?feed=prices")
    assert {bad.batch.pk for bad in only.context["rows"]} == {prices.pk}


def test_the_list_is_paged_and_its_queries_do_not_grow(stella: Client) -> None:
    feed = sending.feed()
    numbers = []
    for rows in (3, 30):
        batch = sending.arrived(feed, sending.HEAD + f",Nameless of {rows},,\n" * rows, name=f"vendors{rows}.csv")
        with CaptureQueriesContext(connection) as caught:
            page = stella.get(f"/imports/{batch.pk}/quarantine/")
        numbers.append(len(caught))
    assert numbers[0] == numbers[1]
    rest = stella.get(f"/imports/{batch.pk}/quarantine/" + page.context["next_href"])
    assert len(rest.context["rows"]) == 5


def test_an_empty_quarantine_says_so(stella: Client) -> None:
    assert "Nothing waits in quarantine" in text_of(stella.get("/quarantine/"))


def test_a_viewer_reads_and_changes_nothing(broken: Batch) -> None:
    vera, pk = client_of(someone("Vera Viewer", VIEWER)), row(broken, 3).pk
    page = vera.get(f"/quarantine/{pk}/").content.decode()
    assert "must be filled in" in page
    assert "cell:No" not in page
    assert vera.get(f"/imports/{broken.pk}/quarantine/rows.csv").status_code == 403
    assert vera.post(f"/quarantine/{pk}/mend/", {"cell:No": "V9"}).status_code == 403
    assert row(broken, 3).state == "quarantined"


def test_the_outsider_sees_nothing_and_changes_nothing(broken: Batch) -> None:
    otto, pk = outsider(), row(broken, 3).pk
    for address in ("/quarantine/", f"/quarantine/{pk}/", f"/imports/{broken.pk}/quarantine/"):
        assert otto.get(address).status_code == 403
    acts: list[tuple[str, dict[str, Any]]] = [
        (f"/quarantine/{pk}/mend/", {"cell:No": "V9"}),
        ("/quarantine/dismiss/", {"rows": pk, "reason": "x"}),
        (f"/imports/{broken.pk}/quarantine/send-again/", {}),
        (f"/imports/{broken.pk}/quarantine/alike/", {"column": "No", "value": "", "new": "V9", "rows": pk}),
    ]
    for address, form in acts:
        assert otto.post(address, form).status_code == 403
    assert not SourceRow.objects.exclude(settled_by="").exists()


def test_a_row_whose_reason_names_no_way_out_is_downloaded_with_the_others() -> None:
    batch = sending.arrived(sending.feed(), sending.BROKEN)
    row = batch.rows.filter(state="quarantined").earliest("line")
    SourceRow.objects.filter(pk=row.pk).update(problems=[{"column": "", "message": "No name."}])
    answer = client_of(someone("Stella Steward")).get(f"/imports/{batch.pk}/quarantine/rows.csv")
    lines = b"".join(answer.streaming_content).decode().splitlines()
    assert lines[1].startswith(f"{row.line},No name.,")
    assert len(lines) == 1 + batch.rows.filter(state="quarantined").count()
