"""`manage.py sandbox_stream URL`: try a receiver before it goes live."""

import base64
import json
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from mdm.domains import BY_NAME
from publishing.addresses import Forbidden, check_url, networks
from publishing.http import Caller
from publishing.sandbox.calling import Line
from publishing.sandbox.course import Course, Mark

LOOPBACK = ("127.0.0.0/8", "::1/128")  # whoever types the command builds the receiver at the same desk


class Command(BaseCommand):
    """Sends made-up messages to a webhook receiver and reports what it got right. Nothing of the hub is touched."""

    help = (
        "Send create, update, retire, merge, unmerge, duplicate, replayed, out-of-order and tampered messages to a "
        "receiver and report what it got right. Exits 1 where it got something wrong."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("url", help="where the receiver takes webhooks")
        parser.add_argument("--secret", required=True, help="the signing secret the receiver knows (whsec_...)")
        parser.add_argument("--states", default="", help="address that shows what it holds, such as .../records/{id}")
        parser.add_argument("--domain", default="supplier", choices=sorted(BY_NAME))
        parser.add_argument("--json", action="store_true", help="one JSON document instead of lines")

    def handle(self, *args: Any, **options: Any) -> None:
        """Prints a line for each station; raises CommandError where an address cannot be used."""
        for given in filter(None, (options["url"], options["states"].replace("{id}", "x"))):
            try:
                check_url(given)
            except Forbidden as error:
                raise CommandError(f"{given}: {error}") from error
        if options["states"] and "{id}" not in options["states"]:
            raise CommandError("--states lacks {id}, the place of the record's id: .../records/{id}, for example.")
        if not _is_secret(options["secret"]):
            raise CommandError("The secret is whsec_ and base64 behind it, as the page of the endpoint shows it.")
        allowed = (*networks(settings.ALLOWED_NETWORKS), *LOOPBACK)
        with Caller(allowed=allowed) as caller:
            line = Line(caller, options["url"], options["secret"], options["states"])
            verdicts = []
            for verdict in Course(line, BY_NAME[options["domain"]]).run():
                verdicts.append(verdict)
                if not options["json"]:
                    self.stdout.write(f"{verdict.mark:<9} {verdict.station:<18} {verdict.words}")
        wrong = sum(verdict.mark is Mark.WRONG for verdict in verdicts)
        right = sum(verdict.mark is Mark.RIGHT for verdict in verdicts)
        if options["json"]:
            lines = [{"station": one.station, "mark": one.mark, "words": one.words} for one in verdicts]
            self.stdout.write(json.dumps({"right": right, "wrong": wrong, "stations": lines}, indent=2))
        else:
            self.stdout.write(f"{right} right, {wrong} wrong, of {len(verdicts)}")
        if wrong:
            raise SystemExit(1)


def _is_secret(text: str) -> bool:
    try:
        return text.startswith("whsec_") and len(base64.b64decode(text.removeprefix("whsec_"), validate=True)) > 0
    except ValueError:
        return False
