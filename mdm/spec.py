"""The words a domain is declared in.

Frozen, typed and without behaviour: forms, serializers, filters, matching, survivorship, the compare page and
published payloads all read the same declaration, so a word is added here only when every reader can honour it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from django.db import models


class Kind(StrEnum):
    """What a value is once standardised; JSON holds decimals as text and dates as ISO 8601."""

    TEXT = "text"
    CODE = "code"
    DATE = "date"
    DECIMAL = "decimal"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    REFERENCE = "reference"


class Rule(StrEnum):
    """Survivorship: how one value is chosen among those the linked source records offer."""

    SOURCE_ORDER = "source order"
    NEWEST = "newest"
    LONGEST = "longest"
    MOST_FREQUENT = "most frequent"


class Exposure(StrEnum):
    """Who may see a value in full. Whatever is not declared otherwise is internal."""

    PUBLIC = "public"
    INTERNAL = "internal"
    RESTRICTED = "restricted"


class Severity(StrEnum):
    """What a failed validation does: the row waits in quarantine, the record stays pending, or it is only shown."""

    REFUSE = "refuse"
    HOLD = "hold"
    WARN = "warn"


@dataclass(frozen=True, kw_only=True)
class Attribute:
    """One mastered property of a domain or of one of its parts.

    ``standardise`` names a word of ``mdm.standardise``. Attributes with the same ``block`` survive together, from one
    source record. ``scheme`` makes the value findable by look-up under that identifier scheme. ``references`` names
    the domain a reference points to. ``masked`` attributes show only their tail without the right to see more.
    ``also_called`` are names sources give such a column.
    """

    name: str
    label: str
    standardise: str = "text"
    kind: Kind = Kind.TEXT
    rule: Rule = Rule.SOURCE_ORDER
    block: str = ""
    scheme: str = ""
    references: str = ""
    code_set: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    searchable: bool = False
    exposure: Exposure = Exposure.INTERNAL
    help: str = ""
    also_called: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Part:
    """A repeating child: rows survive as a union by ``key``, the best trusted source winning each key."""

    name: str
    label: str
    one: str
    model: type[models.Model]
    key: tuple[str, ...]
    attributes: tuple[Attribute, ...]


@dataclass(frozen=True, kw_only=True)
class Validation:
    """A rule of quality. ``check`` names a word of ``mdm.quality``; ``options`` are its parameters."""

    check: str
    attributes: tuple[str, ...]
    severity: Severity
    message: str
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Expiry:
    """A date after which something of a record no longer holds; ``part.attribute`` is asked of every row of a part.

    ``label`` begins a sentence that a date ends. People are told ``ahead`` days before, and ``behind`` days after.
    """

    attribute: str
    label: str
    ahead: int = 90
    behind: int = 30


@dataclass(frozen=True, kw_only=True)
class Feature:
    """One comparable value derived from a source record for matching.

    ``make`` names a word of ``matching.features``; ``attributes`` are what it reads, where ``part.attribute`` reads
    every row of a part. The result is a tuple of comparable texts, empty when the source says nothing.
    """

    name: str
    make: str
    attributes: tuple[str, ...]


class Level(NamedTuple):
    """One outcome of a comparison: at least this similarity gives this match weight (bits, log2 of the odds)."""

    at_least: float
    weight: float


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """How two records are compared on one feature; a missing side is no evidence (weight 0).

    ``measure`` names a word of ``matching.comparisons``. ``levels`` fall in similarity; ``otherwise`` is the weight
    below the last. ``veto`` forbids an automatic link when both sides speak and nothing agrees. ``rarity`` is the
    number of bits an agreement loses each time the records that share the value within one source double.
    Of the comparisons of one ``group``, whose evidence is not independent, only the strongest agreement counts, or,
    where none agrees, the strongest disagreement.
    """

    feature: str
    label: str
    measure: str
    levels: tuple[Level, ...]
    otherwise: float
    veto: bool = False
    rarity: float = 0.0
    group: str = ""


@dataclass(frozen=True, kw_only=True)
class Relating:
    """When two records that are not one thing may be related: a text made of one record stands in the other too.

    ``kind`` names a word of ``matching.models.RelationKind``. ``one`` and ``other`` make the texts; where they read
    differently, the record ``other`` was made of comes first (it is the former one, the parent). Nothing is suggested
    when a text of ``unless`` is on both sides. ``because`` finishes the sentence "They may be related: ...".
    """

    kind: str
    one: Feature
    other: Feature
    because: str
    unless: Feature | None = None


@dataclass(frozen=True, kw_only=True)
class Matching:
    """Blocking passes (each a tuple of features whose values together make a key), comparisons and thresholds.

    ``prior`` is the weight (bits) before any evidence; ``same_source`` is added when both records come from one
    source system; with ``one_per_source`` such a pair is only ever proposed. Scores are probabilities in 0..1. At
    least ``auto`` links without a person, when no rival group is within ``margin`` bits; below ``review`` is new.
    ``anchors`` are features of which one must agree in full before anything is linked automatically. A key shared by
    more than ``block_cap`` records compares nobody; a group of more than ``largest`` source records is never made
    without a person. ``names`` is the feature a record known by name only (a stub) is found by. ``relations`` say when
    two records may be related without being the same.
    """

    features: tuple[Feature, ...]
    blocking: tuple[tuple[str, ...], ...]
    comparisons: tuple[Comparison, ...]
    prior: float
    auto: float = 0.95
    review: float = 0.5
    margin: float = 3.0
    same_source: float = 0.0
    one_per_source: bool = False
    anchors: tuple[str, ...] = ()
    block_cap: int = 60
    largest: int = 30
    names: str = ""
    relations: tuple[Relating, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Rollup:
    """What must hold between a record and its parent, in every tree of the domain. ``check`` names a word of
    ``mdm.hierarchies.rollups``; ``attributes`` are what it reads; ``message`` says what is wrong where it fails."""

    check: str
    attributes: tuple[str, ...]
    label: str
    message: str


@dataclass(frozen=True, kw_only=True)
class Veto:
    """What stands against making one record of several. ``check`` names a word of ``mdm.vetoes``, ``attributes`` what
    it reads. REFUSE forbids the merge, whoever asks; HOLD lets it through with a reason; WARN is only shown."""

    check: str
    attributes: tuple[str, ...]
    severity: Severity
    message: str
    domain: str = ""


@dataclass(frozen=True, kw_only=True)
class Domain:
    """A kind of master data: its typed model, attributes, parts, rules and the way it is matched and shown.

    ``also_called`` are words sources use for such a record."""

    name: str
    label: str
    plural: str
    slug: str
    prefix: str
    icon: str
    model: type[models.Model]
    title: str
    attributes: tuple[Attribute, ...]
    parts: tuple[Part, ...]
    validations: tuple[Validation, ...]
    matching: Matching
    columns: tuple[str, ...]
    description: str = ""
    expiries: tuple[Expiry, ...] = ()
    also_called: tuple[str, ...] = ()
    rollups: tuple[Rollup, ...] = ()
    vetoes: tuple[Veto, ...] = ()
