"""Opinions: what people say about a question of matching before somebody decides it, and whom they ask."""

from django.conf import settings
from django.db import models

from matching.models import MatchCandidate


class OpinionVerdict(models.TextChoices):
    """What a person thinks of a question as a whole."""

    SAME = "same", "One and the same"
    DIFFERENT = "different", "Not the same"
    UNSURE = "unsure", "Cannot tell"


class Opinion(models.Model):
    """One person's opinion of one question: asked for, then given; or given without being asked.

    asked -> given -> withdrawn (by another opinion of the same person). Nothing of it is ever overwritten.
    """

    candidate = models.ForeignKey(MatchCandidate, on_delete=models.PROTECT, related_name="opinions")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="opinions")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(null=True)
    note = models.CharField(max_length=500, blank=True)  # of whoever asks
    verdict = models.CharField(max_length=10, choices=OpinionVerdict.choices, blank=True)
    reason = models.CharField(max_length=500, blank=True)
    given_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["candidate", "person"],
                condition=models.Q(withdrawn_at__isnull=True),
                name="opinion_standing_is_one_for_a_person_and_question",
            ),
            models.CheckConstraint(
                name="opinion_verdict_is_known", condition=models.Q(verdict__in=["", *OpinionVerdict.values])
            ),
            models.CheckConstraint(
                name="opinion_given_says_what_and_when",
                condition=models.Q(verdict="", given_at__isnull=True, reason="")
                | (models.Q(given_at__isnull=False) & ~models.Q(verdict="")),
            ),
            models.CheckConstraint(
                name="opinion_asked_says_by_whom_and_when",
                condition=models.Q(asked_by__isnull=True, asked_at__isnull=True, note="")
                | models.Q(asked_by__isnull=False, asked_at__isnull=False),
            ),
            models.CheckConstraint(
                name="opinion_is_asked_or_given",
                condition=models.Q(asked_at__isnull=False) | models.Q(given_at__isnull=False),
            ),
            models.CheckConstraint(
                name="opinion_is_asked_of_somebody_else",
                condition=models.Q(asked_by__isnull=True) | ~models.Q(asked_by=models.F("person")),
            ),
        ]
        indexes = [
            models.Index(  # what a person still owes: the queue's "mine", the notices
                fields=["person"],
                condition=models.Q(given_at__isnull=True, withdrawn_at__isnull=True),
                name="opinion_owed",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person_id} on {self.candidate_id}: {self.verdict or 'asked'}"

    candidate_id: int
    person_id: int
