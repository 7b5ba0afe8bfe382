"""The shapes of answers, for the interface document only: generated from the declarations, never used to render."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from rest_framework import serializers

from mdm.domains import BY_NAME
from mdm.models import BatchState, EventVerb, GoldenState, LinkMethod
from mdm.spec import Attribute, Exposure, Kind

Fields = dict[str, serializers.Field[Any, Any, Any, Any]]
Shape = serializers.Serializer[Any]

ANYTHING = serializers.JSONField


def shape(name: str, /, **fields: Any) -> type[Shape]:
    """A component of the document."""
    return type(f"{name}Serializer", (serializers.Serializer,), fields)


def words(choices: Any, help_text: str = "", **options: Any) -> serializers.Field[Any, Any, Any, Any]:
    """A text that is one of a few words; the words stand in the description, so that adding one breaks no client."""
    return serializers.CharField(help_text=f"{help_text} One of: {', '.join(choices)}.".strip(), **options)


Reference = shape(
    "Reference",
    record=serializers.UUIDField(),
    code=serializers.CharField(),
    title=serializers.CharField(allow_blank=True),
)
Onward = shape(
    "Onward",
    id=serializers.UUIDField(),
    code=serializers.CharField(),
    title=serializers.CharField(allow_blank=True),
    href=serializers.CharField(),
)
SourceKey = shape("SourceKey", system=serializers.CharField(), key=serializers.CharField())
OtherValue = shape(
    "OtherValue",
    system=serializers.CharField(),
    key=serializers.CharField(),
    value=ANYTHING(allow_null=True),
    agrees=serializers.BooleanField(),
)
Origin = shape(
    "Provenance",
    source_record=serializers.IntegerField(allow_null=True),
    system=serializers.CharField(allow_null=True),
    key=serializers.CharField(allow_null=True),
    rule=serializers.CharField(allow_null=True, help_text="The survivorship rule that chose the value."),
    since_version=serializers.IntegerField(allow_null=True),
    seen_at=serializers.DateTimeField(allow_null=True, help_text="When the source last sent it."),
    others=OtherValue(many=True, help_text="What the other linked source records say."),
)
CrosswalkLink = shape(
    "CrosswalkLink",
    system=serializers.CharField(),
    key=serializers.CharField(),
    source_record=serializers.IntegerField(required=False),
    method=words(LinkMethod.values, "How the source record came here.", required=False),
    score=serializers.FloatField(allow_null=True, required=False),
    since=serializers.DateTimeField(required=False),
    by=serializers.CharField(required=False),
    reason=serializers.CharField(required=False, allow_blank=True),
    file=serializers.CharField(allow_null=True, required=False),
    line=serializers.IntegerField(allow_null=True, required=False),
    seen_at=serializers.DateTimeField(required=False),
)
MergedFrom = shape("MergedFrom", id=serializers.UUIDField(), code=serializers.CharField())
Target = shape(
    "Target",
    endpoint=serializers.CharField(help_text="Code of the endpoint."),
    local_id=serializers.CharField(allow_null=True, help_text="The target's own id of the record."),
    version=serializers.IntegerField(allow_null=True, help_text="The version it acknowledged."),
    acknowledged_at=serializers.DateTimeField(allow_null=True),
    state=words(("held", "left", "waiting", "in_flight", "parked"), "Held, or what is still on its way."),
    reason=serializers.CharField(allow_null=True, help_text="Why what is on its way is not there yet."),
    merged_from=MergedFrom(allow_null=True, help_text="Set where it is the id of a record that was merged into this."),
)
AsOf = shape(
    "AsOf",
    valid_from=serializers.DateTimeField(),
    valid_to=serializers.DateTimeField(allow_null=True),
    sequence=serializers.IntegerField(allow_null=True),
    verb=words(EventVerb.values),
    actor=serializers.CharField(),
    reason=serializers.CharField(allow_blank=True),
    approved_by=serializers.CharField(allow_blank=True),
)
MistakeShape = shape(
    "Mistake",
    pointer=serializers.CharField(help_text="The parameter, column or JSON pointer that is wrong."),
    code=serializers.CharField(),
    detail=serializers.CharField(),
)
ProblemShape = shape(
    "Problem",
    type=serializers.CharField(),
    title=serializers.CharField(),
    status=serializers.IntegerField(),
    code=serializers.CharField(help_text="Stable; decide by this one."),
    detail=serializers.CharField(),
    way_out=serializers.CharField(allow_blank=True, help_text="What to do about it."),
    retryable=serializers.BooleanField(),
    errors=MistakeShape(many=True),
    trace_id=serializers.CharField(),
    snapshot=serializers.ListField(child=serializers.CharField(), required=False),
    oldest_cursor=serializers.CharField(required=False),
)


def attribute_field(attribute: Attribute) -> serializers.Field[Any, Any, Any, Any]:
    """How an attribute's value looks; blank is null."""
    notes = [attribute.label, attribute.help]
    if attribute.exposure is Exposure.RESTRICTED:
        notes.append("Restricted: shown as dots.")
    if attribute.choices:
        notes.append(f"One of: {', '.join(value for value, _ in attribute.choices)}.")
    options: dict[str, Any] = {"allow_null": True, "required": False}
    options["help_text"] = ". ".join(note.rstrip(".") for note in notes if note) + "."
    if attribute.kind is Kind.REFERENCE:
        return Reference(**options)
    if attribute.kind is Kind.DECIMAL:
        options["help_text"] += " Decimal as text, so that nothing is rounded."
        return serializers.CharField(**options)
    kinds: Mapping[Kind, type[serializers.Field[Any, Any, Any, Any]]] = {
        Kind.DATE: serializers.DateField,
        Kind.INTEGER: serializers.IntegerField,
        Kind.BOOLEAN: serializers.BooleanField,
    }
    return kinds.get(attribute.kind, serializers.CharField)(**options)


def _identity(domain_name: str) -> Fields:
    return {
        "id": serializers.UUIDField(),
        "code": serializers.CharField(help_text=f"Like {BY_NAME[domain_name].prefix}-0000001; never used twice."),
        "domain": serializers.CharField(),
        "state": words(GoldenState.values),
        "version": serializers.IntegerField(),
        "title": serializers.CharField(allow_blank=True),
        "href": serializers.CharField(),
    }


@cache
def attributes_shape(domain_name: str) -> type[Shape]:
    """The attributes of a domain, by name."""
    domain = BY_NAME[domain_name]
    return shape(f"{domain.model.__name__}Attributes", **{a.name: attribute_field(a) for a in domain.attributes})


@cache
def list_shape(domain_name: str) -> type[Shape]:
    """A page of a domain's list."""
    domain = BY_NAME[domain_name]
    row = shape(
        f"{domain.model.__name__}Row",
        **_identity(domain_name),
        updated_at=serializers.DateTimeField(),
        merged_into=serializers.UUIDField(allow_null=True),
        attributes=attributes_shape(domain_name)(),
        extension=serializers.DictField(help_text="Attributes an administrator added, by name."),
    )
    return shape(
        f"{domain.model.__name__}Page",
        items=row(many=True),
        next_cursor=serializers.CharField(allow_null=True),
        has_more=serializers.BooleanField(),
        as_of_sequence=serializers.IntegerField(
            help_text="Follow /api/v1/changes from here (after_sequence) to keep what was read up to date."
        ),
        epoch=serializers.CharField(allow_null=True),
    )


@cache
def detail_shape(domain_name: str) -> type[Shape]:
    """A record of a domain whole."""
    domain = BY_NAME[domain_name]
    name = domain.model.__name__
    parts: Fields = {}
    for part in domain.parts:
        row = shape(
            f"{part.model.__name__}Row",
            **{a.name: attribute_field(a) for a in part.attributes},
            source=SourceKey(required=False),
        )
        parts[part.name] = row(many=True, required=False, help_text=part.label)
    return shape(
        name,
        **_identity(domain_name),
        created_at=serializers.DateTimeField(allow_null=True),
        updated_at=serializers.DateTimeField(),
        merged_into=Onward(allow_null=True, help_text="Where a merged record's facts are now."),
        absorbed=Onward(many=True, help_text="Records merged into this one."),
        attributes=attributes_shape(domain_name)(),
        extension=serializers.DictField(),
        parts=shape(f"{name}Parts", **parts)(),
        provenance=serializers.DictField(child=Origin(), help_text="Where each value came from, by attribute."),
        crosswalk=CrosswalkLink(many=True),
        identifiers=serializers.ListField(child=serializers.CharField()),
        held_by=serializers.ListField(child=serializers.CharField(), help_text="Why a pending record waits."),
        targets=Target(many=True, help_text="Which target holds which version, under which id of its own."),
        as_of=AsOf(allow_null=True, help_text="Set where a past version was asked for."),
    )


Change = shape(
    "ChangeEvent",
    sequence=serializers.IntegerField(),
    id=serializers.UUIDField(help_text="The same in webhooks; drop what you have seen."),
    domain=serializers.CharField(),
    verb=words(EventVerb.values),
    record=serializers.UUIDField(),
    code=serializers.CharField(),
    version=serializers.IntegerField(),
    previous_version=serializers.IntegerField(allow_null=True),
    state=words(GoldenState.values),
    previous_state=serializers.CharField(allow_null=True),
    merged_into=serializers.UUIDField(allow_null=True),
    title=serializers.CharField(allow_blank=True),
    occurred_at=serializers.DateTimeField(),
    actor=serializers.CharField(),
    actor_kind=serializers.CharField(),
    channel=serializers.CharField(),
    approved_by=serializers.CharField(allow_blank=True),
    reason=serializers.CharField(allow_blank=True),
    correlation_id=serializers.UUIDField(),
    decision_id=serializers.UUIDField(allow_null=True),
    attributes=serializers.DictField(help_text="All values after the change; blanks are left out."),
    parts=serializers.DictField(),
    extension=serializers.DictField(),
    provenance=serializers.DictField(),
    changed=serializers.ListField(child=serializers.DictField()),
    sources=SourceKey(many=True),
    digest=serializers.CharField(),
)
Changes = shape(
    "Changes",
    items=Change(many=True),
    next_cursor=serializers.CharField(help_text="Always given: ask again with it, later or at once."),
    has_more=serializers.BooleanField(),
    through_sequence=serializers.IntegerField(
        help_text="You now know everything you asked for up to this number, gaps in the numbers included."
    ),
    head_sequence=serializers.IntegerField(),
    oldest_sequence=serializers.IntegerField(),
    epoch=serializers.CharField(allow_null=True, help_text="The life of this log; another one means: start anew."),
)
Consumer = shape(
    "FeedConsumer",
    name=serializers.CharField(),
    cursor=serializers.CharField(),
    sequence=serializers.IntegerField(help_text="The number the place stands at."),
    version=serializers.IntegerField(help_text="Also the ETag; send it back as If-Match to move the place."),
    updated_at=serializers.DateTimeField(),
)
Found = shape(
    "Found",
    id=serializers.UUIDField(),
    code=serializers.CharField(),
    domain=serializers.CharField(),
    state=words(GoldenState.values),
    title=serializers.CharField(allow_blank=True),
    href=serializers.CharField(),
    matched=serializers.CharField(),
    found_by=words(("key", "identifier", "code")),
    merged_from=MergedFrom(allow_null=True),
)
Lookup = shape("Lookup", items=Found(many=True))
BatchShape = shape(
    "Batch",
    id=serializers.UUIDField(),
    href=serializers.CharField(),
    feed=serializers.CharField(),
    file_name=serializers.CharField(),
    sha256=serializers.CharField(),
    size=serializers.IntegerField(),
    bytes_read=serializers.IntegerField(),
    state=words(BatchState.values),
    rows=serializers.DictField(
        child=serializers.IntegerField(), help_text="read, new, changed, unchanged, quarantined"
    ),
    problem=serializers.CharField(allow_blank=True),
    way_out=serializers.CharField(allow_blank=True),
    repeats=serializers.UUIDField(allow_null=True, help_text="The batch that brought the same content before."),
    received_at=serializers.DateTimeField(),
    started_at=serializers.DateTimeField(allow_null=True),
    finished_at=serializers.DateTimeField(allow_null=True),
    quarantine=serializers.CharField(),
)
QuarantinedRow = shape(
    "QuarantinedRow",
    line=serializers.IntegerField(),
    key=serializers.CharField(allow_blank=True),
    raw=serializers.CharField(),
    problems=serializers.ListField(child=serializers.DictField(), help_text="All reasons at once."),
)
Quarantine = shape(
    "Quarantine",
    items=QuarantinedRow(many=True),
    next_cursor=serializers.CharField(allow_null=True),
    has_more=serializers.BooleanField(),
)
