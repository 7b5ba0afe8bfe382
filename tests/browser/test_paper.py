"""On paper: the record, the review and the audit stand there whole, in the light scheme, with nothing to press."""

from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.desk import sign_in
from tests.factories import golden, publish, source
from tests.stewardship.questions import question, someone, twins

pytestmark = pytest.mark.django_db(transaction=True)

# The width of A4 between its margins, upright.
SHEET = {"width": 703, "height": 990}
LONG = "Interdisciplinary Orthopaedics and Rehabilitation Supplies of the Greater Northern Valley Incorporated " * 3
CUT = """() => [...document.querySelectorAll("main, main *")].filter((one) => {
  const style = getComputedStyle(one);
  return one.getClientRects().length && style.overflow !== "visible" && !one.closest("svg, .visually-hidden")
    && (one.scrollWidth > one.clientWidth + 1 || one.scrollHeight > one.clientHeight + 1);
}).map((one) => one.outerHTML.slice(0, 120))"""
PRESSED = """() => [...document.querySelectorAll("button, .button, .sidebar, .topbar, .tabs, .pager, .decision-bar")]
  .filter((one) => one.getClientRects().length).map((one) => one.outerHTML.slice(0, 120))"""
INK = "() => getComputedStyle(document.body).color"
WIDER = "() => document.documentElement.scrollWidth - window.innerWidth"


@pytest.mark.parametrize("which", ["record", "review", "audit"])
def test_what_is_printed_is_whole_light_and_holds_nothing_to_press(page: Page, live_server: Any, which: str) -> None:
    record = golden(source("erp", "supplier", "V1", name=LONG[:190], phone="+15550100200", currency="USD"))
    asked = question(*twins(4, name=LONG[:150]))
    publish()
    addresses = {"record": f"/records/suppliers/{record.code}/", "review": f"/review/{asked.pk}/", "audit": "/audit/"}
    sign_in(page, str(live_server), someone("Stella Steward"))
    page.goto(addresses[which])
    page.emulate_media(media="print", color_scheme="dark")
    page.set_viewport_size({"width": 1040, "height": 700} if which == "review" else SHEET)  # type: ignore[arg-type]
    assert page.evaluate(INK) == "rgb(20, 32, 27)"
    assert page.evaluate(PRESSED) == []
    assert page.evaluate(CUT) == []
    assert page.evaluate(WIDER) <= 0
