"""One verdict on many questions at once: what was asked, how far it is, what could not be done."""

from django.conf import settings
from django.db import models

from mdm.identity import uuid7


class BulkState(models.TextChoices):
    """``running`` leads to ``done``; from there ``undoing`` leads to ``undone``."""

    RUNNING = "running", "Running"
    DONE = "done", "Done"
    UNDOING = "undoing", "Being undone"
    UNDONE = "undone", "Undone"


class BulkVerb(models.TextChoices):
    """What is decided about each question."""

    MERGE = "merge", "Merge"
    REJECT = "reject", "Not a match"
    SKIP = "skip", "Skip for a week"


class BulkDecision(models.Model):
    """``questions`` are the candidates as they were previewed, decided in this order up to ``reached``; ``decisions``
    the ids of what was decided, ``failures`` [[candidate, why]] of the rest. Going back, ``decisions`` is emptied."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    verb = models.CharField(max_length=10, choices=BulkVerb.choices)
    state = models.CharField(max_length=10, choices=BulkState.choices, default=BulkState.RUNNING)
    asked = models.CharField(max_length=500, blank=True)  # the filters of the queue, as its address has them
    questions = models.JSONField()
    reached = models.PositiveIntegerField(default=0)
    decisions = models.JSONField(default=list)
    failures = models.JSONField(default=list)
    reason = models.TextField()
    begun_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    begun_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="bulk_decision_verb_is_known", condition=models.Q(verb__in=BulkVerb.values)),
            models.CheckConstraint(name="bulk_decision_says_why", condition=~models.Q(reason="")),
            models.CheckConstraint(
                name="bulk_decision_has_ended_where_it_is_done",
                condition=models.Q(state__in=["running", "undoing"], ended_at__isnull=True)
                | models.Q(state__in=["done", "undone"], ended_at__isnull=False),
            ),
        ]
        indexes = [  # what the sweep goes on with
            models.Index(fields=["id"], condition=models.Q(ended_at__isnull=True), name="bulk_decision_under_way")
        ]

    def __str__(self) -> str:
        return f"{self.verb} {len(self.questions)}"
