"""Django's registration of matching."""

from importlib import import_module

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class MatchingConfig(AppConfig):
    """Which source record is which golden record."""

    name = "matching"
    label = "matching"
    verbose_name = "Matching"

    def ready(self) -> None:
        # Not before: the declarations import models.
        import_module("matching.checks")
        post_migrate.connect(import_module("matching.rules").record_all_shipped, sender=self)
