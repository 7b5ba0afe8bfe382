"""`manage.py purge`: delete settled deliveries that have been kept long enough."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from publishing.purging import purge

LONGEST = 36_500


class Command(BaseCommand):
    """Does by hand what happens every night."""

    help = "Delete settled deliveries that are older than ASSAY_DELIVERY_DAYS. Safe beside running workers."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--days", type=int, default=settings.DELIVERY_DAYS, help="keep those of this many days")

    def handle(self, *args: Any, **options: Any) -> None:
        """Prints how many went. Refuses days that keep nothing, or that nobody has lived."""
        if not 1 <= options["days"] <= LONGEST:
            raise CommandError(f"--days is {options['days']}: give a number from 1 to {LONGEST}.")
        self.stdout.write(f"{purge(keep=timedelta(days=options['days'])):,} settled deliveries deleted")
