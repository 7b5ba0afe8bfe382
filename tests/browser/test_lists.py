"""A list dropped in the browser: its columns seen, checked before one's eyes, filtered, taken away again."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import FilePayload, Page, expect

from matching.run import match_all
from mdm.people import VIEWER
from stewardship.lists import keeping
from stewardship.models import ChangeRequest, CheckedList
from stewardship.tasks import check_list
from tests.browser.conftest import PHONE
from tests.browser.desk import sign_in
from tests.factories import source, supplier, why
from tests.stewardship import sending
from tests.stewardship.questions import someone
from tests.stewardship.test_lists import LIST

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _folder(settings: Any, tmp_path: Path) -> None:
    sending.in_folder(settings, tmp_path)


def test_a_list_is_dropped_checked_and_read(page: Page, live_server: Any) -> None:
    source("erp", "supplier", "V1", name="Waters Corporation", tax_id="133668640", phone="+15084782000")
    match_all(why())
    sign_in(page, live_server.url, someone("Vera Viewer", VIEWER))
    page.goto("/records/suppliers/")
    page.get_by_role("link", name="Check a list").click()
    expect(page.get_by_role("heading", name="Lists to check")).to_be_visible()
    file: FilePayload = {"name": "vendors.csv", "mimeType": "text/csv", "buffer": LIST.encode()}
    page.locator("input[type=file]").set_input_files([file])
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("heading", name="Columns")).to_be_visible()
    page.get_by_role("button", name="Check every row").click()
    expect(page.get_by_text("Waiting for a worker")).to_be_visible()
    work()
    expect(page.get_by_text("A supplier needs a name.")).to_be_visible(timeout=15_000)
    page.get_by_role("group", name="Which rows").get_by_role("link", name="There already").click()
    expect(page.get_by_role("link", name="Waters Corporation")).to_be_visible()
    assert page.locator("[hx-trigger^=every]").count() == 0
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_text("Annotated list").click()
    with page.expect_download() as kept:
        page.get_by_role("link", name="CSV").click()
    assert "Check: errors" in Path(kept.value.path()).read_text()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Take away").click()
    expect(page.get_by_text("is gone")).to_be_visible()
    assert not CheckedList.objects.exists()


def test_changes_of_a_list_are_seen_proposed_and_withdrawn(page: Page, live_server: Any) -> None:
    first, second = supplier("V1", "Vendor One"), supplier("V2", "Vendor Two")
    sign_in(page, live_server.url, someone("Vera Viewer", VIEWER))
    page.goto("/lists/")
    page.get_by_label("Change records that are there").check()
    text = f"Code,Vendor Name\n{first.code},Vendor Eins\n{second.code},Vendor Two\n"
    file: FilePayload = {"name": "changes.csv", "mimeType": "text/csv", "buffer": text.encode()}
    page.locator("input[type=file]").set_input_files([file])
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_label("The record is named by")).to_have_value("Code")
    expect(page.get_by_text("write (empty) into its cell")).to_be_visible()
    page.get_by_role("button", name="Check every row").click()
    work()
    expect(page.get_by_role("heading", name="Propose 1 change")).to_be_visible(timeout=15_000)
    expect(page.locator("ins.change__after")).to_have_text("Vendor Eins")
    page.get_by_label("Why").fill("After the merger")
    page.get_by_role("button", name="Propose").click()
    expect(page.get_by_role("heading", name="Proposing")).to_be_visible()
    work()
    expect(page.get_by_role("heading", name="Proposed as one act")).to_be_visible(timeout=15_000)
    page.get_by_role("button", name="Withdraw all that wait").click()
    work()
    expect(page.get_by_role("heading", name="Withdrawn")).to_be_visible(timeout=15_000)
    assert ChangeRequest.objects.get().state == "withdrawn"
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def work() -> None:
    """What the workers do."""
    for list_id in keeping.due():
        check_list(str(list_id))
