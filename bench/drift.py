"""Drift found over HTTP: `python -m bench.drift [COUNT]` (DATABASE_URL needed).

A target holds COUNT records (100,000 unless told otherwise) and alters three behind the hub's back. It then compares
with the hub as docs/guides/receipts-and-drift.md says, over a socket: digests of all it holds, computed from scratch,
then the records of the buckets that differ. Prints one JSON line and exits 1 unless exactly those three are found,
each in its field, within five seconds in all. Works in a database of its own, which it makes and drops again.
"""

import hashlib
import json
import os
import random
import sys
import threading
import time
import urllib.request
import uuid
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import django
import psycopg

NAME = "assay_bench_drift"
ALTERED = 3
MOST_SECONDS = 5.0
Held = dict[str, dict[str, Any]]


def main() -> None:
    """Prints the figure as one JSON line."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    url = os.environ["DATABASE_URL"]
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")
        server.execute(f"CREATE DATABASE {NAME}")
    os.environ["DATABASE_URL"] = url.rpartition("/")[0] + "/" + NAME
    try:
        figure = measure(count)
    finally:
        with psycopg.connect(url, autocommit=True) as server:
            server.execute(f"DROP DATABASE {NAME} WITH (FORCE)")
    print(json.dumps(figure))
    sys.exit(0 if figure["exactly_those"] and figure["seconds"] <= MOST_SECONDS else 1)


def measure(count: int) -> dict[str, Any]:
    """Fills hub and target, alters three records and times the comparison."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mdm.settings")
    django.setup()
    # Only now do the models exist.
    from django.conf import settings  # noqa: PLC0415
    from django.core.management import call_command  # noqa: PLC0415
    from django.core.wsgi import get_wsgi_application  # noqa: PLC0415
    from django.db import connections  # noqa: PLC0415

    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    settings.SECURE_SSL_REDIRECT = False
    keys = Path(settings.KEYS_FILE)
    if not keys.exists():
        keys.parent.mkdir(parents=True, exist_ok=True)
        keys.write_text("1:QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY=\n")
    call_command("migrate", verbosity=0)
    held, token = filled(count)
    altered = random.Random(7).sample(sorted(held), ALTERED)
    for key in altered:
        held[key]["attributes"]["name"] += " (changed there)"

    class Quiet(WSGIRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

    server = make_server("127.0.0.1", 0, get_wsgi_application(), handler_class=Quiet)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    started = time.monotonic()
    hub, own, found = compared(f"http://127.0.0.1:{server.server_port}/api/v1/reconcile", token, held)
    seconds = time.monotonic() - started
    server.shutdown()
    connections.close_all()
    return {
        "records": count,
        "altered": ALTERED,
        "found": len(found),
        "exactly_those": sorted(found) == sorted((key, "attributes.name") for key in altered),
        "seconds": round(seconds, 2),
        "seconds_of_the_hub": round(hub, 2),
        "seconds_of_the_target": round(own, 2),
    }


def filled(count: int) -> tuple[Held, str]:
    """Records, and what the endpoint holds of them, as deliveries would have left it; the target's memory and token."""
    from django.db import connection  # noqa: PLC0415

    from api.clients import create_client  # noqa: PLC0415
    from publishing.models import Delivery, Holding  # noqa: PLC0415
    from tests.publishing.making import rest  # noqa: PLC0415

    endpoint = rest("http://127.0.0.1:8999/")
    held: Held = {}
    golden, deliveries, holdings = [], [], []
    moment = endpoint.created_at
    for number in range(1, count + 1):
        record_id = uuid.UUID(int=random.getrandbits(128))
        key = str(record_id)
        content = record(key, number)
        held[key] = content
        text = canonical(content)
        golden.append((record_id, content["code"], content["title"], moment))
        told: dict[str, Any] = {"endpoint": endpoint, "record_id": record_id, "version": 1, "seq": number}
        digest = hashlib.sha256(text.encode()).hexdigest()
        deliveries.append(
            Delivery(**told, event_id=number, domain="supplier", rank=number, state="delivered", attempts=1,
                     due_at=moment, body=text, digest=digest, created_at=moment, settled_at=moment)
        )  # fmt: skip
        holdings.append(Holding(**told, acknowledged_at=moment, digest=digest, bucket=int(bucket(key), 16)))
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")  # no versions and events: nothing here reads them
        cursor.executemany(
            "INSERT INTO mdm_goldenrecord (id, code, domain, state, version, title, suspected, held_by, known_outside, "
            "search_text, identifiers, created_at, updated_at) "
            "VALUES (%s, %s, 'supplier', 'active', 1, %s, false, '[]', true, '', '{}', %s, now())",
            golden,
        )
        Delivery.objects.bulk_create(deliveries, batch_size=2000)
        Holding.objects.bulk_create(holdings, batch_size=2000)
        cursor.execute("SET session_replication_role = origin")
        cursor.execute("ANALYZE")
    _, token = create_client(name="erp", scopes=["drift:write"], endpoint=endpoint.code)
    return held, token


def record(key: str, number: int) -> dict[str, Any]:
    """A supplier as a push gives it."""
    name = f"Company {number} Ltd"
    return {
        "id": key, "code": f"SUP-{number:07d}", "domain": "supplier", "title": name, "version": 1, "state": "active",
        "merged_into": None, "extension": {}, "crosswalk": [{"key": f"K{number}", "system": "erp"}], "digest": "",
        "attributes": {"name": name, "city": "Reno", "country": "US", "tax_id": f"{number:09d}", "currency": "USD"},
        "parts": {"addresses": [{"role": "remit", "street": f"{number} Main St", "city": "Reno", "postcode": "89501"}]},
    }  # fmt: skip


def canonical(content: dict[str, Any]) -> str:
    """The canonical text of a content."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def bucket(key: str) -> str:
    """The bucket of an id."""
    return hashlib.sha256(key.encode()).hexdigest()[:3]


def compared(url: str, token: str, held: Held) -> tuple[float, float, list[tuple[str, str]]]:
    """Both steps as a target takes them: seconds spent waiting for the hub, seconds of its own, what was found."""
    started = time.monotonic()
    digests = {key: hashlib.sha256(canonical(one).encode()).hexdigest() for key, one in held.items()}
    lines: dict[str, list[str]] = {}
    for key in sorted(held):
        lines.setdefault(bucket(key), []).append(f"{key}:{held[key]['version']}:{digests[key]}\n")
    buckets = {name: hashlib.sha256("".join(rows).encode()).hexdigest() for name, rows in lines.items()}
    own = time.monotonic() - started
    begun, first = post(url, token, {"by": "content", "buckets": buckets})
    wanted = set(begun["differing"])
    records = [
        {"id": key, "version": one["version"], "digest": digests[key], "fields": one}
        for key, one in held.items()
        if bucket(key) in wanted
    ]
    heard, second = post(url, token, {"check": begun["check"], "buckets": begun["differing"], "records": records})
    return first + second, own, [(one["record"], one["field"]) for one in heard["differences"]]


def post(url: str, token: str, body: dict[str, Any]) -> tuple[Any, float]:
    """The answer, and how long it took."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(url, data=json.dumps(body).encode(), headers=headers)  # noqa: S310 - loopback
    started = time.monotonic()
    with urllib.request.urlopen(request) as answer:  # noqa: S310 - loopback
        return json.load(answer), time.monotonic() - started


if __name__ == "__main__":
    main()
