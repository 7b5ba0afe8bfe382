"""Watched folders: which files of a folder a feed takes by itself, and what became of each."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from simple_history.models import HistoricalRecords

from mdm.models.sources import Batch, Feed

LONGEST_PAUSE = 7 * 24 * 60  # minutes


class Coverage(models.TextChoices):
    """What a file speaks for: everything the source has, or only what changed."""

    DELTA = "delta", "What changed"
    FULL = "full", "Everything the source has"


class MissingRows(models.TextChoices):
    """What becomes of records a full file does not name any more."""

    KEEP = "keep", "Only count them"
    RETIRE = "retire", "Retire records no other source names"


class FeedWatch(models.Model):
    """A folder a feed watches. ``folder`` is inside the hub's watch folder; ``most_missing`` is the share (percent) of
    the feed's records a full file may leave out before it is held for a person."""

    feed = models.OneToOneField(Feed, on_delete=models.PROTECT, related_name="watch")
    folder = models.CharField(max_length=200, blank=True)
    pattern = models.CharField(max_length=200)
    coverage = models.CharField(max_length=5, choices=Coverage.choices, default=Coverage.DELTA)
    missing = models.CharField(max_length=6, choices=MissingRows.choices, default=MissingRows.KEEP)
    most_missing = models.PositiveSmallIntegerField(default=10, validators=[MaxValueValidator(100)])
    every_minutes = models.PositiveIntegerField(
        default=5, validators=[MinValueValidator(1), MaxValueValidator(LONGEST_PAUSE)]
    )
    paused = models.BooleanField(default=False)
    owner = models.CharField(max_length=150)
    owner_mail = models.EmailField(blank=True)
    problem = models.TextField(blank=True)
    next_at = models.DateTimeField()
    history = HistoricalRecords(excluded_fields=["next_at", "problem"])

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="feed_watch_coverage_is_known", condition=models.Q(coverage__in=Coverage.values)
            ),
            models.CheckConstraint(
                name="feed_watch_retires_by_full_files_only",
                condition=models.Q(missing="keep") | models.Q(missing="retire", coverage="full"),
            ),
            models.CheckConstraint(name="feed_watch_misses_at_most_all", condition=models.Q(most_missing__lte=100)),
            models.CheckConstraint(
                name="feed_watch_looks_once_a_week_at_least",
                condition=models.Q(every_minutes__gte=1, every_minutes__lte=LONGEST_PAUSE),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.feed_id} {self.folder}/{self.pattern}"


class WatchRunState(models.TextChoices):
    """taken; held -> taken | dismissed; failed (the file itself cannot be read)."""

    TAKEN = "taken", "Taken"
    HELD = "held", "Held for a person"
    FAILED = "failed", "Failed"
    DISMISSED = "dismissed", "Left out"


class WatchRun(models.Model):
    """One file a watch found, known by name, size and time. ``report`` are the counts of its look before it was taken;
    ``settled_at`` says when the records it does not name were seen to, ``retired`` are the ids of those retired."""

    watch = models.ForeignKey(FeedWatch, on_delete=models.PROTECT, related_name="runs")
    file_name = models.CharField(max_length=255)
    size = models.BigIntegerField()
    modified_at = models.DateTimeField()
    state = models.CharField(max_length=9, choices=WatchRunState.choices)
    batch = models.ForeignKey(Batch, null=True, blank=True, on_delete=models.PROTECT, related_name="watch_runs")
    report = models.JSONField(default=dict)
    retired = models.JSONField(default=list)
    reinstated = models.PositiveIntegerField(default=0)
    problem = models.TextField(blank=True)
    way_out = models.TextField(blank=True)
    decided_by = models.CharField(max_length=150, blank=True)
    at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="watch_run_state_is_known", condition=models.Q(state__in=WatchRunState.values)),
            models.UniqueConstraint(
                fields=["watch", "file_name", "size", "modified_at"], name="watch_run_looks_at_a_file_once"
            ),
            models.CheckConstraint(
                name="watch_run_is_taken_as_a_batch",
                condition=~models.Q(state="taken") | models.Q(batch__isnull=False),
            ),
        ]
        indexes = [
            # full files whose missing records are still to be seen to
            models.Index(
                fields=["batch"], condition=models.Q(state="taken", settled_at__isnull=True), name="watch_run_unsettled"
            )
        ]

    def __str__(self) -> str:
        return f"{self.file_name} ({self.state})"
