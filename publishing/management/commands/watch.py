"""`manage.py watch`: look at every endpoint once, and tell what has to be told."""

from typing import Any

from django.core.management.base import BaseCommand

from publishing.notices import watch


class Command(BaseCommand):
    """Does by hand what the workers do every few seconds."""

    help = "Look at every endpoint once and tell its owner what is wrong. Safe beside running workers."

    def handle(self, *args: Any, **options: Any) -> None:
        """Prints each new notice, and how many were told."""
        seen = watch()
        for notice in seen.new:
            self.stdout.write(f"{notice.kind}: {notice.words}")
        self.stdout.write(f"{len(seen.new)} new, {seen.mailed} mailed, {seen.called} told to the operator")
