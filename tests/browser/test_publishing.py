"""Publishing in a real browser: an integrator sets a system up, a steward clears what it refused, a viewer looks on."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from publishing import verbs
from publishing.models import Delivery, Endpoint
from tests.browser.conftest import PHONE
from tests.browser.test_review import sign_in
from tests.publishing.making import OWNER, Answer, Target, rename, run, states, suppliers, webhook
from tests.stewardship.questions import someone

pytestmark = pytest.mark.django_db(transaction=True)
REFUSAL = Answer(422, body=b'{"detail": "no tax id"}')


@pytest.fixture
def target() -> Iterator[Target]:
    with Target() as listening:
        yield listening


@pytest.fixture
def desk(page: Page, live_server: Any) -> Page:
    """A steward's browser."""
    sign_in(page, str(live_server), someone("Stella Steward"))
    return page


def test_an_integrator_sets_a_system_up_maps_it_tries_it_and_lets_it_go_live(
    page: Page, live_server: Any, target: Target
) -> None:
    [record] = suppliers(1)
    sign_in(page, str(live_server), someone("Olga Owner", "domain owner"))
    page.goto("/publishing/")
    page.get_by_role("link", name="Set up the first endpoint").click()
    page.get_by_label("REST push").check()
    page.get_by_label("Name", exact=True).fill("Depot")
    page.get_by_label("Code", exact=True).fill("depot")
    page.get_by_label("Address", exact=True).fill(target.url)
    page.get_by_label("Signs in by").select_option("bearer")
    page.get_by_label("Token, password or client secret").fill("token-of-the-depot")
    expect(page.get_by_label("Address that gives the token")).to_be_hidden()
    page.get_by_label("Suppliers").first.check()
    page.get_by_role("button", name="Set it up").click()
    expect(page.get_by_role("heading", name="Waiting to be verified")).to_be_visible()

    page.get_by_role("link", name="Mapping").click()
    expect(page.locator("#preview")).to_contain_text(f'"title": "{record.title}"')
    row = page.locator("[data-rows-row]").first
    row.get_by_label("Field of the target").fill("VendorName")
    row.get_by_label("From", exact=True).fill("attributes.name")
    expect(page.locator("#preview")).to_contain_text(f'"VendorName": "{record.title}"')
    assert target.calls == []
    page.get_by_role("button", name="Another field").click()
    page.get_by_label("Field of the target").last.fill("VendorId")
    page.get_by_label("From", exact=True).last.fill("code")
    expect(page.locator("#preview")).to_contain_text(f'"VendorId": "{record.code}"')
    page.get_by_role("button", name="Save the mapping").click()
    expect(page.locator(".toast")).to_contain_text("The mapping is saved")
    page.get_by_role("button", name="Send it as a test").click()
    expect(page.locator("#tested")).to_contain_text("HTTP 200")
    assert target.calls[-1].headers["webhook-test"] == "1"
    assert target.calls[-1].json["VendorName"] == record.title

    page.get_by_role("button", name="Verify and go live").click()
    expect(page.locator("#state-badge")).to_have_text("Active")
    endpoint = Endpoint.objects.get()
    run(endpoint)
    assert target.calls[-1].json == {"VendorName": record.title, "VendorId": record.code}
    expect(page.locator("#live")).to_contain_text("Taken", timeout=10_000)


def test_a_steward_ticks_dead_letters_by_key_and_releases_them(desk: Page, target: Target) -> None:
    suppliers(4)
    endpoint = webhook(target.url, retry_seconds=())
    target.answer = REFUSAL
    run(endpoint)
    desk.goto("/publishing/dead-letters/")
    desk.keyboard.press("j")
    desk.keyboard.press("x")
    desk.keyboard.press("j")
    desk.keyboard.press("j")
    desk.keyboard.press("Shift+X")
    expect(desk.locator("[data-pick-count]")).to_have_text("3")
    desk.get_by_label("Reason", exact=True).last.fill("mended there")
    desk.get_by_role("button", name="Release").click()
    expect(desk.locator(".toast")).to_contain_text("3 records are offered again")
    assert states(endpoint) == ["waiting", "waiting", "waiting", "parked"]
    target.answer = Answer()
    run(endpoint)
    desk.keyboard.press("j")
    desk.keyboard.press("Enter")
    expect(desk.get_by_role("heading", level=1)).to_have_text(re.compile("Company"))
    desk.get_by_role("button", name="Skip").click()
    desk.get_by_role("dialog").get_by_label("Reason").fill("not theirs")
    desk.get_by_role("dialog").get_by_role("button", name="Skip").click()
    expect(desk.locator(".toast")).to_contain_text("It is skipped")
    assert set(states(endpoint)) == {"delivered", "skipped"}


def test_a_replay_is_started_from_the_page_with_its_count(desk: Page, target: Target) -> None:
    suppliers(3)
    endpoint = webhook(target.url)
    run(endpoint)
    desk.goto("/publishing/hook/replays/")
    expect(desk.locator("#replay-count")).to_contain_text("Nothing would be sent")
    expect(desk.get_by_label("From number")).to_be_hidden()
    desk.get_by_label("A range of the log").check()
    desk.get_by_label("From number").fill("2")
    expect(desk.locator("#replay-count")).to_contain_text("At most 2 messages")
    desk.get_by_role("textbox", name="Reason").fill("lost there")
    desk.get_by_role("button", name="Send again").click()
    expect(desk.locator(".toast")).to_contain_text("The replay begins")
    run(endpoint)
    assert len(target.calls) == 5
    assert target.calls[-1].headers["webhook-replay"]
    expect(desk.locator("#replays")).to_contain_text("2 delivered", timeout=10_000)


def test_resuming_asks_where_to_go_on_and_a_refresh_eats_nothing_typed(desk: Page, target: Target) -> None:
    [record, _] = suppliers(2)
    endpoint = webhook(target.url)
    verbs.pause(endpoint=endpoint, by=OWNER, reason="month end")
    rename(record, "Second Ltd")
    desk.goto("/publishing/hook/")
    desk.get_by_role("button", name="Resume").click()
    dialog = desk.get_by_role("dialog")
    expect(dialog).to_contain_text("Sends 3 messages")
    dialog.get_by_label("Tell each record once").check()
    dialog.get_by_label("Reason").fill("they restored")
    with desk.expect_response(re.compile("/publishing/hook/")):
        pass
    desk.wait_for_timeout(200)
    expect(dialog.get_by_label("Reason")).to_have_value("they restored")
    expect(dialog.get_by_label("Tell each record once")).to_be_checked()
    dialog.get_by_role("button", name="Resume").click()
    expect(desk.locator("#state-badge")).to_have_text("Active")
    run(endpoint)
    assert target.versions(record) == [2]
    assert len(target.calls) == 2


def test_a_viewer_sees_everything_and_can_do_nothing(page: Page, live_server: Any, target: Target) -> None:
    [record] = suppliers(1)
    endpoint = webhook(target.url, retry_seconds=())
    target.answer = REFUSAL
    run(endpoint)
    sign_in(page, str(live_server), someone("Vera Viewer", "viewer"))
    parked = Delivery.objects.get()
    for path in ("", "dead-letters/", "hook/", "hook/parked/", "hook/calls/", "hook/replays/", "hook/mapping/",
                 "hook/settings/", "hook/history/", f"deliveries/{parked.pk}/"):  # fmt: skip
        page.goto("/publishing/" + path)
        expect(page.locator("main")).to_contain_text(re.compile("Hook|Dead letters"))
        names = "Release|Skip|Send again|Pause|Disable|Verify|Resume|Save|Cancel|New endpoint|Change|New secret"
        acts = page.locator("main").get_by_role("button", name=re.compile(names))
        assert acts.count() == 0, path
    page.goto(f"/records/suppliers/{record.code}/deliveries/")
    expect(page.locator("main")).to_contain_text("no tax id")
    assert page.locator("main").get_by_role("button", name="Send again").count() == 0


def test_calls_are_unfolded_by_key_and_nothing_stands_within_what_unfolds(desk: Page, target: Target) -> None:
    suppliers(2)
    endpoint = webhook(target.url, retry_seconds=())
    target.answer = REFUSAL
    run(endpoint)
    desk.goto("/publishing/hook/calls/?result=failed")
    calls = desk.locator("details.call")
    assert desk.locator("summary :is(a, button)").count() == 0
    desk.keyboard.press("j")
    desk.keyboard.press("j")
    expect(calls.nth(1).locator("summary")).to_be_focused()
    desk.keyboard.press("Enter")
    expect(calls.nth(1)).to_contain_text("no tax id")
    desk.keyboard.press("Tab")
    calls.nth(1).get_by_role("link", name="see the delivery").click()
    expect(desk.locator("main h1")).to_be_visible()


def test_where_a_record_is_stands_on_its_page_and_it_is_sent_again_from_there(desk: Page, target: Target) -> None:
    [record] = suppliers(1)
    endpoint = webhook(target.url)
    run(endpoint)
    desk.goto(f"/records/suppliers/{record.code}/deliveries/")
    expect(desk.locator("main")).to_contain_text("V-1")
    desk.get_by_role("button", name="Send again to Hook").click()
    expect(desk.locator(".toast")).to_contain_text("It is sent again")
    run(endpoint)
    assert len(target.calls) == 2
    assert target.calls[0].body == target.calls[1].body


@pytest.mark.parametrize(
    "path", ["", "dead-letters/", "new/", "hook/", "hook/calls/", "hook/mapping/", "hook/replays/"]
)
def test_pages_fit_a_phone(page: Page, live_server: Any, target: Target, path: str) -> None:
    suppliers(2)
    endpoint = webhook(target.url, retry_seconds=(), mapping={"supplier": [{"to": "Name", "from": "attributes.name"}]})
    target.answer = REFUSAL
    run(endpoint)
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    sign_in(page, str(live_server), someone("Olga Owner", "domain owner"))
    page.goto("/publishing/" + path)
    page.wait_for_load_state("networkidle")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_the_open_tab_is_in_sight_on_a_phone(page: Page, live_server: Any, target: Target) -> None:
    webhook(target.url)
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    sign_in(page, str(live_server), someone("Olga Owner", "domain owner"))
    page.goto("/publishing/hook/history/")
    tab = page.locator(".tabs [aria-current]")
    expect(tab).to_be_in_viewport(ratio=1)
