"""What targets tell later: receipts for what they were sent, and what they hold as compared with the hub."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from mdm.models import GoldenRecord
from mdm.models.walls import AppendOnly
from publishing.models.deliveries import Delivery
from publishing.models.endpoints import Endpoint
from publishing.models.work import JobState


class Receipt(models.Model):
    """A target's word on one message, given after its HTTP answer: taken or not, why, and under which id of its own.

    A receipt outlives the delivery it is about, so ``delivery`` may name one that is no longer kept.
    """

    id = models.BigAutoField(primary_key=True)
    endpoint = models.ForeignKey(Endpoint, on_delete=models.PROTECT, related_name="receipts")
    delivery = models.ForeignKey(
        Delivery, null=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="receipts"
    )
    event_uid = models.UUIDField(null=True, blank=True)
    record = models.ForeignKey(GoldenRecord, on_delete=models.PROTECT, related_name="receipts")
    version = models.PositiveIntegerField()
    accepted = models.BooleanField()
    outcome_code = models.CharField(max_length=32)
    reason = models.CharField(max_length=500, blank=True)
    local_id = models.CharField(max_length=120, blank=True)
    by = models.CharField(max_length=100)
    key = models.CharField(max_length=120)  # the sender's own key of this receipt: the same again changes nothing
    received_at = models.DateTimeField()

    class Meta:
        constraints = [
            AppendOnly(name="receipt_is_append_only"),
            models.UniqueConstraint(fields=["endpoint", "key"], name="receipt_is_taken_once"),
        ]
        indexes = [models.Index(fields=["record", "endpoint", "-id"], name="receipt_of_record")]  # record's deliveries

    def __str__(self) -> str:
        return f"receipt {self.key} of {self.endpoint_id}"


class Compared(models.TextChoices):
    """What two sides compare of a record."""

    CONTENT = "content", "Content"
    VERSION = "version", "Version only"


class DriftCheck(models.Model):
    """One comparison of an endpoint with the hub: what the target said it holds, and how much of it differs.

    ``open_buckets`` differ and were not told record by record yet; the check is done when none is left. A check the
    hub asks for is a job: ``cursor`` is its place in the target's list, ``claim_id`` and ``lease_until`` are those of
    the worker at it, and another goes on from the cursor when the lease has ended.
    """

    id = models.BigAutoField(primary_key=True)
    endpoint = models.ForeignKey(Endpoint, on_delete=models.PROTECT, related_name="drift_checks")
    by = models.CharField(max_length=150)
    via = models.CharField(max_length=8, choices=(("sent", "The target sent it"), ("asked", "Assay asked")))
    state = models.CharField(max_length=10, choices=JobState.choices, default=JobState.RUNNING)
    compares = models.CharField(max_length=8, choices=Compared.choices, default=Compared.CONTENT)
    domains = models.JSONField(default=list)
    open_buckets = ArrayField(models.PositiveSmallIntegerField(), default=list, blank=True)
    compared = models.PositiveIntegerField(default=0)
    told = models.PositiveIntegerField(default=0)
    buckets_differing = models.PositiveIntegerField(default=0)
    differing = models.PositiveIntegerField(default=0)
    left_out = models.PositiveIntegerField(default=0)
    error = models.CharField(max_length=500, blank=True)
    cursor = models.CharField(max_length=300, blank=True)
    claim_id = models.UUIDField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="drift_check_state_is_known", condition=models.Q(state__in=JobState.values)),
            models.CheckConstraint(name="drift_check_failed_says_why", condition=~models.Q(state="failed", error="")),
            models.UniqueConstraint(
                fields=["endpoint"],
                condition=models.Q(via="asked", state__in=["waiting", "running"]),
                name="drift_check_asks_a_target_one_at_a_time",
            ),
        ]
        indexes = [models.Index(fields=["endpoint", "-id"], name="drift_check_recent")]  # endpoint page

    def __str__(self) -> str:
        return f"drift check {self.pk} of {self.endpoint_id}"


class Told(models.Model):
    """One record as a target says it holds it, kept while its check runs. ``record_id`` is its id if that is one."""

    id = models.BigAutoField(primary_key=True)
    check_run = models.ForeignKey(DriftCheck, on_delete=models.CASCADE, related_name="records_told")
    their_id = models.CharField(max_length=200)
    record_id = models.UUIDField(null=True)
    bucket = models.PositiveSmallIntegerField()
    version = models.PositiveIntegerField(null=True)
    digest = models.CharField(max_length=64, blank=True)
    fields = models.JSONField(null=True)
    local_id = models.CharField(max_length=120, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["check_run", "their_id"], name="told_is_one_per_check_and_record"),
            models.CheckConstraint(name="told_bucket_is_one_of_4096", condition=models.Q(bucket__lt=4096)),
        ]

    def __str__(self) -> str:
        return f"{self.their_id} as told in {self.check_run_id}"


class DifferenceKind(models.TextChoices):
    """How a target differs from the hub."""

    MISSING = "missing", "The target lacks the record"
    EXTRA = "extra", "The target has a record it was never given"
    BEHIND = "behind", "The target has an older version"
    ALTERED = "altered", "The target has another value"


class DifferenceState(models.TextChoices):
    """What became of a difference.

    ::

        open --send again--> sent_again --the next check still finds it--> open
        open --adopt as source value--> adopted
        open --leave it--> left --the target's value changes--> a new one is open
        open, sent_again, left --the next check finds none--> gone
    """

    OPEN = "open", "Open"
    SENT_AGAIN = "sent_again", "Sent again"
    ADOPTED = "adopted", "Adopted as source value"
    LEFT = "left", "Left as it is"
    GONE = "gone", "Gone"


class Difference(models.Model):
    """One thing a target holds otherwise than it was given: a record, or one field of it."""

    id = models.BigAutoField(primary_key=True)
    check_run = models.ForeignKey(DriftCheck, on_delete=models.CASCADE, related_name="differences")
    endpoint = models.ForeignKey(Endpoint, on_delete=models.PROTECT, related_name="differences")
    record = models.ForeignKey(GoldenRecord, null=True, on_delete=models.PROTECT, related_name="differences")
    their_id = models.CharField(max_length=200, blank=True)
    kind = models.CharField(max_length=10, choices=DifferenceKind.choices)
    field = models.CharField(max_length=120, blank=True)
    ours = models.JSONField(null=True)
    theirs = models.JSONField(null=True)
    our_version = models.PositiveIntegerField(null=True)
    their_version = models.PositiveIntegerField(null=True)
    state = models.CharField(max_length=12, choices=DifferenceState.choices, default=DifferenceState.OPEN)
    found_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True, blank=True)
    settled_by = models.CharField(max_length=150, blank=True)
    reason = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="difference_state_is_known", condition=models.Q(state__in=DifferenceState.values)
            ),
            models.CheckConstraint(name="difference_kind_is_known", condition=models.Q(kind__in=DifferenceKind.values)),
            models.UniqueConstraint(
                fields=["endpoint", "record", "field"],
                condition=models.Q(state="open", record__isnull=False),
                name="difference_is_open_once",
            ),
            models.UniqueConstraint(
                fields=["endpoint", "their_id"],
                condition=models.Q(state="open", record__isnull=True),
                name="difference_of_an_unknown_record_is_open_once",
            ),
        ]
        indexes = [models.Index(fields=["endpoint", "state", "-id"], name="difference_open")]  # drift list

    def __str__(self) -> str:
        return f"{self.kind} {self.field} at {self.endpoint_id}"
