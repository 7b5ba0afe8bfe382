"""manage.py archive_log: write old partitions of the log to files that prove themselves, and drop them if asked."""

import getpass
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from mdm.answers import day
from mdm.archive import archive, drop
from mdm.errors import MdmError


class Command(BaseCommand):
    """Without --drop nothing in the database changes; running it again writes the same events to another folder."""

    help = "Archive whole partitions of the log older than a day; --drop removes them afterwards."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--before", type=day, required=True, help="a day, as 2026-12-31")
        parser.add_argument("--out", type=Path, required=True, help="a new folder")
        parser.add_argument("--drop", action="store_true", help="drop what was archived; needs the owner's role")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            written = archive(before=options["before"], folder=options["out"])
            self.stdout.write(f"Events {written.from_seq} to {written.to_seq} are in {written.folder}.")
            if options["drop"]:
                drop(written, by=getpass.getuser())
                self.stdout.write(f"Dropped: {', '.join(written.partitions)}.")
        except MdmError as error:
            raise CommandError(f"{error.message} {error.way_out}", returncode=2) from error
