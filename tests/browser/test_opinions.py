"""A second opinion in a real browser, by keyboard alone: asked, given, seen to differ."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from stewardship.models import Opinion
from tests.browser.conftest import DESKTOP, PHONE
from tests.browser.desk import sign_in
from tests.stewardship.questions import question, someone, twins

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def page(browser: Browser, live_server: Any) -> Iterator[Page]:
    """A page of whose console nothing is asked: a refused form, which the browser notes there, is part of the test."""
    context = browser.new_context(viewport=DESKTOP, base_url=str(live_server))  # type: ignore[arg-type]
    yield context.new_page()
    context.close()


def test_a_steward_asks_and_answers_by_keyboard(page: Page, live_server: Any) -> None:
    someone("Sam Second")
    sign_in(page, str(live_server), someone("Stella Steward"))
    waiting = question(*twins(name="Acme Medical"), score=0.9)
    question(*twins(name="Bolton Surgical"), score=0.8)
    page.goto(f"/review/{waiting.pk}/")
    page.keyboard.press("q")
    expect(page.get_by_label("One and the same")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.type("Is that one ward?")
    page.get_by_role("button", name="Keep and go on").press("Enter")
    expect(page.get_by_text("Say what you think, or choose whom to ask.")).to_be_visible()
    expect(page.get_by_label("Why, or what you ask")).to_have_value("Is that one ward?")
    page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    page.get_by_label("One and the same").press("Space")
    page.get_by_role("listbox").press("ArrowDown")
    page.get_by_role("button", name="Keep and go on").press("Enter")
    expect(page.get_by_text("Kept: one and the same; Sam Second asked.")).to_be_visible()
    expect(page.locator("#grid")).to_contain_text("Bolton Surgical")
    assert set(Opinion.objects.values_list("person__username", "verdict")) == {("stella", "same"), ("sam", "")}
    page.keyboard.press("k")
    expect(page.locator("#opinions")).to_contain_text("Sam Second was asked by Stella Steward")
