"""Double clicks, broken lines and ended sessions in a real browser: nothing is done twice, nothing typed is lost."""

from typing import Any

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from mdm.models import Merge
from stewardship.models import ChangeRequest, Decision
from tests.browser.conftest import DESKTOP
from tests.browser.desk import sign_in
from tests.factories import supplier
from tests.stewardship.questions import question, someone, twins

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def desk(browser: Browser, live_server: Any) -> Any:
    """A steward's browser; what it complains about is part of these tests."""
    context = browser.new_context(viewport=DESKTOP, base_url=str(live_server))  # type: ignore[arg-type]
    page = context.new_page()
    sign_in(page, str(live_server), someone("Stella Steward"))
    yield page
    context.close()


def fill(page: Page, code: str) -> None:
    page.goto(f"/records/suppliers/{code}/propose/")
    page.get_by_label("Name", exact=True).fill("Acme Group")
    page.get_by_label("Why").fill("seen the letter")


def end_session() -> None:
    Session.objects.all().delete()


def test_a_double_click_proposes_once(desk: Page) -> None:
    fill(desk, supplier("V1", "Acme").code)
    desk.get_by_role("button", name="Propose").dblclick()
    desk.wait_for_url("**/requests/**")
    assert ChangeRequest.objects.count() == 1


def test_a_double_click_on_a_decision_decides_one_case(desk: Page) -> None:
    question(*twins(name="Acme Medical"), score=0.9)
    question(*twins(name="Bolton Surgical"), score=0.8)
    desk.goto("/")
    desk.keyboard.press("j")
    desk.keyboard.press("Enter")
    desk.get_by_role("button", name="Merge 2 into").dblclick()
    expect(desk.locator("#grid")).to_contain_text("Bolton Surgical")
    desk.wait_for_timeout(600)
    assert Decision.objects.count() == 1
    assert Merge.objects.count() == 1


def test_what_was_typed_after_the_session_ended_is_sent_after_signing_in(desk: Page) -> None:
    desk.context.clear_cookies()
    desk.goto("/sign-in/")
    desk.get_by_label("Name").fill("stella")
    desk.get_by_label("Password").fill("stella")
    desk.get_by_role("button", name="Sign in").click()
    fill(desk, supplier("V1", "Acme").code)
    end_session()
    desk.get_by_role("button", name="Propose").click()
    expect(desk.get_by_text("What you typed is kept")).to_be_visible()
    desk.get_by_label("Name").fill("stella")
    desk.get_by_label("Password").fill("stella")
    desk.get_by_role("button", name="Sign in").click()
    desk.wait_for_url("**/requests/**")
    assert ChangeRequest.objects.get().values == {"name": "Acme Group"}


def test_a_decision_after_the_session_ended_asks_for_the_password_where_it_is(desk: Page) -> None:
    asked = question(*twins(name="Acme Medical"), score=0.9)
    desk.goto(f"/review/{asked.pk}/")
    end_session()
    desk.keyboard.press("m")
    dialog = desk.get_by_role("dialog")
    expect(dialog).to_contain_text("Your session has ended")
    dialog.get_by_label("Name").fill("stella")
    dialog.get_by_label("Password").fill("wrong")
    dialog.get_by_role("button", name="Sign in").click()
    expect(dialog).to_contain_text("do not go together")
    dialog.get_by_label("Password").fill("stella")
    dialog.get_by_role("button", name="Sign in").click()
    expect(desk.locator(".toast")).to_contain_text("Merged")
    assert Decision.objects.count() == 1


def test_a_broken_line_is_told_and_the_decision_goes_off_when_it_is_back(desk: Page) -> None:
    asked = question(*twins(name="Acme Medical"), score=0.9)
    question(*twins(name="Bolton Surgical"), score=0.8)
    desk.goto(f"/review/{asked.pk}/")
    context: BrowserContext = desk.context
    context.set_offline(True)
    desk.keyboard.press("m")
    expect(desk.locator(".toast")).to_contain_text("kept and is sent as soon as it does")
    assert Decision.objects.count() == 0
    context.set_offline(False)
    expect(desk.locator(".toast", has_text="connection is back")).to_be_visible(timeout=20_000)
    assert Decision.objects.count() == 1


def test_an_answer_that_is_lost_on_its_way_is_asked_for_again_and_nothing_is_done_twice(desk: Page) -> None:
    first = question(*twins(name="Acme Medical"), score=0.9)
    question(*twins(name="Bolton Surgical"), score=0.8)
    lost: list[str] = []

    def lose(route: Route) -> None:
        if lost:
            route.continue_()
            return
        route.fetch()  # carried out
        lost.append(route.request.url)
        route.abort("connectionreset")

    desk.goto(f"/review/{first.pk}/")
    desk.route("**/merge/**", lose)
    desk.keyboard.press("m")
    expect(desk.locator(".toast")).to_contain_text("The server does not answer")
    desk.wait_for_timeout(3000)
    assert lost
    assert Decision.objects.count() == 1
    assert Merge.objects.count() == 1


def test_a_held_key_decides_one_case(desk: Page) -> None:
    one = question(*twins(name="Acme Medical"), score=0.9)
    question(*twins(name="Bolton Surgical"), score=0.8)
    desk.goto(f"/review/{one.pk}/")
    for _ in range(5):  # without a release in between the browser says "repeat"
        desk.keyboard.down("n")
        desk.wait_for_timeout(300)
    desk.keyboard.up("n")
    expect(desk.locator("#grid")).to_contain_text("Bolton Surgical")
    assert Decision.objects.count() == 1


def test_in_another_tab_signed_in_anew_the_old_page_still_sends(desk: Page) -> None:
    fill(desk, supplier("V1", "Acme").code)
    other = desk.context.new_page()
    desk.context.clear_cookies()
    other.goto("/sign-in/")
    other.get_by_label("Name").fill("stella")
    other.get_by_label("Password").fill("stella")
    other.get_by_role("button", name="Sign in").click()
    other.wait_for_url("**/")
    desk.get_by_role("button", name="Propose").click()
    desk.wait_for_url("**/requests/**")
    assert ChangeRequest.objects.count() == 1
