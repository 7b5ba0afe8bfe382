"""`revoke_client NAME`: the system's token is refused from now on."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from api.clients import revoke_client
from mdm.errors import MdmError


class Command(BaseCommand):
    """Takes effect with the next request."""

    help = "Revokes an API client: its token is refused from now on."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            client = revoke_client(name=options["name"])
        except MdmError as error:
            raise CommandError(f"{error.message} {error.way_out}") from error
        self.stdout.write(f"{client.name} ({client.hint}…) is revoked.")
