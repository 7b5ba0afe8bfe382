"""`create_client NAME [--scope SCOPE ...] [--endpoint CODE]`: let a system use the API; prints its token once."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from api.clients import create_client
from api.scopes import READ_SCOPES, SCOPES
from mdm.errors import Invalid, MdmError


class Command(BaseCommand):
    """The token goes to standard output and nothing else does, so that a script can keep it."""

    help = "Creates an API client and prints its token, once. Without --scope it may read everything."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument(
            "--scope", action="append", metavar="SCOPE", help=f"One of {', '.join(SCOPES)}; repeatable."
        )

        parser.add_argument(
            "--endpoint",
            default="",
            metavar="CODE",
            help="The endpoint the system is: with receipt:write and drift:write it speaks for that one.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            client, token = create_client(
                name=options["name"], scopes=options["scope"] or READ_SCOPES, endpoint=options["endpoint"]
            )
        except Invalid as error:
            raise CommandError(" ".join([error.message, *(text for _, text in error.problems)])) from error
        except MdmError as error:
            raise CommandError(f"{error.message} {error.way_out}") from error
        self.stdout.write(token)
        self.stderr.write(
            f"{client.name} may use: {', '.join(client.scopes)}. Keep the token now, it is not shown again. "
            "Send it as: Authorization: Bearer TOKEN"
        )
