"""How people like their tables: columns and density of each, and views they saved under a name."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models

from mdm.identity import uuid7

LONGEST_NAME = 80
LONGEST_QUERY = 4000


class TableChoice(models.Model):
    """What one person sees of one table unless the address says otherwise; no columns: those it has by itself."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    table = models.CharField(max_length=80)
    columns = ArrayField(models.CharField(max_length=120), default=list)
    dense = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(name="table_choice_is_one_for_each_person", fields=["person", "table"])]

    def __str__(self) -> str:
        return f"{self.table} of {self.person_id}"


class SavedView(models.Model):
    """Filters, order, columns and density of a table under a name; ``shared`` shows it to everybody."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    table = models.CharField(max_length=80)
    name = models.CharField(max_length=LONGEST_NAME)
    query = models.CharField(max_length=LONGEST_QUERY, blank=True)
    shared = models.BooleanField(default=False)
    saved_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="saved_view_name_is_used_once_by_its_owner", fields=["owner", "table", "name"]
            ),
            models.CheckConstraint(name="saved_view_has_a_name", condition=models.Q(name__regex=r"\S")),
        ]
        indexes = [models.Index(fields=["table", "shared"], name="saved_view_by_table")]  # the menu of a list

    def __str__(self) -> str:
        return self.name
