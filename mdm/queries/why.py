"""Why one value of a golden record is what it is: every claim with date and trust, every pin, every change."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from mdm.domains import BY_NAME
from mdm.errors import NotFound
from mdm.mastering.compose import extension_attributes
from mdm.mastering.offers import trust_ranks
from mdm.mastering.pins import resting
from mdm.models import GoldenRecord, Pin, SourceRecord, SourceState
from mdm.queries.detail import record_detail
from mdm.queries.history import versions_of
from mdm.queries.shapes import Value
from mdm.spec import Attribute, Domain

UNTRUSTED = 100
MOST_CHANGES = 30


@dataclass(frozen=True, slots=True)
class Claim:
    """What one linked source record says of the attribute. ``rank`` 1 is trusted most; ``edit``: it was approved."""

    source_record: int
    source: str
    source_name: str
    key: str
    value: Any
    as_of: datetime
    seen: datetime
    rank: int
    edit: bool
    wins: bool
    agrees: bool


@dataclass(frozen=True, slots=True)
class PinShown:
    """An approved edit of the attribute, standing or over. ``until_source`` names whose change ends it, "" for any
    source's; None where no source ends it. ``rests`` while that source is elsewhere."""

    source_record: int
    value: Any
    author: str
    reason: str
    since: datetime
    valid_until: datetime | None
    until_source: str | None
    rests: bool
    ended_at: datetime | None
    ended_by: str
    end_reason: str


@dataclass(frozen=True, slots=True)
class ValueChange:
    """A version in which the value changed, or the source it comes from."""

    version: int
    moment: datetime
    actor: str
    reason: str
    before: Any
    after: Any
    source: str


@dataclass(frozen=True, slots=True)
class Why:
    """One value and everything that made it."""

    value: Value
    since: datetime | None
    claims: Sequence[Claim]
    pins: Sequence[PinShown]
    changes: Sequence[ValueChange]

    @property
    def standing(self) -> Sequence[PinShown]:
        """The pins that have not ended."""
        return [pin for pin in self.pins if pin.ended_at is None]


def why_value(record: GoldenRecord, name: str) -> Why:
    """Why the attribute of the record reads as it does; NotFound for an attribute the domain does not have.

    Restricted values are masked.
    """
    domain = BY_NAME[record.domain]
    detail = record_detail(record, part_limit=0)
    value = next((one for one in (*detail.values, *detail.extension) if one.attribute.name == name), None)
    if value is None:
        raise NotFound(f"{domain.label} has no attribute {name}.", "Open the record to see its values.")
    edits = list(
        SourceRecord.objects.filter(links__record=record, system__internal=True, values__has_key=name)
        .distinct()
        .order_by("-first_seen_at")
    )
    changes = _changes(domain, record.pk, name)
    since = value.provenance.since if value.provenance else None
    return Why(
        value=value,
        since=_moment(domain, record.pk, since) if since else None,
        claims=_claims(domain, record.pk, value),
        pins=_pins(record.pk, value.attribute, edits),
        changes=changes,
    )


def _claims(domain: Domain, record_id: UUID, value: Value) -> list[Claim]:
    winner = value.provenance.source_record if value.provenance else None
    said = {offer.source_record: (offer.value, offer.agrees) for offer in value.others}
    if winner is not None:
        said[winner] = (value.value, True)
    ranks = trust_ranks(domain)
    rows = SourceRecord.objects.select_related("system").filter(pk__in=said)
    found = [
        Claim(
            source_record=row.pk,
            source=row.system.code,
            source_name=row.system.name,
            key="" if row.system.internal else row.key,
            value=said[row.pk][0],
            as_of=row.as_of,
            seen=row.last_seen_at,
            rank=0 if row.system.internal else ranks.get(row.system_id, UNTRUSTED),
            edit=row.system.internal,
            wins=row.pk == winner,
            agrees=said[row.pk][1],
        )
        for row in rows
    ]
    return sorted(found, key=lambda claim: (not claim.wins, claim.rank, -claim.as_of.timestamp(), claim.source_record))


def _pins(record_id: UUID, attribute: Attribute, edits: Sequence[SourceRecord]) -> list[PinShown]:
    own = Pin.objects.filter(edit__in=edits, attribute=attribute.name).select_related("watches__system")
    pins = {pin.edit_id: pin for pin in own}
    everyone = SourceRecord.objects.select_related("system").filter(
        links__record=record_id, links__ended_at__isnull=True
    )
    rests = resting({record_id: list(everyone)}) if edits else {}
    return [_pin(edit, attribute, pins.get(edit.pk), rests) for edit in edits]


def _pin(edit: SourceRecord, attribute: Attribute, pin: Pin | None, rests: Mapping[int, set[str]]) -> PinShown:
    link = edit.links.order_by("-linked_at").first()
    over = edit.state == SourceState.RETIRED
    watched = pin.watches if pin else None
    until = f"{watched.system.name} {watched.key}" if watched else ""
    return PinShown(
        source_record=edit.pk,
        value=edit.values.get(attribute.name),
        author=edit.author,
        reason=edit.reason,
        since=edit.first_seen_at,
        valid_until=edit.valid_until,
        until_source=until if pin and pin.until_source else None,
        rests=attribute.name in rests.get(edit.pk, ()) and not over and not (pin and pin.ended_at),
        ended_at=(pin.ended_at if pin and pin.ended_at else None) or (link.ended_at if over and link else None),
        ended_by=(pin.ended_by if pin and pin.ended_at else "") or (link.ended_by if over and link else ""),
        end_reason=(pin.end_reason if pin and pin.ended_at else "") or (link.end_reason if over and link else ""),
    )


def _changes(domain: Domain, record_id: UUID, name: str) -> list[ValueChange]:
    rows: Any = versions_of(domain, record_id).filter(changed__contains=[{"attribute": name}])
    return [
        ValueChange(
            row.version, row.history_date, row.actor, row.history_change_reason or "",
            entry.get("before"), entry.get("after"), entry.get("source", ""),
        )
        for row in rows.order_by("-version")[:MOST_CHANGES]
        for entry in row.changed
        if entry.get("attribute") == name
    ]  # fmt: skip


def _moment(domain: Domain, record_id: UUID, version: int) -> datetime | None:
    found: datetime | None = (
        versions_of(domain, record_id).filter(version=version).values_list("history_date", flat=True).first()
    )
    return found


def attribute_of(domain: Domain, name: str) -> Attribute:
    """The attribute of that name, added ones included; NotFound otherwise."""
    for attribute in (*domain.attributes, *extension_attributes(domain)):
        if attribute.name == name:
            return attribute
    raise NotFound(f"{domain.label} has no attribute {name}.", "Open the record to see its values.")
