"""``manage.py match``: decide everything that waits, here and now, without a worker."""

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from matching.run import match
from mdm.cause import Actor, Cause
from mdm.domains import BY_NAME, DOMAINS


class Command(BaseCommand):
    help = "Match and master every waiting source record, of one domain or of all, to the end."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--domain", choices=sorted(BY_NAME))

    def handle(self, *args: Any, **options: Any) -> None:
        cause = Cause(by=Actor(name="Assay", kind="system", channel="command"), reason="Matching")
        wanted = [BY_NAME[options["domain"]]] if options["domain"] else DOMAINS
        for domain in wanted:
            started = time.perf_counter()
            done = match(domain, cause)
            if not done.nothing:
                self.stdout.write(
                    f"{domain.plural}: {done.decided} rows decided, {done.created} golden records made, "
                    f"{done.linked} rows joined others, {done.refreshed} changes taken over, "
                    f"{done.asked} questions for people, {time.perf_counter() - started:.1f} s"
                )
                if done.respected:
                    self.stdout.write(f"  {done.respected} pairs left apart because a person said so")
