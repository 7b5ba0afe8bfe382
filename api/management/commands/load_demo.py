"""manage.py load_demo: the whole demo, once; repeating it changes nothing."""

import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from api.demo import decide, ensure_people, import_files, load_basis
from mdm.errors import MdmError
from mdm.intake.telling import table, told
from mdm.log import sequence_all


class Command(BaseCommand):
    """Exit code 0 when everything is loaded, matched, mastered and numbered; workers deliver it meanwhile."""

    help = "Load the demo: code lists, sources, feeds, people, files, decisions and endpoints."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--deliver", action="store_true", help="deliver as well, where no worker runs")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("This hub holds no demo (ASSAY_DEMO=0): its people and passwords are public.")
        started = time.perf_counter()
        try:
            load_basis()
            people = ensure_people()
            batches = list(import_files())
            call_command("match", stdout=self.stdout)
            sequence_all()
            done = decide()
            sequence_all()
        except (MdmError, OSError) as error:
            raise CommandError(told(error)) from error
        if options["deliver"]:
            call_command("drain", "--until-empty", stdout=self.stdout)
        if batches:
            self.stdout.write(table(batches))
        for line in done:
            self.stdout.write(line)
        self.stdout.write(f"People: {', '.join(user.username for user in people)}")
        self.stdout.write(f"The demo is loaded ({time.perf_counter() - started:.0f} s).")
