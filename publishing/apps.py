"""Django's registration of publishing."""

from django.apps import AppConfig


class PublishingConfig(AppConfig):
    """Facts are carried to other systems."""

    name = "publishing"
    label = "publishing"
    verbose_name = "Publishing"
