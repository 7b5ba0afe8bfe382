"""`manage.py alerts`: which alert rules are broken now, or the rules themselves for Prometheus."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from publishing.alerts import broken, prometheus_rules
from publishing.metrics import figures


class Command(BaseCommand):
    """Reads the figures once and names every rule they break; exit code 1 where there is any."""

    help = "Name every alert rule the figures break now (exit code 1), or print the rules for Prometheus."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--rules", action="store_true", help="print the rules as a file for Prometheus")

    def handle(self, *args: Any, **options: Any) -> None:
        """One line for each broken rule: what it concerns, the value, and what it means."""
        if options["rules"]:
            self.stdout.write(prometheus_rules(), ending="")
            return
        alerts = broken(figures())
        for alert in alerts:
            named = " ".join([alert.rule.name, *alert.labels.values()])
            self.stdout.write(f"{named} ({alert.value:g}): {alert.rule.words}")
        if alerts:
            sys.exit(1)
        self.stdout.write("No alert rule is broken.")
