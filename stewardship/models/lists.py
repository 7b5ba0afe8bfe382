"""Lists people send to be checked: the file, how it is read, what was found out about each row. Kept for a while."""

from django.conf import settings
from django.db import models

from mdm.identity import uuid7
from mdm.models import Feed, GoldenRecord


class ListState(models.TextChoices):
    """drawn -> asked -> running -> checked | failed | cancelled; running -> asked (others take their turn).

    Choosing anew leads back to drawn. A list of changes goes on: checked -> proposing -> proposed -> withdrawing ->
    withdrawn.
    """

    DRAWN = "drawn", "Being set up"
    ASKED = "asked", "Waiting for its turn"
    RUNNING = "running", "Being checked"
    CHECKED = "checked", "Checked"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"
    PROPOSING = "proposing", "Being proposed"
    PROPOSED = "proposed", "Proposed"
    WITHDRAWING = "withdrawing", "Being withdrawn"
    WITHDRAWN = "withdrawn", "Withdrawn"


BEING_CHECKED = (ListState.ASKED, ListState.RUNNING)
ACTING = (ListState.PROPOSING, ListState.WITHDRAWING)
UNDER_WAY = (*BEING_CHECKED, *ACTING)
ACTED = (*ACTING, ListState.PROPOSED, ListState.WITHDRAWN)


class Purpose(models.TextChoices):
    """What a list was sent for."""

    CHECK = "check", "Check only"
    CHANGE = "change", "Change records that are there"


class Outcome(models.TextChoices):
    """What a row of a list would be if it arrived: ``known`` joins a record, of ``unsure`` ones a person is asked.

    Of a list of changes: changed | beside (somebody proposed a value already) -> proposed | failed; proposed ->
    withdrawn | decided (too late to withdraw it). ``same`` and ``wrong`` ones are never proposed.
    """

    KNOWN = "known", "Is there already"
    UNSURE = "unsure", "May be there already"
    NEW = "new", "New"
    CHANGED = "changed", "Would change"
    BESIDE = "beside", "Proposed already"
    SAME = "same", "Unchanged"
    WRONG = "wrong", "Not possible"
    PROPOSED = "proposed", "Proposed"
    FAILED = "failed", "Not proposed"
    WITHDRAWN = "withdrawn", "Withdrawn"
    DECIDED = "decided", "Decided already"


class CheckedList(models.Model):
    """One file and what it was checked for. Nothing of it becomes master data.

    ``document`` is a feed document in the making: it says what each column is. ``turn`` counts how often a worker took
    it up, so that one that was given up for dead adds nothing. ``rows_done`` rows, up to ``last_line``, are checked;
    ``counts`` sums up what was found. In a list of changes ``naming`` is the column that names the record; what is
    proposed shares ``reason`` and ``correlation_id``, ``beside``: also where somebody proposed a value already.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    purpose = models.CharField(max_length=6, choices=Purpose.choices, default=Purpose.CHECK)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    file_name = models.CharField(max_length=255)
    stored_at = models.CharField(max_length=300)  # relative to the data folder
    size = models.BigIntegerField()
    document = models.JSONField(default=dict)
    naming = models.CharField(max_length=300, blank=True)
    reason = models.TextField(blank=True)
    beside = models.BooleanField(default=False)
    correlation_id = models.UUIDField(null=True, blank=True)
    state = models.CharField(max_length=11, choices=ListState.choices, default=ListState.DRAWN)
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
                condition=models.Q(state__in=["drawn", *UNDER_WAY], ended_at__isnull=True)
                | models.Q(
                    state__in=["checked", "failed", "cancelled", "proposed", "withdrawn"], ended_at__isnull=False
                ),
            ),
            models.CheckConstraint(
                name="checked_list_purpose_is_known", condition=models.Q(purpose__in=Purpose.values)
            ),
            models.CheckConstraint(
                name="checked_list_is_proposed_with_a_reason_as_one_act",
                condition=models.Q(state__in=ACTED, correlation_id__isnull=False, purpose="change")
                & ~models.Q(reason="")
                | ~models.Q(state__in=ACTED),
            ),
        ]
        indexes = [
            models.Index(fields=["owner", "-created_at"], name="checked_list_of_person"),  # one's own lists
            models.Index(fields=["created_at"], name="checked_list_by_age"),  # what is tidied away
            # the sweep
            models.Index(fields=["id"], condition=models.Q(state__in=UNDER_WAY), name="checked_list_under_way"),
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
    In a list of changes ``values`` are proposed for ``record``, which held ``before`` in its ``version``; ``rivals``
    are open requests about the same attributes; ``request`` is what was made of the row.
    """

    of = models.ForeignKey(CheckedList, on_delete=models.CASCADE, related_name="rows")
    line = models.PositiveIntegerField()
    title = models.CharField(max_length=200, blank=True)
    outcome = models.CharField(max_length=9, choices=Outcome.choices)
    problems = models.JSONField(default=list)
    warnings = models.JSONField(default=list)
    found = models.JSONField(default=list)
    digest = models.CharField(max_length=32, blank=True)
    same_as = models.PositiveIntegerField(null=True, blank=True)
    shares = models.PositiveIntegerField(null=True, blank=True)
    record = models.ForeignKey(GoldenRecord, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    version = models.PositiveIntegerField(default=0)
    values = models.JSONField(default=dict)
    before = models.JSONField(default=dict)
    rivals = models.JSONField(default=list)
    request = models.OneToOneField(
        "stewardship.ChangeRequest", null=True, blank=True, on_delete=models.PROTECT, related_name="list_row"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(name="checked_row_outcome_is_known", condition=models.Q(outcome__in=Outcome.values)),
            models.CheckConstraint(
                name="checked_row_is_proposed_exactly_where_it_has_a_request",
                condition=models.Q(outcome__in=["proposed", "withdrawn", "decided"], request__isnull=False)
                | (~models.Q(outcome__in=["proposed", "withdrawn", "decided"]) & models.Q(request__isnull=True)),
            ),
            # a row is judged once, however often a worker dies
            models.UniqueConstraint(fields=["of", "line"], name="checked_row_is_judged_once"),
        ]
        indexes = [
            # what is still to be proposed or withdrawn, in order; the filters of the page
            models.Index(fields=["of", "outcome", "line"], name="checked_row_by_outcome"),
        ]

    def __str__(self) -> str:
        return f"line {self.line} ({self.outcome})"
