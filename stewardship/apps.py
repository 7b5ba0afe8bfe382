"""Django's registration of stewardship."""

from django.apps import AppConfig


class StewardshipConfig(AppConfig):
    """People decide: queues, change requests, pages."""

    name = "stewardship"
    label = "stewardship"
    verbose_name = "Stewardship"
