"""manage.py import_folder DIR: every file there that a feed names, matched and mastered to the end."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from mdm.code_lists import load_code_lists
from mdm.errors import MdmError
from mdm.intake.feeds import load_folder
from mdm.intake.importing import import_folder
from mdm.intake.sources import load_sources
from mdm.intake.telling import table, told
from mdm.management.finishing import match_and_publish
from mdm.models import BatchState, Feed

DEMO = settings.BASE_DIR / "demo"


class Command(BaseCommand):
    """Exit code 0 also when rows went to quarantine; 1 when a file could not be read at all."""

    help = "Import every file of a folder that a feed's pattern names, then match and master to the end."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path)
        parser.add_argument("--no-match", action="store_true", help="leave matching to the workers")

    def handle(self, *args: Any, **options: Any) -> None:
        batches = []
        try:
            if not Feed.objects.exists():
                self._load_demo_feeds()
            for batch in import_folder(folder=options["folder"], by="import_folder"):
                self.stderr.write(f"{batch.feed.code}: {batch.rows_read:,} rows of {batch.file_name} ({batch.state})")
                batches.append(batch)
        except (MdmError, OSError) as error:
            raise CommandError(told(error)) from error
        if not options["no_match"]:
            match_and_publish(self)
        self.stdout.write(table(batches))
        waiting = sum(batch.rows_quarantined for batch in batches)
        self.stdout.write(f"{waiting:,} rows wait in quarantine." if waiting else "No row went to quarantine.")
        if any(batch.state == BatchState.FAILED for batch in batches):
            raise CommandError("Some files could not be read; see above.")

    def _load_demo_feeds(self) -> None:
        """A hub without any feed borrows those of the demo."""
        self.stderr.write(f"No feeds are loaded: using those of {DEMO.name}/feeds.")
        load_code_lists()
        load_sources(DEMO / "sources.toml")
        load_folder(folder=DEMO / "feeds", by="import_folder")
