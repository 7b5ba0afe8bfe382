"""From a file dropped in the browser to its quarantine mended, and the log that tells of it."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from matching.run import match_all
from mdm import log
from mdm.intake.batches import due, read
from mdm.models import Batch, SourceRow
from mdm.people import AUDITOR, DOMAIN_OWNER
from tests.browser.conftest import PHONE
from tests.factories import why
from tests.stewardship import sending
from tests.stewardship.questions import someone

pytestmark = pytest.mark.django_db(transaction=True)

PAGES = ("/imports/", "/quarantine/", "/feeds/", "/feeds/vendors/", "/audit/", "/feeds/vendors/dry-run/")


@pytest.fixture(autouse=True)
def _folder(settings: Any, tmp_path: Path) -> None:
    sending.in_folder(settings, tmp_path)


def sign_in(page: Page, name: str = "Dora Owner", group: str = DOMAIN_OWNER) -> None:
    first = name.partition(" ")[0].lower()
    someone(name, group)
    page.goto("/sign-in/")
    page.get_by_label("Name").fill(first)
    page.get_by_label("Password").fill(first)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/")


def work() -> None:
    """What the workers do."""
    for batch_id in due():
        read(batch_id)
    match_all(why())
    log.sequence_all()


def test_a_file_is_sent_read_matched_and_published_before_ones_eyes(page: Page) -> None:
    sending.feed()
    sign_in(page)
    page.goto("/imports/")
    file = {"name": "vendors-may.csv", "mimeType": "text/csv", "buffer": sending.TWO.encode()}
    page.locator("input[type=file]").set_input_files([file])  # type: ignore[list-item]
    expect(page.get_by_text("By its name: Vendor master.")).to_be_visible()
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("heading", name="vendors-may.csv")).to_be_visible()
    expect(page.get_by_text("Waiting to be read")).to_be_visible()
    work()
    expect(page.get_by_role("link", name="Acme Medical")).to_be_visible(timeout=15_000)
    expect(page.locator(".steps__step--done")).to_have_count(4)
    assert page.locator("[hx-trigger^=every]").count() == 0


def test_rows_are_mended_in_place_by_keyboard(page: Page) -> None:
    batch = sending.arrived(sending.feed(), sending.BROKEN)
    sign_in(page)
    page.goto(f"/imports/{batch.pk}/quarantine/")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    field = page.locator('input[name="cell:No"]')
    expect(field).to_have_attribute("aria-invalid", "true")
    field.fill("V9")
    field.press("Enter")
    expect(page.get_by_text("Taken by Dora Owner")).to_be_visible()
    assert SourceRow.objects.get(batch=batch, line=3).state == "mended"


def test_many_rows_are_mended_together(page: Page) -> None:
    batch = sending.arrived(sending.feed(sending.PRICES_FEED), sending.PRICES, name="prices.csv")
    sign_in(page)
    page.goto(f"/imports/{batch.pk}/quarantine/")
    page.get_by_role("link", name="Mend together").click()
    page.get_by_label("New value for all of them").fill("1.50")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_text("4 would be taken.")).to_be_visible()
    page.get_by_role("button", name="Mend these rows").click()
    expect(page.get_by_text("4 rows were taken")).to_be_visible()
    assert Batch.objects.get(pk=batch.pk).rows_quarantined == 1


def test_the_auditor_opens_a_whole_event_and_a_record_as_it_was(page: Page) -> None:
    sending.arrived(sending.feed())
    work()
    sign_in(page, "Ann Auditor", AUDITOR)
    page.goto("/audit/")
    expect(page.get_by_role("button", name="Verify now")).to_have_count(0)
    page.get_by_text("The full event").first.click()
    expect(page.get_by_text("Chained to").first).to_be_visible()
    page.get_by_label("What happened").select_option("merged")
    expect(page.get_by_text("No change fits this search")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("link", name="As it was").click()
    dialog = page.locator("#then-dialog")
    dialog.get_by_label("Record").fill("SUP-0000001")
    dialog.get_by_label("or at the sequence number").fill("1")
    dialog.get_by_role("button", name="Show").click()
    expect(page.get_by_text("As it was at number 1 of the log")).to_be_visible()


def test_the_pages_fit_a_phone(page: Page) -> None:
    batch = sending.arrived(sending.feed(), sending.BROKEN)
    work()
    sign_in(page)
    page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    quarantined = SourceRow.objects.filter(state="quarantined").first()
    assert quarantined is not None
    own = (f"/imports/{batch.pk}/", f"/imports/{batch.pk}/quarantine/", f"/quarantine/{quarantined.pk}/")
    for address in (*PAGES, *own):
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], address
