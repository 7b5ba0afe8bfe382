"""Drift: three of 100,000 records altered at a target are found, exactly those, within 5 s (bench/drift.py)."""

import json
import os
import subprocess
import sys

from bench.chaos.report import Row
from bench.chaos.scenarios import Stage
from ops import embedded
from ops.place import PROJECT_DIR


def run(stage: Stage) -> list[Row]:
    """The benchmark of its own, in a database of its own, on this rig's PostgreSQL."""
    count = 10_000 if stage.quick else 100_000
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ASSAY_", "CELERY_", "PG"))}
    env = kept | {
        "ASSAY_DATA_DIR": str(stage.folder), "SECRET_KEY": "chaos" * 10, "ASSAY_LOG_LEVEL": "ERROR",
        "CELERY_BROKER_URL": "memory://", "DATABASE_URL": stage.cluster.given,
    }  # fmt: skip
    if stage.cluster.server:
        # The benchmark puts its own database's name behind the last slash: the socket is told beside the address.
        env |= {
            "DATABASE_URL": f"postgresql://{embedded.SUPERUSER}@/postgres",
            "PGHOST": str(stage.cluster.server.socket),
        }
    done = subprocess.run(
        [sys.executable, "-m", "bench.drift", str(count)], env=env, cwd=PROJECT_DIR, capture_output=True, text=True,
        check=False, timeout=900,
    )  # fmt: skip
    line = next((one for one in reversed(done.stdout.splitlines()) if one.startswith("{")), "")
    told = json.loads(line) if line else {}
    found = []
    if done.returncode:
        found.append(f"bench.drift ended with {done.returncode}: {line or done.stderr[-300:]}")
    figure = f"{told.get('seconds', '?')} s, exactly those: {told.get('exactly_those', '?')}"
    return [Row("P27 three altered records found within 5 s", f"{count:,} records", "3 altered", figure, found)]
