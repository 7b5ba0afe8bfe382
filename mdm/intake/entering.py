"""Records people enter by hand: source records of a source of their own, which trusts them least."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.utils import timezone

from mdm import canonical
from mdm.cause import Cause
from mdm.intake.sources import ensure_stewardship
from mdm.mastering import NewRecord, create, take_turn
from mdm.models import SourceRecord, SourceReference, SourceState, SourceSystem
from mdm.nudge import nudge
from mdm.retrying import atomic
from mdm.spec import Domain

ENTERED = "entered"

Values = Mapping[str, Any]


@atomic
def enter(
    *, domain: Domain, key: str, values: Values, parts: Mapping[str, Sequence[Values]], cause: Cause
) -> tuple[UUID, int]:
    """Make a golden record of standardised values somebody entered; its id and its source record's.

    The values stand until a source that is trusted more sends the record; then that one decides, as for any record.
    The key is kept once: a second call raises IntegrityError and makes nothing.
    """
    take_turn(relinking=[domain.name])
    now = timezone.now()
    source = SourceRecord.objects.create(
        system=ensure_entered(),
        domain=domain.name,
        key=key,
        values=values,
        parts=parts,
        content_hash=canonical.digest([values, parts]),
        as_of=now,
        first_seen_at=now,
        last_seen_at=now,
        author=cause.by.name,
        reason=cause.reason,
    )
    # References by golden id are followed under the internal source, whoever makes them.
    stewardship = ensure_stewardship()
    SourceReference.objects.bulk_create(
        SourceReference(
            source_record=source, attribute=name, system=stewardship, domain=referred, key=value["record"]
        )
        for name, referred, value in _references(domain, values, parts)
    )  # fmt: skip
    (record_id,) = create(domain=domain, records=[NewRecord((source.pk,))], cause=cause)
    # Matching has still to read it, so that what arrives finds it, and to ask about whom it resembles.
    SourceRecord.objects.filter(pk=source.pk).update(state=SourceState.WAITING)
    nudge("matching.tasks.match", domain.name, queue="match")
    return record_id, source.pk


def ensure_entered() -> SourceSystem:
    """The source of what people enter."""
    system, _made = SourceSystem.objects.get_or_create(
        code=ENTERED,
        defaults={
            "name": "Entered by hand",
            "kind": "People",
            "description": "Records people proposed in the browser and others approved.",
        },
    )
    return system


def _references(
    domain: Domain, values: Values, parts: Mapping[str, Sequence[Values]]
) -> Iterator[tuple[str, str, Values]]:
    """(attribute, domain referred to, value) of every reference to a golden record."""
    for attribute in domain.attributes:
        if attribute.references and "record" in (value := values.get(attribute.name) or {}):
            yield attribute.name, attribute.references, value
    for part in domain.parts:
        for row in parts.get(part.name, ()):
            for attribute in part.attributes:
                if attribute.references and "record" in (value := row.get(attribute.name) or {}):
                    yield f"{part.name}.{attribute.name}", attribute.references, value
