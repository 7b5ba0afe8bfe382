"""What matching remembers: comparable texts and keys of source records, questions for people, and their verdicts."""

from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Greatest, Least

from matching.rules_models import ChangeKind as ChangeKind
from matching.rules_models import Rematch as Rematch
from matching.rules_models import RematchChange as RematchChange
from matching.rules_models import RematchState as RematchState
from matching.rules_models import RuleAct as RuleAct
from matching.rules_models import RuleSet as RuleSet
from matching.rules_models import RuleState as RuleState
from matching.rules_models import RuleTrial as RuleTrial
from matching.rules_models import TrialKey as TrialKey
from matching.rules_models import TrialState as TrialState
from mdm.models import GoldenRecord, SourceRecord


class Prepared(models.Model):
    """The features of one source record, made once per content and declaration. Derived: may be rebuilt any time."""

    source_record = models.OneToOneField(
        SourceRecord, primary_key=True, on_delete=models.CASCADE, related_name="prepared"
    )
    domain = models.CharField(max_length=32)
    declaration = models.CharField(max_length=16)  # digest of the features and passes it was made with
    content_hash = models.CharField(max_length=64)
    features = models.JSONField()
    words = ArrayField(models.TextField(), default=list)  # of its names: what a search before create finds it by

    class Meta:
        indexes = [
            models.Index(fields=["domain", "declaration"], name="prepared_outdated"),  # after a new declaration
            # search before create; what is not merged into the index yet (in kB) is read from end to end
            GinIndex(fields=["words"], name="prepared_words", gin_pending_list_limit=256),
        ]

    def __str__(self) -> str:
        return f"features of {self.source_record_id}"

    source_record_id: int


class NameWord(models.Model):
    """A word records of the domain are called by: what a misspelt or half-typed one may mean. Derived, only grows."""

    domain = models.CharField(max_length=32)
    word = models.CharField(max_length=40)

    class Meta:
        constraints = [
            # Serves the beginnings of words too.
            models.UniqueConstraint(
                fields=["domain", "word"],
                name="name_word_is_kept_once_per_domain",
                opclasses=["varchar_ops", "varchar_pattern_ops"],
            ),
        ]
        indexes = [
            # words spelled alike
            GinIndex(OpClass("word", name="gin_trgm_ops"), name="name_word_spelling", fastupdate=False),
        ]

    def __str__(self) -> str:
        return f"{self.word} ({self.domain})"


class MatchKey(models.Model):
    """One blocking key of one source record: domain, pass and texts hashed to 64 bits. Derived like ``Prepared``."""

    source_record = models.ForeignKey(SourceRecord, on_delete=models.CASCADE, related_name="match_keys")
    pass_number = models.PositiveSmallIntegerField()
    key = models.BigIntegerField()
    # The record's source system, so that a key is counted per source without a join; negative for a stub, which is
    # not a row of that source's list.
    source = models.IntegerField()

    class Meta:
        indexes = [
            models.Index(fields=["key"], include=["source_record", "source"], name="match_key_lookup"),  # who shares it
        ]

    def __str__(self) -> str:
        return f"{self.source_record_id} pass {self.pass_number}"

    source_record_id: int


class CandidateState(models.TextChoices):
    """open -> merged | rejected | skipped | superseded; skipped -> open (snooze over, or undone);
    merged, rejected -> open (undone); open, skipped -> withdrawn (the hub no longer asks).

    superseded: its records became one, or left, by another road.
    """

    OPEN = "open", "Open"
    MERGED = "merged", "Merged"
    REJECTED = "rejected", "Not a match"
    SKIPPED = "skipped", "Skipped"
    WITHDRAWN = "withdrawn", "Withdrawn"
    SUPERSEDED = "superseded", "Superseded"


class CandidateKind(models.TextChoices):
    """resemblance: several golden records may be one. conflict: do two sources of one golden record belong together?
    misfit: a member changed, or the rules did, and it no longer fits the rest of its golden record."""

    RESEMBLANCE = "resemblance", "Possible duplicate"
    CONFLICT = "conflict", "Conflict inside one record"
    MISFIT = "misfit", "No longer fits"


class MatchCandidate(models.Model):
    """A group of golden records that waits for a person. ``score`` is its best pair of groups, a probability 0..1.

    ``sampled``: drawn at random in order to measure, whether or not its records look alike. ``reported``: a person
    suspects it, whatever the score. ``source_record`` is the member that no longer fits; the score is then its average
    against the rest.
    """

    domain = models.CharField(max_length=32)
    kind = models.CharField(max_length=12, choices=CandidateKind.choices, default=CandidateKind.RESEMBLANCE)
    state = models.CharField(max_length=10, choices=CandidateState.choices, default=CandidateState.OPEN)
    score = models.FloatField()
    band = models.CharField(max_length=6, default="review")
    sampled = models.BooleanField(default=False)
    reported = models.BooleanField(default=False)
    source_record = models.ForeignKey(
        SourceRecord, null=True, on_delete=models.PROTECT, related_name="misfits", db_index=False
    )
    sentence = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField()
    claimed_by = models.CharField(max_length=150, blank=True)
    claimed_until = models.DateTimeField(null=True, blank=True)
    snoozed_until = models.DateTimeField(null=True, blank=True)
    decided_by = models.CharField(max_length=150, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    decision_reason = models.TextField(blank=True)
    records = models.ManyToManyField(GoldenRecord, through="CandidateMember", related_name="candidates")

    class Meta:
        constraints = [
            models.CheckConstraint(name="match_candidate_state_is_known", condition=Q(state__in=CandidateState.values)),
            models.CheckConstraint(name="match_candidate_kind_is_known", condition=Q(kind__in=CandidateKind.values)),
            models.CheckConstraint(
                name="match_candidate_score_is_a_probability", condition=Q(score__gte=0, score__lte=1)
            ),
            models.CheckConstraint(
                name="match_candidate_is_snoozed_exactly_when_skipped",
                condition=Q(state="skipped", snoozed_until__isnull=False)
                | (~Q(state="skipped") & Q(snoozed_until__isnull=True)),
            ),
            models.CheckConstraint(
                name="match_candidate_claim_names_person_and_end",
                condition=Q(claimed_by="", claimed_until__isnull=True)
                | (~Q(claimed_by="") & Q(claimed_until__isnull=False)),
            ),
            models.CheckConstraint(
                name="match_candidate_decision_has_a_time",
                condition=Q(state__in=["open", "skipped"]) | Q(decided_at__isnull=False),
            ),
            models.CheckConstraint(
                name="match_candidate_names_a_member_exactly_when_it_is_a_misfit",
                condition=Q(kind="misfit", source_record__isnull=False)
                | (~Q(kind="misfit") & Q(source_record__isnull=True)),
            ),
            # Serves the look for proposals about members of what changed, too.
            models.UniqueConstraint(
                fields=["source_record"],
                condition=Q(state__in=["open", "skipped"], source_record__isnull=False),
                name="match_candidate_asks_once_about_a_member_at_a_time",
            ),
        ]
        indexes = [
            # the work queue, best first
            models.Index(fields=["domain", "-score", "id"], condition=Q(state="open"), name="candidate_queue"),
            # snoozes to end
            models.Index(fields=["snoozed_until"], condition=Q(state="skipped"), name="candidate_snoozed"),
        ]

    def __str__(self) -> str:
        return f"{self.domain} candidate {self.pk} ({self.state})"

    source_record_id: int | None


class CandidateMember(models.Model):
    """A golden record in a candidate."""

    candidate = models.ForeignKey(MatchCandidate, on_delete=models.CASCADE, related_name="members")
    record = models.ForeignKey(GoldenRecord, on_delete=models.PROTECT, related_name="memberships")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["candidate", "record"], name="candidate_member_is_named_once"),
        ]

    def __str__(self) -> str:
        return f"{self.record_id} in {self.candidate_id}"


class MatchPair(models.Model):
    """Two source records of a candidate's golden records and why they look alike.

    ``explanation`` is [{feature, label, left, right, similarity, level, weight}], heaviest first; ``vetoes`` are the
    labels that forbade an automatic link.
    """

    candidate = models.ForeignKey(MatchCandidate, on_delete=models.CASCADE, related_name="pairs")
    left_record = models.ForeignKey(GoldenRecord, on_delete=models.PROTECT, related_name="+")
    right_record = models.ForeignKey(GoldenRecord, on_delete=models.PROTECT, related_name="+")
    left_source = models.ForeignKey(SourceRecord, on_delete=models.PROTECT, related_name="+")
    right_source = models.ForeignKey(SourceRecord, on_delete=models.PROTECT, related_name="+")
    score = models.FloatField()
    explanation = models.JSONField()
    sentence = models.CharField(max_length=300, blank=True)
    vetoes = models.JSONField(default=list)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["candidate", "left_source", "right_source"], name="match_pair_is_shown_once_per_candidate"
            ),
            models.CheckConstraint(name="match_pair_has_two_sources", condition=~Q(left_source=F("right_source"))),
            models.CheckConstraint(name="match_pair_score_is_a_probability", condition=Q(score__gte=0, score__lte=1)),
        ]

    def __str__(self) -> str:
        return f"{self.left_source_id} ~ {self.right_source_id} {self.score:.2f}"


class MisfitCause(models.TextChoices):
    """What speaks against a member: an identifier contradicts, too little agrees now, or other rules say so."""

    VETO = "veto", "An identifier differs"
    SCORE = "score", "Too little agrees"
    RULES = "rules", "The rules changed"


class Misfit(models.Model):
    """Why a member no longer fits. ``before`` and ``after`` are its {values, parts}; ``before`` is null where only the
    rules changed, or nobody kept it.

    ``against`` are [label, what it says, what another says], contradictions nobody in the rest makes good; ``base``
    is {average, against} of the time before, null where that is not known: only what is worse than that is asked about.
    ``linked`` is {score, sentence, evidence, other, by, at, method} of the time when it was linked.
    """

    candidate = models.OneToOneField(MatchCandidate, primary_key=True, on_delete=models.CASCADE, related_name="misfit")
    cause = models.CharField(max_length=5, choices=MisfitCause.choices)
    before = models.JSONField(null=True)
    after = models.JSONField()
    against = models.JSONField(default=list)
    base = models.JSONField(null=True)
    linked = models.JSONField(default=dict)
    judged_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(name="misfit_cause_is_known", condition=Q(cause__in=MisfitCause.values)),
            models.CheckConstraint(
                name="misfit_by_an_identifier_says_which",
                condition=~Q(cause="veto") | ~Q(against=Value([], output_field=models.JSONField())),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.cause} in {self.candidate_id}"

    candidate_id: int


class Said(models.Model):
    """What a person said and may take back: withdrawn ones are kept."""

    by = models.CharField(max_length=150)
    reason = models.TextField(blank=True)
    at = models.DateTimeField()
    withdrawn_by = models.CharField(max_length=150, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True


class KnownNonMatch(Said):
    """Two source records a person ruled out, smaller id first. Matching never links their groups while it stands."""

    first = models.ForeignKey(SourceRecord, on_delete=models.PROTECT, related_name="non_matches_as_first")
    second = models.ForeignKey(SourceRecord, on_delete=models.PROTECT, related_name="non_matches_as_second")
    candidate = models.ForeignKey(
        MatchCandidate, null=True, blank=True, on_delete=models.PROTECT, related_name="non_matches"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="known_non_match_names_the_smaller_id_first", condition=Q(first__lt=F("second"))
            ),
            models.UniqueConstraint(
                fields=["first", "second"],
                condition=Q(withdrawn_at__isnull=True),
                name="known_non_match_stands_once_per_pair",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.first_id} is not {self.second_id}"


class RelationKind(models.TextChoices):
    """How two records that are not one thing belong together. Said of the first: it is the parent, it was succeeded."""

    PARENT = "parent", "Parent and subsidiary"
    SUCCESSOR = "successor", "Former and successor"
    EQUIVALENT = "equivalent", "Equivalent"
    OTHER = "other", "Related otherwise"


class Relation(Said):
    """A person's word that two golden records are related and not the same. Of a parent and of a former record,
    ``first`` is that one; for the other kinds the order says nothing. Withdrawn ones are kept."""

    kind = models.CharField(max_length=10, choices=RelationKind.choices)
    first = models.ForeignKey(GoldenRecord, on_delete=models.PROTECT, related_name="relations_as_first")
    second = models.ForeignKey(GoldenRecord, on_delete=models.PROTECT, related_name="relations_as_second")
    candidate = models.ForeignKey(
        MatchCandidate, null=True, blank=True, on_delete=models.PROTECT, related_name="relations"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(name="relation_kind_is_known", condition=Q(kind__in=RelationKind.values)),
            models.CheckConstraint(name="relation_has_two_records", condition=~Q(first=F("second"))),
            models.CheckConstraint(
                name="relation_withdrawal_names_person_and_time",
                condition=Q(withdrawn_by="", withdrawn_at__isnull=True)
                | (~Q(withdrawn_by="") & Q(withdrawn_at__isnull=False)),
            ),
            models.UniqueConstraint(
                Least("first", "second"),
                Greatest("first", "second"),
                condition=Q(withdrawn_at__isnull=True),
                name="relation_stands_once_per_pair",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.first_id} {self.kind} {self.second_id}"

    first_id: UUID
    second_id: UUID


class Measurement(models.Model):
    """What a random sample of records said about blocking and scores at one moment; the newest one is shown."""

    domain = models.CharField(max_length=32)
    at = models.DateTimeField()
    by = models.CharField(max_length=150)
    figures = models.JSONField()

    class Meta:
        indexes = [models.Index(fields=["domain", "-at"], name="measurement_newest")]  # the page of a domain

    def __str__(self) -> str:
        return f"{self.domain} at {self.at:%Y-%m-%d %H:%M}"


# What matching itself fills while many records arrive, and looks rows up in by more than their primary key.
FILLED: tuple[type[models.Model], ...] = (MatchKey, MatchCandidate, CandidateMember, MatchPair, KnownNonMatch)
