"""Drafts of a tree: moves somebody collects, that somebody else approves before anyone sees them."""

from django.conf import settings
from django.db import models

from mdm.identity import uuid7
from mdm.models import GoldenRecord, Hierarchy
from mdm.models.walls import AppendOnly


class DraftState(models.TextChoices):
    """drafting <-> open -> approved | refused (by somebody else); drafting or open -> withdrawn (by its author);
    drafting -> proposed: of a tree the sources make, its moves became change requests."""

    DRAFTING = "drafting", "Being drafted"
    OPEN = "open", "Waiting for approval"
    APPROVED = "approved", "Approved"
    REFUSED = "refused", "Refused"
    WITHDRAWN = "withdrawn", "Withdrawn"
    PROPOSED = "proposed", "Became change requests"


class TreeDraft(models.Model):
    """``hierarchy`` is empty for a tree the sources make; ``day`` is when the moves take effect. ``revision`` grows
    with every change of the moves: an approval names it, so what is approved is what was read. ``number`` is that of
    the change the approval made, ``requests`` are the change requests its moves became."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    domain = models.CharField(max_length=32)
    tree = models.CharField(max_length=60)
    hierarchy = models.ForeignKey(Hierarchy, null=True, on_delete=models.PROTECT, related_name="drafts")
    day = models.DateField()
    state = models.CharField(max_length=10, choices=DraftState.choices, default=DraftState.DRAFTING)
    revision = models.PositiveIntegerField(default=0)
    reason = models.TextField(blank=True)
    answer = models.TextField(blank=True)
    drafted_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="tree_drafts")
    drafted_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="decided_tree_drafts"
    )
    decided_at = models.DateTimeField(null=True)
    number = models.PositiveIntegerField(null=True)
    requests = models.JSONField(default=list)

    class Meta:
        constraints = [
            models.CheckConstraint(name="tree_draft_state_is_known", condition=models.Q(state__in=DraftState.values)),
            models.UniqueConstraint(
                name="tree_draft_is_one_per_person_and_tree",
                fields=["drafted_by", "domain", "tree"],
                condition=models.Q(state="drafting"),
            ),
            models.CheckConstraint(
                name="tree_draft_is_not_decided_by_its_author",
                condition=models.Q(decided_by__isnull=True)
                | models.Q(state__in=("withdrawn", "proposed"))
                | ~models.Q(decided_by=models.F("drafted_by")),
            ),
            models.CheckConstraint(
                name="tree_draft_is_decided_exactly_when_it_is_over",
                condition=models.Q(state__in=("drafting", "open"), decided_by__isnull=True, decided_at__isnull=True)
                | (
                    ~models.Q(state__in=("drafting", "open"))
                    & models.Q(decided_by__isnull=False, decided_at__isnull=False)
                ),
            ),
            models.CheckConstraint(
                name="tree_draft_has_a_number_exactly_when_approved",
                condition=models.Q(state="approved", number__isnull=False)
                | (~models.Q(state="approved") & models.Q(number__isnull=True)),
            ),
            models.CheckConstraint(
                name="tree_draft_of_the_sources_is_never_approved",
                condition=models.Q(hierarchy__isnull=False) | ~models.Q(state__in=("open", "approved", "refused")),
            ),
        ]
        indexes = [models.Index(fields=["state", "-sent_at"], name="tree_draft_list")]

    def __str__(self) -> str:
        return f"{self.domain} {self.tree} ({self.state})"


class DraftMove(models.Model):
    """One move of a draft: where the record shall stand, and where it stood when that was thought of."""

    id = models.BigAutoField(primary_key=True)
    draft = models.ForeignKey(TreeDraft, on_delete=models.PROTECT, related_name="moves")
    record = models.ForeignKey(GoldenRecord, on_delete=models.PROTECT, related_name="+", db_index=False)
    present = models.BooleanField(default=True)
    parent = models.ForeignKey(GoldenRecord, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    was_present = models.BooleanField()
    before = models.ForeignKey(GoldenRecord, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["draft", "record"], name="draft_move_is_one_per_record"),
            models.CheckConstraint(
                name="draft_move_that_removes_names_no_parent",
                condition=models.Q(present=True) | models.Q(parent__isnull=True),
            ),
            models.CheckConstraint(
                name="draft_move_is_not_below_itself", condition=~models.Q(parent=models.F("record"))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.record_id} below {self.parent_id or 'nothing'}"


class DraftVerb(models.TextChoices):
    """What a person did with a draft."""

    SEND = "send", "Sent for approval"
    SEND_BACK = "send back", "Sent back"
    APPROVE = "approve", "Approved"
    REFUSE = "refuse", "Refused"
    WITHDRAW = "withdraw", "Withdrawn"
    PROPOSE = "propose", "Proposed as change requests"


class DraftVerdict(models.Model):
    """Who did what with a draft, when and in which words; never changed."""

    id = models.BigAutoField(primary_key=True)
    draft = models.ForeignKey(TreeDraft, on_delete=models.PROTECT, related_name="verdicts")
    verb = models.CharField(max_length=10, choices=DraftVerb.choices)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
    words = models.TextField(blank=True)

    class Meta:
        constraints = [
            AppendOnly(name="draft_verdict_is_append_only"),
            models.CheckConstraint(name="draft_verdict_verb_is_known", condition=models.Q(verb__in=DraftVerb.values)),
        ]

    def __str__(self) -> str:
        return f"{self.verb} {self.draft_id}"
