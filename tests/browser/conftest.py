"""A real chromium on the running site. Whatever the browser complains about fails the test."""

import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

DESKTOP, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@pytest.fixture(scope="session")
def browser(chromium_path: str) -> Iterator[Browser]:
    """One browser for the run; every test gets a window of its own."""
    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=chromium_path, args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def page(browser: Browser, live_server: object) -> Iterator[Page]:
    """A fresh page; after the test nothing may stand in its console: no script error, no refused resource."""
    complaints: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            complaints.append(message.text)

    context = browser.new_context(viewport=DESKTOP, base_url=str(live_server))  # type: ignore[arg-type]
    fresh = context.new_page()
    fresh.on("console", listen)
    fresh.on("pageerror", lambda error: complaints.append(str(error)))
    under_way = watch(fresh)
    yield fresh
    # What the server still answers would hold tables that are emptied next.
    until = time.monotonic() + 10
    while under_way and time.monotonic() < until:
        fresh.wait_for_timeout(20)
    context.close()
    assert complaints == []


def watch(page: Page) -> set[Request]:
    """The requests of a page that are not answered yet, kept up to date."""
    under_way: set[Request] = set()

    def begun(request: Request) -> None:
        under_way.add(request)

    def ended(request: Request) -> None:
        under_way.discard(request)

    page.on("request", begun)
    page.on("requestfinished", ended)
    page.on("requestfailed", ended)
    return under_way
