"""Editing values where they stand in a real browser: by keyboard, checked while typed, kept over a reload."""

import pytest
from playwright.sync_api import Page, expect

from mdm.models import GoldenRecord
from stewardship.models import ChangeRequest
from tests.browser.test_records import desk
from tests.factories import reload, supplier

__all__ = ["desk"]
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def acme() -> GoldenRecord:
    return supplier("V1", "Acme", phone="+17755550100")


def test_by_keyboard_from_a_value_to_a_request_and_nothing_typed_is_lost(desk: Page, acme: GoldenRecord) -> None:
    page = f"/records/suppliers/{acme.code}/"
    desk.goto(page)
    bar = desk.locator("[data-edit-bar]")
    expect(bar).to_be_hidden()
    desk.keyboard.press("e")
    name = desk.locator("[data-edit-open=name] input")
    expect(name).to_be_focused()
    desk.keyboard.type("TBD")
    expect(desk.locator("[data-edit-open=name]")).to_contain_text("placeholder")
    desk.keyboard.press("Control+A")
    desk.keyboard.type("Acme <i>Group</i> \u200f\u0627\u0644\u0628")
    expect(bar).to_contain_text("1 value changed")
    desk.reload()
    expect(name).to_have_value("Acme <i>Group</i> \u200f\u0627\u0644\u0628")
    expect(bar).to_contain_text("kept from before")
    phone = desk.locator("[data-edit-row=phone]")
    phone.locator("[data-edit-text]").click()
    desk.keyboard.type("12")  # at once: what is typed before the field is there belongs into it
    expect(phone).to_contain_text("not a valid telephone number")
    desk.keyboard.press("Escape")
    expect(phone.locator(".edit")).to_have_count(0)
    desk.keyboard.press("p")
    expect(desk.get_by_role("heading", name="Propose 1 change")).to_be_visible()
    desk.get_by_label("Why", exact=True).fill("By letter")
    desk.get_by_label("Until the source changes").check()
    desk.get_by_role("button", name="Propose").click()
    desk.wait_for_url("**/requests/**")
    request = ChangeRequest.objects.get()
    assert request.values["name"].startswith("Acme <i>Group</i>")
    assert list(request.watching) == ["name"]
    assert reload(acme.pk).supplier.name == "Acme"
    desk.goto(page)
    expect(bar).to_be_hidden()


def test_what_was_kept_of_an_older_version_is_said_to_be(desk: Page, acme: GoldenRecord) -> None:
    page = f"/records/suppliers/{acme.code}/"
    desk.goto(page)
    desk.evaluate(
        "([place, kept]) => localStorage.setItem(place, JSON.stringify(kept))",
        [f"assay-edit:{acme.code}", {"version": "0", "values": {"name": "Acme Group"}}],
    )
    desk.reload()
    expect(desk.locator("[data-edit-open=name] input")).to_have_value("Acme Group")
    expect(desk.locator("[data-edit-bar]")).to_contain_text("has changed since")
    desk.get_by_role("button", name="Discard").click()
    expect(desk.locator("[data-edit-open]")).to_have_count(0)
    desk.reload()
    expect(desk.locator("[data-edit-bar]")).to_be_hidden()
