"""manage.py load_feeds DIR: store feeds (and, where given, sources and added attributes) written as TOML."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from mdm.errors import MdmError
from mdm.intake.feeds import in_order, load_folder
from mdm.intake.sources import load_sources
from mdm.intake.telling import told


class Command(BaseCommand):
    """All or none: a feed that is not usable refuses the folder, with every reason of every document."""

    help = "Store the feeds of a folder; a changed document becomes the feed's next version."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, help="folder with one TOML document per feed")
        parser.add_argument("--sources", type=Path, help="TOML document of source systems, loaded first")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["sources"]:
                load_sources(options["sources"])
            feeds = load_folder(folder=options["folder"], by="load_feeds")
        except (MdmError, OSError) as error:
            raise CommandError(told(error)) from error
        for feed in in_order(feeds):
            self.stdout.write(f"{feed.code}: version {feed.version}")
