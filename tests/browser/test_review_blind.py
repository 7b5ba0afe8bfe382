"""Blind mode in a real browser, by keyboard: on, decided, on the next question still on, off again."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from stewardship.models import Decision
from tests.browser.conftest import PHONE
from tests.browser.desk import sign_in
from tests.stewardship.questions import question, someone, twins

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_steward_judges_blind_by_keyboard(page: Page, live_server: Any) -> None:
    sign_in(page, str(live_server), someone("Stella Steward"))
    waiting = question(*twins(name="Acme Medical"), score=0.9)
    question(*twins(name="Bolton Surgical"), score=0.8)
    page.goto(f"/review/{waiting.pk}/")
    expect(page.locator("#grid")).to_contain_text("SYSTEM0")
    page.keyboard.press("p")
    expect(page.get_by_role("button", name="Judge blind")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#main")).not_to_contain_text("SYSTEM0")
    expect(page.locator("#main")).not_to_contain_text("90.0%")
    page.keyboard.press("2")
    expect(page.locator("#merge-words")).to_contain_text("Merge 2 into SUP-0000002")
    expect(page.locator("#main")).not_to_contain_text("SYSTEM0")
    page.keyboard.press("?")
    expect(page.locator("#keys-dialog")).to_contain_text("Show sources and scores again")
    page.keyboard.press("Escape")
    page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    page.keyboard.press("n")
    expect(page.locator("#grid")).to_contain_text("Bolton Surgical")
    expect(page.locator("#main")).not_to_contain_text("SYSTEM0")
    assert Decision.objects.get().blind
    page.keyboard.press("p")
    expect(page.locator("#grid")).to_contain_text("SYSTEM0")
    page.keyboard.press("n")
    expect(page.get_by_text("Nothing waits for you")).to_be_visible()
    assert [made.blind for made in Decision.objects.order_by("decided_at")] == [True, False]
