"""A new record in a real browser: who it looks like while it is typed, by keyboard, on a phone, without scripts."""

import os
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from matching.run import match
from mdm.cause import HUB, Cause
from mdm.domains import BY_NAME
from mdm.models import GoldenRecord
from stewardship.models import ChangeRequest
from tests.browser.conftest import PHONE
from tests.browser.test_records import desk, sign_in
from tests.factories import source
from tests.stewardship.questions import someone

__all__ = ["desk"]
pytestmark = pytest.mark.django_db(transaction=True)
NEW = "/records/suppliers/new/"
TOLD = ".decision-bar [role=status]"


@pytest.fixture
def waters() -> GoldenRecord:
    made = source("erp", "supplier", "V1", name="Waters Corporation", tax_id="133668640", supplier_type="Laboratory")
    source("erp", "supplier", "V2", name="Waterside Pumps LLC", tax_id="987654321")
    match(BY_NAME["supplier"], Cause(by=HUB, reason="test"))
    return GoldenRecord.objects.get(links__source_record=made)


def look(page: Page, name: str) -> None:
    """Keep a picture where a person asked for one: ASSAY_PICTURES is a folder."""
    if folder := os.environ.get("ASSAY_PICTURES"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=False)


def test_by_keyboard_from_a_name_to_a_proposal(desk: Page, waters: GoldenRecord) -> None:
    desk.goto("/records/suppliers/")
    desk.keyboard.press("n")
    expect(desk.get_by_text("Begin with what it is called")).to_be_visible()
    look(desk, "create-empty-1440")
    name = desk.get_by_label("Name", exact=True).first
    name.focus()
    before = name.bounding_box()
    desk.keyboard.type("Water")
    card = desk.get_by_role("article", name="Waterside Pumps LLC")
    expect(card).to_be_visible()
    desk.keyboard.type("s Corp")
    mine = desk.get_by_role("article", name=f"Waters Corporation, {waters.code}")
    expect(mine).to_contain_text("Name agrees.")
    expect(desk.locator(TOLD)).to_contain_text("1 may be the same")
    assert name.bounding_box() == before  # nothing moved under the fingers
    expect(name).to_be_focused()
    look(desk, "create-likely-1440")
    desk.get_by_label("Why", exact=True).fill("A bottler we begin to buy from")
    desk.keyboard.press("Tab")
    expect(desk.get_by_label("Why a new one although these are there")).to_be_focused()
    desk.keyboard.type("Another company of that name, in Ohio")
    desk.keyboard.press("Tab")  # Cancel or the status line, then Propose
    desk.get_by_role("button", name="Propose").focus()
    desk.keyboard.press("Enter")
    expect(desk.get_by_role("heading", level=1)).to_have_text("New supplier: Waters Corp")
    expect(desk.get_by_text("Another company of that name, in Ohio")).to_be_visible()
    look(desk, "create-request-1440")
    assert ChangeRequest.objects.get().alike[0]["code"] == waters.code


def test_enter_in_a_field_proposes(desk: Page, waters: GoldenRecord) -> None:
    desk.goto(NEW)
    desk.get_by_label("Why", exact=True).fill("new")
    name = desk.get_by_label("Name", exact=True).first
    name.fill("Quixotic Ventures")
    expect(desk.get_by_text("Nobody looks like it", exact=True).first).to_be_visible()
    name.press("Enter")
    expect(desk.get_by_role("heading", level=1)).to_have_text("New supplier: Quixotic Ventures")


def test_the_one_that_is_there_is_used_instead(desk: Page, waters: GoldenRecord) -> None:
    desk.goto(NEW)
    desk.get_by_label("Name", exact=True).first.fill("Waters Corporation")
    desk.get_by_label("Website").fill("waters.com")
    card = desk.get_by_role("article", name="Waters Corporation")
    expect(card).to_contain_text("and propose for it: website")
    card.get_by_role("link", name="Use this one instead").click()
    expect(desk.get_by_label("Website")).to_have_value("waters.com")
    expect(desk.get_by_role("heading", level=1)).to_have_text("Propose a change")


def test_on_a_phone_the_alike_stand_before_the_end_and_nothing_sticks_out(desk: Page, waters: GoldenRecord) -> None:
    desk.set_viewport_size(PHONE)  # type: ignore[arg-type]
    desk.goto(NEW)
    look(desk, "create-empty-390")
    name = desk.get_by_label("Name", exact=True).first
    name.fill("Waters Corp")
    status = desk.locator(TOLD)
    expect(status).to_contain_text("1 may be the same")
    look(desk, "create-likely-390")
    assert desk.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    status.get_by_role("link").click()
    card = desk.get_by_role("article", name="Waters Corporation")
    expect(card).to_be_in_viewport()
    look(desk, "create-card-390")
    why = desk.get_by_label("Why", exact=True).bounding_box()
    here = card.bounding_box()
    assert why
    assert here
    assert here["y"] + here["height"] <= why["y"]


def test_without_scripts_the_page_comes_back_with_who_is_alike(
    browser: Browser, live_server: Any, waters: GoldenRecord
) -> None:
    context = browser.new_context(base_url=str(live_server), java_script_enabled=False)
    page = context.new_page()
    sign_in(page, str(live_server), someone("Stella Steward"))
    page.goto(NEW)
    page.get_by_label("Name", exact=True).first.fill("Waters Corp")
    page.get_by_label("Why", exact=True).fill("needed")
    page.get_by_role("button", name="Propose").click()
    expect(page.get_by_role("article", name="Waters Corporation")).to_be_visible()
    look(page, "create-refused-1280")
    page.get_by_label("Why a new one although these are there").fill("another company")
    page.get_by_role("button", name="Propose").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("New supplier: Waters Corp")
    context.close()
