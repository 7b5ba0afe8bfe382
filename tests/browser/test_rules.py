"""Rules of matching in a real browser: from draft to revert by keyboard alone, and on a phone."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from matching import rematch, rules_trial
from matching.models import Rematch, RuleTrial
from matching.run import match
from mdm.cause import HUB, Cause
from mdm.domains import BY_NAME
from mdm.people import DOMAIN_OWNER
from tests.browser.conftest import PHONE
from tests.browser.test_records import sign_in
from tests.mdm.making import source
from tests.stewardship.questions import someone

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def records() -> None:
    """Two rows linked at .97, two asked about at .92."""
    source("erp", "supplier", "V1", name="Acme Medical Inc", phone="+18054471000")
    source("ap", "supplier", "1", name="Acme Medical Supplies", phone="+18054471000")
    source("erp", "supplier", "V2", name="Waters Corporation", tax_id="133668640")
    source("ap", "supplier", "2", name="Zeta Orthopedics", tax_id="133668640")
    match(BY_NAME["supplier"], Cause(by=HUB, reason="test"))


def fits(page: Page) -> None:
    """The page itself never scrolls sideways."""
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_a_draft_is_tried_approved_and_reverted_by_keyboard(page: Page, live_server: Any, records: None) -> None:
    dora, owen = someone("Dora Owner", DOMAIN_OWNER), someone("Owen Other", DOMAIN_OWNER)
    sign_in(page, str(live_server), dora)
    page.goto("/rules/suppliers/")
    page.keyboard.press("n")
    expect(page.get_by_role("heading", name="New draft")).to_be_visible()
    page.get_by_label("Linked without a person from").press("Control+a")
    page.keyboard.type("0.98")
    page.get_by_label("Why").focus()
    page.keyboard.type("Too many wrong links")
    page.get_by_role("button", name="Save draft").press("Enter")
    expect(page.get_by_text("Not tried yet")).to_be_visible()
    page.keyboard.press("t")
    expect(page.get_by_text("Looking at records")).to_be_visible()
    rules_trial.advance(RuleTrial.objects.get().pk, 60)
    expect(page.get_by_role("heading", name="Would fall apart")).to_be_visible()
    expect(page.get_by_role("region", name="Records side by side")).to_be_visible()
    expect(page.get_by_role("button", name="Approve")).to_be_disabled()
    fits(page)

    sign_in(page, str(live_server), owen)
    page.reload()
    page.keyboard.press("a")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.type("Agreed")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Re-match of suppliers")).to_be_visible()
    page.keyboard.press("p")
    expect(page.get_by_text("It rests.")).to_be_visible()
    page.keyboard.press("p")
    expect(page.get_by_text("Running")).to_be_visible()
    rematch.advance(Rematch.objects.get().pk, 60)
    expect(page.get_by_text("Acme Medical Supplies")).to_be_visible()
    fits(page)
    page.get_by_role("link", name="Revert").press("Enter")
    page.get_by_label("Reason").fill("It was wrong")
    page.get_by_role("button", name="Revert").press("Enter")
    expect(page.get_by_text("Reverting")).to_be_visible()
    rematch.advance(Rematch.objects.get().pk, 60)
    expect(page.get_by_text("Reverted.", exact=True)).to_be_visible()


def test_every_page_fits_a_phone(page: Page, live_server: Any, records: None) -> None:
    sign_in(page, str(live_server), someone("Dora Owner", DOMAIN_OWNER))
    page.set_viewport_size(PHONE)
    for address in ("/rules/", "/rules/suppliers/", "/rules/suppliers/1/", "/rules/suppliers/draft/"):
        page.goto(address)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        fits(page)
