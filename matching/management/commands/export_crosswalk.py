"""``manage.py export_crosswalk FILE``: which row of which file is which golden record."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from matching.export import export_crosswalk


class Command(BaseCommand):
    help = "Write domain, source_file, source_key, cluster_id (the golden record) of every linked row as CSV."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        try:
            count = export_crosswalk(path)
        except OSError as error:
            raise CommandError(f"{path} cannot be written: {error.strerror}.", returncode=2) from error
        self.stdout.write(f"{count} rows written to {path}.")
