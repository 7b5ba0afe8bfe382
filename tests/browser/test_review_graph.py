"""The graph of a question in a real browser: the slider by keyboard, its groups taken, and the same without script."""

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from mdm.models import Merge
from tests.browser.conftest import PHONE
from tests.browser.desk import sign_in
from tests.stewardship.questions import someone
from tests.stewardship.test_review_graph import chain

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_slider_parts_the_groups_and_they_are_taken_and_saved_by_keyboard(page: Page, live_server: Any) -> None:
    sign_in(page, str(live_server), someone("Stella Steward"))
    made, waiting = chain(0.99, 0.8, 0.95, 0.9)
    page.goto(f"/review/{waiting.pk}/")
    words = page.locator("#graph-words")
    expect(words).to_contain_text("1 group: A: 1, 2, 3, 4, 5.")
    page.keyboard.press("w")
    expect(page.get_by_label("Threshold in per cent")).to_be_focused()
    page.keyboard.press("End")
    expect(words).to_have_text(re.compile("Nothing holds together here"))
    expect(page.get_by_role("button", name="Take these groups")).to_be_disabled()
    for _ in range(80):  # a tenth each
        page.keyboard.press("ArrowLeft")
    expect(page.get_by_label("Together from")).to_have_value("92.0")
    expect(words).to_contain_text("2 groups: A: 1, 2; B: 3, 4; by themselves: 5.")
    expect(page.locator(".graph__drawing .graph__edge--loose")).to_have_count(2)
    expect(page.locator("[data-graph-letter]")).to_have_text(["A", "A", "B", "B", ""])
    page.keyboard.press("PageDown")
    expect(words).to_contain_text("A: 3, 4, 5; B: 1, 2.")
    page.keyboard.press("a")
    expect(page.get_by_role("button", name=re.compile("^Save 2 records"))).to_be_visible()
    expect(page.get_by_label("Together from")).to_have_value("82.0")
    page.keyboard.press("m")
    expect(page.locator(".toast")).to_contain_text("Merged")
    assert {merge.winner_id for merge in Merge.objects.all()} == {made[0].pk, made[2].pk}


def test_without_script_the_threshold_is_a_number_that_is_sent(browser: Browser, live_server: Any) -> None:
    context = browser.new_context(java_script_enabled=False, base_url=str(live_server), viewport=PHONE)  # type: ignore[arg-type]
    desk = context.new_page()
    sign_in(desk, str(live_server), someone("Stella Steward"))
    _, waiting = chain(0.99, 0.8, 0.95)
    desk.goto(f"/review/{waiting.pk}/")
    expect(desk.get_by_label("Threshold in per cent")).to_be_hidden()
    desk.get_by_label("Together from").fill("90")
    desk.get_by_role("button", name="Show the groups").click()
    expect(desk.locator("#graph-words")).to_contain_text("A: 1, 2; B: 3, 4.")
    desk.get_by_role("button", name="Take these groups").click()
    expect(desk.get_by_role("button", name=re.compile("^Save 2 records"))).to_be_visible()
    context.close()
