"""Change requests: an edit somebody proposes, that somebody else approves or refuses."""

from django.conf import settings
from django.db import models

from mdm.domains import BY_NAME
from mdm.identity import uuid7
from mdm.models import GoldenRecord


class RequestState(models.TextChoices):
    """open -> approved | refused (by somebody else) | withdrawn (by the requester).

    open -> scheduled (approved, holds from a later day) -> approved | withdrawn | open again (it no longer fitted).
    """

    OPEN = "open", "Waiting for approval"
    SCHEDULED = "scheduled", "Approved, waits for its day"
    APPROVED = "approved", "Approved"
    REFUSED = "refused", "Refused"
    WITHDRAWN = "withdrawn", "Withdrawn"


class ChangeRequest(models.Model):
    """``values`` are the proposed values (None blanks), ``before`` what the record held when it was proposed.

    ``digest`` covers record, base version and values: an approval names it, so what is approved is what was read.
    One with base version 0 proposes a new record, which ``record`` names once it is made: ``parts`` are its rows,
    ``alike`` what a search before create showed ([{record, code, title, probability, band, sentence}]), ``although``
    why a new one is needed nevertheless.

    ``watching`` is {attribute: {source_record, said}} where a value holds until that source says something else;
    ``unpins`` are attributes of which earlier edits are to be taken back, so that the sources decide again.
    ``origins`` is {attribute: source record its value came from} when it was proposed: where that one goes when records
    merge or come apart, the request goes too, and ``moves`` tells of it ([{from, to, at, by, why, attributes}]).
    ``beside`` are the ids of open requests about the same attributes that the requester knew of. ``suggested``: by
    somebody who may not approve any, as the roles were then.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    record = models.ForeignKey(GoldenRecord, null=True, blank=True, on_delete=models.PROTECT, related_name="requests")
    domain = models.CharField(max_length=32)
    base_version = models.PositiveIntegerField()
    values = models.JSONField()
    before = models.JSONField(default=dict)
    parts = models.JSONField(default=dict)
    alike = models.JSONField(default=list)
    although = models.TextField(blank=True)
    origins = models.JSONField(default=dict)
    moves = models.JSONField(default=list)
    beside = models.JSONField(default=list)
    suggested = models.BooleanField(default=False)
    digest = models.CharField(max_length=64)
    reason = models.TextField()
    valid_until = models.DateTimeField(null=True, blank=True)
    watching = models.JSONField(default=dict)
    unpins = models.JSONField(default=list)
    holds_from = models.DateTimeField(null=True, blank=True)
    state = models.CharField(max_length=10, choices=RequestState.choices, default=RequestState.OPEN)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="requests")
    requested_at = models.DateTimeField(auto_now_add=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="decided_requests"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    answer = models.TextField(blank=True)
    source_record = models.ForeignKey(
        "mdm.SourceRecord", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="change_request_state_is_known", condition=models.Q(state__in=RequestState.values)
            ),
            models.CheckConstraint(
                name="change_request_is_not_approved_by_its_requester",
                condition=models.Q(decided_by__isnull=True)
                | models.Q(state="withdrawn")
                | ~models.Q(decided_by=models.F("requested_by")),
            ),
            models.CheckConstraint(
                name="change_request_is_decided_exactly_when_it_is_not_open",
                condition=models.Q(state="open", decided_by__isnull=True, decided_at__isnull=True)
                | (~models.Q(state="open") & models.Q(decided_by__isnull=False, decided_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="change_request_names_a_new_record_exactly_when_it_is_made",
                condition=models.Q(base_version__gt=0, record__isnull=False)
                | models.Q(base_version=0, state="approved", record__isnull=False)
                | (models.Q(base_version=0, record__isnull=True) & ~models.Q(state="approved")),
            ),
            models.CheckConstraint(
                name="change_request_of_an_existing_record_has_no_parts",
                condition=models.Q(base_version=0) | models.Q(parts={}, alike=[], although=""),
            ),
            models.CheckConstraint(
                name="change_request_proposes_something", condition=~models.Q(values={}) | ~models.Q(unpins=[])
            ),
            models.CheckConstraint(
                name="change_request_is_scheduled_only_with_a_day",
                condition=~models.Q(state="scheduled") | models.Q(holds_from__isnull=False),
            ),
            models.CheckConstraint(
                name="change_request_begins_before_it_ends",
                condition=models.Q(holds_from__isnull=True)
                | models.Q(valid_until__isnull=True)
                | models.Q(holds_from__lt=models.F("valid_until")),
            ),
            models.CheckConstraint(
                name="change_request_ends_in_one_way_only",
                condition=models.Q(valid_until__isnull=True) | models.Q(watching={}),
            ),
        ]
        indexes = [
            models.Index(fields=["record"], condition=models.Q(state="open"), name="request_open_of_record"),
            # the timetable's question, and what waits for its day on a record's page
            models.Index(fields=["holds_from"], condition=models.Q(state="scheduled"), name="request_scheduled"),
            models.Index(fields=["state", "-requested_at"], name="request_list"),
        ]

    def __str__(self) -> str:
        return f"{self.record_id or 'new'} ({self.state})"

    @property
    def is_new(self) -> bool:
        """Whether it proposes a record that is not there yet."""
        return self.base_version == 0

    @property
    def title(self) -> str:
        """What the record is called, or will be."""
        if self.record is not None:
            return self.record.title or self.record.code
        domain = BY_NAME[self.domain]
        return str(self.values.get(domain.title) or f"New {domain.label.lower()}")
