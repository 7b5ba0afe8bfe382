"""Forms that were sent, so that the same press of a button is carried out once."""

from django.conf import settings
from django.db import models


class Press(models.Model):
    """One sending of one form: ``key`` covers person, address, the form's own token and what it said.

    ``answered_at`` is empty while it is carried out; ``location`` is where it led, "" where it led nowhere else.
    Kept for a day: long enough for a page that was left open, a line that broke and a press of the back button.
    """

    key = models.CharField(max_length=64, primary_key=True)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    pressed_at = models.DateTimeField(db_index=True)  # the day's tidying
    answered_at = models.DateTimeField(null=True)
    location = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="press_leads_somewhere_only_once_it_is_answered",
                condition=models.Q(location="") | models.Q(answered_at__isnull=False),
            ),
            models.CheckConstraint(
                name="press_is_not_answered_before_it_is_made",
                condition=models.Q(answered_at__isnull=True) | models.Q(answered_at__gte=models.F("pressed_at")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person_id} at {self.pressed_at:%H:%M:%S}"
