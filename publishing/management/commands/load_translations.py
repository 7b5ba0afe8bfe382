"""manage.py load_translations ENDPOINT FILE: what a target calls our codes, from a CSV file."""

import csv
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from mdm.cause import Actor
from mdm.errors import Invalid
from publishing.models import Endpoint
from publishing.translating import COLUMNS, load_translations, waiting_for_words


class Command(BaseCommand):
    """All of the file or nothing; repeating it changes nothing."""

    help = "Load what an endpoint calls codes: a CSV file with the columns code_set, code and theirs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("endpoint", help="code of the endpoint")
        parser.add_argument("file", type=Path, help="UTF-8, comma-separated, with a header")
        parser.add_argument("--by", default="load_translations", help="who does it, for the history")
        parser.add_argument("--reason", default="", help="why, for the history")

    def handle(self, *args: Any, **options: Any) -> None:
        endpoint = Endpoint.objects.filter(code=options["endpoint"]).first()
        if endpoint is None:
            known = ", ".join(Endpoint.objects.values_list("code", flat=True)) or "none"
            raise CommandError(f"There is no endpoint {options['endpoint']}. There are: {known}.")
        by = Actor(name=options["by"], kind="system", channel="command")
        try:
            changed = load_translations(endpoint=endpoint, rows=_rows(options["file"]), by=by, reason=options["reason"])
        except Invalid as error:
            lines = [f"  {place}: {sentence}" for place, sentence in error.problems]
            raise CommandError("\n".join([str(error), *lines])) from error
        self.stdout.write(f"{changed} of its words changed.")
        if waiting := waiting_for_words(endpoint).count():
            self.stdout.write(f"{waiting} parked deliveries waited for words: release them on the endpoint's page.")


def _rows(file: Path) -> list[tuple[str, str, str]]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines)
            if missing := [name for name in COLUMNS if name not in (reader.fieldnames or ())]:
                raise CommandError(f"{file} lacks {', '.join(missing)}. Its first line has to be {','.join(COLUMNS)}.")
            return [tuple((row[name] or "").strip() for name in COLUMNS) for row in reader]  # type: ignore[misc]
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise CommandError(f"{file} is no UTF-8: save it as CSV in UTF-8.") from error
    except csv.Error as error:
        raise CommandError(f"{file} is no CSV file: {error}.") from error
