"""What people suspect: two records that may be one, and who says so."""

from django.conf import settings
from django.db import models

from matching.models import MatchCandidate
from mdm.models import GoldenRecord


class Report(models.Model):
    """Somebody suspects that ``first`` and ``second`` are one; ``candidate`` is the question a steward decides."""

    candidate = models.ForeignKey(MatchCandidate, on_delete=models.PROTECT, related_name="reports")
    first = models.ForeignKey(GoldenRecord, on_delete=models.PROTECT, related_name="+")
    second = models.ForeignKey(GoldenRecord, on_delete=models.PROTECT, related_name="+")
    reason = models.TextField()
    reported_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="reports")
    reported_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["candidate", "reported_by"], name="report_is_made_once_per_person_and_question"
            ),
            models.CheckConstraint(name="report_is_about_two_records", condition=~models.Q(first=models.F("second"))),
            models.CheckConstraint(name="report_says_why", condition=~models.Q(reason="")),
        ]
        indexes = [models.Index(fields=["reported_by", "-reported_at"], name="report_of_person")]  # one's own

    def __str__(self) -> str:
        return f"{self.first_id} ~ {self.second_id}"
