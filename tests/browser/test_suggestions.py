"""Somebody who decides nothing reports a duplicate from a record's page, and finds it among their suggestions."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from matching.run import match_all
from mdm.models import GoldenRecord
from mdm.people import VIEWER
from stewardship.models import Report
from tests.browser.conftest import PHONE
from tests.browser.desk import sign_in
from tests.factories import source, why
from tests.stewardship.questions import someone

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_duplicate_is_reported_by_search_and_followed(page: Page, live_server: Any) -> None:
    source("erp", "supplier", "V1", name="Waters Corporation", tax_id="133668640")
    source("ap", "supplier", "W7", name="Bolton Imaging", tax_id="261111111")
    match_all(why())
    record = GoldenRecord.objects.get(title="Waters Corporation")
    sign_in(page, live_server.url, someone("Vic Viewer", VIEWER))
    page.goto(f"/records/suppliers/{record.code}/")
    expect(page.get_by_role("link", name="Suggest a change")).to_be_visible()
    page.get_by_label("More").click()
    page.get_by_role("link", name="Report a duplicate").click()
    page.get_by_label("Code, name or identifier").fill("bolton")
    page.get_by_role("button", name="Find").click()
    page.get_by_role("link", name="Bolton Imaging").click()
    expect(page.get_by_role("heading", name="What matching says")).to_be_visible()
    page.get_by_label("Why you think so").fill("Both invoice from one address")
    page.get_by_role("button", name="Report").click()
    expect(page.get_by_role("heading", name="My suggestions")).to_be_visible()
    expect(page.get_by_text("Waits for a steward")).to_be_visible()
    assert Report.objects.get().reason == "Both invoice from one address"
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
