"""manage.py verify_log: prove that nobody altered the log, the history or the golden records behind it."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from mdm.verify import verify


class Command(BaseCommand):
    """Exit code 0 when everything is as it was written, 1 with every altered row named otherwise."""

    help = "Verify the hash chain, the versions it speaks of, and the golden records against their newest version."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--limit", type=int, default=100, help="stop after this many findings")

    def handle(self, *args: Any, **options: Any) -> None:
        verdict = verify(limit=options["limit"])
        self.stdout.write(
            f"Log {verdict.epoch or '(empty)'} at {verdict.head}: {verdict.events} events, "
            f"{verdict.versions} versions and {verdict.records} golden records read."
        )
        for finding in verdict.findings:
            self.stdout.write(self.style.ERROR(f"ALTERED {finding.where}: {finding.what}"))
        if not verdict.is_green:
            raise SystemExit(1)
        self.stdout.write(self.style.SUCCESS("Green: every hash, version and golden record is as it was written."))
