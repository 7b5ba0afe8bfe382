"""manage.py rebuild_golden: recompute every golden record from its sources, and compare or write."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from mdm.mastering import Actor, Cause, differences, refresh


class Command(BaseCommand):
    """With --check nothing is written and the exit code is 1 when anything differs."""

    help = "Recompute every golden record from its linked source records."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="only compare; exit code 1 when anything differs")

    def handle(self, *args: Any, **options: Any) -> None:
        found = 0
        for difference in differences():
            found += 1
            self.stdout.write(f"{difference.code} {difference.what}: {difference.stored} -> {difference.recomputed}")
            if not options["check"]:
                by = Actor(name="rebuild_golden", kind="system", channel="command")
                refresh(record_ids=[difference.record_id], cause=Cause(by=by, reason="Recomputed from its sources"))
        if not found:
            self.stdout.write("No difference: every golden record is what its sources make.")
            return
        self.stdout.write(f"{found} differences.")
        if options["check"]:
            raise SystemExit(1)
