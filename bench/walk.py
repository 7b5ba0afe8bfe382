"""Walking a hub as a person: from the first page along every link, one page of each kind, with a real browser.

Shared by ``bench.pages`` (a running hub) and ``tests/browser/test_access.py`` (the test's own).
"""

from collections.abc import Iterator, Sequence
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

from django.urls import Resolver404, resolve
from playwright.sync_api import Error

# WCAG 2.2 AA, with all it builds on.
STANDARDS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
GRAVE = ("serious", "critical")
MOST_PAGES = 200
# What a change of size or scheme does to a page; all else is the same in either.
LOOKS = ("color-contrast", "link-in-text-block", "scrollable-region-focusable", "target-size")
DRAWN = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done())))"
# Answers that are no page: documents for machines, and the way out.
NO_PAGE = ("/api/", "/static/", "/metrics", "/sign-out/")
# Addresses that differ in these parameters only are looked at once each: they change the page's shape.
SHAPES = ("view", "show", "state", "order")

LINKS = """() => [...document.querySelectorAll("a[href], [hx-get]")]
  .map((one) => one.getAttribute("href") ?? one.getAttribute("hx-get"))"""


def kind(address: str, shapes: Sequence[str] = SHAPES) -> str:
    """What tells one kind of page from another: the name of its address, and its tab."""
    parts = urlsplit(address)
    match = resolve(parts.path)
    if not match.view_name:
        return ""
    shape = sorted(one for one in parts.query.split("&") if one.partition("=")[0] in shapes)
    return "?".join((match.view_name, *shape))


def walk(page: Any, seeds: Sequence[str] = ("/",), shapes: Sequence[str] = SHAPES) -> Iterator[tuple[str, str, int]]:
    """(kind, address, answer) of one page of each kind; the browser stands on it when it is given."""
    seen: set[str] = set()
    waiting = list(seeds)
    while waiting and len(seen) < MOST_PAGES:
        address = waiting.pop(0)
        if any(part in address for part in NO_PAGE):
            continue
        try:
            name = kind(address, shapes)
        except Resolver404:
            continue
        if not name or name in seen:
            continue
        seen.add(name)
        try:
            answer = page.goto(address, wait_until="load")
        except Error as error:
            if "Download is starting" in error.message:
                continue
            raise
        if answer is None or "text/html" not in answer.headers.get("content-type", "text/html"):
            continue
        here = urlsplit(page.url)
        waiting += [link for text in page.evaluate(LINKS) if text and (link := _ours(text, here.path))]
        # A fragment has no head: it is looked at inside its page.
        if page.evaluate("() => document.title !== '' && document.querySelector('main') !== null"):
            yield name, address, answer.status


def _ours(link: str, here: str) -> str:
    if link.startswith("?"):
        return here + link
    return link if link.startswith("/") and not link.startswith("//") else ""


def put_axe_in(page: Any) -> None:
    """Loads axe-core into the present page; the package that brings it is a development dependency."""
    if not page.evaluate("() => 'axe' in window"):
        source = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
        page.evaluate(f"() => {{ {source}; window.axe = window.axe ?? axe; }}")


def barriers(page: Any, *, looks_only: bool = False) -> list[str]:
    """What axe-core finds serious or critical on the present page: rule, element, reason.

    ``looks_only`` leaves out what a look at the same page in another size or scheme has found.
    """
    put_axe_in(page)
    page.evaluate(DRAWN)
    chosen = {"type": "rule", "values": LOOKS} if looks_only else {"type": "tag", "values": STANDARDS}
    found = page.evaluate(
        "(chosen) => axe.run(document, {runOnly: chosen, resultTypes: ['violations'], elementRef: false})", chosen
    )
    return [
        f"{rule['id']}: {node['html'][:140]} ({' '.join(node['failureSummary'].split())[:220]})"
        for rule in found["violations"]
        if rule["impact"] in GRAVE
        for node in rule["nodes"]
    ]
