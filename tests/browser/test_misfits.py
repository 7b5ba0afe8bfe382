"""A member that no longer fits, decided with the keyboard alone."""

from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from matching.models import MatchCandidate
from mdm.models import Merge, SourceRecord
from stewardship.models import Decision
from tests.browser.conftest import DESKTOP, PHONE
from tests.browser.desk import sign_in
from tests.stewardship.questions import misfit, someone

pytestmark = pytest.mark.django_db(transaction=True)


def home_of_the_one_that_changed() -> Any:
    return SourceRecord.objects.get(system__code="ap").links.get(ended_at=None).record_id


@pytest.fixture
def desk(page: Page, live_server: Any) -> Page:
    sign_in(page, str(live_server), someone("Stella Steward"))
    return page


def test_it_is_taken_out_and_the_act_undone_by_keys(desk: Page) -> None:
    asked, merge = misfit(verified=True), Merge.objects.get()
    desk.goto("/?kind=misfits")
    desk.keyboard.press("j")
    desk.keyboard.press("Enter")
    expect(desk.get_by_role("heading", level=1)).to_have_text("Does Micromass Ltd still belong here?")
    expect(desk.locator("#outlook")).to_contain_text("lives again under its old id")
    assert home_of_the_one_that_changed() == merge.winner_id
    desk.keyboard.press("n")
    expect(desk.locator(".toast")).to_contain_text("Nothing else waits here.")
    assert home_of_the_one_that_changed() == merge.loser_id
    desk.goto(f"/review/{asked.pk}/")
    desk.keyboard.press("u")
    expect(desk.get_by_role("button", name="Take it out")).to_be_visible()
    assert home_of_the_one_that_changed() == merge.winner_id
    assert [made.verb for made in Decision.objects.order_by("decided_at")] == ["unmerge", "undo"]


def test_keeping_it_takes_a_reason(browser: Browser, live_server: Any) -> None:
    # A window of its own: the browser writes a refused request (422) to its console, as it should.
    context = browser.new_context(viewport=DESKTOP, base_url=str(live_server))  # type: ignore[arg-type]
    desk = context.new_page()
    sign_in(desk, str(live_server), someone("Stella Steward"))
    asked = misfit()
    desk.goto(f"/review/{asked.pk}/")
    desk.keyboard.press("m")
    expect(desk.get_by_text("say why it belongs here all the same")).to_be_visible()
    desk.keyboard.press("r")
    desk.keyboard.type("It has two numbers")
    desk.keyboard.press("Escape")
    desk.keyboard.press("m")
    expect(desk.locator(".toast")).to_contain_text("Kept together: Waters Corp.")
    assert MatchCandidate.objects.get().state == "merged"
    assert Decision.objects.get().reason == "It has two numbers"
    context.close()


def test_the_case_fits_a_phone(desk: Page) -> None:
    desk.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    desk.goto(f"/review/{misfit().pk}/")
    expect(desk.locator("#outlook")).to_contain_text("becomes a new record")
    assert desk.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
