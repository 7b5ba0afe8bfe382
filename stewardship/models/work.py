"""What people arrange about work that waits: whose it is, when it comes back, what was said, how long it may take.

The work itself is kept elsewhere and named by its kind and key (``mdm.work``), so a row here may outlive it.
"""

from django.conf import settings
from django.db import models
from simple_history.models import HistoricalRecords

from mdm.models.walls import AppendOnly


class Arrangement(models.Model):
    """Whose a piece of work is, and until when it is put off."""

    kind = models.CharField(max_length=20)
    key = models.CharField(max_length=120)
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="work_assigned"
    )
    assigned_by = models.CharField(max_length=150, blank=True)
    assigned_at = models.DateTimeField(null=True)
    parked_until = models.DateTimeField(null=True)
    parked_by = models.CharField(max_length=150, blank=True)
    park_reason = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "key"], name="arrangement_is_one_for_a_piece_of_work"),
            models.CheckConstraint(
                name="arrangement_assignment_says_by_whom_and_when",
                condition=models.Q(assignee__isnull=True, assigned_by="", assigned_at__isnull=True)
                | (models.Q(assignee__isnull=False, assigned_at__isnull=False) & ~models.Q(assigned_by="")),
            ),
            models.CheckConstraint(
                name="arrangement_parking_says_by_whom_and_until_when",
                condition=models.Q(parked_until__isnull=True, parked_by="", park_reason="")
                | (models.Q(parked_until__isnull=False) & ~models.Q(parked_by="")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"

    assignee_id: int | None


class WorkVerb(models.TextChoices):
    """What a person did with a piece of work short of deciding it."""

    ASSIGN = "assign", "Assigned"
    GIVE_BACK = "give_back", "Given back"
    PARK = "park", "Parked"
    RESUME = "resume", "Taken up again"


class WorkAct(models.Model):
    """One such act, kept for good."""

    kind = models.CharField(max_length=20)
    key = models.CharField(max_length=120)
    verb = models.CharField(max_length=10, choices=WorkVerb.choices)
    to = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    until = models.DateTimeField(null=True)
    reason = models.CharField(max_length=500, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            AppendOnly(name="work_act_is_append_only"),
            models.CheckConstraint(name="work_act_verb_is_known", condition=models.Q(verb__in=WorkVerb.values)),
            models.CheckConstraint(
                name="work_act_assigns_to_somebody",
                condition=models.Q(verb="assign", to__isnull=False) | (~models.Q(verb="assign") & models.Q(to=None)),
            ),
            models.CheckConstraint(
                name="work_act_parks_until_a_moment",
                condition=models.Q(verb="park", until__isnull=False) | (~models.Q(verb="park") & models.Q(until=None)),
            ),
        ]
        indexes = [
            models.Index(fields=["kind", "key", "id"], name="work_act_of_work"),  # the page of one piece of work
            # what is new in a digest
            models.Index(fields=["to", "id"], condition=models.Q(to__isnull=False), name="work_act_to"),
        ]

    def __str__(self) -> str:
        return f"{self.verb} {self.kind} {self.key}"


class Comment(models.Model):
    """What somebody said about a piece of work, kept for good."""

    kind = models.CharField(max_length=20)
    key = models.CharField(max_length=120)
    text = models.CharField(max_length=4000)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="comments")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            AppendOnly(name="comment_is_append_only"),
            models.CheckConstraint(name="comment_says_something", condition=~models.Q(text="")),
        ]
        indexes = [models.Index(fields=["kind", "key", "id"], name="comment_of_work")]  # the page of one piece of work

    def __str__(self) -> str:
        return f"{self.by_id} on {self.kind} {self.key}"

    by_id: int


class Mention(models.Model):
    """A person named in a comment, and when they have seen it."""

    comment = models.ForeignKey(Comment, on_delete=models.PROTECT, related_name="mentions")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="mentions")
    seen_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["comment", "person"], name="mention_names_a_person_once_in_a_comment"),
        ]
        indexes = [
            models.Index(fields=["person"], condition=models.Q(seen_at__isnull=True), name="mention_unseen"),  # count
        ]

    def __str__(self) -> str:
        return f"{self.person_id} in {self.comment_id}"

    person_id: int
    comment_id: int


class Allowance(models.Model):
    """How many hours work of a kind may wait; a kind without a row has what it was declared with."""

    kind = models.CharField(max_length=20, primary_key=True)
    hours = models.PositiveIntegerField()
    history = HistoricalRecords()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="allowance_is_between_an_hour_and_a_year", condition=models.Q(hours__gte=1, hours__lte=8784)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.hours} h"


class Digest(models.TextChoices):
    """How often a person is mailed what is new for them."""

    NEVER = "never", "Never"
    DAILY = "daily", "Every day"
    WEEKLY = "weekly", "Every week"


class Wish(models.Model):
    """How a person wants to be told. ``told_through`` is the moment up to which the last digest told."""

    person = models.OneToOneField(
        settings.AUTH_USER_MODEL, primary_key=True, on_delete=models.PROTECT, related_name="wish"
    )
    digest = models.CharField(max_length=6, choices=Digest.choices, default=Digest.NEVER)
    told_through = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(name="wish_digest_is_known", condition=models.Q(digest__in=Digest.values)),
        ]

    def __str__(self) -> str:
        return f"{self.person_id} {self.digest}"

    person_id: int
