"""How people like to judge."""

from django.conf import settings
from django.db import models


class Habit(models.Model):
    """Whether a person judges questions blind: by values alone, without sources, scores and the proposal."""

    person = models.OneToOneField(
        settings.AUTH_USER_MODEL, primary_key=True, on_delete=models.CASCADE, related_name="habit"
    )
    blind = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"{self.person_id} {'blind' if self.blind else 'open'}"

    person_id: int
