"""Files being set up: what a person chose for a file no feed reads yet, and the dry run over all of its rows."""

from django.db import models

from mdm.identity import uuid7
from mdm.models.sources import Batch, Feed


class DraftState(models.TextChoices):
    """drawn -> asked -> running -> tried | failed; every changed choice leads back to drawn; tried -> taken."""

    DRAWN = "drawn", "Being set up"
    ASKED = "asked", "Waiting for its dry run"
    RUNNING = "running", "Dry run"
    TRIED = "tried", "Tried"
    FAILED = "failed", "Failed"
    TAKEN = "taken", "Imported"


class FeedDraft(models.Model):
    """A file kept to be looked at, with the feed document in the making. Nothing of it is stored until it is taken.

    ``feed`` is the feed the file was recognised for, if any. ``report`` is what the last dry run found, for exactly
    this document; ``rows_expected`` is an estimate from the size of the first rows.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    file_name = models.CharField(max_length=255)
    stored_at = models.CharField(max_length=300)  # relative to the data folder
    size = models.BigIntegerField()
    document = models.JSONField(default=dict)
    feed = models.ForeignKey(Feed, null=True, blank=True, on_delete=models.PROTECT, related_name="drafts")
    state = models.CharField(max_length=8, choices=DraftState.choices, default=DraftState.DRAWN)
    report = models.JSONField(default=dict)
    rows_done = models.PositiveIntegerField(default=0)
    rows_expected = models.PositiveIntegerField(default=0)
    problem = models.TextField(blank=True)
    way_out = models.TextField(blank=True)
    batch = models.ForeignKey(Batch, null=True, blank=True, on_delete=models.PROTECT, related_name="drafts")
    created_by = models.CharField(max_length=150)
    created_at = models.DateTimeField(auto_now_add=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="feed_draft_state_is_known", condition=models.Q(state__in=DraftState.values)),
            models.CheckConstraint(
                name="feed_draft_is_taken_as_a_batch",
                condition=~models.Q(state=DraftState.TAKEN) | models.Q(batch__isnull=False),
            ),
        ]
        indexes = [
            # the sweep of dry runs
            models.Index(
                fields=["id"], condition=models.Q(state__in=["asked", "running"]), name="feed_draft_to_be_tried"
            )
        ]

    def __str__(self) -> str:
        return f"{self.file_name} ({self.state})"
