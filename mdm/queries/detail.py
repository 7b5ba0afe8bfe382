"""One golden record whole."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db.models import Q

from mdm.domains import BY_NAME
from mdm.errors import NotFound
from mdm.filters.fields import uuid_or_none
from mdm.filters.terms import typeable
from mdm.masking import masked
from mdm.mastering.compose import ANY_SCHEME, EXTENSION_PREFIX, extension_attributes
from mdm.models import GoldenRecord, SourceRecord
from mdm.queries.crosswalk import Sayings, crosswalk, open_links
from mdm.queries.shapes import PartRow, PartRows, Provenance, RecordDetail, Value
from mdm.queries.values import columns, holders, read, reference_to
from mdm.spec import Attribute, Exposure, Kind, Part


def resolve(name: str | UUID) -> GoldenRecord:
    """The golden record with this id or code (any case), merged or not; NotFound otherwise."""
    by_id = name if isinstance(name, UUID) else uuid_or_none(name)
    records = GoldenRecord.objects.select_related("merged_into")
    found = (records.filter(pk=by_id) if by_id else records.filter(code=typeable(str(name)).upper())).first()
    if found is None:
        raise NotFound(f"There is no golden record {name}.", "Search for it by name, code or any identifier.")
    return found


def record_detail(
    name: str | UUID | GoldenRecord, *, reveal: bool = False, part_limit: int | None = None
) -> RecordDetail:
    """The record with this id or code: values with provenance and rivals, parts, crosswalk; NotFound otherwise.

    Restricted values are masked unless ``reveal``. ``part_limit`` leaves out the further rows of each part.
    """
    record = name if isinstance(name, GoldenRecord) else resolve(name)
    domain = BY_NAME[record.domain]
    row = (
        domain.model._default_manager.filter(record_id=record.pk)
        .values("extension", "provenance", *columns(domain.attributes))
        .get()
    )
    links = open_links(record.pk)
    sayings = Sayings(domain, links)
    known = {link.source_record.pk: link.source_record for link in links}
    own = read(domain.attributes, row, reveal=True)
    added = extension_attributes(domain)
    extension = {a.name: row["extension"].get(a.name.removeprefix(EXTENSION_PREFIX)) for a in added}

    def values(attributes: Sequence[Attribute], found: Mapping[str, Any]) -> list[Value]:
        return [
            _value(attribute, found[attribute.name], row["provenance"], known, sayings, reveal=reveal)
            for attribute in attributes
        ]

    return RecordDetail(
        id=record.pk,
        code=record.code,
        domain=domain,
        state=record.state,
        version=record.version,
        title=record.title,
        suspected=record.suspected,
        held_by=record.held_by,
        created_at=record.created_at,
        updated_at=record.updated_at,
        merged_into=reference_to(record.merged_into) if record.merged_into else None,
        redirect=holders([record.pk]).get(record.pk) if record.merged_into_id else None,
        absorbed=[reference_to(loser) for loser in GoldenRecord.objects.filter(merged_into=record).order_by("code")],
        values=values(domain.attributes, own),
        extension=values(added, extension),
        parts=[part_rows(part, record.pk, reveal=reveal, limit=part_limit) for part in domain.parts],
        crosswalk=crosswalk(links),
        identifiers=[known for known in record.identifiers if not known.startswith(f"{ANY_SCHEME}:")],
    )


def _value(
    attribute: Attribute,
    value: Any,
    provenance: Mapping[str, Any],
    known: Mapping[int, SourceRecord],
    sayings: Sayings,
    *,
    reveal: bool,
) -> Value:
    origin = _provenance(provenance.get(attribute.name), known)
    winner = origin.source_record if origin else None
    return Value(
        attribute=attribute,
        value=value if reveal else masked(attribute, value),
        provenance=origin,
        others=sayings.others(attribute, winner=winner, value=value, reveal=reveal),
        masked=not reveal and attribute.exposure is Exposure.RESTRICTED and value is not None,
    )


def _provenance(origin: Mapping[str, Any] | None, known: Mapping[int, SourceRecord]) -> Provenance | None:
    if not origin:
        return None
    source = known.get(origin["source_record"])
    return Provenance(
        source_record=origin["source_record"],
        source=origin["source"],
        source_name=source.system.name if source else origin["source"],
        key=origin["key"],
        rule=origin["rule"],
        since=origin.get("since"),
        seen=source.last_seen_at if source else None,
    )


def part_rows(
    part: Part,
    record_id: UUID,
    *,
    reveal: bool = False,
    words: Sequence[str] = (),
    offset: int = 0,
    limit: int | None = None,
) -> PartRows:
    """Rows of one part of a record that bear all the words, from ``offset`` on. One query, two where there are more."""
    asked = part.model._default_manager.filter(record_id=record_id)
    for word in words:
        asked = asked.filter(_bears(part, word))
    source = ("source_record_id", "source_record__key", "source_record__system__code", "source_record__system__name")
    found = asked.order_by("part_key").values("part_key", *source, *columns(part.attributes))
    rows = list(found[offset : offset + limit + 1] if limit is not None else found[offset:])
    more = limit is not None and len(rows) > limit
    shown = [
        PartRow(
            key=row["part_key"],
            values=read(part.attributes, row, reveal=reveal),
            source_record=row["source_record_id"],
            source=row["source_record__system__code"],
            source_name=row["source_record__system__name"],
            source_key=row["source_record__key"],
        )
        for row in (rows[:limit] if more else rows)
    ]
    return PartRows(part, shown, asked.count() if more or offset else len(rows))


def _bears(part: Part, word: str) -> Q:
    """Rows with the word in any value people may read; choices by label, references by title or code."""
    word = typeable(word)
    found = Q(source_record__key__icontains=word)
    for attribute in part.attributes:
        if attribute.exposure is Exposure.RESTRICTED:
            continue
        if attribute.kind is Kind.REFERENCE:
            found |= Q(**{f"{attribute.name}__title__icontains": word}) | Q(**{f"{attribute.name}__code__iexact": word})
        elif attribute.choices:
            fitting = [value for value, label in attribute.choices if word.casefold() in label.casefold()]
            found |= Q(**{f"{attribute.name}__in": fitting})
        else:
            found |= Q(**{f"{attribute.name}__icontains": word})
    return found
