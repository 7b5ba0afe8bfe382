"""Django's registration of mdm."""

from importlib import import_module

from django.apps import AppConfig

from mdm.celery import app


class MdmConfig(AppConfig):
    """Sources, golden records, their versions and the log."""

    name = "mdm"
    label = "mdm"
    verbose_name = "Mdm"
    # Named here so that shared tasks find the application in every Django command.
    celery = app

    def ready(self) -> None:
        """Register the system checks, which may only be imported once the models are there."""
        import_module("mdm.checks")
