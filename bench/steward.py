"""A steward at work over many records: `python -m bench.steward [RECORDS] [--pace SECONDS] [--pairs N]`.

Needs DATABASE_URL of a superuser; works in the database of ``bench.lists`` (its suppliers, made by mastering) and adds
questions about pairs from two further systems and one about 300 records. The web server is the
one an installation runs, the browser a real Chromium, the steward a script that knows nothing but keys: each pair is
looked at for PACE seconds, then joined or told apart by its name. Prints what the server took for opening and for
deciding, what a person waited from key to next question, the group of 300, scripts and layout shift, and what the
database says was decided. The exit code says whether every limit below was kept. KEEP=1 leaves the database.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.request import urlopen

import psycopg
from playwright.sync_api import Page, Response, expect, sync_playwright

from bench import lists

NAME = "stella"  # (lists has set up Django, on the database of the bench)

from django.contrib.auth.models import Group, User  # noqa: E402  # Django must be set up first
from django.db import connection  # noqa: E402
from django.utils import timezone  # noqa: E402

from bench.chaos.crew import free_port  # noqa: E402
from bench.pages import WATCH  # noqa: E402
from matching.models import CandidateMember, CandidateState, MatchCandidate  # noqa: E402
from mdm import canonical  # noqa: E402
from mdm.domains import BY_NAME  # noqa: E402
from mdm.mastering import HUB, Cause, NewRecord, create  # noqa: E402
from mdm.models import GoldenRecord, Merge, SourceRecord, SourceSystem  # noqa: E402
from mdm.people import STEWARD  # noqa: E402
from ops import programs  # noqa: E402
from stewardship.models import Decision  # noqa: E402
from tests.stewardship.questions import question  # noqa: E402

if TYPE_CHECKING:
    from django.db.models import QuerySet

SUPPLIER, CAUSE = BY_NAME["supplier"], Cause(by=HUB, reason="Bench")
LARGE, MANY, OTHER = 300, "Many records, for the bench.", "Orthotics"
# milliseconds, seconds, kB, shift: what the figures are held against
MEDIAN_MS, P95_MS, GROUP_MS, WALL_S, SCRIPTS_KB, SHIFT = 60, 150, 1000, 600, 150, 0.0
PASSWORD = "steward-of-the-bench"  # noqa: S105 (of a database made for the bench)
PLACES = ("Phoenix", "Tucson", "Mesa", "Tempe", "Chandler")
HANDS_OFF = """
window.__mouse = 0;
for (const kind of ["mousedown", "mousemove", "pointerdown", "touchstart", "wheel"])
  addEventListener(kind, () => { window.__mouse += 1; }, true);
"""
SIZE = """() => performance.getEntriesByType("resource")
  .filter((one) => new URL(one.name).pathname.endsWith(".js"))
  .reduce((sum, one) => sum + one.decodedBodySize, 0) / 1000"""


@dataclass
class Seen:
    """Milliseconds, as they were measured."""

    opened: list[float] = field(default_factory=list)
    decided: list[float] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)
    shift: float = 0.0
    mouse: int = 0


def prepare(records: int, pairs: int) -> None:
    """Many suppliers, so many questions of two newcomers each, and a steward."""
    lists.fill(records)
    for code in ("left", "right"):
        SourceSystem.objects.get_or_create(code=code, defaults={"name": f"System {code}"})
    known = SourceRecord.objects.filter(system__code="left").count()
    for number in range(known, known + pairs - waiting().count()):
        pair(number)
    person, _ = User.objects.get_or_create(username=NAME, defaults={"first_name": "Stella"})
    person.set_password(PASSWORD)
    person.save()
    person.groups.add(Group.objects.get_or_create(name=STEWARD)[0])
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as server:
        server.execute("VACUUM ANALYZE")


def large() -> int:
    """The question about LARGE records; it comes last, as it would be the first of the queue."""
    many = MatchCandidate.objects.create(
        domain="supplier", kind="resemblance", score=0.6, sentence=MANY, created_at=timezone.now()
    )
    held = GoldenRecord.objects.filter(domain="supplier", state="active").order_by("code")[:LARGE]
    CandidateMember.objects.bulk_create([CandidateMember(candidate=many, record=record) for record in held])
    return many.pk


def waiting() -> "QuerySet[MatchCandidate]":
    """The prepared questions nobody has decided yet."""
    return MatchCandidate.objects.filter(state=CandidateState.OPEN).exclude(sentence=MANY)


def pair(number: int) -> None:
    """A question about two records a person sees through at once: one firm written twice or, every fourth time, two."""
    word = f"{lists.WORDS[number % len(lists.WORDS)]}{chr(97 + number // 26 % 26)}{chr(97 + number % 26)}"
    names = (f"{word} Therapeutics Inc", f"{word} {OTHER if number % 4 == 3 else 'Therapeutic'} LLC")
    now = timezone.now()
    made = []
    for code, name, street in zip(("left", "right"), names, ("12 Main St", "12 Main Street"), strict=True):
        values = {"name": name, "phone": f"+1602{5550000 + number:07d}"}
        address = {"role": "order", "line1": street, "city": PLACES[number % len(PLACES)], "country": "US"}
        parts = {"addresses": [address]}
        source = SourceRecord.objects.create(
            system=SourceSystem.objects.get(code=code), domain="supplier", key=f"P{number}", values=values, parts=parts,
            as_of=now, first_seen_at=now, last_seen_at=now, content_hash=canonical.digest([values, parts]),
        )  # fmt: skip
        made += create(domain=SUPPLIER, records=[NewRecord((source.pk,))], cause=CAUSE)
    question(*GoldenRecord.objects.filter(pk__in=made), score=0.9)


@contextmanager
def served() -> Iterator[str]:
    """The web server of an installation on the bench's database; its address."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        around = {**os.environ, "ASSAY_DATA_DIR": folder, "ASSAY_DEBUG": "0"}
        around.pop("ASSAY_HASHED_STATIC", None)
        subprocess.run(programs.collect_static(), env=around, check=True)
        web = next(one for one in programs.lasting("127.0.0.1", port, demo=False) if one.name == programs.WEB)
        with subprocess.Popen(web.command, env=around) as server:
            try:
                until_it_answers(port)
                yield f"http://localhost:{port}"
            finally:
                server.terminate()


def until_it_answers(port: int) -> None:
    """Returns when somebody listens there. Raises TimeoutError after a minute."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            with urlopen(f"http://localhost:{port}/sign-in/"):
                return
        except OSError:
            time.sleep(0.2)
    raise TimeoutError


def sign_in(page: Page) -> None:
    """By keys alone."""
    page.goto("/sign-in/")
    page.keyboard.type(NAME)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("main h1")).to_be_visible()


def shown(page: Page) -> str:
    """The question on the screen, once it can be decided; the words of its records."""
    expect(page.locator(".decision-bar")).to_be_visible(timeout=30_000)
    return page.locator("#grid").inner_text()


def work(page: Page, pairs: int, pace: float) -> Seen:
    """From the queue through so many pairs."""
    seen = Seen()

    def note(answer: Response) -> None:
        path, method = answer.url.partition("/review/")[2].partition("?")[0], answer.request.method
        if not path or path.count("/") > (1 if method == "GET" else 2):
            return
        answer.finished()
        took = answer.request.timing
        (seen.opened if method == "GET" else seen.decided).append(took["responseStart"] - took["requestStart"])

    answers: list[Response] = []

    def keep(answer: Response) -> None:
        answers.append(answer)

    page.on("response", keep)
    page.goto("/?kind=duplicates")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/review/**")
    for _ in range(pairs):
        words = shown(page)
        here = page.url
        page.wait_for_timeout(1000 * pace)
        began = time.perf_counter()
        page.keyboard.press("n" if OTHER in words else "m")
        page.wait_for_url(lambda url, here=here: url != here, wait_until="commit")
        shown(page)
        seen.waited.append(1000 * (time.perf_counter() - began))
    seen.shift, seen.mouse = page.evaluate("() => [window.__shift, window.__mouse]")
    for answer in answers:
        note(answer)
    return seen


def open_group(page: Page, address: str) -> float:
    """Milliseconds until the question about many records can be decided."""
    began = time.perf_counter()
    page.goto(address, wait_until="commit")
    expect(page.locator(".decision-bar")).to_be_visible(timeout=30_000)  # (reading all its words would take longer)
    return 1000 * (time.perf_counter() - began)


def judge(lines: list[tuple[str, float, float, str]]) -> int:
    """Prints every figure beside its limit; how many are broken."""
    broken = 0
    for what, measured, limit, unit in lines:
        kept = measured <= limit
        broken += not kept
        print(f"{what:<58} {measured:9.1f} {unit:<3} {'at most' if kept else 'ABOVE'} {limit:g}")
    return broken


@contextmanager
def browsing(address: str, chromium: str) -> Iterator[Page]:
    """A signed-in steward's page that counts what it must not see."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        context = browser.new_context(viewport={"width": 1440, "height": 900}, base_url=address)
        context.add_init_script(WATCH + HANDS_OFF)
        page = context.new_page()
        sign_in(page)
        yield page
        browser.close()


def run(given: argparse.Namespace) -> int:
    """Prepare, serve, work, judge."""
    prepare(given.records, given.pairs + 1)  # so that a next one comes after the last
    MatchCandidate.objects.filter(sentence=MANY).update(state=CandidateState.SUPERSEDED, decided_at=timezone.now())
    before = Decision.objects.count()
    with served() as address:
        with browsing(address, given.chromium) as page:
            began = time.monotonic()
            seen = work(page, given.pairs, given.pace)
            wall = time.monotonic() - began
            scripts = page.evaluate(SIZE)
        many = large()
        with browsing(address, given.chromium) as page:
            groups = [open_group(page, f"/review/{many}/") for _ in range(5)]
    made = list(Decision.objects.order_by("decided_at")[before:].values_list("verb", flat=True))
    print(f"{GoldenRecord.objects.count():,} golden records; decided: {Counter(made)}, {Merge.objects.count()} merges")
    lines = [
        ("pairs left undecided", given.pairs - len(made), 0, ""),
        (f"{given.pairs} pairs, {given.pace:g} s each to look at", wall, WALL_S, "s"),
        ("opening a question, server, median", statistics.median(seen.opened), MEDIAN_MS, "ms"),
        ("opening a question, server, 95th percentile", high(seen.opened), P95_MS, "ms"),
        ("deciding and the next question, server, median", statistics.median(seen.decided), MEDIAN_MS, "ms"),
        ("deciding and the next question, server, 95th percentile", high(seen.decided), P95_MS, "ms"),
        ("from the key to the next question on screen, median", statistics.median(seen.waited), 1000, "ms"),
        (f"a question about {LARGE} records on screen, median of 5", statistics.median(groups), GROUP_MS, "ms"),
        ("scripts", scripts, SCRIPTS_KB, "kB"),
        ("layout shift", round(seen.shift, 3), SHIFT, ""),
        ("mouse, touch or wheel events", seen.mouse, 0, ""),
    ]
    return judge(lines)


def high(taken: list[float]) -> float:
    """The 95th percentile."""
    return sorted(taken)[int(0.95 * (len(taken) - 1))]


def main() -> int:
    """Read the arguments and clean up whatever happens."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("records", type=int, nargs="?", default=200_000)
    parser.add_argument("--pairs", type=int, default=60)
    parser.add_argument("--pace", type=float, default=8.0)
    parser.add_argument("--chromium", default=os.environ.get("CHROMIUM", "/usr/bin/chromium"))
    given = parser.parse_args()
    with psycopg.connect(lists.URL, autocommit=True) as server:
        if server.execute("SELECT FROM pg_database WHERE datname = %s", [lists.NAME]).fetchone() is None:
            server.execute(f"CREATE DATABASE {lists.NAME}")
    broken = run(given)
    if os.environ.get("KEEP") != "1":
        connection.close()
        with psycopg.connect(lists.URL, autocommit=True) as server:
            server.execute(f"DROP DATABASE {lists.NAME} WITH (FORCE)")
    print(f"{broken} limits broken" if broken else "every limit kept")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
