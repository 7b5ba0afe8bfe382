"""A tree in a real browser: walked and changed by keyboard alone, dragged, drafted, approved, and read on a phone."""

import os
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from mdm.models import GoldenRecord, Placement
from mdm.people import DOMAIN_OWNER
from tests.browser.conftest import PHONE
from tests.browser.test_records import sign_in
from tests.browser.test_rules import fits
from tests.mdm.test_hierarchies import SPRING, hierarchy, move, places
from tests.stewardship.questions import someone

pytestmark = pytest.mark.django_db(transaction=True)
LEGAL = "/hierarchies/facilities/legal/"


@pytest.fixture
def records() -> dict[str, GoldenRecord]:
    """Group over North and South, Clinic in North."""
    here, made = hierarchy(), places("Group", "North", "South", "Clinic <b>one</b>")
    group, north, south, clinic = made
    move(here, (group, None), (north, group), (south, group), (clinic, north), day=SPRING)
    return dict(zip(("group", "north", "south", "clinic"), made, strict=True))


def picture(page: Page, name: str) -> None:
    """Keep how the page looks where somebody wants to see it."""
    if folder := os.environ.get("ASSAY_PICTURES"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def parent_of(record: GoldenRecord) -> Any:
    """Where the record stands now, as the database says."""
    return Placement.objects.get(record=record, valid_to__isnull=True).parent_id


def item(page: Page, title: str) -> Any:
    return page.locator(f'[role=treeitem][data-title="{title}"]')


def test_a_branch_moves_by_keyboard_and_a_colleague_approves(
    page: Page, live_server: Any, records: dict[str, GoldenRecord]
) -> None:
    stella, olga = someone("Stella Steward"), someone("Olga Owner", DOMAIN_OWNER)
    sign_in(page, str(live_server), stella)
    page.goto("/")
    page.keyboard.press("g")
    page.keyboard.press("h")
    expect(page.get_by_role("heading", name="Hierarchies")).to_be_visible()
    picture(page, "list")
    page.goto(LEGAL)
    item(page, "Group").focus()
    page.keyboard.press("ArrowRight")
    expect(item(page, "North")).to_be_visible()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(item(page, "Clinic <b>one</b>")).to_be_visible()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("x")
    expect(page.get_by_text("is cut")).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("v")
    expect(page.get_by_text("in your draft", exact=True)).to_be_visible()
    expect(page.get_by_text("1 move in your draft")).to_be_visible()
    assert parent_of(records["clinic"]) == records["north"].pk
    picture(page, "tree")
    fits(page)
    page.get_by_role("link", name="Review and send").press("Enter")
    picture(page, "draft")
    page.get_by_role("link", name="Send").press("Enter")
    page.keyboard.type("Bought by South in May")
    page.get_by_role("button", name="Send", exact=True).press("Enter")
    expect(page.get_by_text("Waiting for approval")).to_be_visible()
    address = page.url

    sign_in(page, str(live_server), olga)
    page.goto(address)
    page.keyboard.press("a")
    page.get_by_role("dialog").get_by_role("button", name="Approve").press("Enter")
    expect(page.get_by_text("change 2 of the tree")).to_be_visible()
    assert parent_of(records["clinic"]) == records["south"].pk
    picture(page, "approved")
    page.goto(f"{LEGAL}moves/")
    expect(page.get_by_role("row").filter(has_text="Bought by South in May")).to_be_visible()
    picture(page, "moves")
    page.goto(f"{LEGAL}compare/?from=2026-02-01")
    expect(page.get_by_text("4 added, 0 moved, 0 taken out")).to_be_visible()
    picture(page, "compare")
    page.goto(f"{LEGAL}checks/")
    expect(page.get_by_text("all in order").first).to_be_visible()
    picture(page, "checks")


def test_a_branch_is_dragged_and_a_circle_is_refused_in_words(
    page: Page, live_server: Any, records: dict[str, GoldenRecord]
) -> None:
    sign_in(page, str(live_server), someone("Stella Steward"))
    page.goto(f"{LEGAL}?at={records['north'].code}")
    expect(page.get_by_role("heading", name="North")).to_be_visible()
    item(page, "North").locator("> .tree__node").drag_to(item(page, "South").locator("> .tree__node"))
    expect(page.get_by_text("1 move in your draft")).to_be_visible()
    expect(item(page, "South").locator("[role=treeitem]", has_text="North").first).to_be_visible()
    page.goto(f"{LEGAL}?at={records['group'].code}")
    page.get_by_label("Move it, with its branch, below").fill("North")
    page.get_by_role("button", name="Move", exact=True).click()
    expect(page.get_by_text("Group would stand below itself, through North.")).to_be_visible()
    picture(page, "circle")


def test_a_tree_is_searched_linked_and_read_on_a_phone(
    page: Page, live_server: Any, records: dict[str, GoldenRecord]
) -> None:
    sign_in(page, str(live_server), someone("Vera Viewer", "viewer"))
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    page.goto(LEGAL)
    page.get_by_label("Search in this tree").fill("clin")
    page.locator("#found").get_by_role("link", name="Clinic <b>one</b>").click()
    expect(page.get_by_role("heading", name="Clinic <b>one</b>")).to_be_visible()
    expect(item(page, "Clinic <b>one</b>")).to_be_visible()
    fits(page)
    picture(page, "phone")
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 1440, "height": 900})
    picture(page, "dark")
