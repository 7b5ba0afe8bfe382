"""What a person chooses while records are merged: it enters as one approved edit of the winner, with the merge itself.

Values typed are checked as any edit is. Values taken from a member, and rows of a part left out, are looked up here,
so that nobody can pass off a value that no member holds.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from mdm import canonical
from mdm.cause import Cause
from mdm.errors import Invalid
from mdm.identity import uuid7
from mdm.mastering.compose import Composition
from mdm.mastering.edits import check_values
from mdm.mastering.write import read_stored, stored_snapshot
from mdm.models import STEWARDSHIP, Link, LinkMethod, Merge, SourceRecord, SourceReference, SourceState, SourceSystem
from mdm.spec import Attribute, Domain, Kind, Part
from mdm.survivorship import LEFT_OUT, PIN_RANK, Offer


@dataclass(frozen=True)
class Edit:
    """``typed`` is {attribute: text}, ``taken`` {attribute: the member whose value survives, blank or not},
    ``left_out`` {part: part keys that do not survive}. ``key`` names the edit afterwards."""

    typed: Mapping[str, Any] = field(default_factory=dict)
    taken: Mapping[str, UUID] = field(default_factory=dict)
    left_out: Mapping[str, Collection[str]] = field(default_factory=dict)
    key: str = field(default_factory=lambda: str(uuid7()))

    def __bool__(self) -> bool:
        return bool(self.typed or self.taken or any(self.left_out.values()))


@dataclass(frozen=True)
class Settled:
    """An edit ready to be kept: values and parts as source records hold them."""

    values: Mapping[str, Any]
    parts: Mapping[str, Sequence[Mapping[str, Any]]]

    def __bool__(self) -> bool:
        return bool(self.values or self.parts)

    def offer(self, own: UUID, now: datetime) -> Offer:
        """The edit as survivorship sees it, before it is kept: references as golden ids, none to the record itself."""
        flat = {name: _flat(value) for name, value in self.values.items()}
        values = {name: value if value != str(own) else None for name, value in flat.items()}
        rows = {name: [_resolved(row) for row in rows] for name, rows in self.parts.items()}
        return Offer(0, STEWARDSHIP, "", PIN_RANK, now, values, rows)


def settle(domain: Domain, winner_id: UUID, member_ids: Collection[UUID], edit: Edit, ruled: Composition) -> Settled:
    """What the edit says beyond ``ruled``, which the sources make by themselves: nothing is pinned for no reason.

    Raises Invalid naming every value that does not fit and every choice that is none.
    """
    problems: list[tuple[str, str]] = []
    values: dict[str, Any] = {}
    if edit.typed:
        try:
            values = check_values(domain, winner_id, edit.typed)
        except Invalid as invalid:
            problems += invalid.problems
    taken = {name: member for name, member in edit.taken.items() if name not in edit.typed}
    values |= _taken(domain, taken, member_ids, problems)
    parts = {part.name: _without(part, edit.left_out.get(part.name, ()), ruled) for part in domain.parts}
    if problems:
        raise Invalid("The values chosen do not fit.", "Correct them and send again.", problems)
    differing = {name: value for name, value in values.items() if _flat(value) != ruled.values.get(name)}
    return Settled(differing, {name: rows for name, rows in parts.items() if rows})


def enter(
    domain: Domain, key: str, settled: Settled, cause: Cause, now: datetime, valid_until: datetime | None = None
) -> SourceRecord:
    """Keep the edit as a source record of the internal source, with the references it makes. It is not linked yet."""
    system, _ = SourceSystem.objects.get_or_create(
        code=STEWARDSHIP, defaults={"name": "Stewardship", "kind": "Approved edits", "internal": True}
    )
    source = SourceRecord.objects.create(
        system=system,
        domain=domain.name,
        key=key,
        values=settled.values,
        parts=settled.parts,
        content_hash=canonical.digest([settled.values, settled.parts] if settled.parts else settled.values),
        state=SourceState.LINKED,
        as_of=now,
        first_seen_at=now,
        last_seen_at=now,
        valid_until=valid_until,
        author=cause.by.name,
        reason=cause.reason,
    )
    SourceReference.objects.bulk_create(
        SourceReference(
            source_record=source, attribute=attribute.name, system=system,
            domain=attribute.references, key=settled.values[attribute.name]["record"],
        )
        for attribute in domain.attributes
        if attribute.references and settled.values.get(attribute.name)
    )  # fmt: skip
    return source


def edits_made_with(merges: Sequence[Merge]) -> list[int]:
    """The edits that were chosen with these merges, of which no other one still stands. Two queries at most."""
    made_at = {(made.winner_id, made.merged_at) for made in merges}
    winners, moments = {winner for winner, _ in made_at}, {moment for _, moment in made_at}
    standing = Merge.objects.filter(winner__in=winners, merged_at__in=moments, undone_at__isnull=True).exclude(
        pk__in=[made.pk for made in merges]
    )
    over = made_at - set(standing.values_list("winner_id", "merged_at"))
    links = Link.objects.filter(record__in=winners, method=LinkMethod.EDIT, linked_at__in=moments)
    found = links.values_list("record_id", "linked_at", "source_record_id")
    return [source for winner, moment, source in found if (winner, moment) in over]


def _taken(
    domain: Domain, taken: Mapping[str, UUID], member_ids: Collection[UUID], problems: list[tuple[str, str]]
) -> dict[str, Any]:
    """{attribute: what that member holds, None where it holds nothing}."""
    known = {attribute.name: attribute for attribute in domain.attributes}
    for name, member in taken.items():
        if name not in known or member not in member_ids:
            problems.append((name, "The record chosen for this value is not part of the merge."))
    fitting = {name: member for name, member in taken.items() if name in known and member in member_ids}
    stored = read_stored(domain, set(fitting.values()))
    held = {member: stored_snapshot(domain, stored, member).values for member in set(fitting.values())}
    return {name: _kept(known[name], held[member].get(name)) for name, member in fitting.items()}


def _without(part: Part, keys: Collection[str], ruled: Composition) -> list[dict[str, Any]]:
    """Rows that say of each key that it does not survive; a key nobody offers needs none."""
    rows = ruled.parts.get(part.name, {})
    keyed = [attribute for attribute in part.attributes if attribute.name in part.key]
    return [
        {
            **{a.name: _kept(a, rows[key].values[a.name]) for a in keyed if rows[key].values.get(a.name) is not None},
            LEFT_OUT: True,
        }
        for key in sorted(set(keys))
        if key in rows
    ]


def _kept(attribute: Attribute, value: Any) -> Any:
    return {"record": str(value)} if attribute.kind is Kind.REFERENCE and value else value


def _flat(value: Any) -> Any:
    return value["record"] if isinstance(value, Mapping) else value


def _resolved(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _flat(value) for name, value in row.items()}
