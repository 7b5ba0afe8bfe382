"""Django's registration of matching."""

from django.apps import AppConfig


class MatchingConfig(AppConfig):
    """Which source record is which golden record."""

    name = "matching"
    label = "matching"
    verbose_name = "Matching"
