"""What rule sets leave behind: the sets themselves, every act on them, trials of drafts, and re-matches."""

from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from mdm.identity import uuid7
from mdm.models import GoldenRecord, Merge, SourceRecord
from mdm.models.walls import AppendOnly


class RuleState(models.TextChoices):
    """draft -> approved -> retired; draft -> refused; retired -> approved (a re-match was reverted)."""

    DRAFT = "draft", "Draft"
    APPROVED = "approved", "In force"
    RETIRED = "retired", "Retired"
    REFUSED = "refused", "Refused"


class RuleSet(models.Model):
    """Thresholds, weights and blocking of one domain; one set of a domain is in force at a time.

    ``content`` is what ``matching.rules_content`` reads and never changes once approved. ``shipped`` ones are the
    declaration as a version of Assay brings it, and have no author.
    """

    domain = models.CharField(max_length=32)
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=8, choices=RuleState.choices, default=RuleState.DRAFT)
    shipped = models.BooleanField(default=False)
    content = models.JSONField()
    reason = models.TextField()
    author = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="rule_sets")
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True)
    answer = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="rule_set_state_is_known", condition=Q(state__in=RuleState.values)),
            models.UniqueConstraint(fields=["domain", "number"], name="rule_set_number_is_given_once_per_domain"),
            models.UniqueConstraint(
                fields=["domain"], condition=Q(state="approved"), name="rule_set_in_force_is_one_per_domain"
            ),
            models.CheckConstraint(
                name="rule_set_is_not_approved_by_its_author",
                condition=Q(decided_by__isnull=True)
                | Q(author__isnull=True)
                | Q(state="refused")
                | ~Q(decided_by=F("author")),
            ),
            models.CheckConstraint(
                name="rule_set_is_decided_exactly_when_it_is_no_draft",
                condition=Q(state="draft", decided_at__isnull=True, decided_by__isnull=True)
                | (~Q(state="draft") & Q(decided_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="rule_set_of_a_person_is_decided_by_a_person",
                condition=Q(state="draft") | Q(shipped=True) | Q(decided_by__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.domain} rules {self.number} ({self.state})"

    author_id: int | None
    decided_by_id: int | None


class RuleAct(models.Model):
    """Who did what to a rule set, and why; ``content`` is what it said from then on, where that changed."""

    rule_set = models.ForeignKey(RuleSet, on_delete=models.PROTECT, related_name="acts")
    verb = models.CharField(max_length=16)
    by = models.CharField(max_length=150)
    reason = models.TextField(blank=True)
    content = models.JSONField(null=True)
    at = models.DateTimeField()

    class Meta:
        constraints = [AppendOnly(name="rule_act_is_append_only")]

    def __str__(self) -> str:
        return f"{self.rule_set_id} {self.verb}"

    rule_set_id: int


class TrialState(models.TextChoices):
    """running -> done | failed; a trial whose worker dies is taken on by another, from where it stood."""

    RUNNING = "running", "Running"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"


class RuleTrial(models.Model):
    """What a draft would change, found out on live data without changing any of it.

    ``digest`` is that of the content tried, ``against`` the rules in force then. ``sample`` are the golden records
    drawn, in order, and empty where all of the ``population`` are looked at; ``reached`` is the last one looked at.
    """

    rule_set = models.ForeignKey(RuleSet, on_delete=models.PROTECT, related_name="trials")
    against = models.ForeignKey(RuleSet, on_delete=models.PROTECT, related_name="+")
    domain = models.CharField(max_length=32)
    digest = models.CharField(max_length=64)
    state = models.CharField(max_length=8, choices=TrialState.choices, default=TrialState.RUNNING)
    sample = models.JSONField(default=list)
    population = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    keyed = models.BigIntegerField(null=True)  # last source record whose keys are made; None where none are needed
    keys_made = models.BooleanField(default=False)
    reached = models.UUIDField(null=True)
    looked_at = models.PositiveIntegerField(default=0)
    figures = models.JSONField(default=dict)
    examples = models.JSONField(default=list)
    problem = models.TextField(blank=True)
    by = models.CharField(max_length=150)
    started_at = models.DateTimeField()
    heartbeat_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="rule_trial_state_is_known", condition=Q(state__in=TrialState.values)),
            models.UniqueConstraint(
                fields=["domain"], condition=Q(state="running"), name="rule_trial_runs_one_at_a_time_per_domain"
            ),
        ]

    def __str__(self) -> str:
        return f"trial {self.pk} of {self.rule_set_id} ({self.state})"

    rule_set_id: int
    against_id: int


class TrialKey(models.Model):
    """A blocking key as a draft would make it; like ``MatchKey``, kept only while the draft is tried."""

    source_record = models.ForeignKey(SourceRecord, on_delete=models.CASCADE, related_name="+", db_index=False)
    trial = models.ForeignKey(RuleTrial, on_delete=models.CASCADE, related_name="keys")
    pass_number = models.PositiveSmallIntegerField()
    key = models.BigIntegerField()
    source = models.IntegerField()

    class Meta:
        indexes = [
            models.Index(fields=["key"], include=["source_record", "source"], name="trial_key_lookup"),  # who shares it
            models.Index(fields=["source_record"], name="trial_key_record"),  # what one record shares
        ]

    def __str__(self) -> str:
        return f"{self.source_record_id} pass {self.pass_number}"

    source_record_id: int


class RematchState(models.TextChoices):
    """How far a re-match has come.

    ::

        running <--> paused
        running --> done
        running, paused, done --revert--> reverting --> reverted
        running, reverting --its worker dies--> taken on by another, from where it stood
    """

    RUNNING = "running", "Running"
    PAUSED = "paused", "Paused"
    DONE = "done", "Done"
    REVERTING = "reverting", "Reverting"
    REVERTED = "reverted", "Reverted"


UNFINISHED_REMATCHES = (RematchState.RUNNING, RematchState.PAUSED, RematchState.REVERTING)


class Rematch(models.Model):
    """Every golden record of a domain looked at again under an approved rule set; ``reached`` is the last one.

    ``respected`` are {kind: how many human decisions stood against what the rules say}.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    domain = models.CharField(max_length=32)
    rule_set = models.ForeignKey(RuleSet, on_delete=models.PROTECT, related_name="rematches")
    before = models.ForeignKey(RuleSet, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=9, choices=RematchState.choices, default=RematchState.RUNNING)
    total = models.PositiveIntegerField(default=0)
    looked_at = models.PositiveIntegerField(default=0)
    reached = models.UUIDField(null=True)
    joined = models.PositiveIntegerField(default=0)
    split = models.PositiveIntegerField(default=0)
    asked = models.PositiveIntegerField(default=0)
    respected = models.JSONField(default=dict)
    left_alone = models.JSONField(default=list)  # [{record, why}] of what could not be done, at most a hundred
    by = models.CharField(max_length=150)
    reason = models.TextField(blank=True)
    started_at = models.DateTimeField()
    heartbeat_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="rematch_state_is_known", condition=Q(state__in=RematchState.values)),
            models.UniqueConstraint(
                fields=["domain"],
                condition=Q(state__in=["running", "paused", "reverting"]),
                name="rematch_runs_one_at_a_time_per_domain",
            ),
        ]

    def __str__(self) -> str:
        return f"re-match {self.pk} of {self.domain} ({self.state})"

    rule_set_id: int
    before_id: int


class ChangeKind(models.TextChoices):
    """join: ``other`` was merged into ``record``; split: ``other`` was made of ``sources`` taken out of ``record``;
    question: a person was asked; withdrawn: a question nobody had decided is no longer asked."""

    JOIN = "join", "Joined"
    SPLIT = "split", "Split off"
    QUESTION = "question", "Asked"
    WITHDRAWN = "withdrawn", "No longer asked"


class RematchChange(models.Model):
    """One thing a re-match did, with what it takes to revert it. ``left`` says why reverting left it as it is."""

    run = models.ForeignKey(Rematch, on_delete=models.PROTECT, related_name="changes")
    kind = models.CharField(max_length=10, choices=ChangeKind.choices)
    record = models.ForeignKey(GoldenRecord, on_delete=models.PROTECT, related_name="+")
    other = models.ForeignKey(GoldenRecord, null=True, on_delete=models.PROTECT, related_name="+")
    merge = models.ForeignKey(Merge, null=True, on_delete=models.PROTECT, related_name="rematch_changes")
    candidate = models.ForeignKey("matching.MatchCandidate", null=True, on_delete=models.PROTECT, related_name="+")
    sources = models.JSONField(default=list)
    score = models.FloatField(null=True)
    sentence = models.CharField(max_length=300, blank=True)
    at = models.DateTimeField()
    reverted_at = models.DateTimeField(null=True)
    left = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="rematch_change_kind_is_known", condition=Q(kind__in=ChangeKind.values)),
        ]
        indexes = [
            # what is still to be reverted, newest first
            models.Index(fields=["run", "-id"], condition=Q(reverted_at__isnull=True), name="rematch_change_standing"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.record_id}"

    record_id: UUID
    other_id: UUID | None
    merge_id: UUID | None
