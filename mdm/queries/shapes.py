"""What the read side answers: frozen shapes, values as JSON holds them (dates ISO text, decimals text, blank None)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from mdm.models import GoldenState
from mdm.spec import Attribute, Domain, Part

# What a reader gets who asks for no state: everything that is or was in use.
VISIBLE = (GoldenState.ACTIVE, GoldenState.RETIRED)


@dataclass(frozen=True, slots=True)
class Reference:
    """Another golden record, as one shows it."""

    record: UUID
    code: str
    title: str
    domain: str
    state: str

    def __str__(self) -> str:
        return self.title or self.code


@dataclass(frozen=True, slots=True)
class ListRow:
    """One line of a list. ``values`` is {attribute: JSON value or Reference}, blanks None."""

    id: UUID
    code: str
    domain: str
    state: str
    version: int
    title: str
    updated_at: datetime
    merged_into: UUID | None
    values: Mapping[str, Any]
    extension: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ListPage:
    """A page of a list. ``next`` and ``previous`` are places to pass as ``after`` and ``before``; "" at the ends."""

    rows: Sequence[ListRow]
    next: str
    previous: str


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a surviving value came from: source, its key, the rule that chose it, since which version; ``seen`` is
    when the source last sent it, None where the source record has moved to another golden record since."""

    source_record: int
    source: str
    source_name: str
    key: str
    rule: str
    since: int | None
    seen: datetime | None


@dataclass(frozen=True, slots=True)
class Offered:
    """What another linked source record says of the same attribute; ``agrees`` when it is the surviving value."""

    source_record: int
    source: str
    source_name: str
    key: str
    value: Any
    seen: datetime
    agrees: bool


@dataclass(frozen=True, slots=True)
class Value:
    """One attribute of a golden record: the surviving value, its origin, and what the other sources say."""

    attribute: Attribute
    value: Any
    provenance: Provenance | None
    others: Sequence[Offered]
    masked: bool

    @property
    def disputed(self) -> bool:
        """Whether a linked source says something else."""
        return any(not other.agrees for other in self.others)


@dataclass(frozen=True, slots=True)
class PartRow:
    """One row of a part; ``values`` is {attribute: JSON value or Reference}."""

    key: str
    values: Mapping[str, Any]
    source_record: int
    source: str
    source_name: str
    source_key: str


@dataclass(frozen=True, slots=True)
class PartRows:
    """Rows of a part in key order: all of them, or the first; ``total`` counts all."""

    part: Part
    rows: Sequence[PartRow]
    total: int


@dataclass(frozen=True, slots=True)
class CrosswalkEntry:
    """One source record linked to the golden record: since when, by whom, how, and the line it was read from.

    Source records that are one row of a part are not listed: each part row names its own.
    """

    source_record: int
    system: str
    system_name: str
    internal: bool
    key: str
    stub: bool
    file: str
    line: int | None
    batch: UUID | None
    method: str
    method_label: str
    score: float | None
    since: datetime
    by: str
    reason: str
    seen: datetime
    warnings: Sequence[Any]


@dataclass(frozen=True, slots=True)
class Referrers:
    """How many visible records of a domain point here through one attribute (``part.attribute`` within a part)."""

    domain: Domain
    attribute: str
    label: str
    count: int
    first: Sequence[Reference]


@dataclass(frozen=True, slots=True)
class RecordDetail:
    """A golden record whole. ``redirect`` is where a merged record's facts live now, through every merge.

    A pending record waits because it is ``suspected`` to be a duplicate, or for the messages in ``held_by``.
    """

    id: UUID
    code: str
    domain: Domain
    state: str
    version: int
    title: str
    suspected: bool
    held_by: Sequence[str]
    created_at: datetime
    updated_at: datetime
    merged_into: Reference | None
    redirect: Reference | None
    absorbed: Sequence[Reference]
    values: Sequence[Value]
    extension: Sequence[Value]
    parts: Sequence[PartRows]
    crosswalk: Sequence[CrosswalkEntry]
    identifiers: Sequence[str]

    @property
    def references(self) -> Sequence[Value]:
        """The attributes that point to other golden records, where they do."""
        return [value for value in self.values if isinstance(value.value, Reference)]


@dataclass(frozen=True, slots=True)
class Change:
    """One attribute before and after; a part says ``added`` and ``removed`` rows instead."""

    attribute: str
    label: str
    before: Any
    after: Any
    source: str
    rule: str
    is_part: bool = False


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One version: what happened, who, why, on whose approval; ``seq`` is its number in the log, None while awaited."""

    version: int
    verb: str
    state: str
    moment: datetime
    actor: str
    actor_kind: str
    channel: str
    reason: str
    approved_by: str
    correlation_id: UUID
    decision_id: UUID | None
    seq: int | None
    changes: Sequence[Change]


@dataclass(frozen=True, slots=True)
class PastRecord:
    """A golden record as it was: the version valid at the asked moment, with references as they read then."""

    id: UUID
    code: str
    domain: Domain
    state: str
    version: int
    title: str
    merged_into: str | None
    valid_from: datetime
    valid_to: datetime | None
    seq: int | None
    attributes: Mapping[str, Any]
    parts: Mapping[str, Sequence[Mapping[str, Any]]]
    extension: Mapping[str, Any]
    provenance: Mapping[str, Any]
    sources: Sequence[Mapping[str, str]]
    entry: HistoryEntry


@dataclass(frozen=True, slots=True)
class Hit:
    """A record found. ``why`` is code, identifier, key or name; ``matched`` is the text that matched."""

    id: UUID
    code: str
    domain: str
    state: str
    title: str
    why: str
    matched: str
    redirect: Reference | None = None


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Hits, best first, and whether there are more. ``near`` says that only similar spellings were found."""

    hits: Sequence[Hit]
    more: bool
    near: bool


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One change of one record for the auditor."""

    id: int
    seq: int | None
    moment: datetime
    actor: str
    actor_kind: str
    channel: str
    domain: str
    record: UUID
    code: str
    title: str
    verb: str
    version: int
    state: str
    reason: str
    approved_by: str
    correlation_id: UUID
    changes: Sequence[Change]
    decision_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One change whole: ``body`` is what was hashed, but for restricted values, which are masked; ``previous`` is the
    hash it is chained to. Both hashes are "" until the change has its number."""

    entry: AuditEntry
    uid: UUID
    hash: str
    previous: str
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Entries, newest first; ``next`` is the place to pass as ``before``, "" at the end."""

    entries: Sequence[AuditEntry]
    next: str
