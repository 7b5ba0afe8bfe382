"""Rows a second through intake alone, and the memory it takes: `python -m bench.intake FILE [--feed FEED.toml]`.

FILE is read twice (all new, then by an altered copy all unchanged) in a database of its own, which is dropped again.
With `--master` what was read is then matched and mastered, and what that cost in history is counted.
"""

import argparse
import os
import resource
import shutil
import tempfile
import time
from pathlib import Path

import django
from django.conf import settings
from django.db import connection

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mdm.settings")
django.setup()

from matching.run import match  # noqa: E402  # Django must be set up first
from mdm.cause import HUB, Cause  # noqa: E402
from mdm.code_lists import load_code_lists  # noqa: E402
from mdm.domains import BY_NAME  # noqa: E402
from mdm.intake import read, receive, save_feed  # noqa: E402
from mdm.intake.feeds import read_document  # noqa: E402
from mdm.models import Feed, GoldenRecord, SourceSystem  # noqa: E402
from mdm.models.log import ChangeEvent  # noqa: E402
from mdm.spec import Domain  # noqa: E402

HERE = Path(__file__).parent


def once(feed: Feed, file: Path, what: str) -> None:
    """Read one file and print what became of it and how fast."""
    started = time.perf_counter()
    batch = receive(feed=feed, file=file, file_name=file.name, by="bench", wake=False)
    batch = read(batch.pk)
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{what}: {batch.rows_read:,} rows in {seconds:.1f} s = {batch.rows_read / seconds:,.0f} rows/s; "
        f"new {batch.rows_new:,}, changed {batch.rows_changed:,}, unchanged {batch.rows_unchanged:,}, "
        f"quarantined {batch.rows_quarantined:,}; peak memory {peak:,.0f} MB {batch.problem}"
    )


def master(domain: Domain) -> None:
    """Match and master what waits, and print what was written for each golden record made."""
    started = time.perf_counter()
    done = match(domain, Cause(by=HUB, reason="Bench"))
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    versions = domain.model.history.model._default_manager.count()  # type: ignore[attr-defined]
    records, events = GoldenRecord.objects.count(), ChangeEvent.objects.count()
    # A record a later batch links to has a version more; a file that is one batch's doing has exactly one each.
    first = ChangeEvent.objects.filter(verb="created").count()
    later = ChangeEvent.objects.exclude(verb="created").count()
    print(
        f"mastered : {done.decided:,} source records in {seconds:.1f} s = {done.decided / seconds:,.0f}/s; "
        f"{records:,} golden records, {versions:,} history rows and {events:,} events: {first:,} for making them, "
        f"{later:,} for linking to them later; peak memory {peak:,.0f} MB"
    )
    if not (versions == events and first == records):
        raise SystemExit("Not exactly one history row and one event per golden record made.")


def run(file: Path, feed_file: Path, *, mastered: bool) -> None:
    """Both passes. The copy ends in a blank line, so that its hash differs and nothing else does."""
    load_code_lists()
    document = read_document(feed_file)
    SourceSystem.objects.get_or_create(code=document["source"], defaults={"name": "Bench"})
    feed = save_feed(document=document, by="bench")
    once(feed, file, "new      ")
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / file.name
        shutil.copyfile(file, copy)
        with copy.open("ab") as end:
            end.write(b"\n")
        once(feed, copy, "unchanged")
    if mastered:
        master(BY_NAME[feed.domain])


def main() -> None:
    """Read the arguments and clean up whatever happens."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--feed", type=Path, default=HERE / "synthetic_suppliers.toml")
    parser.add_argument("--master", action="store_true", help="match and master what was read, and count the history")
    given = parser.parse_args()
    real = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    try:
        with tempfile.TemporaryDirectory() as folder:
            settings.DATA_DIR = Path(folder)
            run(given.file, given.feed, mastered=given.master)
    finally:
        connection.creation.destroy_test_db(real, verbosity=0)


if __name__ == "__main__":
    main()
