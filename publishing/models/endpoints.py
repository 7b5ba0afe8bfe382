"""Where facts go: endpoints, the secrets shared with them, and the lane each of them owns on the log."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from simple_history.models import HistoricalRecords

from mdm.identity import uuid7


class EndpointKind(models.TextChoices):
    """A webhook is told what happened; a REST target is given what the record now is."""

    WEBHOOK = "webhook", "Signed webhook"
    REST = "rest", "REST push"


class AuthKind(models.TextChoices):
    """How Assay signs in at the target."""

    NONE = "none", "None"
    BEARER = "bearer", "Bearer token"
    BASIC = "basic", "User and password"


class Mode(models.TextChoices):
    """Whether each version is carried, or only the newest one not yet sent."""

    EVERY_VERSION = "every_version", "Every version"
    LATEST_STATE = "latest_state", "Latest state only"


class EndpointState(models.TextChoices):
    """Whether the lane of the endpoint moves.

    ::

        pending_verification --verify--> active <--first success-- degraded
                                         active --target fails---> degraded
        active, degraded --pause--> paused --resume--> active
        active, degraded --410, or five days without success--> disabled --resume--> active
        any of them --disable--> disabled

    The lane's cursor outlives every state: an endpoint that stands still loses nothing.
    """

    PENDING_VERIFICATION = "pending_verification", "Waiting to be verified"
    ACTIVE = "active", "Active"
    DEGRADED = "degraded", "Failing, tried again"
    PAUSED = "paused", "Paused"
    DISABLED = "disabled", "Disabled"


LIVE = (EndpointState.ACTIVE, EndpointState.DEGRADED)


def default_backoff() -> list[int]:
    """Seconds a lane rests after each failure of its target in a row; the last one repeats."""
    return [5, 30, 120, 600, 1800, 3600]


def default_retries() -> list[int]:
    """Seconds before a refused delivery is offered again; after the last one it is parked."""
    return [5, 300, 1800]


class Endpoint(models.Model):
    """A system that is told about golden records. An empty ``domains`` means all of them.

    ``path`` (REST only) is filled with {id}, {code}, {domain} and {slug} of the record and put behind ``url``.
    ``auth_sealed`` is encrypted with this row and field as associated data (``publishing.sealing``).
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    code = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=8, choices=EndpointKind.choices)
    url = models.CharField(max_length=500)
    method = models.CharField(max_length=6, default="POST")
    path = models.CharField(max_length=200, blank=True)
    domains = ArrayField(models.CharField(max_length=32), default=list, blank=True)
    auth_kind = models.CharField(max_length=8, choices=AuthKind.choices, default=AuthKind.NONE)
    auth_user = models.CharField(max_length=120, blank=True)
    auth_sealed = models.TextField(blank=True)
    state = models.CharField(max_length=24, choices=EndpointState.choices, default=EndpointState.PENDING_VERIFICATION)
    state_reason = models.CharField(max_length=300, blank=True)
    mode = models.CharField(max_length=16, choices=Mode.choices, default=Mode.EVERY_VERSION)
    max_in_flight = models.PositiveSmallIntegerField(default=4)
    timeout_seconds = models.PositiveSmallIntegerField(default=20)
    backoff_seconds = ArrayField(models.PositiveIntegerField(), default=default_backoff)
    retry_seconds = ArrayField(models.PositiveIntegerField(), default=default_retries)
    owner_email = models.EmailField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    history = HistoricalRecords(excluded_fields=["auth_sealed"])

    class Meta:
        ordering = ("name",)
        constraints = [
            models.CheckConstraint(name="endpoint_kind_is_known", condition=models.Q(kind__in=EndpointKind.values)),
            models.CheckConstraint(name="endpoint_state_is_known", condition=models.Q(state__in=EndpointState.values)),
            models.CheckConstraint(name="endpoint_mode_is_known", condition=models.Q(mode__in=Mode.values)),
            models.CheckConstraint(
                name="endpoint_sends_by_post_put_or_patch", condition=models.Q(method__in=["POST", "PUT", "PATCH"])
            ),
            models.CheckConstraint(
                name="endpoint_has_a_secret_exactly_when_it_signs_in",
                condition=models.Q(auth_kind="none", auth_sealed="")
                | (~models.Q(auth_kind="none") & ~models.Q(auth_sealed="")),
            ),
            models.CheckConstraint(
                name="endpoint_has_one_to_sixty_four_in_flight",
                condition=models.Q(max_in_flight__gte=1, max_in_flight__lte=64),
            ),
            models.CheckConstraint(
                name="endpoint_waits_one_to_sixty_seconds",
                condition=models.Q(timeout_seconds__gte=1, timeout_seconds__lte=60),
            ),
            models.CheckConstraint(
                name="endpoint_disabled_says_why", condition=~models.Q(state="disabled", state_reason="")
            ),
        ]

    def __str__(self) -> str:
        return self.name


class SigningSecret(models.Model):
    """A secret deliveries are signed with (Standard Webhooks). All that live sign; the newest comes first."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="secrets")
    sealed = models.TextField()
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-created_at",)
        constraints = [
            models.CheckConstraint(name="signing_secret_is_sealed", condition=models.Q(sealed__startswith="v1|")),
            models.CheckConstraint(
                name="signing_secret_expires_after_it_was_made",
                condition=models.Q(expires_at__isnull=True) | models.Q(expires_at__gte=models.F("created_at")),
            ),
        ]

    def __str__(self) -> str:
        return f"secret of {self.created_at:%Y-%m-%d}"


class Lane(models.Model):
    """The endpoint's place in the log, and who moves it.

    Every event up to ``cursor_low`` is a delivery or was not meant for this endpoint. One worker at a time holds the
    lane: ``claim_id`` is its fence, void after ``lease_until``; who lost it can write nothing any more. ``failures``
    counts failures of the target in a row, and no call is made before ``next_probe_at``.
    """

    endpoint = models.OneToOneField(Endpoint, primary_key=True, on_delete=models.CASCADE, related_name="lane")
    cursor_low = models.BigIntegerField(default=0)
    claim_id = models.UUIDField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveIntegerField(default=0)
    fail_since = models.DateTimeField(null=True, blank=True)
    next_probe_at = models.DateTimeField(null=True, blank=True)
    last_success_at = models.DateTimeField(null=True, blank=True)
    last_failure_at = models.DateTimeField(null=True, blank=True)
    last_failure_code = models.CharField(max_length=32, blank=True)
    last_failure = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="lane_cursor_is_not_negative", condition=models.Q(cursor_low__gte=0)),
            models.CheckConstraint(
                name="lane_claim_and_lease_come_together",
                condition=models.Q(claim_id__isnull=True, lease_until__isnull=True)
                | models.Q(claim_id__isnull=False, lease_until__isnull=False),
            ),
            models.CheckConstraint(
                name="lane_knows_since_when_it_fails",
                condition=models.Q(failures=0, fail_since__isnull=True)
                | models.Q(failures__gt=0, fail_since__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"lane of {self.endpoint_id} at {self.cursor_low}"
