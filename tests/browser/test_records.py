"""Records, search and change requests in a real browser: by keyboard, on a phone, without scripts."""

from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Browser, Page, expect

from mdm.people import DOMAIN_OWNER
from stewardship import requests
from stewardship.models import ChangeRequest
from tests.browser.conftest import PHONE
from tests.factories import golden, reload, source, supplier
from tests.stewardship.questions import someone

pytestmark = pytest.mark.django_db(transaction=True)


def sign_in(page: Page, address: str, user: User) -> None:
    client = Client()
    client.force_login(user)
    key = client.cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": key, "url": address}])


@pytest.fixture
def desk(page: Page, live_server: Any) -> Page:
    """A steward's browser, signed in."""
    sign_in(page, str(live_server), someone("Stella Steward"))
    return page


def proposal() -> ChangeRequest:
    record = supplier("V1", "Acme")
    return requests.propose(
        record_id=record.pk, values={"name": "Acme Group"}, base_version=1, reason="renamed",
        user=someone("Dora Owner", DOMAIN_OWNER),
    )  # fmt: skip


def test_search_suggests_and_the_arrows_lead_to_a_record(desk: Page) -> None:
    supplier("V1", "Acme Medical")
    wanted = supplier("V2", "Acme Surgical")
    suggested = desk.locator("[role=option]:visible")  # which the options of a select do not write
    desk.goto("/requests/")
    desk.keyboard.press("/")
    desk.keyboard.type("acme")
    expect(suggested).to_have_count(3)
    desk.keyboard.press("ArrowDown")
    desk.keyboard.press("ArrowDown")
    expect(desk.locator("[role=option][aria-selected=true]")).to_contain_text("Acme Surgical")
    desk.keyboard.press("Enter")
    expect(desk).to_have_url(f"{desk.url.split('/requests')[0]}/records/suppliers/{wanted.code}/")
    desk.keyboard.press("/")
    desk.keyboard.type("acme")
    expect(suggested).to_have_count(3)
    desk.keyboard.press("Escape")
    expect(suggested).to_have_count(0)


def test_a_list_narrows_while_typing_and_back_widens_it_again(desk: Page) -> None:
    supplier("V1", "Acme", currency="USD")
    supplier("V2", "Bolton", currency="EUR")
    desk.goto("/records/suppliers/")
    desk.keyboard.press("f")
    desk.keyboard.type("bolt")
    expect(desk.locator("#results tbody tr")).to_have_count(1)
    desk.go_back()
    expect(desk.locator("#results tbody tr")).to_have_count(2)
    desk.get_by_role("heading", level=1).click()
    desk.keyboard.press("l")
    with desk.expect_response("**/filter-value/**"):
        desk.get_by_label("Filter", exact=True).select_option("currency")
    expect(desk.locator("#filter-value.htmx-settling, #filter-value.htmx-swapping")).to_have_count(0)
    desk.get_by_label("Value").fill("USD")
    desk.get_by_role("button", name="Add", exact=True).click()
    expect(desk.locator("#results tbody tr")).to_have_count(1)
    expect(desk.get_by_role("link", name="Remove the filter")).to_contain_text("USD")


def test_a_reference_is_suggested_in_the_form(desk: Page) -> None:
    holding = supplier("V5", "Acme Holding")
    record = supplier("V1", "Acme")
    desk.goto(f"/records/suppliers/{record.code}/propose/")
    desk.get_by_label("Parent supplier").press_sequentially("hold")
    expect(desk.locator("#id_parent-choices option")).to_have_attribute("value", holding.code)


def test_a_request_is_approved_with_the_keyboard_alone(desk: Page) -> None:
    asked = proposal()
    desk.goto(f"/requests/{asked.pk}/")
    desk.keyboard.press("a")
    expect(desk.get_by_role("dialog")).to_be_visible()
    desk.keyboard.type("seen the letter")
    desk.keyboard.press("Tab")
    desk.keyboard.press("Tab")
    desk.keyboard.press("Enter")
    expect(desk.locator(".notice--success")).to_contain_text("it is version 2")
    assert reload(asked.record_id).title == "Acme Group"


def test_a_value_says_where_it_came_from(desk: Page) -> None:
    record = golden(
        source("erp", "supplier", "V1", name="Acme"), source("ap", "supplier", "9", name="Acme Incorporated")
    )
    desk.goto(f"/records/suppliers/{record.code}/")
    desk.get_by_label("Where Name came from").click()
    expect(desk.locator(".provenance__panel:visible")).to_contain_text("source order")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_no_page_moves_sideways(browser: Browser, live_server: Any, scheme: str) -> None:
    asked = proposal()
    record = f"/records/suppliers/{asked.record.code}/"
    context = browser.new_context(viewport=PHONE, base_url=str(live_server), color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    sign_in(page, str(live_server), someone("Stella Steward"))
    tabs = ("", "sources/", "references/", "history/", "propose/", "duplicates/", "as-it-was/?version=1")
    addresses = [record + tab for tab in tabs]
    for address in (*addresses, "/records/suppliers/", "/search/?q=acme", "/requests/", f"/requests/{asked.pk}/"):
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0, address
    context.close()


def test_without_scripts_a_change_is_proposed_and_refused(browser: Browser, live_server: Any) -> None:
    record = supplier("V1", "Acme")
    context = browser.new_context(java_script_enabled=False, base_url=str(live_server))
    page = context.new_page()
    sign_in(page, str(live_server), someone("Dora Owner", DOMAIN_OWNER))
    page.goto(f"/records/suppliers/{record.code}/")
    page.get_by_role("link", name="Propose a change").click()
    page.get_by_label("Name", exact=True).fill("Acme Group")
    page.get_by_label("Why").fill("renamed")
    page.get_by_role("button", name="Propose").click()
    expect(page.get_by_text("You proposed this yourself.")).to_be_visible()
    address = page.url
    context.clear_cookies()
    sign_in(page, str(live_server), someone("Stella Steward"))
    page.goto(address)
    page.get_by_role("link", name="Refuse").click()
    page.get_by_label("Reason").fill("no letter")
    page.get_by_role("button", name="Refuse").click()
    expect(page.locator(".notice--error")).to_contain_text("no letter")
    assert reload(record.pk).title == "Acme"
    context.close()
