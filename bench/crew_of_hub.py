"""The workers of ``bench.hub --workers``: processes that prepare while a file is read, and match once it is.

    python -m bench.crew_of_hub DOMAIN      (started by the bench, on the database DATABASE_URL names)

Each does what a Celery worker does when it is woken, and says at its end what it took.
"""

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from urllib.parse import urlsplit

import django

PAUSE = 0.05


def launch(count: int, domain: str, database: str) -> list[subprocess.Popen[str]]:
    """So many workers on the database of that name beside the one DATABASE_URL names."""
    url = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{database}").geturl()
    words = [sys.executable, "-m", "bench.crew_of_hub", domain]
    surroundings = {**os.environ, "DATABASE_URL": url}
    return [subprocess.Popen(words, env=surroundings, stdout=subprocess.PIPE, text=True) for _ in range(count)]


def wait_for(crew: list[subprocess.Popen[str]], meanwhile: Callable[[], object]) -> None:
    """Until all are done; prints what each of them took. ``meanwhile`` tells whether it did anything. Raises
    SystemExit where one failed."""
    while any(worker.poll() is None for worker in crew):
        time.sleep(0 if meanwhile() else PAUSE)
    for number, worker in enumerate(crew, start=1):
        told = worker.communicate()[0].strip()
        print(f"worker {number}: {told}", flush=True)
        if worker.returncode:
            raise SystemExit(f"worker {number} failed")


def main() -> None:
    """Prepare until every batch is read, then match; what it took as one line of JSON."""
    django.setup()
    from django.db import connection  # noqa: PLC0415  # (Django is set up by now)
    from django.db.models import Max  # noqa: PLC0415

    from bench.hub import Clock  # noqa: PLC0415
    from matching.models import Prepared  # noqa: PLC0415
    from matching.preparing import prepare  # noqa: PLC0415
    from matching.run import match  # noqa: PLC0415
    from mdm.cause import HUB, Cause  # noqa: PLC0415
    from mdm.domains import BY_NAME  # noqa: PLC0415
    from mdm.models import Batch, BatchState  # noqa: PLC0415

    domain, clock, prepared, beyond = BY_NAME[sys.argv[1]], Clock(), 0, 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        clock.backend = cursor.fetchone()[0]
    while not Batch.objects.filter(state=BatchState.READ).exists():
        done = prepare(domain, everything=False, beyond=beyond)
        prepared += done
        beyond = max(beyond, Prepared.objects.aggregate(last=Max("source_record"))["last"] or 0)
        time.sleep(0 if done else PAUSE)
    began = clock.now()
    outcome = match(domain, Cause(by=HUB, reason="Bench"), everything=False)
    took = clock.now()
    clock.look_at_memory()
    print(
        json.dumps(
            {
                "prepared while reading": prepared,
                **{name: count for name, count in asdict(outcome).items() if count},
                "seconds from then on": round(took.wall - began.wall, 1),
                "CPU here": round(took.own, 1),
                "CPU of its session": round(took.server, 1),
                "MB here": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
                "MB of its session": clock.backend_peak,
            }
        )
    )


if __name__ == "__main__":
    main()
