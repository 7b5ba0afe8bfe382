"""manage.py dedupe: the duplicates of any file, without loading it."""

from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from matching.engine.deduping import MATCHABLE, UNUSED, find, load, write_groups, write_pairs
from mdm.errors import MdmError


class Command(BaseCommand):
    """Reads and writes files alone; running it again on the same file gives the same answer."""

    help = "Find the duplicates of a CSV, XLSX or JSON-lines file without loading it into the hub."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--domain", required=True, help=", ".join(MATCHABLE))
        parser.add_argument("--map", type=mapping, required=True, help="attribute=Column,... (a wrong one is told all)")
        parser.add_argument("--key", required=True, help="the column that tells records apart")
        parser.add_argument("--source", default="", help="the column that says where a record comes from")
        parser.add_argument("--across", action="store_true", help="compare records of different sources only")
        parser.add_argument("--out", type=Path, required=True, help="pairs: left_id, right_id, score")
        parser.add_argument("--clusters", type=Path, help="groups: record_id, cluster_id")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["across"] and not options["source"]:
            raise CommandError("--across needs --source: name the column that says where a record comes from.")
        try:
            file = load(
                options["file"], options["domain"], options["map"], key=options["key"], source=options["source"]
            )
            found = find(file, options["domain"], across=options["across"])
            write_pairs(found, file, options["out"])
            if options["clusters"]:
                write_groups(found, file, options["clusters"])
        except MdmError as error:
            raise CommandError(f"{error.message} {error.way_out}", returncode=2) from error
        except OSError as error:
            raise CommandError(f"{error.filename} cannot be written: {error.strerror}.", returncode=2) from error
        for sentence in found.report.sentences():
            self.stdout.write(sentence)
        if unused := [attribute for attribute in UNUSED if attribute in file.values]:
            self.stdout.write(f"Not compared yet: {', '.join(unused)}.")
        together = len(found.groups) - len(set(found.groups))
        self.stdout.write(f"{together:,} of {len(found.groups):,} records are duplicates of another.")


def mapping(text: str) -> dict[str, str]:
    """attribute=Column pairs, comma-separated."""
    found: dict[str, str] = {}
    for part in filter(None, (one.strip() for one in text.split(","))):
        attribute, equals, column = part.partition("=")
        if not equals or not column.strip():
            raise ArgumentTypeError(f"{part} is not attribute=Column")
        found[attribute.strip()] = column.strip()
    return found
