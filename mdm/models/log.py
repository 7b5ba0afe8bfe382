"""The one log: change events, their gapless numbers, and the head that hands the numbers out."""

from uuid import uuid4

from django.db import models

from mdm.identity import uuid7
from mdm.models.golden import GoldenRecord
from mdm.models.walls import AppendOnly, OncePerPartition


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

    The table is cut into partitions of a million ids (``mdm.partitions``), so uniqueness of anything but ``id`` is
    kept by each partition and, across them, by the sequencer's lock, the version tables and ``verify_log``.
    """

    id = models.BigAutoField(primary_key=True)
    seq = models.BigIntegerField(null=True)
    hash = models.CharField(max_length=64, null=True)
    uid = models.UUIDField(default=uuid7, editable=False)
    # No index of its own: (record, version) serves it.
    record = models.ForeignKey(GoldenRecord, on_delete=models.PROTECT, related_name="events", db_index=False)
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
            OncePerPartition(name="change_event_number_is_given_once", fields=("seq",)),
            OncePerPartition(name="change_event_id_is_used_once", fields=("uid",)),
            OncePerPartition(name="change_event_is_one_per_version", fields=("record", "version")),
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
    """One row: the life (epoch) of this log, the last number given and the hash of that event.

    ``mark`` and ``gaps`` are what the sequencer remembers (``mdm.gaps``), for who takes over.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    epoch = models.UUIDField(default=uuid4)
    seq = models.BigIntegerField(default=0)
    hash = models.CharField(max_length=64, default="0" * 64)
    mark = models.BigIntegerField(default=0)
    gaps = models.JSONField(default=list)

    class Meta:
        ordering = ["-seq"]  # the newest version first, whatever a transaction held open keeps of older ones
        constraints = [models.CheckConstraint(name="log_head_is_one_row", condition=models.Q(id=1))]
        indexes = [models.Index(name="log_head_newest", fields=["-seq"])]

    def __str__(self) -> str:
        return f"{self.epoch} at {self.seq}"


class LogEpoch(models.Model):
    """When each life of the log began, and why: the first one, and one after every restore from a backup.

    Numbers go on from ``from_seq``; ``from_hash`` is the hash the chain stood at then. What the life before had
    numbered beyond that is lost, and what is numbered so now is something else.
    """

    id = models.BigAutoField(primary_key=True)
    epoch = models.UUIDField(unique=True)
    from_seq = models.BigIntegerField()
    from_hash = models.CharField(max_length=64)
    reason = models.CharField(max_length=500)
    by = models.CharField(max_length=150)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            AppendOnly(name="log_epoch_is_append_only"),
            models.CheckConstraint(name="log_epoch_says_why", condition=~models.Q(reason="")),
        ]

    def __str__(self) -> str:
        return f"{self.epoch} from {self.from_seq}"


class Checkpoint(models.Model):
    """The head of the log at a moment, signed: the hash vouches for every event up to ``seq``.

    Kept here, in a file and with witnesses outside, so that whoever rewrites the table is found out.
    ``signature`` is Ed25519 over ``mdm.checkpoints.text_of``, in hex; ``key_id`` begins the SHA-256 of the public key.
    """

    id = models.BigAutoField(primary_key=True)
    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    epoch = models.UUIDField()
    seq = models.BigIntegerField()
    hash = models.CharField(max_length=64)
    at = models.DateTimeField()
    key_id = models.CharField(max_length=16)
    signature = models.CharField(max_length=128)

    class Meta:
        constraints = [
            AppendOnly(name="checkpoint_is_append_only"),
            models.UniqueConstraint(fields=["epoch", "seq"], name="checkpoint_is_one_per_number"),
            models.CheckConstraint(name="checkpoint_vouches_for_something", condition=models.Q(seq__gte=1)),
        ]

    def __str__(self) -> str:
        return f"{self.epoch} at {self.seq}"


class LogCut(models.Model):
    """Old events were archived and dropped: up to which number, the hash the chain went on from, and where they are."""

    id = models.BigAutoField(primary_key=True)
    through_seq = models.BigIntegerField(unique=True)
    through_hash = models.CharField(max_length=64)
    archive = models.CharField(max_length=400)
    sha256 = models.CharField(max_length=64)
    by = models.CharField(max_length=150)
    at = models.DateTimeField()

    class Meta:
        constraints = [AppendOnly(name="log_cut_is_append_only")]

    def __str__(self) -> str:
        return f"cut after {self.through_seq}"
