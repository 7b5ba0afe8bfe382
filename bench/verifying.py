"""The chain verified: `python -m bench.verifying [COUNT]` (DATABASE_URL needed, of a superuser).

Writes COUNT numbered events of 2 kB (a million unless told otherwise) and a signed checkpoint, then walks the chain
like `verify_log --chain-only`. Prints one JSON line and exits 1 unless it is green within ten seconds a million.
Works in a database of its own, which it makes and drops again.
"""

import hashlib
import json
import os
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import django
import psycopg

NAME = "assay_bench_verifying"
MOST_SECONDS = 10.0  # a million events
BODY = json.dumps({"id": "0" * 36, "attributes": "x" * 1900})


def main() -> None:
    """Prints the figure as one JSON line."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    url = os.environ["DATABASE_URL"]
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")
        server.execute(f"CREATE DATABASE {NAME}")
    os.environ["DATABASE_URL"] = urlsplit(url)._replace(path=f"/{NAME}").geturl()
    try:
        with tempfile.TemporaryDirectory() as folder:
            figure = measure(count, Path(folder))
    finally:
        with psycopg.connect(url, autocommit=True) as server:
            server.execute(f"DROP DATABASE {NAME} WITH (FORCE)")
    print(json.dumps(figure))
    sys.exit(0 if figure["green"] and figure["seconds"] <= MOST_SECONDS * count / 1_000_000 else 1)


def measure(count: int, folder: Path) -> dict[str, Any]:
    """Writes the log and times one walk of it."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mdm.settings")
    os.environ["ASSAY_CHECKPOINT_FILE"] = str(folder / "checkpoints.jsonl")
    os.environ["ASSAY_CHECKPOINT_KEY_FILE"] = str(folder / "checkpoint.key")
    django.setup()
    # Only now do the models exist.
    from django.core.management import call_command  # noqa: PLC0415
    from django.db import connection  # noqa: PLC0415

    from mdm.checkpoints import write_checkpoint  # noqa: PLC0415
    from mdm.log import begin  # noqa: PLC0415
    from mdm.verify import verify  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    begin()
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")  # one record that does not exist stands for all
        fill(cursor, count)
        cursor.execute("VACUUM ANALYZE mdm_changeevent")
    write_checkpoint()
    begun = time.perf_counter()
    verdict = verify(chain_only=True)
    seconds = time.perf_counter() - begun
    return {"events": verdict.events, "green": verdict.is_green, "seconds": round(seconds, 1)}


def fill(cursor: Any, count: int) -> None:
    """The log as the sequencer leaves it."""
    columns = "seq, hash, uid, record_id, domain, verb, version, state, outward, occurred_at, actor, correlation_id"
    record, last = uuid.uuid4(), "0" * 64
    with cursor.copy(f"COPY mdm_changeevent ({columns}, changed, body) FROM STDIN") as copy:
        for seq in range(1, count + 1):
            last = hashlib.sha256(f"{last}|{seq}|{BODY}".encode()).hexdigest()
            copy.write_row(
                (seq, last, uuid.UUID(int=seq), record, "supplier", "changed", seq, "active", True,
                 "2026-01-01T00:00:00Z", "bench", record, "[]", BODY)
            )  # fmt: skip
    cursor.execute("UPDATE mdm_loghead SET seq = %s, hash = %s", [count, last])


if __name__ == "__main__":
    main()
