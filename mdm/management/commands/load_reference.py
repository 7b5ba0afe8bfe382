"""manage.py load_reference: the code lists Assay ships, and the internal source of approved edits."""

from typing import Any

from django.core.management.base import BaseCommand

from mdm.code_lists import load_code_lists
from mdm.intake.sources import ensure_stewardship


class Command(BaseCommand):
    """Repeating it changes nothing."""

    help = "Load or renew units, currencies, countries, subdivisions and payment terms."

    def handle(self, *args: Any, **options: Any) -> None:
        ensure_stewardship()
        for code_set, count in load_code_lists().items():
            self.stdout.write(f"{code_set}: {count:,} codes")
