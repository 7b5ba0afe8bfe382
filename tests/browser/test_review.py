"""The steward's decision in a real browser, with the keyboard alone."""

import re
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Browser, Page, expect

from mdm.mastering import contribute
from mdm.models import Merge
from stewardship.models import Decision
from tests.browser.conftest import DESKTOP, PHONE
from tests.factories import reload, why
from tests.stewardship.questions import question, someone, twins

pytestmark = pytest.mark.django_db(transaction=True)


def sign_in(page: Page, address: str, user: User) -> None:
    client = Client()
    client.force_login(user)
    key = client.cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": key, "url": address}])


@pytest.fixture
def desk(page: Page, live_server: Any) -> Page:
    """A steward's browser, signed in, that stands nowhere yet."""
    sign_in(page, str(live_server), someone("Stella Steward"))
    return page


def test_a_group_is_merged_and_the_merge_undone_without_touching_the_mouse(desk: Page) -> None:
    first, second = twins(name="Acme Medical", newcomer=True)
    third, fourth = twins(name="Bolton Surgical")
    question(first, second, score=0.9)
    question(third, fourth, score=0.8)
    desk.goto("/")
    desk.keyboard.press("j")
    desk.keyboard.press("Enter")
    expect(desk.get_by_role("heading", level=1)).to_have_text("Are these two one supplier?")
    expect(desk.get_by_role("button", name=f"Merge 2 into {first.code}")).to_be_visible()
    desk.keyboard.press("m")
    expect(desk.locator(".toast")).to_contain_text(f"Merged Acme Medical ({second.code}) into Acme Medical.")
    expect(desk.locator("#grid")).to_contain_text("Bolton Surgical")
    assert reload(second.pk).merged_into_id == first.pk
    desk.keyboard.press("u")
    expect(desk.locator("#grid")).to_contain_text("Acme Medical")
    assert reload(second.pk).state == "pending"
    assert [made.verb for made in Decision.objects.order_by("decided_at")] == ["merge", "undo"]


def test_not_a_match_and_skip_lead_on_until_nothing_waits(desk: Page) -> None:
    one = question(*twins(name="Acme Medical"), score=0.9)
    two = question(*twins(name="Bolton Surgical"), score=0.8)
    desk.goto(f"/review/{one.pk}/")
    desk.keyboard.press("n")
    expect(desk).to_have_url(re.compile(f"/review/{two.pk}/"))
    expect(desk.locator("#grid")).to_contain_text("Bolton Surgical")
    desk.keyboard.press("s")
    expect(desk.get_by_text("Nothing waits for you")).to_be_visible()
    assert [made.verb for made in Decision.objects.order_by("decided_at")] == ["reject", "skip"]


def test_the_winner_and_the_members_are_chosen_by_key_and_the_golden_record_follows(desk: Page) -> None:
    first, second, third = twins(3, name="Acme Medical")
    waiting = question(first, second, third)
    desk.goto(f"/review/{waiting.pk}/")
    expect(desk.get_by_role("button", name=f"Merge 3 into {first.code}")).to_be_visible()
    desk.keyboard.press("2")
    expect(desk.get_by_role("button", name=f"Merge 3 into {second.code}")).to_be_visible()
    desk.keyboard.press("x")
    desk.keyboard.press("3")
    expect(desk.get_by_role("button", name=f"Merge 2 into {second.code}")).to_be_visible()
    expect(desk.locator("#impact")).to_contain_text("1 source record to " + second.code)
    desk.keyboard.press("m")
    expect(desk.locator(".toast")).to_be_visible()
    assert Merge.objects.get().winner_id == second.pk
    assert reload(third.pk).state == "active"
    expect(desk).to_have_url(re.compile(f"/review/{waiting.pk}/"))


def test_equal_rows_unfold_and_the_help_names_every_key(desk: Page) -> None:
    waiting = question(*twins())
    desk.goto(f"/review/{waiting.pk}/")
    name = desk.locator("#grid-body tr", has=desk.locator("th", has_text=re.compile("^Name[^s]")))
    expect(name).to_be_hidden()
    desk.keyboard.press("e")
    expect(name).to_be_visible()
    desk.keyboard.press("?")
    expect(desk.locator("#keys-dialog")).to_contain_text("Not a match")
    expect(desk.locator("#keys-dialog")).to_contain_text("Record 1 wins")


def test_a_stale_merge_shows_what_changed_and_the_case_as_it_is(browser: Browser, live_server: Any) -> None:
    # A window of its own: the browser writes a refused request (412) to its console, as it should.
    context = browser.new_context(viewport=DESKTOP, base_url=str(live_server))  # type: ignore[arg-type]
    desk = context.new_page()
    sign_in(desk, str(live_server), someone("Stella Steward"))
    first, second = twins()
    desk.goto(f"/review/{question(first, second).pk}/")
    contribute(record_id=second.pk, values={"name": "Acme Holdings"}, expected=1, cause=why("renamed"))
    desk.keyboard.press("m")
    expect(desk.get_by_role("alert")).to_contain_text("Somebody changed this while you were looking at it.")
    expect(desk.locator(".timeline")).to_contain_text("renamed")
    expect(desk.locator("#grid")).to_contain_text("Acme Holdings")
    assert not Merge.objects.exists()
    desk.keyboard.press("m")
    expect(desk.get_by_text("Nothing waits for you")).to_be_visible()
    assert Merge.objects.count() == 1
    context.close()


def test_forty_members_fit_a_phone(desk: Page) -> None:
    desk.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    waiting = question(*twins(40))
    desk.goto(f"/review/{waiting.pk}/")
    expect(desk.locator("#grid thead th")).to_have_count(41)
    assert desk.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    desk.goto("/")
    assert desk.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_everything_works_without_javascript(browser: Browser, live_server: Any) -> None:
    context = browser.new_context(java_script_enabled=False, base_url=str(live_server))
    desk = context.new_page()
    sign_in(desk, str(live_server), someone("Stella Steward"))
    first, second = twins()
    desk.goto(f"/review/{question(first, second).pk}/")
    desk.get_by_label("Wins").nth(1).check()
    desk.get_by_role("button", name=re.compile("^Merge 2")).click()
    expect(desk.locator(".toast")).to_contain_text("Merged Acme Medical")
    assert Merge.objects.get().winner_id == second.pk
    desk.get_by_role("button", name=re.compile("^Undo")).click()
    assert reload(first.pk).state == "active"
    context.close()
