"""Which programs of the hub are running, by their own word."""

from django.db import models


class Heartbeat(models.Model):
    """The last sign of life of one program: ``name`` is ``program@host:pid``; ``detail`` is what it says of itself."""

    name = models.CharField(max_length=120, primary_key=True)
    detail = models.JSONField(default=dict)
    since = models.DateTimeField()
    beat_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name
