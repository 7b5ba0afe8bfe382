"""Lists over many suppliers: `python -m bench.lists [COUNT]` (DATABASE_URL needed; a database of its own beside it).

The records are made by mastering, as in life. Prints one line per question: queries, median and 95th percentile in
milliseconds, through the whole HTTP stack of the product without a socket. KEEP=1 leaves the database for the next run.
"""

import os
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator

import django
import psycopg

NAME = "assay_bench_lists"
URL = os.environ["DATABASE_URL"]
os.environ |= {"DATABASE_URL": f"{URL.rpartition('/')[0]}/{NAME}", "DJANGO_SETTINGS_MODULE": "mdm.settings"}
os.environ.setdefault("SECRET_KEY", "only-for-the-benchmark")
os.environ.setdefault("ASSAY_HASHED_STATIC", "0")
django.setup()

from django.contrib.auth import get_user_model  # noqa: E402  # Django must be set up first
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402
from django.urls import NoReverseMatch, reverse  # noqa: E402
from django.utils import timezone  # noqa: E402

from api.clients import create_client  # noqa: E402
from api.models import ApiClient  # noqa: E402
from mdm import canonical  # noqa: E402
from mdm.domains import BY_NAME  # noqa: E402
from mdm.mastering import HUB, Cause, NewRecord, create  # noqa: E402
from mdm.models import GoldenRecord, SourceRecord, SourceSystem  # noqa: E402

CHUNK = 2000
ROUNDS = 40
WORDS = (
    "Alpine", "Apex", "Atlas", "Beacon", "Cascade", "Cedar", "Delta", "Eagle", "Evergreen", "Frontier", "Granite",
    "Harbor", "Horizon", "Keystone", "Liberty", "Maple", "Meridian", "Northern", "Pacific", "Pinnacle", "Pioneer",
    "Prairie", "Quantum", "River", "Summit", "Sunrise", "Valley", "Western",
)  # fmt: skip
TRADES = ("Medical", "Surgical", "Dental", "Pharma", "Imaging", "Laboratory", "Oxygen", "Linen", "Food", "Energy")
FORMS = ("Inc", "LLC", "Corp", "Co", "Ltd", "Supply", "Group", "Partners")

Ask = Callable[[], bytes]


def main() -> None:
    """Makes the records if they are not there, then asks and prints."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    keep = os.environ.get("KEEP") == "1"
    with psycopg.connect(URL, autocommit=True) as server:
        if not keep:
            server.execute(f"DROP DATABASE IF EXISTS {NAME}")
        if server.execute("SELECT FROM pg_database WHERE datname = %s", [NAME]).fetchone() is None:
            server.execute(f"CREATE DATABASE {NAME}")
    fill(count)
    for question, ask in questions(count):
        measure(question, ask)
    if not keep:
        connection.close()
        with psycopg.connect(URL, autocommit=True) as server:
            server.execute(f"DROP DATABASE {NAME} WITH (FORCE)")


def fill(count: int) -> None:
    """That many suppliers, each from one source record, made by mastering."""
    call_command("migrate", verbosity=0)
    missing = count - GoldenRecord.objects.count()
    begun = time.monotonic()
    for start in range(0, missing, CHUNK):
        make(random.Random(start), start, min(CHUNK, missing - start))
    if missing > 0:
        print(f"made {missing} suppliers in {time.monotonic() - begun:.0f} s")
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as server:
        server.execute("VACUUM ANALYZE")


def make(dice: random.Random, start: int, count: int) -> None:
    """One chunk, in one transaction."""
    system, _ = SourceSystem.objects.get_or_create(code="bench", defaults={"name": "Benchmark"})
    now = timezone.now()
    sources = []
    for number in range(start, start + count):
        name = f"{dice.choice(WORDS)} {dice.choice(WORDS)} {dice.choice(TRADES)} {dice.choice(FORMS)}"
        values = {"name": name, "tax_id": f"{100_000_000 + number}", "phone": f"+1602{number:07d}", "currency": "USD"}
        sources.append(
            SourceRecord(
                system=system, domain="supplier", key=f"B{number}", values=values, as_of=now, first_seen_at=now,
                last_seen_at=now, content_hash=canonical.digest(values),
            )
        )  # fmt: skip
    SourceRecord.objects.bulk_create(sources)
    records = [NewRecord((source.pk,)) for source in sources]
    create(domain=BY_NAME["supplier"], records=records, cause=Cause(by=HUB, reason="benchmark"))


def questions(count: int) -> Iterator[tuple[str, Ask]]:
    """(what is asked, how) through the API and on the steward's pages."""
    middle = count // 2
    ApiClient.objects.all().delete()
    _, token = create_client(name="bench")
    system = Client(headers={"Authorization": f"Bearer {token}"}, SERVER_NAME="localhost")

    def api(path: str) -> Ask:
        return lambda: asked(system, f"/api/v1{path}")

    yield "API list, first page", api("/suppliers/?limit=50")
    yield "API list, page 1800", api(f"/suppliers/?limit=50&cursor={deep(system, count * 9 // 10)}")
    yield "API list, last changed first", api("/suppliers/?limit=50&order=-updated")
    yield "API list, by title", api("/suppliers/?limit=50&order=title")
    yield "API list, one tax id", api(f"/suppliers/?limit=50&tax_id={100_000_000 + middle}")
    yield "API list, name contains", api("/suppliers/?limit=50&name__icontains=summit%20oxygen")
    yield "API list, rare words", api("/suppliers/?limit=50&q=evergreen%20linen%20partners")
    yield "API list, of one source", api("/suppliers/?limit=50&source=bench")
    yield "API list, 1000 rows", api("/suppliers/?limit=1000")
    yield "API detail", api(f"/suppliers/SUP-{middle:07}")
    yield "API look-up by key", api(f"/lookup?system=bench&key=B{middle}")
    yield "API look-up by identifier", api(f"/lookup?identifier={100_000_000 + middle}")
    yield "API changes, first page", api("/changes?limit=100")
    yield from pages()


def pages() -> Iterator[tuple[str, Ask]]:
    """What a steward opens."""
    person, _ = get_user_model().objects.get_or_create(username="bench", defaults={"is_superuser": True})
    browser = Client(SERVER_NAME="localhost")
    browser.force_login(person)
    try:
        records, search = reverse("stewardship:records", args=["suppliers"]), reverse("stewardship:search")
    except NoReverseMatch:
        print("the list page is not there yet")
        return
    yield "list page", lambda: asked(browser, records)
    yield "search page, words", lambda: asked(browser, f"{search}?q=evergreen+linen")
    yield "search page, a slip", lambda: asked(browser, f"{search}?q=evergren+linnen")


def asked(client: Client, address: str) -> bytes:
    """The answer, which must be a good one."""
    answer = client.get(address)
    if answer.status_code != 200:
        raise SystemExit(f"{address} answered {answer.status_code}: {answer.content[:500]!r}")
    return bytes(answer.content)


def deep(system: Client, rows: int) -> str:
    """The cursor that far into the list, reached in large steps."""
    cursor = ""
    for _ in range(rows // 1000):
        cursor = system.get("/api/v1/suppliers/", {"limit": 1000, "cursor": cursor}).json()["next_cursor"] or cursor
    return cursor


def measure(question: str, ask: Callable[[], bytes]) -> None:
    """Ask often; print queries, median, 95th percentile and the size of the answer."""
    ask()
    with CaptureQueriesContext(connection) as queries:
        size = len(ask())
    cost = len(queries)  # now: the next request empties the log
    times = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        ask()
        times.append((time.perf_counter() - begun) * 1000)
    median, late = statistics.median(times), statistics.quantiles(times, n=20)[-1]
    print(f"{question:32} {cost:3} queries  median {median:7.1f} ms  p95 {late:7.1f} ms  {size:8} bytes")


if __name__ == "__main__":
    main()
