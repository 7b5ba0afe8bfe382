"""What goes wrong at a desk, in a real browser: the way back, no line, names nobody expects."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import Browser, Page, expect

from mdm.mastering import merge
from mdm.models import Merge
from stewardship.models import ChangeRequest, Decision
from stewardship.requests import propose
from tests.browser.conftest import DESKTOP, PHONE
from tests.browser.desk import sign_in
from tests.factories import reload, supplier, why
from tests.stewardship import sending
from tests.stewardship.questions import question, someone, twins

pytestmark = pytest.mark.django_db(transaction=True)

MARKUP = "<img src=x onerror=window.hit=1><script>window.hit=1</script>"
NAMES = {
    "unbroken": "Supercalifragilistic" * 10,
    "markup": f"{MARKUP} & \"Sons\" 'Ltd' </title></textarea>",
    "emoji": "\U0001f3e5\U0001f469\U0001f3fd\u200d\u2695\ufe0f " * 12,
    "right-to-left": "\u0645\u0633\u062a\u0634\u0641\u0649 \u202e\u05d1\u05d9\u05ea \u05d7\u05d5\u05dc\u05d9\u05dd "
    * 6,
}
FITS = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture
def desks(browser: Browser, live_server: Any) -> Iterator[Any]:
    """Opens a steward's browser; what refused requests leave in its console is part of these tests."""
    opened = []

    def sit_down(name: str) -> Page:
        context = browser.new_context(viewport=DESKTOP, base_url=str(live_server))  # type: ignore[arg-type]
        opened.append(context)
        page = context.new_page()
        sign_in(page, str(live_server), someone(name))
        return page

    yield sit_down
    for context in opened:
        context.close()


def test_back_after_a_decision_shows_it_decided_and_decides_nothing_again(desks: Any) -> None:
    first, second = twins(name="Acme Medical")
    asked = question(first, second, score=0.9)
    question(*twins(name="Bolton Surgical"), score=0.8)
    desk = desks("Stella Steward")
    desk.goto(f"/review/{asked.pk}/")
    desk.keyboard.press("m")
    expect(desk.locator("#grid")).to_contain_text("Bolton Surgical")
    desk.go_back()
    expect(desk.get_by_role("button", name=re.compile("^Merge"))).to_have_count(0)
    desk.keyboard.press("m")
    desk.wait_for_timeout(400)
    assert Decision.objects.count() == Merge.objects.count() == 1
    assert reload(second.pk).merged_into_id == first.pk


def test_what_another_steward_rejected_meanwhile_is_shown_and_not_merged(desks: Any) -> None:
    asked = question(*twins(name="Acme Medical"))
    stella, sam = desks("Stella Steward"), desks("Sam Steward")
    for desk in (stella, sam):
        desk.goto(f"/review/{asked.pk}/")
    stella.keyboard.press("n")
    expect(stella.get_by_text("Nothing waits for you")).to_be_visible()
    sam.keyboard.press("m")
    expect(sam.get_by_role("alert")).to_contain_text("Nothing was decided")
    expect(sam.locator("#main")).to_contain_text("Stella Steward")
    expect(sam.get_by_role("button", name=re.compile("^Merge"))).to_have_count(0)
    assert [made.verb for made in Decision.objects.all()] == ["reject"]


def test_back_after_a_proposal_shows_the_record_as_it_is_and_proposes_nothing_again(desks: Any) -> None:
    desk, record = desks("Stella Steward"), supplier("V1", "Acme")
    desk.goto(f"/records/suppliers/{record.code}/propose/")
    desk.get_by_label("Name", exact=True).fill("Acme Group")
    desk.get_by_label("Why").fill("seen the letter")
    desk.get_by_role("button", name="Propose").click()
    desk.wait_for_url("**/requests/**")
    desk.go_back()
    expect(desk.get_by_label("Name", exact=True)).to_have_value("Acme")
    desk.go_forward()
    expect(desk.locator("#main")).to_contain_text("Acme Group")
    assert ChangeRequest.objects.count() == 1


def test_a_reason_typed_before_the_session_ended_goes_with_the_decision(desks: Any) -> None:
    asked = question(*twins(name="Acme Medical"), score=0.9)
    desk = desks("Stella Steward")
    desk.goto(f"/review/{asked.pk}/")
    desk.get_by_label("Reason", exact=True).fill("same phone desk")
    Session.objects.all().delete()
    desk.get_by_role("button", name=re.compile("^Merge 2")).click()
    dialog = desk.get_by_role("dialog")
    dialog.get_by_label("Name").fill("stella")
    dialog.get_by_label("Password").fill("stella")
    dialog.get_by_role("button", name="Sign in").click()
    expect(desk.locator(".toast")).to_contain_text("Merged")
    assert Decision.objects.get().reason == "same phone desk"


def test_a_proposal_typed_without_a_line_stays_and_goes_off_when_it_is_back(desks: Any) -> None:
    desk, record = desks("Stella Steward"), supplier("V1", "Acme")
    desk.goto(f"/records/suppliers/{record.code}/propose/")
    desk.get_by_label("Name", exact=True).fill("Acme Group")
    desk.get_by_label("Why").fill("seen the letter")
    desk.context.set_offline(True)
    desk.get_by_role("button", name="Propose").click()
    expect(desk.locator(".toast")).to_contain_text("kept and is sent as soon as it does")
    expect(desk.get_by_label("Name", exact=True)).to_have_value("Acme Group")
    assert ChangeRequest.objects.count() == 0
    desk.context.set_offline(False)
    desk.wait_for_url("**/requests/**", timeout=20_000)
    assert ChangeRequest.objects.get().values == {"name": "Acme Group"}


def test_ten_thousand_pasted_characters_are_refused_aloud_and_stay_in_the_field(desks: Any) -> None:
    desk, record = desks("Stella Steward"), supplier("V1", "Acme")
    desk.goto(f"/records/suppliers/{record.code}/propose/")
    name = desk.get_by_label("Name", exact=True)
    name.focus()
    desk.keyboard.press("Control+A")
    desk.keyboard.insert_text("W" * 10_000)
    desk.get_by_label("Why").fill("seen the letter")
    desk.get_by_role("button", name="Propose").click()
    expect(desk.locator("#main")).to_contain_text("200 characters")
    assert len(name.input_value()) == 10_000
    assert not ChangeRequest.objects.exists()
    desk.set_viewport_size(PHONE)
    assert desk.evaluate(FITS) <= 0


def test_a_row_of_ten_thousand_characters_waits_in_quarantine_and_fits_a_phone(
    page: Page, live_server: Any, settings: Any, tmp_path: Path
) -> None:
    sending.in_folder(settings, tmp_path)
    name = f"{MARKUP}{'W' * 10_000}"
    batch = sending.arrived(sending.feed(), f"{sending.HEAD}V1,{name},,\nV2,Bolton Ltd,,\n")
    sign_in(page, str(live_server), someone("Stella Steward"))
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    row = batch.rows.get(state="quarantined")
    for address in ("/quarantine/", f"/quarantine/{row.pk}/", f"/imports/{batch.pk}/", "/?kind=quarantine"):
        page.goto(address)
        assert page.evaluate(FITS) <= 0, address
        assert page.evaluate("() => 'hit' in window") is False, address
    page.goto(f"/quarantine/{row.pk}/")
    expect(page.get_by_label("Name", exact=True)).to_have_value(name)


@pytest.mark.parametrize("kind", NAMES)
def test_a_strange_name_is_text_on_every_page_and_moves_none_sideways(page: Page, live_server: Any, kind: str) -> None:
    name = NAMES[kind]
    first, second, third, fourth = (supplier(f"{name[:40]}{number}", name) for number in range(4))
    asked = question(first, second)
    merge(winner_id=third.pk, loser_ids=[fourth.pk], expected={third.pk: 1, fourth.pk: 1}, cause=why(name))
    user = someone("Stella Steward")
    propose(record_id=first.pk, values={"name": f"{name[:199]}!"}, base_version=1, reason=name, user=user)
    sign_in(page, str(live_server), user)
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    code = third.code
    pages = (
        "/",
        f"/review/{asked.pk}/",
        f"/records/suppliers/{code}/",
        "/records/suppliers/",
        "/merges/",
        "/requests/",
    )
    wide, silent = {}, []
    for address in pages:
        page.goto(address)
        if (over := page.evaluate(FITS)) > 0:
            wide[address] = over
        assert page.evaluate("() => 'hit' in window") is False, address
        if name.split()[0] not in page.inner_text("main"):
            silent.append(address)
    assert (wide, silent) == ({}, [])


def test_a_reason_too_long_is_told_while_it_is_pasted_and_all_of_it_stays(desks: Any) -> None:
    asked = question(*twins(name="Acme Medical"), score=0.9)
    desk = desks("Stella Steward")
    desk.goto(f"/review/{asked.pk}/")
    reason = desk.get_by_label("Reason", exact=True)
    reason.focus()
    desk.keyboard.insert_text("w" * 612)
    assert len(reason.input_value()) == 612
    assert reason.evaluate("(field) => field.validationMessage") == "112 characters too many: at most 500."
    desk.get_by_role("button", name=re.compile("^Merge 2")).click()
    desk.wait_for_timeout(400)
    assert not Decision.objects.exists()
    assert len(reason.input_value()) == 612
    reason.fill("same phone desk")
    desk.get_by_role("button", name=re.compile("^Merge 2")).click()
    expect(desk.locator(".toast")).to_contain_text("Merged")


def test_without_scripts_a_reason_too_long_is_refused_aloud_and_stays(browser: Browser, live_server: Any) -> None:
    record, user = supplier("V1", "Acme"), someone("Dora Owner", "domain owner")
    asked = propose(record_id=record.pk, values={"name": "Acme!"}, base_version=1, reason="why", user=user)
    context = browser.new_context(java_script_enabled=False, base_url=str(live_server))
    page = context.new_page()
    sign_in(page, str(live_server), someone("Stella Steward"))
    page.goto(f"/requests/{asked.pk}/refuse/")
    page.get_by_label("Reason").fill("w" * 612)
    page.get_by_role("button", name="Refuse").click()
    expect(page.locator("#reason_error")).to_contain_text("612 characters are too many: at most 500 are kept.")
    assert len(page.get_by_label("Reason").input_value()) == 612
    context.close()
    assert ChangeRequest.objects.get().state == "open"
