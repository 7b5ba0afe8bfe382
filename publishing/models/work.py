"""Work that outlives a request: replays, scheduled files and their runs, and the notices about endpoints."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from publishing.models.endpoints import Endpoint


class JobState(models.TextChoices):
    """How far a job has come.

    ::

        waiting --> running --> done | failed
        waiting, running --cancel--> cancelled
        running --its worker dies--> taken on by another, from where it stood
    """

    WAITING = "waiting", "Waiting"
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    CANCELLED = "cancelled", "Cancelled"
    FAILED = "failed", "Failed"


UNFINISHED = (JobState.WAITING, JobState.RUNNING)


class ReplayKind(models.TextChoices):
    """What is sent again: every event of a range, what the endpoint never acknowledged, or each record as it is."""

    RANGE = "range", "A range of the log"
    MISSING = "missing", "What is missing"
    SNAPSHOT = "snapshot", "Every record as it is now"


class Replay(models.Model):
    """A second cursor on the log for one endpoint: from ``from_seq`` to ``to_seq``, now at ``cursor``."""

    id = models.BigAutoField(primary_key=True)
    endpoint = models.ForeignKey(Endpoint, on_delete=models.PROTECT, related_name="replays")
    kind = models.CharField(max_length=10, choices=ReplayKind.choices)
    from_seq = models.BigIntegerField()
    to_seq = models.BigIntegerField()
    cursor = models.BigIntegerField()
    domains = ArrayField(models.CharField(max_length=32), default=list, blank=True)
    state = models.CharField(max_length=10, choices=JobState.choices, default=JobState.WAITING)
    offered = models.PositiveIntegerField(default=0)
    error = models.CharField(max_length=500, blank=True)
    by = models.CharField(max_length=150)
    reason = models.TextField(blank=True)
    claim_id = models.UUIDField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="replay_state_is_known", condition=models.Q(state__in=JobState.values)),
            models.CheckConstraint(name="replay_kind_is_known", condition=models.Q(kind__in=ReplayKind.values)),
            models.CheckConstraint(
                name="replay_goes_forward",
                condition=models.Q(from_seq__gte=1, cursor__gte=models.F("from_seq") - 1),
            ),
            models.UniqueConstraint(
                fields=["endpoint"],
                condition=models.Q(state__in=["waiting", "running"]),
                name="replay_of_an_endpoint_runs_one_at_a_time",
            ),
        ]

    def __str__(self) -> str:
        return f"replay {self.pk} of {self.endpoint_id}"


class FilePlace(models.TextChoices):
    """Where a file is put."""

    FOLDER = "folder", "Folder on this server"
    SFTP = "sftp", "SFTP server"


class FileFormat(models.TextChoices):
    """How rows are written."""

    CSV = "csv", "CSV"
    FIXED = "fixed", "Fixed width"


class FileContent(models.TextChoices):
    """Which records a file holds."""

    DELTA = "delta", "What changed since the last file"
    FULL = "full", "Every record"


class FileDrop(models.Model):
    """How a file endpoint is written and where it is put. Columns come from the endpoint's ``mapping``.

    ``layout`` holds what a format needs: delimiter, quoting, decimal mark, encoding, line ending, header, padding.
    ``schedule`` is ``HH:MM[,HH:MM...]`` in UTC or ``every N minutes``. The password or private key of an SFTP server
    is the endpoint's ``auth_sealed``; ``host_key`` is the one the server must show.
    """

    endpoint = models.OneToOneField(Endpoint, primary_key=True, on_delete=models.CASCADE, related_name="file_drop")
    place = models.CharField(max_length=8, choices=FilePlace.choices)
    folder = models.CharField(max_length=400)
    host = models.CharField(max_length=200, blank=True)
    port = models.PositiveIntegerField(default=22)
    user = models.CharField(max_length=120, blank=True)
    host_key = models.TextField(blank=True)
    file_name = models.CharField(max_length=200)
    format = models.CharField(max_length=8, choices=FileFormat.choices)
    content = models.CharField(max_length=8, choices=FileContent.choices, default=FileContent.DELTA)
    layout = models.JSONField(default=dict, blank=True)
    control_totals = models.BooleanField(default=True)
    schedule = models.CharField(max_length=200)
    next_run_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="file_drop_on_sftp_names_host_user_and_key",
                condition=~models.Q(place="sftp") | (~models.Q(host="") & ~models.Q(user="") & ~models.Q(host_key="")),
            ),
        ]

    def __str__(self) -> str:
        return f"files of {self.endpoint_id}"


class FileRun(models.Model):
    """One file written, or tried: rows, size, SHA-256 and control totals, and up to where in the log it tells.

    ``number`` counts the files of an endpoint without gaps, so that a target sees a missing one.
    """

    id = models.BigAutoField(primary_key=True)
    endpoint = models.ForeignKey(Endpoint, on_delete=models.PROTECT, related_name="file_runs")
    number = models.PositiveIntegerField()
    content = models.CharField(max_length=8, choices=FileContent.choices)
    state = models.CharField(max_length=10, choices=JobState.choices, default=JobState.WAITING)
    files = models.JSONField(default=list)  # [{name, rows, bytes, sha256, totals}]
    rows = models.PositiveIntegerField(default=0)
    through_seq = models.BigIntegerField(default=0)
    outcome_code = models.CharField(max_length=32, blank=True)
    error = models.CharField(max_length=500, blank=True)
    by = models.CharField(max_length=150)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["endpoint", "number"], name="file_run_is_numbered_once_per_endpoint"),
            models.CheckConstraint(name="file_run_state_is_known", condition=models.Q(state__in=JobState.values)),
        ]
        indexes = [models.Index(fields=["endpoint", "-id"], name="file_run_recent")]  # endpoint page

    def __str__(self) -> str:
        return f"file {self.number} of {self.endpoint_id}"


class NoticeKind(models.TextChoices):
    """What the owner of an endpoint is told, each once for one trouble."""

    FAILING_15M = "failing_15m", "Failing for 15 minutes"
    FAILING_4H = "failing_4h", "Failing for 4 hours"
    FAILING_24H = "failing_24h", "Failing for a day"
    FAILING_72H = "failing_72h", "Failing for three days"
    DISABLED = "disabled", "Disabled"
    STOPPED = "stopped", "Stopped on a refused record"
    RESTORED = "restored", "Paused: the hub was restored from a backup"
    SILENT = "silent", "Work waits and nothing succeeds"
    PARKED = "parked", "Records parked"
    RECOVERED = "recovered", "Working again"


class Notice(models.Model):
    """One thing an owner was told about an endpoint, and over which channels it went out.

    ``trouble_since`` names the trouble: one notice of a kind for each. A notice without ``seen_at`` shows on the pages.
    """

    id = models.BigAutoField(primary_key=True)
    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="notices")
    kind = models.CharField(max_length=16, choices=NoticeKind.choices)
    trouble_since = models.DateTimeField()
    words = models.CharField(max_length=500)
    created_at = models.DateTimeField()
    mailed_at = models.DateTimeField(null=True, blank=True)
    called_at = models.DateTimeField(null=True, blank=True)  # the operator's webhook
    seen_at = models.DateTimeField(null=True, blank=True)
    seen_by = models.CharField(max_length=150, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)  # the trouble is over

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["endpoint", "kind", "trouble_since"], name="notice_is_given_once_for_a_trouble"
            ),
            models.CheckConstraint(name="notice_kind_is_known", condition=models.Q(kind__in=NoticeKind.values)),
        ]
        indexes = [
            models.Index(fields=["-id"], condition=models.Q(seen_at__isnull=True), name="notice_unseen"),  # banner
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.endpoint_id}"
