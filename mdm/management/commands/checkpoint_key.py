"""manage.py checkpoint_key: the public key checkpoints are verified with, for the auditor to keep."""

from typing import Any

from django.core.management.base import BaseCommand

from mdm.checkpoints import key_id, private_key, public_pem


class Command(BaseCommand):
    """Prints PEM on standard output and the key's id beside it. Makes the key where there is none yet."""

    help = "Print the public key of this installation's checkpoints."

    def handle(self, *args: Any, **options: Any) -> None:
        key = private_key().public_key()
        self.stderr.write(f"Key {key_id(key)}. Keep it where the hub's operators cannot change it.")
        self.stdout.write(public_pem(key).strip())
