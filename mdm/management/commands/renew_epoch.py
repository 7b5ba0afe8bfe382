"""manage.py renew_epoch: begin a new life of the log by hand, after a restore the hub could not notice by itself."""

import getpass
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from mdm.epochs import renew


class Command(BaseCommand):
    """Each call begins another life: readers of the feed start anew and endpoints pause as restored."""

    help = "Begin a new life of the log; every reader of the feed has to start anew."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--reason", required=True, help="why, for the auditor: what was restored, from when")
        parser.add_argument("--by", default="", help="who; the account of this machine where it is left out")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["reason"].strip():
            raise CommandError("The reason is blank: say what was restored, and from when.", returncode=2)
        begun = renew(reason=options["reason"], by=options["by"] or getpass.getuser())
        self.stdout.write(f"The log goes on in its life {begun.epoch} from {begun.from_seq}.")
