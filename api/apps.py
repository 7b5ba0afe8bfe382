"""Django's registration of api."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    """Machines in and out: /api/v1."""

    name = "api"
    label = "api"
    verbose_name = "Api"
