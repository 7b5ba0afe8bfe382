"""How long one attribute of an approved edit holds, where that is not the whole life of the edit."""

from django.db import models

from mdm.models.sources import SourceRecord


class Pin(models.Model):
    """One attribute of an approved edit. An attribute without a row holds as long as its edit does.

    With ``until_source`` it holds while the source record it ``watches`` is linked beside it and says what it ``said``
    when the edit was approved; watching nobody, while no source says anything. Once the watched one says something
    else the pin is over for good, also when it later says the old value again.
    """

    edit = models.ForeignKey(SourceRecord, on_delete=models.PROTECT, related_name="pins")
    attribute = models.CharField(max_length=80)
    until_source = models.BooleanField(default=False)
    watches = models.ForeignKey(SourceRecord, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    said = models.JSONField(null=True)
    ended_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=150, blank=True)
    end_reason = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["edit", "attribute"], name="pin_is_set_once_per_edit_and_attribute"),
            models.CheckConstraint(
                name="pin_watches_a_source_only_until_it_changes",
                condition=models.Q(until_source=True) | models.Q(watches__isnull=True, said__isnull=True),
            ),
            models.CheckConstraint(
                name="pin_does_not_watch_its_own_edit",
                condition=models.Q(watches__isnull=True) | ~models.Q(watches=models.F("edit")),
            ),
            models.CheckConstraint(
                name="pin_says_who_ended_it_exactly_when_it_is_over",
                condition=models.Q(ended_at__isnull=True, ended_by="")
                | (models.Q(ended_at__isnull=False) & ~models.Q(ended_by="")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.attribute} of {self.edit_id}"
