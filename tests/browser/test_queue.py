"""The filters of the queue in a real browser: numbers come when somebody turns to them, and the choice stays."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.desk import sign_in
from tests.stewardship.questions import question, someone, twins

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_chosen_source_stays_chosen_when_its_numbers_come(page: Page, live_server: Any) -> None:
    question(*twins(3))
    question(*twins(2, name="Bolton"))
    sign_in(page, str(live_server), someone("Stella Steward"))
    page.goto("/?kind=duplicates")
    source = page.get_by_label("Source")
    source.focus()
    expect(source.locator("option[value=system1]")).to_have_text("SYSTEM1 (2)")
    source.select_option("system2")
    expect(page.locator("tr[data-row]")).to_have_count(1)
    expect(source.locator("option[value=system1]")).to_have_text("SYSTEM1 (2)")
    expect(source).to_have_value("system2")
