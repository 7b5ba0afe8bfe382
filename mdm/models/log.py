"""The one log: change events, their gapless numbers, and the head that hands the numbers out."""

from uuid import uuid4

from django.db import models

from mdm.identity import uuid7
from mdm.models.golden import GoldenRecord
from mdm.models.walls import AppendOnly


class EventVerb(models.TextChoices):
    """What happened to the record. A loser says *merged*, its return *unmerged*; the winner says *changed*."""

    CREATED = "created", "Created"
    CHANGED = "changed", "Changed"
    ACTIVATED = "activated", "Activated"
    MERGED = "merged", "Merged"
    UNMERGED = "unmerged", "Unmerged"
    RETIRED = "retired", "Retired"
    REINSTATED = "reinstated", "Reinstated"


class ChangeEvent(models.Model):
    """One change of one golden record, written in the transaction that made it.

    ``body`` is canonical JSON (sorted keys, no spaces, UTF-8) and the only thing hashed; the other columns repeat
    what readers filter on and ``verify_log`` compares them with it. ``seq`` and ``hash`` are filled in once, after
    commit, by the sequencer.
    """

    id = models.BigAutoField(primary_key=True)
    seq = models.BigIntegerField(null=True, unique=True)
    hash = models.CharField(max_length=64, null=True)
    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    record = models.ForeignKey(GoldenRecord, on_delete=models.PROTECT, related_name="events")
    domain = models.CharField(max_length=32)
    verb = models.CharField(max_length=10, choices=EventVerb.choices)
    version = models.PositiveIntegerField()
    state = models.CharField(max_length=8)
    # Whether feed and endpoints hear of it; what happens to a record nobody outside knows stays inside.
    outward = models.BooleanField(default=True)
    occurred_at = models.DateTimeField()
    actor = models.CharField(max_length=150)
    correlation_id = models.UUIDField()
    changed = models.JSONField(default=list)  # attribute names, for filters
    body = models.TextField()

    class Meta:
        constraints = [
            AppendOnly(name="change_event_is_append_only", once=("seq", "hash")),
            models.UniqueConstraint(fields=["record", "version"], name="change_event_is_one_per_version"),
            models.CheckConstraint(name="change_event_verb_is_known", condition=models.Q(verb__in=EventVerb.values)),
            models.CheckConstraint(
                name="change_event_number_and_hash_come_together",
                condition=models.Q(seq__isnull=True, hash__isnull=True)
                | models.Q(seq__isnull=False, hash__isnull=False),
            ),
        ]
        indexes = [
            models.Index(fields=["id"], condition=models.Q(seq__isnull=True), name="event_unnumbered"),  # sequencer
            models.Index(fields=["occurred_at"], name="event_time"),  # audit page by time
            models.Index(fields=["actor", "occurred_at"], name="event_actor"),  # audit page by person
            models.Index(fields=["correlation_id"], name="event_correlation"),  # everything one act changed
        ]

    def __str__(self) -> str:
        return f"{self.seq} {self.domain}.{self.verb}"


class LogHead(models.Model):
    """One row: the life (epoch) of this log, the last number given and the hash of that event."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    epoch = models.UUIDField(default=uuid4)
    seq = models.BigIntegerField(default=0)
    hash = models.CharField(max_length=64, default="0" * 64)

    class Meta:
        constraints = [models.CheckConstraint(name="log_head_is_one_row", condition=models.Q(id=1))]

    def __str__(self) -> str:
        return f"{self.epoch} at {self.seq}"
