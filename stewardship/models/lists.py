"""Lists people send to be checked: the file, how it is read, what was found out about each row. Kept for a while."""

from django.conf import settings
from django.db import models

from mdm.identity import uuid7
from mdm.models import Feed


class ListState(models.TextChoices):
    """drawn -> asked -> running -> checked | failed | cancelled; running -> asked (others take their turn).

    Choosing anew leads back to drawn, from everywhere.
    """

    DRAWN = "drawn", "Being set up"
    ASKED = "asked", "Waiting for its turn"
    RUNNING = "running", "Being checked"
    CHECKED = "checked", "Checked"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


UNDER_WAY = (ListState.ASKED, ListState.RUNNING)


class Outcome(models.TextChoices):
    """What a row of a list would be if it arrived: ``known`` joins a record, of ``unsure`` ones a person is asked."""

    KNOWN = "known", "Is there already"
    UNSURE = "unsure", "May be there already"
    NEW = "new", "New"


class CheckedList(models.Model):
    """One file and what it was checked for. Nothing of it becomes master data.

    ``document`` is a feed document in the making: it says what each column is. ``turn`` counts how often a worker took
    it up, so that one that was given up for dead adds nothing. ``rows_done`` rows, up to ``last_line``, are checked;
    ``counts`` sums up what was found.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    file_name = models.CharField(max_length=255)
    stored_at = models.CharField(max_length=300)  # relative to the data folder
    size = models.BigIntegerField()
    document = models.JSONField(default=dict)
    state = models.CharField(max_length=9, choices=ListState.choices, default=ListState.DRAWN)
    turn = models.PositiveIntegerField(default=0)
    rows_expected = models.PositiveIntegerField(default=0)
    rows_done = models.PositiveIntegerField(default=0)
    last_line = models.PositiveIntegerField(default=0)
    counts = models.JSONField(default=dict)
    problem = models.TextField(blank=True)
    way_out = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="checked_list_state_is_known", condition=models.Q(state__in=ListState.values)),
            models.CheckConstraint(
                name="checked_list_has_ended_exactly_when_nothing_is_left_to_do",
                condition=models.Q(state__in=["drawn", "asked", "running"], ended_at__isnull=True)
                | models.Q(state__in=["checked", "failed", "cancelled"], ended_at__isnull=False),
            ),
        ]
        indexes = [
            models.Index(fields=["owner", "-created_at"], name="checked_list_of_person"),  # one's own lists
            models.Index(fields=["created_at"], name="checked_list_by_age"),  # what is tidied away
            # the sweep
            models.Index(
                fields=["id"], condition=models.Q(state__in=["asked", "running"]), name="checked_list_under_way"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.file_name} ({self.state})"

    @property
    def feed(self) -> Feed | None:
        """None: a list belongs to no feed. Files being set up are told apart by it."""
        return None


class CheckedRow(models.Model):
    """What was found out about one row. ``problems`` and ``warnings`` are [[column, sentence]].

    ``found`` are the records it may mean, likest first: [{record, code, title, domain, score, band, sentence}].
    ``same_as`` is the line of an earlier row that says the same, ``shares`` of one that means the same record.
    """

    of = models.ForeignKey(CheckedList, on_delete=models.CASCADE, related_name="rows")
    line = models.PositiveIntegerField()
    title = models.CharField(max_length=200, blank=True)
    outcome = models.CharField(max_length=8, choices=Outcome.choices)
    problems = models.JSONField(default=list)
    warnings = models.JSONField(default=list)
    found = models.JSONField(default=list)
    digest = models.CharField(max_length=32)
    same_as = models.PositiveIntegerField(null=True, blank=True)
    shares = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="checked_row_outcome_is_known", condition=models.Q(outcome__in=Outcome.values)),
            # a row is judged once, however often a worker dies
            models.UniqueConstraint(fields=["of", "line"], name="checked_row_is_judged_once"),
        ]

    def __str__(self) -> str:
        return f"line {self.line} ({self.outcome})"
