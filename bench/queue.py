"""The queue of all work over many records: `python -m bench.queue [RECORDS] [OPEN]` (DATABASE_URL of a superuser).

The rows are put in by SQL with the walls asleep, as only their number matters here. Prints queries, median and 95th
percentile in milliseconds of each page, through the whole HTTP stack without a socket. KEEP=1 leaves the database.
"""

import os
import re
import statistics
import sys
import time
from html import unescape
from typing import Any

import django
import psycopg

NAME = "assay_bench_queue"
URL = os.environ["DATABASE_URL"]
OURS = URL.replace(URL.partition("?")[0], URL.partition("?")[0].rpartition("/")[0] + f"/{NAME}")
os.environ |= {"DATABASE_URL": OURS, "DJANGO_SETTINGS_MODULE": "mdm.settings"}
os.environ.setdefault("SECRET_KEY", "only-for-the-benchmark")
os.environ.setdefault("ASSAY_HASHED_STATIC", "0")
django.setup()

from django.contrib.auth.models import Group, User  # noqa: E402  # Django must be set up first
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402

from mdm.people import STEWARD  # noqa: E402

ROUNDS = 15
FILL = """
SET session_replication_role = replica;
INSERT INTO mdm_sourcesystem (code, name, kind, description, internal)
    SELECT 's' || n, 'System ' || n, '', '', false FROM generate_series(1, 6) n ON CONFLICT DO NOTHING;
INSERT INTO mdm_goldenrecord (id, code, domain, state, version, title, suspected, held_by, known_outside, search_text,
        identifiers, created_at, updated_at)
    SELECT gen_random_uuid(), 'SUP-' || lpad(n::text, 7, '0'), 'supplier', CASE WHEN n % 40 = 0 THEN 'pending' ELSE
        'active' END, 1, 'Firm ' || n, false, CASE WHEN n % 40 = 0 THEN '["The name is a placeholder, not a company."]'
        ELSE '[]' END::jsonb, true, '', '{}', now() - n * interval '1 minute', now()
    FROM generate_series(1, %(records)s) n;
INSERT INTO mdm_sourcerecord (domain, system_id, key, part, parent_key, state, stub, values, parts, warnings,
        content_hash, as_of, first_seen_at, last_seen_at, author, reason)
    SELECT 'supplier', y.id, g.code, '', '', 'linked', false, '{}', '{}', '[]', '', now(), now(), now(), '', ''
    FROM mdm_goldenrecord g JOIN mdm_sourcesystem y ON y.code = 's' || (1 + right(g.code, 5)::int % 6);
INSERT INTO mdm_link (source_record_id, record_id, method, linked_by, reason, linked_at, ended_by, end_reason)
    SELECT s.id, g.id, 'new', 'bench', '', now(), '', ''
    FROM mdm_sourcerecord s JOIN mdm_goldenrecord g ON g.code = s.key;
INSERT INTO matching_matchcandidate (domain, kind, state, score, band, sampled, sentence, created_at, claimed_by,
        decided_by, decision_reason)
    SELECT 'supplier', 'resemblance', 'open', 0.5 + (n % 500) / 1000.0, 'review', false, 'Name agrees.',
        now() - n * interval '1 minute', '', '', '' FROM generate_series(1, %(open)s) n;
INSERT INTO matching_candidatemember (candidate_id, record_id)
    SELECT c.id, g.id FROM matching_matchcandidate c JOIN mdm_goldenrecord g
    ON g.code IN ('SUP-' || lpad((2 * c.id)::text, 7, '0'), 'SUP-' || lpad((2 * c.id + 1)::text, 7, '0'));
INSERT INTO stewardship_arrangement (kind, key, assignee_id, assigned_by, assigned_at, parked_by, park_reason)
    SELECT 'duplicates', id::text, (SELECT min(id) FROM auth_user), 'bench', now(), '', '' FROM matching_matchcandidate
    WHERE id %% 3 = 0;
"""
PAGES = (
    "/", "/?kind=duplicates", "/?kind=duplicates&band=likely&age=older", "/?source=s3", "/?assignee=me&order=oldest",
    "/?kind=duplicates&order=teaches", "/boards/", "/boards/sources/", "/boards/quality/",
)  # fmt: skip


def main() -> None:
    """Makes the rows if they are not there, then asks and prints."""
    records = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    waiting = int(sys.argv[2]) if len(sys.argv) > 2 else 15_000
    with psycopg.connect(URL, autocommit=True) as server:
        known = server.execute("SELECT FROM pg_database WHERE datname = %s", [NAME]).fetchone()
        if known is None:
            server.execute(f"CREATE DATABASE {NAME}")
    if known is None:
        fill(records, waiting)
    client = Client(SERVER_NAME="localhost")
    client.force_login(User.objects.get())
    for page in PAGES:
        measure(client, page)
    first = client.get("/?kind=duplicates").content.decode()
    measure(client, unescape(re.findall(r'href="([^"]*)" rel="next"', first)[0]))
    if os.environ.get("KEEP") != "1":
        connection.close()
        with psycopg.connect(URL, autocommit=True) as server:
            server.execute(f"DROP DATABASE {NAME} WITH (FORCE)")


def fill(records: int, waiting: int) -> None:
    """So many golden records with a source record each, every fortieth held; so many open questions."""
    call_command("migrate", verbosity=0)
    user = User.objects.create_user("bench")
    user.groups.add(Group.objects.get_or_create(name=STEWARD)[0])
    with psycopg.connect(OURS, autocommit=True) as server, server.cursor() as cursor:
        for statement in FILL.replace("%(records)s", str(records)).replace("%(open)s", str(waiting)).split(";\n"):
            if statement.strip():
                cursor.execute(statement.replace("%%", "%"))  # type: ignore[arg-type]
        cursor.execute("VACUUM ANALYZE")


def measure(client: Client, page: str) -> None:
    """Prints one line about a page."""
    asked: list[str] = []

    def counted(execute: Any, sql: str, *rest: Any) -> Any:
        asked.append(sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(counted):
        answer = client.get(page)
    assert answer.status_code == 200, (page, answer.status_code)
    taken = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        client.get(page)
        taken.append(1000 * (time.perf_counter() - begun))
    slow = sorted(taken)[int(0.95 * (ROUNDS - 1))]
    print(f"{page:<48} {len(asked):>3} queries {statistics.median(taken):7.0f} ms {slow:7.0f} ms", flush=True)


if __name__ == "__main__":
    main()
