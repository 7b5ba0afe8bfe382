"""Files of many records: `python -m bench.files [COUNT]` (DATABASE_URL needed).

COUNT suppliers (100,000 unless told otherwise) are made by mastering and numbered. Then one endpoint writes a first
delta of all of them, an empty one, a delta of one in a hundred, and a full file, into a folder. Prints one JSON line
for each: rows, seconds, megabytes written, and by how much the memory of the program grew at its peak. Works in a
database of its own, which it makes and drops again.
"""

import json
import os
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import django
import psycopg

NAME = "assay_bench_files"
CHUNK = 2000


def main() -> None:
    """Prints the figures."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    url = os.environ["DATABASE_URL"]
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")
        server.execute(f"CREATE DATABASE {NAME}")
    os.environ["DATABASE_URL"] = url.rpartition("/")[0] + "/" + NAME
    try:
        with tempfile.TemporaryDirectory() as folder:
            measure(count, Path(folder))
    finally:
        with psycopg.connect(url, autocommit=True) as server:
            server.execute(f"DROP DATABASE {NAME} WITH (FORCE)")


def measure(count: int, folder: Path) -> None:
    """Makes the records and times each kind of file."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mdm.settings")
    django.setup()
    # Only now do the models exist.
    from django.conf import settings  # noqa: PLC0415
    from django.core.management import call_command  # noqa: PLC0415
    from django.db import connection  # noqa: PLC0415

    from mdm.cause import HUB  # noqa: PLC0415
    from publishing.files import runs, targets  # noqa: PLC0415
    from publishing.files.targets import Drop  # noqa: PLC0415
    from publishing.models import Endpoint, EndpointKind, FileDrop  # noqa: PLC0415
    from publishing.proposing import Proposal  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    made = time.monotonic()
    make_all(count)
    print(json.dumps({"records": count, "seconds_to_make_and_number": round(time.monotonic() - made, 1)}))
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as server:
        server.execute("VACUUM ANALYZE")
    (folder / "outbox" / "legacy").mkdir(parents=True)
    settings.FILE_FOLDERS, settings.FILE_ARCHIVE = [str(folder / "outbox")], folder / "sent"
    proposal = Proposal(code="legacy", name="Legacy", kind=EndpointKind.FILE, url="", domains=("supplier",))
    endpoint = targets.create_file_endpoint(
        proposal=proposal, drop=Drop(folder="legacy", file_name="{domain}-{number}.csv"), by=HUB
    )
    Endpoint.objects.update(state="active")

    def timed(what: str) -> None:
        peak, begun = peak_megabytes(), time.monotonic()
        run = runs.write(endpoint, HUB).run
        assert run is None or run.state == "done"
        figure: dict[str, Any] = {
            "file": what,
            "rows": run.rows if run else 0,
            "seconds": round(time.monotonic() - begun, 1),
            "megabytes": round(sum(file["bytes"] for file in run.files) / 1e6, 1) if run else 0,
            "memory_grown_megabytes": round(peak_megabytes() - peak, 1),
        }
        print(json.dumps(figure), flush=True)

    timed("first delta")
    timed("empty delta")
    change(count // 100)
    timed("delta of one in a hundred")
    FileDrop.objects.update(content="full")
    timed("full")
    connection.close()


def make_all(count: int) -> None:
    """That many suppliers, by mastering, numbered."""
    from mdm import canonical, log  # noqa: PLC0415
    from mdm.cause import HUB, Cause  # noqa: PLC0415
    from mdm.domains import BY_NAME  # noqa: PLC0415
    from mdm.mastering import NewRecord, create  # noqa: PLC0415
    from mdm.models import SourceRecord, SourceSystem  # noqa: PLC0415
    from publishing.clock import now  # noqa: PLC0415

    system = SourceSystem.objects.create(code="bench", name="Benchmark")
    for start in range(0, count, CHUNK):
        moment = now()
        sources = []
        for number in range(start, min(start + CHUNK, count)):
            values = {"name": f"Company {number} Ltd", "tax_id": f"{100_000_000 + number}", "currency": "USD"}
            sources.append(
                SourceRecord(
                    system=system, domain="supplier", key=f"B{number}", values=values, as_of=moment,
                    first_seen_at=moment, last_seen_at=moment, content_hash=canonical.digest(values),
                )
            )  # fmt: skip
        SourceRecord.objects.bulk_create(sources)
        create(
            domain=BY_NAME["supplier"], records=[NewRecord((one.pk,)) for one in sources],
            cause=Cause(by=HUB, reason="benchmark"),
        )  # fmt: skip
        log.sequence_all()


def change(count: int) -> None:
    """A new version of that many suppliers, numbered."""
    from mdm import log  # noqa: PLC0415
    from mdm.cause import HUB, Cause  # noqa: PLC0415
    from mdm.mastering import contribute  # noqa: PLC0415
    from mdm.models import GoldenRecord  # noqa: PLC0415

    for record_id in GoldenRecord.objects.order_by("pk").values_list("pk", flat=True)[:count]:
        cause = Cause(by=HUB, reason="benchmark")
        contribute(record_id=record_id, values={"name": f"Renamed {record_id}"[:40]}, expected=None, cause=cause)
    log.sequence_all()


def peak_megabytes() -> float:
    """The most memory this program has held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
