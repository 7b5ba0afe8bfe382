"""Where values come from: source systems, feeds, batches, rows as received, source records and their links."""

from django.db import models
from simple_history.models import HistoricalRecords

from mdm.identity import uuid7
from mdm.models.golden import GoldenRecord, GoldenState

STEWARDSHIP = "stewardship"  # code of the internal source of approved edits


class SourceSystem(models.Model):
    """A system that sends master data. The internal one, ``stewardship``, carries people's approved edits."""

    code = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=60, blank=True)
    description = models.TextField(blank=True)
    internal = models.BooleanField(default=False)
    history = HistoricalRecords()

    def __str__(self) -> str:
        return self.name


class SourceTrust(models.Model):
    """How far a source is trusted for a domain: rank 1 is trusted most; a source without a row ranks 100."""

    system = models.ForeignKey(SourceSystem, on_delete=models.CASCADE, related_name="trust")
    domain = models.CharField(max_length=32)
    rank = models.PositiveSmallIntegerField()
    history = HistoricalRecords()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["system", "domain"], name="source_trust_is_stated_once_per_domain"),
            models.CheckConstraint(name="source_trust_rank_is_positive", condition=models.Q(rank__gte=1)),
        ]

    def __str__(self) -> str:
        return f"{self.system_id} {self.domain} {self.rank}"


class Feed(models.Model):
    """How one kind of file from one source becomes source records. ``definition`` is the TOML document as JSON
    (docs/guides/feeds.md); each change is a new ``version`` and batches remember the one they were read with."""

    code = models.SlugField(max_length=60, unique=True)
    title = models.CharField(max_length=120)
    system = models.ForeignKey(SourceSystem, on_delete=models.PROTECT, related_name="feeds")
    domain = models.CharField(max_length=32)
    part = models.CharField(max_length=40, blank=True)
    file_pattern = models.CharField(max_length=200, blank=True)
    definition = models.JSONField(default=dict)
    version = models.PositiveIntegerField(default=1)
    active = models.BooleanField(default=True)
    history = HistoricalRecords()

    def __str__(self) -> str:
        return self.code


class BatchState(models.TextChoices):
    """received -> reading -> read; received or reading -> failed (nothing of the file was taken)."""

    RECEIVED = "received", "Received"
    READING = "reading", "Reading"
    READ = "read", "Read"
    FAILED = "failed", "Failed"


class Batch(models.Model):
    """One file (or one API call) as received. The same content for the same feed version is not read twice."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    feed = models.ForeignKey(Feed, on_delete=models.PROTECT, related_name="batches")
    feed_version = models.PositiveIntegerField()
    file_name = models.CharField(max_length=255)
    stored_at = models.CharField(max_length=300, blank=True)  # relative to the data folder
    sha256 = models.CharField(max_length=64)
    size = models.BigIntegerField(default=0)
    header = models.JSONField(default=list)
    state = models.CharField(max_length=8, choices=BatchState.choices, default=BatchState.RECEIVED)
    problem = models.TextField(blank=True)
    way_out = models.TextField(blank=True)
    rows_read = models.PositiveIntegerField(default=0)
    rows_new = models.PositiveIntegerField(default=0)
    rows_changed = models.PositiveIntegerField(default=0)
    rows_unchanged = models.PositiveIntegerField(default=0)
    rows_quarantined = models.PositiveIntegerField(default=0)
    bytes_read = models.BigIntegerField(default=0)
    repeats = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="repeated_by")
    submitted_by = models.CharField(max_length=150, blank=True)
    received_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="batch_state_is_known", condition=models.Q(state__in=BatchState.values)),
            models.UniqueConstraint(
                fields=["feed", "feed_version", "sha256"],
                condition=models.Q(state__in=["received", "reading", "read"], repeats__isnull=True),
                name="batch_same_content_is_read_once_per_feed_version",
            ),
        ]
        indexes = [models.Index(fields=["-received_at"], name="batch_recent")]  # import page

    def __str__(self) -> str:
        return f"{self.file_name} ({self.state})"


class RowState(models.TextChoices):
    """accepted | unchanged; quarantined -> mended (sent again and accepted) | dismissed (a person said: leave it)."""

    ACCEPTED = "accepted", "Accepted"
    UNCHANGED = "unchanged", "Unchanged"
    QUARANTINED = "quarantined", "In quarantine"
    MENDED = "mended", "Mended"
    DISMISSED = "dismissed", "Dismissed"


class SourceRow(models.Model):
    """One line as received, verbatim. ``problems`` are [{column, value, message, way_out, severity}], all at once."""

    batch = models.ForeignKey(Batch, on_delete=models.PROTECT, related_name="rows")
    line = models.PositiveIntegerField()
    raw = models.TextField()
    cells = models.JSONField(null=True)  # kept for quarantined rows only, to be mended cell by cell
    mended_cells = models.JSONField(null=True)
    key = models.CharField(max_length=300, blank=True)
    state = models.CharField(max_length=12, choices=RowState.choices)
    problems = models.JSONField(default=list)
    settled_by = models.CharField(max_length=150, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["batch", "line"], name="source_row_line_is_kept_once_per_batch"),
            models.CheckConstraint(name="source_row_state_is_known", condition=models.Q(state__in=RowState.values)),
        ]
        indexes = [
            models.Index(fields=["batch", "line"], condition=models.Q(state="quarantined"), name="row_quarantine"),
        ]

    def __str__(self) -> str:
        return f"line {self.line} ({self.state})"


class SourceState(models.TextChoices):
    """waiting -> linked (or waiting again when its content changes); retired: no longer counts (lifetime over)."""

    WAITING = "waiting", "Waiting to be matched"
    LINKED = "linked", "Linked"
    RETIRED = "retired", "Retired"


class SourceRecord(models.Model):
    """The current standardised state of one key in one source.

    ``values`` is {attribute: JSON value}, references being {"system", "domain", "key"} or {"record": golden id};
    ``parts`` is {part: [{attribute: value}]}. ``former`` is {values, parts, stub} as they were before the newest change
    of a linked record: what it was last judged by. A record with ``part`` set is one row of a part of another record of
    the same source, named by ``parent_key``; it is linked wherever that one is. ``stub`` marks a record known only
    because another one names it.
    """

    # The key's constraint begins with the system, and the batch has an index below: each index less is one less to
    # write twice a record, when it comes and when it is linked.
    system = models.ForeignKey(SourceSystem, on_delete=models.PROTECT, related_name="records", db_index=False)
    domain = models.CharField(max_length=32)
    part = models.CharField(max_length=40, blank=True)
    key = models.CharField(max_length=300)
    parent_key = models.CharField(max_length=300, blank=True)
    stub = models.BooleanField(default=False)
    values = models.JSONField(default=dict)
    parts = models.JSONField(default=dict)
    former = models.JSONField(null=True)
    warnings = models.JSONField(default=list)
    content_hash = models.CharField(max_length=64)
    state = models.CharField(max_length=8, choices=SourceState.choices, default=SourceState.WAITING)
    row = models.ForeignKey(SourceRow, null=True, blank=True, on_delete=models.PROTECT, related_name="source_records")
    batch = models.ForeignKey(
        Batch, null=True, blank=True, on_delete=models.PROTECT, related_name="source_records", db_index=False
    )
    # When the source itself says the row was last changed, else when its content last changed here.
    as_of = models.DateTimeField()
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    valid_until = models.DateTimeField(null=True, blank=True)
    author = models.CharField(max_length=150, blank=True)
    reason = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["system", "domain", "part", "key"], name="source_record_key_is_unique_in_its_source"
            ),
            models.CheckConstraint(
                name="source_record_state_is_known", condition=models.Q(state__in=SourceState.values)
            ),
        ]
        indexes = [
            # the matching claim
            models.Index(fields=["domain", "id"], condition=models.Q(state="waiting"), name="source_record_waiting"),
            # part rows of one parent
            models.Index(
                fields=["system", "domain", "parent_key"], condition=~models.Q(part=""), name="source_record_parent"
            ),
            models.Index(fields=["batch"], name="source_record_batch"),  # progress of one batch
            # edits whose lifetime ends
            models.Index(
                fields=["valid_until"], condition=models.Q(valid_until__isnull=False), name="source_record_lifetime"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.domain} {self.key}"


class SourceReference(models.Model):
    """A reference a source record makes, by the key its own source uses: the way back from target to referrer."""

    source_record = models.ForeignKey(SourceRecord, on_delete=models.CASCADE, related_name="references")
    attribute = models.CharField(max_length=80)
    system = models.ForeignKey(SourceSystem, on_delete=models.PROTECT, related_name="+")
    domain = models.CharField(max_length=32)
    key = models.CharField(max_length=300)

    class Meta:
        indexes = [models.Index(fields=["system", "domain", "key"], name="source_reference_target")]  # who refers here

    def __str__(self) -> str:
        return f"{self.attribute} -> {self.domain} {self.key}"


class LinkMethod(models.TextChoices):
    """How a source record came to its golden record."""

    NEW = "new", "New record"
    AUTO = "auto", "Linked by matching"
    PARENT = "parent", "Follows its parent row"
    STEWARD = "steward", "Linked by a steward"
    MERGE = "merge", "Came with a merge"
    UNMERGE = "unmerge", "Came back with an unmerge"
    EDIT = "edit", "Approved edit"


class Link(models.Model):
    """The crosswalk: source record to golden record, with who, why, since when. Ended links are kept.

    ``merge`` is the innermost standing merge that brought it here: that one's loser is where it is at home.
    """

    source_record = models.ForeignKey(SourceRecord, on_delete=models.PROTECT, related_name="links")
    record = models.ForeignKey(GoldenRecord, on_delete=models.PROTECT, related_name="links")
    method = models.CharField(max_length=8, choices=LinkMethod.choices)
    score = models.FloatField(null=True)
    explanation = models.JSONField(null=True)
    merge = models.ForeignKey("mdm.Merge", null=True, on_delete=models.PROTECT, related_name="links")
    linked_by = models.CharField(max_length=150)
    reason = models.TextField(blank=True)
    linked_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=150, blank=True)
    end_reason = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["source_record"],
                condition=models.Q(ended_at__isnull=True),
                name="link_source_record_has_one_golden_record",
            ),
        ]
        indexes = [
            models.Index(fields=["record"], condition=models.Q(ended_at__isnull=True), name="link_open"),
        ]

    def __str__(self) -> str:
        return f"{self.source_record_id} -> {self.record_id}"


class Merge(models.Model):
    """One merge of one loser into a winner, with what it takes to undo it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    winner = models.ForeignKey(GoldenRecord, on_delete=models.PROTECT, related_name="merges_won")
    loser = models.ForeignKey(GoldenRecord, on_delete=models.PROTECT, related_name="merges_lost")
    loser_state = models.CharField(max_length=8)
    winner_state = models.CharField(max_length=8, default=GoldenState.ACTIVE)
    correlation_id = models.UUIDField()
    merged_by = models.CharField(max_length=150)
    reason = models.TextField(blank=True)
    merged_at = models.DateTimeField()
    undone_at = models.DateTimeField(null=True)
    undone_by = models.CharField(max_length=150, blank=True)
    undo_reason = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["loser"], condition=models.Q(undone_at__isnull=True), name="merge_record_is_lost_once_at_a_time"
            ),
            models.CheckConstraint(name="merge_winner_is_not_the_loser", condition=~models.Q(winner=models.F("loser"))),
        ]

    def __str__(self) -> str:
        return f"{self.loser_id} into {self.winner_id}"


class CodeCounter(models.Model):
    """The last number given to a code of a domain; one row per domain, locked while numbers are taken."""

    domain = models.CharField(max_length=32, primary_key=True)
    last = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.domain} {self.last}"
