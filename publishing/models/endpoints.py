"""Where facts go: endpoints, the secrets shared with them, and the lane each of them owns on the log."""

from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import models
from simple_history.models import HistoricalRecords

from mdm.identity import uuid7


class EndpointKind(models.TextChoices):
    """A webhook is told what happened; a REST target is given what the record now is; a file carries what has
    changed since the last one; a witness keeps the signed checkpoints of the log where the hub cannot reach them."""

    WEBHOOK = "webhook", "Signed webhook"
    REST = "rest", "REST push"
    FILE = "file", "Scheduled file"
    WITNESS = "witness", "Witness of checkpoints"


# Kinds whose lanes are drained by calls; files are written to a schedule, checkpoints as they are signed.
HTTP_KINDS = (EndpointKind.WEBHOOK, EndpointKind.REST)
SIGNED_KINDS = (EndpointKind.WEBHOOK, EndpointKind.WITNESS)  # Standard Webhooks, with secrets of the endpoint's own


class AuthKind(models.TextChoices):
    """How Assay signs in at the target."""

    NONE = "none", "None"
    BEARER = "bearer", "Bearer token"
    BASIC = "basic", "User and password"
    OAUTH2 = "oauth2", "OAuth 2 client credentials"


class Mode(models.TextChoices):
    """Whether each version is carried, or only the newest one not yet sent."""

    EVERY_VERSION = "every_version", "Every version"
    LATEST_STATE = "latest_state", "Latest state only"


class OnReject(models.TextChoices):
    """What a record the target refuses for good does to the others."""

    PARK = "park", "Park it, carry on with the others"
    STOP = "stop", "Stop until a person acts"


class EndpointState(models.TextChoices):
    """Whether the lane of the endpoint moves.

    ::

        pending_verification --verify--> active <--first success-- degraded
                                         active --target fails---> degraded
        active, degraded --pause--> paused --resume--> active
        active, degraded --410, or five days without success--> disabled --resume--> active
        active, degraded --restored from a backup, or stops on a refusal--> paused
        any of them --disable--> disabled
        any of them --its address leads to another host--> pending_verification

    Resuming asks where to go on: where the cursor stands, with the latest state of each record, or from now on.
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
    ``selection`` narrows what is told (``publishing.selection``), ``mapping`` gives it in the target's own fields and
    codes (``publishing.mapping``), ``reveals`` names restricted attributes (``supplier.bank_accounts.account_tail``)
    that are given in full. Fields ending in ``_sealed`` are encrypted with this row and field as associated data
    (``publishing.sealing``). ``max_per_second`` and ``max_in_flight`` bound what the target is sent at a time.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    code = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=8, choices=EndpointKind.choices)
    url = models.CharField(max_length=500)
    method = models.CharField(max_length=6, default="POST")
    path = models.CharField(max_length=200, blank=True)
    domains = ArrayField(models.CharField(max_length=32), default=list, blank=True)
    selection = models.JSONField(default=dict, blank=True)
    mapping = models.JSONField(default=dict, blank=True)
    reveals = ArrayField(models.CharField(max_length=120), default=list, blank=True)
    auth_kind = models.CharField(max_length=8, choices=AuthKind.choices, default=AuthKind.NONE)
    auth_user = models.CharField(max_length=120, blank=True)  # user name, or the client id of OAuth 2
    auth_sealed = models.TextField(blank=True)  # password, token or client secret
    token_url = models.CharField(max_length=500, blank=True)  # OAuth 2
    token_scope = models.CharField(max_length=200, blank=True)
    client_certificate = models.TextField(blank=True)  # mutual TLS: PEM, the chain included
    client_key_sealed = models.TextField(blank=True)
    trusted_ca = models.TextField(blank=True)  # PEM of the target's own authority, beside the public ones
    state = models.CharField(max_length=24, choices=EndpointState.choices, default=EndpointState.PENDING_VERIFICATION)
    state_reason = models.CharField(max_length=300, blank=True)
    mode = models.CharField(max_length=16, choices=Mode.choices, default=Mode.EVERY_VERSION)
    on_reject = models.CharField(max_length=8, choices=OnReject.choices, default=OnReject.PARK)
    max_in_flight = models.PositiveSmallIntegerField(default=4)
    max_per_second = models.PositiveIntegerField(null=True, blank=True)
    timeout_seconds = models.PositiveSmallIntegerField(default=20)
    backoff_seconds = ArrayField(models.PositiveIntegerField(), default=default_backoff)
    retry_seconds = ArrayField(models.PositiveIntegerField(), default=default_retries)
    owner_email = models.EmailField(blank=True)
    reconcile_path = models.CharField(max_length=200, blank=True)  # where the target lists what it holds, if it does
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    history = HistoricalRecords(excluded_fields=["auth_sealed", "client_key_sealed"])

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
                name="endpoint_on_reject_is_known", condition=models.Q(on_reject__in=OnReject.values)
            ),
            models.CheckConstraint(
                name="endpoint_client_certificate_comes_with_its_key",
                condition=models.Q(client_certificate="", client_key_sealed="")
                | (~models.Q(client_certificate="") & ~models.Q(client_key_sealed="")),
            ),
            models.CheckConstraint(
                name="endpoint_asks_for_its_token_somewhere",
                condition=~models.Q(auth_kind="oauth2") | ~models.Q(token_url=""),
            ),
            models.CheckConstraint(
                name="endpoint_sends_at_least_one_a_second",
                condition=models.Q(max_per_second__isnull=True) | models.Q(max_per_second__gte=1),
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


class Passing(models.TextChoices):
    """What becomes of the events a standing endpoint has not been told, when somebody lets it go on.

    ::

        nothing --resume with the latest state--> latest --the cursor reaches passing_until--> nothing
        nothing --resume from now on------------> skip   --the cursor reaches passing_until--> nothing
    """

    NOTHING = "", "Each is told"
    LATEST = "latest", "Each record once, in its latest state"
    SKIP = "skip", "None is told"


class Lane(models.Model):
    """The endpoint's place in the log, and who moves it.

    Every event up to ``cursor_low`` is a delivery or was not meant for this endpoint. One worker at a time holds the
    lane: ``claim_id`` is its fence, void after ``lease_until``; who lost it can write nothing any more. ``failures``
    counts failures of the target in a row, and no call is made before ``next_probe_at``. ``epoch`` is the life of the
    log the cursor belongs to. ``numbered`` is the last number given to a message of this lane, dense, so that the
    target can prove it missed nothing. ``tokens`` (at ``tokens_at``) is what the bucket held, ``rate`` how many a
    second are let through while the target recovers (null: as many as the endpoint allows).
    """

    endpoint = models.OneToOneField(Endpoint, primary_key=True, on_delete=models.CASCADE, related_name="lane")
    epoch = models.UUIDField(null=True, blank=True)
    cursor_low = models.BigIntegerField(default=0)
    numbered = models.BigIntegerField(default=0)
    rate = models.FloatField(null=True, blank=True)
    tokens = models.FloatField(default=0)
    tokens_at = models.DateTimeField(null=True, blank=True)
    passing = models.CharField(max_length=6, choices=Passing.choices, default=Passing.NOTHING, blank=True)
    passing_until = models.BigIntegerField(null=True, blank=True)
    claim_id = models.UUIDField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveIntegerField(default=0)
    fail_since = models.DateTimeField(null=True, blank=True)
    next_probe_at = models.DateTimeField(null=True, blank=True)
    last_success_at = models.DateTimeField(null=True, blank=True)
    last_failure_at = models.DateTimeField(null=True, blank=True)
    last_failure_code = models.CharField(max_length=32, blank=True)
    last_failure = models.CharField(max_length=500, blank=True)
    # What ``lanes.hold`` finds out besides: the log's newest number and life, and whether a replay is under way.
    head_seq: int | None
    head_epoch: UUID | None
    replays: bool

    class Meta:
        constraints = [
            models.CheckConstraint(name="lane_cursor_is_not_negative", condition=models.Q(cursor_low__gte=0)),
            models.CheckConstraint(
                name="lane_passes_up_to_a_number",
                condition=models.Q(passing="", passing_until__isnull=True)
                | models.Q(passing__in=["latest", "skip"], passing_until__isnull=False),
            ),
            models.CheckConstraint(
                name="lane_rate_is_positive", condition=models.Q(rate__isnull=True) | models.Q(rate__gt=0)
            ),
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
