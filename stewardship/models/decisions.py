"""Decisions: one row per verdict of a person, never changed; an undo is a decision of its own."""

from django.conf import settings
from django.db import models

from matching.models import MatchCandidate
from mdm.identity import uuid7
from mdm.models.walls import AppendOnly


class Verb(models.TextChoices):
    """What a person did; the same word stands on the button and in the function."""

    MERGE = "merge", "Merged"
    REJECT = "reject", "Not a match"
    RELATE = "relate", "Related, not the same"
    SKIP = "skip", "Skipped"
    SPLIT = "split", "Split off"
    KEEP = "keep", "Kept together"
    UNMERGE = "unmerge", "Unmerged"
    UNDO = "undo", "Undone"
    RETIRE = "retire", "Retired"
    REINSTATE = "reinstate", "Reinstated"
    PROPOSE = "propose", "Proposed"
    APPROVE = "approve", "Approved"
    REFUSE = "refuse", "Refused"
    WITHDRAW = "withdraw", "Withdrawn"


class Decision(models.Model):
    """``records`` is [{record, code, title, version}] as the person saw them; ``merges``, ``non_matches``,
    ``activated`` and ``relations`` are the ids of what the decision made, ``withdrawn`` those of the non-matches it
    took back, so that it can be undone exactly. ``evidence`` is what spoke for and against when it was made, as
    ``stewardship.frozen`` keeps it. ``blind``: the page showed values alone, no source, score or proposal."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    verb = models.CharField(max_length=10, choices=Verb.choices)
    domain = models.CharField(max_length=32)
    candidate = models.ForeignKey(MatchCandidate, null=True, on_delete=models.PROTECT, related_name="decisions")
    request = models.ForeignKey(
        "stewardship.ChangeRequest", null=True, on_delete=models.PROTECT, related_name="decisions"
    )
    records = models.JSONField(default=list)
    merges = models.JSONField(default=list)
    non_matches = models.JSONField(default=list)
    withdrawn = models.JSONField(default=list)
    activated = models.JSONField(default=list)
    relations = models.JSONField(default=list)
    evidence = models.JSONField(default=dict)
    blind = models.BooleanField(default=False)
    undoes = models.OneToOneField("self", null=True, on_delete=models.PROTECT, related_name="undone_by")
    reason = models.TextField(blank=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="decisions")
    decided_at = models.DateTimeField(auto_now_add=True)
    correlation_id = models.UUIDField(default=uuid7)

    class Meta:
        constraints = [
            AppendOnly(name="decision_is_append_only"),
            models.CheckConstraint(name="decision_verb_is_known", condition=models.Q(verb__in=Verb.values)),
            models.CheckConstraint(
                name="decision_undo_names_what_it_undoes",
                condition=models.Q(verb="undo", undoes__isnull=False)
                | (~models.Q(verb="undo") & models.Q(undoes__isnull=True)),
            ),
        ]
        indexes = [models.Index(fields=["decided_by", "-decided_at"], name="decision_of_person")]  # undo list

    def __str__(self) -> str:
        return f"{self.verb} {self.domain}"
