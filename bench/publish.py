"""Deliveries per second to one endpoint on the loopback: `python -m bench.publish [COUNT]` (DATABASE_URL needed).

Works in a database of its own, which it makes beside the one named and drops again. The target is another program, as
in life; it answers at once, so the figure is what the hub itself can do.
"""

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import django
import psycopg

TARGET = """
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"; disable_nagle_algorithm = True; wbufsize = -1
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-length", "11")
        self.end_headers()
        self.wfile.write(b'{"id": "7"}')
    def log_message(self, *a): pass
server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
"""
NAME = "assay_bench_publish"


def main() -> None:
    """Prints the figure as one JSON line."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 3000
    url = os.environ["DATABASE_URL"]
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(f"DROP DATABASE IF EXISTS {NAME}")
        server.execute(f"CREATE DATABASE {NAME}")
    os.environ["DATABASE_URL"] = url.rpartition("/")[0] + "/" + NAME
    target = subprocess.Popen([sys.executable, "-c", TARGET], stdout=subprocess.PIPE, text=True)
    try:
        assert target.stdout is not None
        print(json.dumps(measure(count, int(target.stdout.readline()))))
    finally:
        target.terminate()
        target.wait()
        with psycopg.connect(url, autocommit=True) as server:
            server.execute(f"DROP DATABASE {NAME} WITH (FORCE)")


def measure(count: int, port: int) -> dict[str, float]:
    """Makes ``count`` suppliers, drains one webhook and times the draining alone."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mdm.settings")
    django.setup()
    # Only now do the models exist.
    from django.conf import settings  # noqa: PLC0415
    from django.core.management import call_command  # noqa: PLC0415
    from django.db import connection  # noqa: PLC0415

    from mdm import log  # noqa: PLC0415
    from mdm.domains import BY_NAME  # noqa: PLC0415
    from mdm.mastering import NewRecord, create  # noqa: PLC0415
    from publishing.draining import drain  # noqa: PLC0415
    from tests.mdm.making import source, why  # noqa: PLC0415
    from tests.publishing.making import webhook  # noqa: PLC0415

    settings.ALLOWED_NETWORKS = ["127.0.0.0/8"]
    keys = Path(settings.KEYS_FILE)
    if not keys.exists():
        keys.parent.mkdir(parents=True, exist_ok=True)
        keys.write_text("1:QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY=\n")
    call_command("migrate", verbosity=0)
    made = [source("erp", "supplier", f"K{number}", name=f"Company {number} Ltd") for number in range(count)]
    create(domain=BY_NAME["supplier"], records=[NewRecord((one.pk,)) for one in made], cause=why("bench"))
    log.sequence_all()
    endpoint = webhook(f"http://127.0.0.1:{port}/")
    started, used = time.monotonic(), time.process_time()
    delivered = 0
    while delivered < count:
        delivered += drain(endpoint.pk).delivered
    seconds, processor = time.monotonic() - started, time.process_time() - used
    connection.close()
    return {
        "delivered": delivered,
        "seconds": round(seconds, 2),
        "per_second": round(delivered / seconds),
        "own_processor_seconds": round(processor, 2),
        "peak_megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


if __name__ == "__main__":
    main()
