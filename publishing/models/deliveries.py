"""What is owed to an endpoint, each try to give it, what the endpoint holds since, and what people did about it."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from mdm.models import ChangeEvent, GoldenRecord
from mdm.models.walls import AppendOnly
from publishing.models.endpoints import Endpoint


class DeliveryState(models.TextChoices):
    """How far one event has come with one endpoint.

    ::

        waiting --take--> in_flight --2xx-----------------> delivered --resend--> waiting
                          in_flight --target fails, killed--> waiting
                          in_flight --refused-------------> waiting (offered again) | parked
        parked --release--> waiting
        waiting, parked --a newer version waits (latest state)--> superseded
        waiting --the target never held what is withdrawn--> skipped
        parked, waiting --skip--> skipped
    """

    WAITING = "waiting", "Waiting"
    IN_FLIGHT = "in_flight", "On its way"
    DELIVERED = "delivered", "Delivered"
    PARKED = "parked", "Parked"
    SUPERSEDED = "superseded", "Superseded by a newer version"
    SKIPPED = "skipped", "Not needed"


UNSETTLED = (DeliveryState.WAITING, DeliveryState.IN_FLIGHT, DeliveryState.PARKED)


class Delivery(models.Model):
    """One event owed to one endpoint.

    ``rank`` is its place in the lane: its own number, that of the oldest version it supersedes, or of the event with
    which it changed sides. ``refers`` are the records its content names; it waits for those the target does not hold
    and that stand before it in the lane.
    ``number`` is its number within the lane, given with the body. ``leaves`` marks the last word about a record that
    is not meant for this endpoint any more. ``message_id`` is the id of a message that is not its event's own: of
    a last word, and of what is told in full again after one. ``replay`` is the job that asked for it again.
    ``body`` is frozen when it is first rendered: every try sends the same bytes; ``digest`` is that of its content.
    ``claim_id`` is the lane's fence under which it is on its way. ``attempts`` counts all tries, ``refusals`` those the
    target answered with a refusal of this very record; only these use up its schedule.
    """

    id = models.BigAutoField(primary_key=True)
    endpoint = models.ForeignKey(Endpoint, on_delete=models.PROTECT, related_name="deliveries")
    event = models.ForeignKey(ChangeEvent, on_delete=models.PROTECT, related_name="deliveries")
    seq = models.BigIntegerField()
    record = models.ForeignKey(GoldenRecord, on_delete=models.PROTECT, related_name="deliveries")
    domain = models.CharField(max_length=32)
    version = models.PositiveIntegerField()
    rank = models.BigIntegerField()
    refers = ArrayField(models.UUIDField(), default=list)
    number = models.BigIntegerField(null=True, blank=True)
    leaves = models.BooleanField(default=False)
    message_id = models.UUIDField(null=True, blank=True)
    state = models.CharField(max_length=10, choices=DeliveryState.choices, default=DeliveryState.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    refusals = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField()
    claim_id = models.UUIDField(null=True, blank=True)
    outcome_code = models.CharField(max_length=32, blank=True)
    outcome = models.CharField(max_length=500, blank=True)
    replayed = models.BooleanField(default=False)
    replay = models.ForeignKey(
        "publishing.Replay", null=True, blank=True, on_delete=models.SET_NULL, related_name="deliveries"
    )
    body = models.TextField(blank=True)
    digest = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["endpoint", "event"], name="delivery_is_owed_once_per_endpoint"),
            models.UniqueConstraint(
                fields=["endpoint", "record"],
                condition=models.Q(state="in_flight"),
                name="delivery_of_a_record_is_on_its_way_one_at_a_time",
            ),
            models.CheckConstraint(name="delivery_state_is_known", condition=models.Q(state__in=DeliveryState.values)),
            models.CheckConstraint(
                name="delivery_is_claimed_exactly_while_in_flight",
                condition=models.Q(state="in_flight", claim_id__isnull=False)
                | (~models.Q(state="in_flight") & models.Q(claim_id__isnull=True)),
            ),
            models.CheckConstraint(
                name="delivery_is_rendered_before_it_is_tried", condition=models.Q(attempts=0) | ~models.Q(body="")
            ),
            models.CheckConstraint(
                name="delivery_parked_says_why", condition=~models.Q(state="parked", outcome_code="")
            ),
        ]
        indexes = [
            # a receipt about a message whose id is not its event's
            models.Index(
                fields=["message_id"], condition=models.Q(message_id__isnull=False), name="delivery_of_message"
            ),
            # what the lane takes next, oldest first
            models.Index(fields=["endpoint", "rank"], condition=models.Q(state="waiting"), name="delivery_waiting"),
            # "does an earlier version of this record still wait?", and the parked list
            models.Index(
                fields=["endpoint", "record", "rank"],
                condition=models.Q(state__in=["waiting", "in_flight", "parked"]),
                name="delivery_unsettled",
            ),
            models.Index(fields=["record", "endpoint"], name="delivery_record"),  # "where is this record now"
            models.Index(fields=["endpoint", "settled_at"], name="delivery_settled"),  # plot of deliveries over time
        ]

    def __str__(self) -> str:
        return f"{self.seq} to {self.endpoint_id} ({self.state})"


class Attempt(models.Model):
    """One call, as made and answered. ``request_headers`` are masked; ``answer`` is at most the first 4 KB.

    A call without delivery is a ping of a verification. ``error`` says in business words what went wrong.
    The table is cut into partitions of a week (``publishing.partitions``), dropped as a whole once they are 30 days
    old, so nothing in the database refers to an attempt, and ``delivery`` may name one that is no longer kept.
    """

    id = models.BigAutoField(primary_key=True)
    # Neither has an index of its own: those below begin with it.
    endpoint = models.ForeignKey(Endpoint, on_delete=models.PROTECT, related_name="attempts", db_index=False)
    delivery = models.ForeignKey(
        Delivery, null=True, on_delete=models.DO_NOTHING, related_name="tries", db_constraint=False, db_index=False
    )
    number = models.PositiveIntegerField()
    at = models.DateTimeField()
    method = models.CharField(max_length=6)
    url = models.CharField(max_length=800)
    request_headers = models.JSONField(default=dict)
    http_code = models.PositiveSmallIntegerField(null=True)
    outcome_code = models.CharField(max_length=32)
    duration_ms = models.PositiveIntegerField(default=0)
    answer = models.TextField(blank=True)
    error = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = [AppendOnly(name="attempt_is_append_only")]
        indexes = [
            models.Index(fields=["endpoint", "-at"], name="attempt_by_time"),  # endpoint page, plot of the last hours
            models.Index(fields=["delivery", "id"], name="attempt_of_delivery"),
        ]

    def __str__(self) -> str:
        return f"attempt {self.number} of {self.delivery_id}: {self.outcome_code}"


class Holding(models.Model):
    """What the endpoint acknowledged last about a record: its version, and the id the target gave it.

    ``digest`` is the SHA-256 of the content it was sent, ``bucket`` the one of 4,096 the record's id falls in: both
    are what drift is found by. A record that ``left`` is none of its business any more.
    """

    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="holdings")
    record = models.ForeignKey(GoldenRecord, on_delete=models.PROTECT, related_name="holdings")
    version = models.PositiveIntegerField()
    seq = models.BigIntegerField()
    local_id = models.CharField(max_length=120, blank=True)
    acknowledged_at = models.DateTimeField()
    digest = models.CharField(max_length=64, blank=True)
    bucket = models.PositiveSmallIntegerField(default=0)
    left = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["endpoint", "record"], name="holding_is_one_per_endpoint_and_record"),
            models.CheckConstraint(name="holding_version_starts_at_one", condition=models.Q(version__gte=1)),
            models.CheckConstraint(name="holding_bucket_is_one_of_4096", condition=models.Q(bucket__lt=4096)),
        ]
        indexes = [
            models.Index(fields=["endpoint", "bucket"], name="holding_bucket"),  # drift
            # look-up by a target's own id
            models.Index(fields=["local_id"], condition=~models.Q(local_id=""), name="holding_local_id"),
        ]

    def __str__(self) -> str:
        return f"{self.endpoint_id} holds version {self.version}"


class Intervention(models.Model):
    """What a person did to an endpoint or a delivery by hand: who, what, why, when."""

    id = models.BigAutoField(primary_key=True)
    endpoint = models.ForeignKey(Endpoint, on_delete=models.PROTECT, related_name="interventions")
    delivery = models.ForeignKey(Delivery, null=True, on_delete=models.PROTECT, related_name="interventions")
    verb = models.CharField(max_length=16)
    by = models.CharField(max_length=150)
    reason = models.TextField(blank=True)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            AppendOnly(name="intervention_is_append_only"),
            models.CheckConstraint(name="intervention_names_its_author", condition=~models.Q(by="")),
        ]
        indexes = [models.Index(fields=["endpoint", "-id"], name="intervention_recent")]  # endpoint page

    def __str__(self) -> str:
        return f"{self.verb} by {self.by}"
