"""manage.py import_file --feed FEED FILE: one file into the hub."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from mdm.errors import MdmError
from mdm.intake.feeds import find_feed
from mdm.intake.importing import import_file
from mdm.intake.telling import table, told
from mdm.management.finishing import match_and_publish
from mdm.models import BatchState


class Command(BaseCommand):
    """Exit code 0 when the file was read, whatever went to quarantine; 1 when it could not be."""

    help = "Import one file by a feed, then match and master what it brought."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--feed", required=True, help="code of the feed, such as erp-suppliers")
        parser.add_argument("--no-match", action="store_true", help="leave matching to the workers")
        parser.add_argument("--again", action="store_true", help="read it even if the same content came before")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            feed = find_feed(options["feed"])
            batch = import_file(feed=feed, file=options["file"], by="import_file", again=options["again"])
        except (MdmError, OSError) as error:
            raise CommandError(told(error)) from error
        self.stdout.write(table([batch]))
        if batch.state == BatchState.FAILED:
            raise CommandError(
                "Nothing of the file was taken." if not batch.rows_read else "The file was not read to its end."
            )
        if not options["no_match"]:
            match_and_publish(self)
