"""manage.py verify_log: prove that nobody altered the log, the history or the golden records behind it."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from mdm.answers import count
from mdm.archive import verify_archive
from mdm.errors import MdmError
from mdm.verify import Verdict, verify


class Command(BaseCommand):
    """Exit code 0 when everything is as it was written, 1 with every altered row named otherwise, 2 for bad files."""

    help = "Verify the hash chain, its signed checkpoints, the versions it speaks of, and the golden records."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--limit", type=count, default=100, help="stop after this many findings")
        parser.add_argument("--chain-only", action="store_true", help="hashes and checkpoints, no versions and records")
        parser.add_argument("--checkpoints", type=Path, help="checkpoints kept elsewhere, one JSON line each")
        parser.add_argument("--public-key", type=Path, help="your own copy of what manage.py checkpoint_key printed")
        parser.add_argument("--no-restores", action="store_true", help="what a restore lost is a finding, too")
        parser.add_argument("--archive", type=Path, help="verify a folder written by archive_log instead")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["archive"]:
                verdict = verify_archive(options["archive"], public_key=options["public_key"])
            else:
                verdict = verify(
                    limit=options["limit"],
                    chain_only=options["chain_only"],
                    file=options["checkpoints"],
                    public_key=options["public_key"],
                )
        except MdmError as error:
            raise CommandError(f"{error.message} {error.way_out}", returncode=2) from error
        self._say(verdict, restores_are_fine=not options["no_restores"])

    def _say(self, verdict: Verdict, *, restores_are_fine: bool) -> None:
        self.stdout.write(
            f"Log {verdict.epoch or '(empty)'} at {verdict.head}: {verdict.events} events, {verdict.checkpoints} "
            f"checkpoints, {verdict.versions} versions and {verdict.records} golden records read."
        )
        for cut in verdict.cuts:
            self.stdout.write(self.style.WARNING(f"ARCHIVED {cut}"))
        for note in verdict.notes:
            self.stdout.write(self.style.WARNING(f"RESTORED {note}"))
        for finding in verdict.findings:
            self.stdout.write(self.style.ERROR(f"ALTERED {finding.where}: {finding.what}"))
        if not verdict.is_green or (verdict.notes and not restores_are_fine):
            raise SystemExit(1)
        self.stdout.write(self.style.SUCCESS("Green: everything read is as it was written."))
