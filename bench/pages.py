"""What every page costs and whether everybody can use it: `python -m bench.pages [URL] [--people steward,viewer]`.

Walks a running hub (http://localhost:8800 unless said otherwise; people and password of the demo) with a real Chromium,
one page of each kind, and prints a line per page: requests, kB of scripts and styles, first paint, layout shift and
elements, then what breaks a limit: small tap targets, focus that cannot be seen, sideways movement and barriers found
by axe-core, at 1440 and 390 pixels, in light and dark. The limits stand below; the exit code says whether all held.
"""

import argparse
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import django
from playwright.sync_api import sync_playwright

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mdm.settings")
os.environ.setdefault("SECRET_KEY", "only-for-the-benchmark")
django.setup()

from bench.walk import barriers, walk  # noqa: E402  # Django must be set up first

PASSWORD = os.environ.get("ASSAY_DEMO_PASSWORD", "assay-demo")
PEOPLE = ("owner", "steward", "viewer", "auditor", "admin")
SCRIPTS_KB, STYLES_KB, SHIFT, ELEMENTS, PAINT_MS, SMALLEST = 150, 150, 0.0, 4000, 1500, 24
SIZES = {"wide": (1440, 900), "phone": (390, 844)}

WATCH = """
window.__shift = 0;
new PerformanceObserver((list) => {
  for (const one of list.getEntries()) if (!one.hadRecentInput) window.__shift += one.value;
}).observe({type: "layout-shift", buffered: true});
"""
MEASURE = """() => {
  const loaded = performance.getEntriesByType("resource");
  const ends = (ending) => loaded.filter((one) => new URL(one.name).pathname.endsWith(ending));
  const size = (ending) => ends(ending).reduce((sum, one) => sum + one.decodedBodySize, 0) / 1000;
  const paint = performance.getEntriesByName("first-contentful-paint")[0];
  return {requests: loaded.length + 1, scripts: size(".js"), styles: size(".css"), paint: paint?.startTime ?? 0,
    shift: window.__shift, elements: document.getElementsByTagName("*").length};
}"""
SIDEWAYS = "() => document.documentElement.scrollWidth - window.innerWidth"
# A target may be small where it stands in a line of text, or where nothing else is within reach of a finger.
SMALL = """(least) => {
  const all = [...document.querySelectorAll("button, a.button, input:not([type=hidden]), select, summary")];
  return all.filter((one) => {
    const box = one.getBoundingClientRect();
    if (!box.width || !box.height || one.closest(".visually-hidden") || one.matches("label input")) return false;
    return box.width < least || box.height < least;
  }).map((one) => one.outerHTML.slice(0, 80));
}"""
FOCUS = """() => {
  const one = document.activeElement;
  if (!one || one === document.body) return "";
  const style = getComputedStyle(one), near = one.closest("[data-row]");
  const seen = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0 || style.boxShadow !== "none"
    || style.textDecorationLine === "underline" || near && getComputedStyle(near).boxShadow !== "none";
  return seen ? "" : one.outerHTML.slice(0, 90);
}"""


@dataclass
class Seen:
    """One page as one person saw it."""

    person: str
    name: str
    address: str
    code: int
    figures: dict[str, float]
    wrong: list[str] = field(default_factory=list)


def look(page: Any, person: str, name: str, address: str, code: int) -> Seen:
    """Everything measured about the page the browser stands on."""
    page.wait_for_timeout(150)
    seen = Seen(person, name, address, code, page.evaluate(MEASURE))
    figures = seen.figures
    for what, limit in (("scripts", SCRIPTS_KB), ("styles", STYLES_KB), ("elements", ELEMENTS), ("paint", PAINT_MS)):
        if figures[what] > limit:
            seen.wrong.append(f"{what} {figures[what]:.0f} above {limit}")
    if round(figures["shift"], 3) > SHIFT:
        seen.wrong.append(f"layout shift {figures['shift']:.3f}")
    for size, (width, height) in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        if (over := page.evaluate(SIDEWAYS)) > 0:
            seen.wrong.append(f"{size}: moves sideways by {over} px")
        seen.wrong += [f"{size}: tap target below {SMALLEST} px: {one}" for one in page.evaluate(SMALL, SMALLEST)]
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            again = (size, scheme) != ("wide", "light")
            seen.wrong += [f"{size} {scheme}: {one}" for one in barriers(page, looks_only=again)]
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1440, "height": 900})
    for _ in range(12):
        page.keyboard.press("Tab")
        if hidden := page.evaluate(FOCUS):
            seen.wrong.append(f"focus cannot be seen: {hidden}")
    return seen


def visit(browser: Any, base: str, person: str) -> Iterator[Seen]:
    """Every kind of page this person reaches."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, base_url=base, reduced_motion="reduce")
    context.add_init_script(WATCH)
    page = context.new_page()
    page.goto("/sign-in/")
    if person == PEOPLE[0]:
        yield look(page, person, "sign-in", "/sign-in/", 200)
    page.get_by_label("Name").fill(person)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.locator("input[type=password]").wait_for(state="detached")
    for found in walk(page):
        yield look(page, person, *found)
    context.close()


def main() -> int:
    """Walk, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", nargs="?", default="http://localhost:8800")
    parser.add_argument("--people", default=",".join(PEOPLE))
    parser.add_argument("--chromium", default=os.environ.get("CHROMIUM", "/usr/bin/chromium"))
    given = parser.parse_args()
    bad = 0
    print("person   requests  JS kB  CSS kB  paint ms  shift  elements  code  page")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=given.chromium, args=["--no-sandbox", "--disable-gpu"])
        for person in given.people.split(","):
            for seen in visit(browser, given.url, person):
                one = seen.figures
                print(
                    f"{person:8} {one['requests']:8.0f} {one['scripts']:6.0f} {one['styles']:7.0f} {one['paint']:9.0f} "
                    f"{one['shift']:6.3f} {one['elements']:9.0f} {seen.code:5}  {seen.name} {seen.address}",
                    flush=True,
                )
                for line in dict.fromkeys(seen.wrong):
                    bad += 1
                    print(f"         ! {line}", flush=True)
        browser.close()
    print(f"{bad} limits broken" if bad else "every limit kept")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
