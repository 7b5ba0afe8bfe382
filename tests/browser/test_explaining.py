"""Why two records are not one, a relation said, quality measured: by keyboard alone, and no wider than a phone."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from matching import sampling
from matching.models import Measurement, Relation
from matching.preparing import prepare
from mdm.domains import BY_NAME
from tests.browser.conftest import PHONE
from tests.browser.test_review import sign_in
from tests.factories import supplier
from tests.stewardship.questions import question, someone, twins

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def desk(page: Page, live_server: Any) -> Page:
    """A steward's browser, signed in, that stands nowhere yet."""
    sign_in(page, str(live_server), someone("Stella Steward"))
    return page


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def test_a_second_record_is_found_and_compared_without_touching_the_mouse(desk: Page) -> None:
    left = supplier("1", "Waters Corp", phone="+15550100101")
    supplier("2", "Zimmer Biomet", system_code="lab", phone="+15550100102")
    prepare(BY_NAME["supplier"])
    desk.goto(f"/records/suppliers/{left.code}/")
    desk.keyboard.press("w")
    expect(desk.get_by_label("Code, name or identifier")).to_be_focused()
    desk.keyboard.type("zimmer")
    desk.keyboard.press("Enter")
    expect(desk.get_by_role("heading", name="Found by")).to_be_visible()
    desk.locator("body").press("Escape")
    desk.evaluate("document.activeElement.blur()")
    desk.keyboard.press("j")
    desk.keyboard.press("Enter")
    expect(desk.locator(".waterfall")).to_contain_text("Before any evidence")
    expect(desk.get_by_text("Two records: too little speaks for one")).to_be_visible()
    desk.set_viewport_size(PHONE)  # type: ignore[arg-type]
    assert fits(desk)


def test_two_are_called_related_by_key_and_the_answer_is_undone_by_key(desk: Page) -> None:
    one = question(*twins(name="Acme Medical"), score=0.9)
    question(*twins(name="Bolton Surgical"), score=0.8)
    desk.goto(f"/review/{one.pk}/")
    desk.get_by_label("How they are related").select_option(label="Equivalent")
    desk.evaluate("document.activeElement.blur()")
    desk.keyboard.press("l")
    expect(desk.locator(".toast")).to_contain_text("Related, not the same: Acme Medical and Acme Medical.")
    expect(desk.locator("#grid")).to_contain_text("Bolton Surgical")
    assert Relation.objects.get().kind == "equivalent"
    desk.keyboard.press("u")
    expect(desk.locator("#grid")).to_contain_text("Acme Medical")
    assert Relation.objects.get().withdrawn_by == "Stella Steward"


def test_quality_is_measured_by_key_and_fits_a_phone(desk: Page) -> None:
    for number in range(6):
        supplier(str(number), f"Firm {number}", phone="+15550100101", system_code=f"s{number}")
    prepare(BY_NAME["supplier"])
    sampling.measure(domain=BY_NAME["supplier"], by="Assay")
    desk.goto("/")
    desk.keyboard.press("g")
    desk.keyboard.press("u")
    expect(desk).to_have_url(re.compile("/measure/suppliers/"))
    desk.keyboard.press("m")
    expect(desk.locator(".toast")).to_contain_text("Measured 6 of 6 source rows.")
    assert Measurement.objects.count() == 2
    desk.set_viewport_size(PHONE)  # type: ignore[arg-type]
    assert fits(desk)
