"""Lists in a real browser: ticking and marking many rows, by mouse and by keyboard."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.desk import sign_in
from tests.stewardship.questions import question, someone, twins

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def queue(page: Page, live_server: Any) -> Page:
    """A steward before a queue of five."""
    for number in range(5):
        question(*twins(name=f"Firm {number}"), score=0.9 - number / 100)
    sign_in(page, str(live_server), someone("Stella Steward"))
    page.goto("/?kind=duplicates")
    return page


def ticked(page: Page) -> list[bool]:
    return [box.is_checked() for box in page.locator("[data-pick-one]").all()]


def marked(page: Page) -> int:
    return page.locator("tr[aria-selected=true]").count()


def test_shift_ticks_every_box_up_to_the_last_one_and_unticks_them_again(queue: Page) -> None:
    boxes = queue.locator("[data-pick-one]")
    boxes.nth(1).click()
    boxes.nth(3).click(modifiers=["Shift"])
    assert ticked(queue) == [False, True, True, True, False]
    expect(queue.locator("[data-pick-count]")).to_have_text("3")
    boxes.nth(4).click(modifiers=["Shift"])
    boxes.nth(2).click()
    boxes.nth(4).click(modifiers=["Shift"])
    assert ticked(queue) == [False, True, False, False, False]
    assert marked(queue) == 0


def test_boxes_are_ticked_in_a_row_by_keyboard_alone(queue: Page) -> None:
    queue.locator("[data-row] a.subject").first.focus()
    queue.keyboard.press("x")
    for _ in range(2):
        queue.keyboard.press("ArrowDown")
    queue.keyboard.press("Shift+X")
    assert ticked(queue) == [True, True, True, False, False]
    queue.locator("[data-pick-one]").nth(4).focus()
    queue.keyboard.press("Shift+Space")
    assert ticked(queue) == [True] * 5


def test_rows_are_marked_beside_the_boxes_by_mouse_and_by_keyboard(queue: Page) -> None:
    rows = queue.locator("[data-row]")
    rows.nth(0).locator("td:not(:has(input))").last.click(modifiers=["Shift"])
    rows.nth(2).locator("td:not(:has(input))").last.click(modifiers=["Shift"])
    assert (marked(queue), any(ticked(queue))) == (3, False)
    queue.keyboard.press("Escape")
    assert marked(queue) == 0
    queue.locator("[data-row] a.subject").nth(1).focus()
    queue.keyboard.press("Space")
    queue.keyboard.press("Shift+ArrowDown")
    queue.keyboard.press("Shift+ArrowDown")
    assert marked(queue) == 3
    expect(queue.locator(".marked-bar")).to_contain_text("3 rows marked")
