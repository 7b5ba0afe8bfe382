"""Everybody can use every page: one of each kind, in light and dark, on a desk and on a phone.

axe-core finds no serious barrier, the console stays silent, a phone's page does not move sideways, and a page has
one heading that says what it is. A new address is found by its own: it is walked, or it stands below with a reason.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from bench.walk import barriers, kind, walk
from mdm.models import GoldenRecord
from tests.browser.conftest import DESKTOP, PHONE
from tests.browser.desk import sign_in
from tests.browser.furnished import furnish
from tests.publishing.conftest import outbox as outbox
from tests.publishing.conftest import target as target
from tests.publishing.making import Target
from tests.stewardship import sending
from tests.stewardship.pages import client_of
from tests.stewardship.test_audit_role import addresses

pytestmark = pytest.mark.django_db(transaction=True)

# Addresses that are no page of their own: files, and what a page asks for while it stands there.
FILES = {
    "metrics", "publishing:file_download", "stewardship:audit_csv", "stewardship:audit_json",
    "stewardship:draft_rejected", "stewardship:favicon", "stewardship:feed_document",
    "stewardship:list_file", "stewardship:mended_csv",
    "stewardship:batches_seen", "stewardship:merges_seen", "stewardship:quarantine_csv", "stewardship:queue_seen",
    "stewardship:records_csv", "stewardship:records_seen", "stewardship:requests_seen",
}  # fmt: skip
FRAGMENTS = {
    "publishing:comparison", "publishing:find", "publishing:record_deliveries", "publishing:replay_count",
    "publishing:sides", "stewardship:audit_proof", "stewardship:batch_line", "stewardship:batch_progress",
    "stewardship:check_value", "stewardship:choose", "stewardship:create_alike", "stewardship:edit_field",
    "stewardship:filter_value", "stewardship:record_part", "stewardship:review_claim", "stewardship:rule_trial",
    "stewardship:queue_counts", "stewardship:suggestions",
}  # fmt: skip
HEADINGS = "() => document.querySelectorAll('h1').length"
FITS = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture
def inbox(settings: Any, tmp_path: Path) -> Path:
    """A watched folder, and one for what arrives."""
    sending.in_folder(settings, tmp_path)
    settings.WATCH_FOLDER, settings.ALLOWED_NETWORKS = tmp_path / "inbox", ["127.0.0.0/8"]
    (tmp_path / "inbox" / "erp").mkdir(parents=True)
    return tmp_path / "inbox" / "erp"


def wrong_with(page: Page, console: list[str]) -> Iterator[str]:
    """What keeps somebody from using the page the browser stands on."""
    if (number := page.evaluate(HEADINGS)) != 1:
        yield f"{number} main headings"
    yield from (f"light: {one}" for one in barriers(page))
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    page.emulate_media(color_scheme="dark")
    if (over := page.evaluate(FITS)) > 1:  # a broken pixel is counted whole
        yield f"phone: moves sideways by {over} px"
    yield from (f"phone, dark: {one}" for one in barriers(page, looks_only=True))
    page.set_viewport_size(DESKTOP)  # type: ignore[arg-type]
    page.emulate_media(color_scheme="light")
    yield from (f"console: {one}" for one in console)
    console.clear()


def test_everybody_can_use_every_page(
    browser: Browser, live_server: Any, target: Target, outbox: Path, inbox: Path
) -> None:
    ada, seeds = furnish(target, outbox, inbox)
    context = browser.new_context(viewport=DESKTOP, base_url=str(live_server), reduced_motion="reduce")  # type: ignore[arg-type]
    page, console = context.new_page(), list[str]()
    page.on("console", lambda said: console.append(said.text) if said.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: console.append(str(error)))
    page.goto("/sign-in/")
    wrong, seen = {"/sign-in/": list(wrong_with(page, console))}, {"stewardship:sign_in"}
    sign_in(page, str(live_server), ada)
    for name, address, code in walk(page, seeds, shapes=()):
        seen.add(name)
        wrong[address] = [*wrong_with(page, console), *([f"answers {code}"] if code != 200 else [])]
    context.close()
    left = [one for one in addresses(GoldenRecord.objects.first()) if kind(one, ()) not in seen | FILES | FRAGMENTS]
    client = client_of(ada)
    wrong |= {one: ["neither walked nor named above"] for one in left if client.get(one).status_code != 405}
    assert {address: found for address, found in wrong.items() if found} == {}
