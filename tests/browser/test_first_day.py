"""A hub nobody has sent a file to: every list teaches what will stand there and leads to the next step."""

from typing import Any

import pytest
from playwright.sync_api import Browser

from mdm.people import GROUPS
from tests.browser.conftest import DESKTOP, PHONE
from tests.browser.desk import sign_in
from tests.stewardship.questions import someone

pytestmark = pytest.mark.django_db(transaction=True)

LISTS = (
    "/", "/records/suppliers/", "/requests/", "/requests/?view=mine", "/merges/", "/imports/", "/quarantine/",
    "/feeds/", "/publishing/", "/lists/", "/audit/",
)  # fmt: skip
# What stands on the page itself: the drop zone of imports and lists, and the log's first line nobody can write.
HERE = ("/imports/", "/lists/", "/audit/")
FITS = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


def test_every_list_of_an_empty_hub_teaches_and_leads_on(browser: Browser, live_server: Any) -> None:
    context = browser.new_context(viewport=DESKTOP, base_url=str(live_server))  # type: ignore[arg-type]
    page = context.new_page()
    sign_in(page, str(live_server), someone("Ada First", *GROUPS))
    wrong = {}
    for address in LISTS:
        page.set_viewport_size(DESKTOP)  # type: ignore[arg-type]
        page.goto(address)
        empty = page.locator("main .empty")
        found = [] if empty.count() == 1 else [f"{empty.count()} empty states"]
        if not found and len(empty.locator(".empty__text").inner_text()) < 40:
            found.append("teaches nothing")
        if address not in HERE and not empty.locator("a.button").count():
            found.append("leads nowhere")
        page.set_viewport_size(PHONE)  # type: ignore[arg-type]
        if page.evaluate(FITS) > 0:
            found.append("moves sideways")
        wrong[address] = found
    context.close()
    assert {address: found for address, found in wrong.items() if found} == {}
