"""`manage.py drain`: deliver without workers."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from mdm.log import sequence_all
from publishing.draining import drain_all
from publishing.models import Delivery, DeliveryState, Endpoint


class Command(BaseCommand):
    """Numbers what is committed, then drains every lane that is due, in this one program."""

    help = "Deliver what is due to every endpoint, without Celery. Safe beside running workers."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--until-empty", action="store_true", help="go on until no lane is due")

    def handle(self, *args: Any, **options: Any) -> None:
        """Prints one line an endpoint: what was delivered, what is left and why."""
        sequence_all()
        done = drain_all(until_empty=options["until_empty"])
        for endpoint in Endpoint.objects.all():
            drained = done.get(endpoint.pk)
            left = Delivery.objects.filter(endpoint=endpoint)
            waiting = left.filter(state__in=[DeliveryState.WAITING, DeliveryState.IN_FLIGHT]).count()
            parked = left.filter(state=DeliveryState.PARKED).count()
            delivered = drained.delivered if drained else 0
            self.stdout.write(
                f"{endpoint.code} ({endpoint.get_state_display()}): "
                f"{delivered} delivered, {waiting} waiting, {parked} parked"
            )
