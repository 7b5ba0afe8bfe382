"""Django's registration of mdm."""

from django.apps import AppConfig

from mdm.celery import app


class MdmConfig(AppConfig):
    """Sources, golden records, their versions and the log."""

    name = "mdm"
    label = "mdm"
    verbose_name = "Mdm"
    # Named here so that shared tasks find the application in every Django command.
    celery = app
