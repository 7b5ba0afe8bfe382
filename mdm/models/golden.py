"""Golden records: the identity, the typed values of a domain, their parts, and the versions kept of them."""

from typing import Any
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models.functions import Upper
from simple_history.models import HistoricalRecords

from mdm.identity import uuid7
from mdm.models.walls import AppendOnly, Versioned


class GoldenState(models.TextChoices):
    """pending -> active -> retired; pending or active -> merged -> (unmerge) the state before.

    A pending record is a suspected duplicate or fails a rule that holds it; it is never published.
    """

    PENDING = "pending", "Pending"
    ACTIVE = "active", "Active"
    RETIRED = "retired", "Retired"
    MERGED = "merged", "Merged"


class GoldenRecord(models.Model):
    """Identity only: the id and code outlive every merge, and nothing is ever deleted."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    code = models.CharField(max_length=24, unique=True)
    domain = models.CharField(max_length=32)
    state = models.CharField(max_length=8, choices=GoldenState.choices, default=GoldenState.ACTIVE)
    version = models.PositiveIntegerField(default=1)
    merged_into = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="absorbed")
    title = models.CharField(max_length=300, blank=True)
    # Why a pending record waits: suspected to be a duplicate, or rules that hold it (their messages).
    suspected = models.BooleanField(default=False)
    held_by = models.JSONField(default=list, blank=True)
    # Whether anybody outside has heard of it: once active or merged, always.
    known_outside = models.BooleanField(default=False)
    # Upper-case names, codes and source keys for the search box; written with the version, so never behind it.
    search_text = models.TextField(blank=True)
    # "scheme:value" of every identifier, for look-up by any of them.
    identifiers = ArrayField(models.CharField(max_length=120), default=list)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="golden_record_state_is_known", condition=models.Q(state__in=GoldenState.values)
            ),
            models.CheckConstraint(
                name="golden_record_merged_exactly_when_it_points_on",
                condition=models.Q(state="merged", merged_into__isnull=False)
                | (~models.Q(state="merged") & models.Q(merged_into__isnull=True)),
            ),
            models.CheckConstraint(
                name="golden_record_is_not_merged_into_itself", condition=~models.Q(merged_into=models.F("id"))
            ),
            models.CheckConstraint(name="golden_record_version_starts_at_one", condition=models.Q(version__gte=1)),
            Versioned(name="golden_record_write_has_a_version", column="id"),
        ]
        indexes = [
            models.Index(fields=["domain", "state", "code"], name="golden_list"),  # list pages, API lists
            models.Index(fields=["domain", "updated_at"], name="golden_recent"),  # "last changed" lists
            models.Index(fields=["domain", "title"], name="golden_by_title"),  # lists ordered by name
            GinIndex(OpClass(Upper("search_text"), name="gin_trgm_ops"), name="golden_search"),  # search box
            GinIndex(fields=["identifiers"], name="golden_identifiers"),  # look-up by identifier
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.title}"


class CurrentTransaction(models.Func):
    """The id of the running transaction as a bigint; ties a version to the write it belongs to."""

    template = "(pg_current_xact_id()::text::bigint)"
    output_field = models.BigIntegerField()
    arity = 0


class VersionRow(models.Model):
    """What Assay adds to django-simple-history's row: number, state, parts, and who, why, on whose approval."""

    version = models.PositiveIntegerField()
    record_code = models.CharField(max_length=24)
    state = models.CharField(max_length=8, choices=GoldenState.choices)
    merged_into_id = models.UUIDField(null=True)
    parts = models.JSONField(default=dict)
    sources = models.JSONField(default=list)  # the crosswalk at that version: [{system, key}]
    changed = models.JSONField(default=list)
    cause = models.CharField(max_length=16)
    actor = models.CharField(max_length=150)
    actor_kind = models.CharField(max_length=10)
    channel = models.CharField(max_length=16)
    approved_by = models.CharField(max_length=150, blank=True)
    correlation_id = models.UUIDField()
    decision_id = models.UUIDField(null=True)
    digest = models.CharField(max_length=64)
    written_in = models.BigIntegerField(db_default=CurrentTransaction())

    class Meta:
        abstract = True


class Versions(HistoricalRecords):  # type: ignore[misc]
    """django-simple-history with our columns, a plain table name and the walls of an append-only table."""

    def __init__(self, domain: str) -> None:
        self.domain = domain
        super().__init__(
            bases=[VersionRow],
            table_name=f"mdm_{domain}_version",
            custom_model_name=lambda name: f"{name}Version",
            history_id_field=models.BigAutoField(primary_key=True),
            history_change_reason_field=models.TextField(null=True),
        )

    def get_meta_options(self, model: type[models.Model]) -> dict[str, Any]:
        options: dict[str, Any] = super().get_meta_options(model)
        options["constraints"] = [
            AppendOnly(name=f"{self.domain}_version_is_append_only"),
            models.UniqueConstraint(
                fields=["record", "version"], name=f"{self.domain}_version_number_is_used_once_per_record"
            ),
        ]
        return options


class GoldenValues(models.Model):
    """The typed values of one golden record. ``provenance`` is {attribute: {source_record, source, key, rule, since,
    seen}}; ``extension`` holds attributes an administrator added. Only ``mdm.mastering`` writes it."""

    record = models.OneToOneField(GoldenRecord, primary_key=True, on_delete=models.PROTECT, related_name="%(class)s")
    extension = models.JSONField(default=dict, blank=True)
    provenance = models.JSONField(default=dict, blank=True)

    # A plain save() must not write a version behind the back of mastering: the wall then refuses it at commit.
    skip_history_when_saving = True

    class Meta:
        abstract = True

    record_id: UUID


class GoldenPart(models.Model):
    """A repeating child of a golden record, one row per key, with the source record the row came from."""

    record = models.ForeignKey(GoldenRecord, on_delete=models.PROTECT, related_name="%(class)s_rows")
    part_key = models.CharField(max_length=300)
    source_record = models.ForeignKey("mdm.SourceRecord", on_delete=models.PROTECT, related_name="+")

    class Meta:
        abstract = True

    record_id: UUID
    source_record_id: int


def values_walls(domain: str) -> list[models.BaseConstraint]:
    """The walls every typed golden table carries."""
    return [Versioned(name=f"{domain}_write_has_a_version", column="record_id")]


def part_walls(part: str) -> list[models.BaseConstraint]:
    """The walls every part table carries: one row per key, and no write without a version."""
    return [
        models.UniqueConstraint(fields=["record", "part_key"], name=f"{part}_key_is_used_once_per_record"),
        Versioned(name=f"{part}_write_has_a_version", column="record_id"),
    ]
