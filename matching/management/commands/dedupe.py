"""manage.py dedupe: the duplicates of any file, without loading it."""

from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from matching.engine.deduping import MATCHABLE, find
from matching.filing import load, read_decisions, write_groups, write_pairs, write_questions
from mdm.errors import MdmError


class Command(BaseCommand):
    """Reads and writes files alone; running it again on the same file gives the same answer."""

    requires_system_checks = ()  # nothing of the hub is read: its pages and models need not be loaded to be checked
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
        parser.add_argument(
            "--decisions",
            type=Path,
            help="what people answered: left_id, right_id, same (yes or no); kept, and learnt from",
        )
        parser.add_argument("--ask", type=int, default=0, help="how many questions to write, those that teach most")
        parser.add_argument("--questions", type=Path, help="the questions; answered, they are decisions")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["across"] and not options["source"]:
            raise CommandError("--across needs --source: name the column that says where a record comes from.")
        if bool(options["ask"]) != bool(options["questions"]) or options["ask"] < 0:
            raise CommandError("--ask and --questions go together: say how many questions, and the file for them.")
        try:
            file = load(
                options["file"], options["domain"], options["map"], key=options["key"], source=options["source"]
            )
            decisions = read_decisions(options["decisions"], file.keys) if options["decisions"] else None
            found = find(file, options["domain"], across=options["across"], decisions=decisions, ask=options["ask"])
            write_pairs(found, file, options["out"])
            if options["clusters"]:
                write_groups(found, file, options["clusters"])
            if options["questions"]:
                write_questions(found, file, options["questions"])
        except MdmError as error:
            raise CommandError(f"{error.message} {error.way_out}", returncode=2) from error
        except OSError as error:
            raise CommandError(f"{error.filename} cannot be written: {error.strerror}.", returncode=2) from error
        told = [decisions.sentence()] if decisions else []
        for sentence in (*told, *found.report.sentences(), *found.grouped.sentences(file.keys)):
            self.stdout.write(sentence)
        groups = found.grouped.groups
        together = len(groups) - len(set(groups))
        self.stdout.write(f"{together:,} of {len(groups):,} records are duplicates of another.")


def mapping(text: str) -> dict[str, str]:
    """attribute=Column pairs, comma-separated."""
    found: dict[str, str] = {}
    for part in filter(None, (one.strip() for one in text.split(","))):
        attribute, equals, column = part.partition("=")
        if not equals or not column.strip():
            raise ArgumentTypeError(f"{part} is not attribute=Column")
        found[attribute.strip()] = column.strip()
    return found
