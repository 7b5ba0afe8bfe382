"""A feed made ready for its rows: every column with its attribute, its standardiser and what the hub can hold."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mdm.intake.readers import Dialect
from mdm.quality import Limit
from mdm.spec import Kind, Validation
from mdm.standardise import Style, Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """Where a reference leads. ``by_name``: the text is a name, and a stub stands in until a real record comes."""

    domain: str
    system: str
    by_name: bool = False
    title: str = ""  # the attribute of the other domain a stub carries the name in


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """How one attribute is filled from one row. ``constant`` (already standardised) excludes ``columns``.

    ``placed`` standardisers want the country and region of the same row.
    """

    attribute: str
    label: str
    kind: Kind
    word: str
    columns: tuple[str, ...] = ()
    joined_by: str = " "
    constant: Value | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    placed: bool = False
    limit: Limit = field(default_factory=Limit)
    reference: Reference | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The columns (or constants) that say in which country and region the values beside them are."""

    country_column: str = ""
    country: str = ""
    region_column: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartPlan:
    """One row of a part that each row of the file may fill; kept when a column of it says something."""

    part: str
    cells: tuple[Cell, ...]
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """Which columns identify a row in its source, its parent row, and the day the source last changed it."""

    columns: tuple[str, ...]
    joined_by: str = "|"
    parent: tuple[str, ...] = ()
    updated: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A feed compiled: read-only, made once per batch. ``part`` is set when rows belong to another record."""

    feed: str
    title: str
    source: str
    domain: str
    part: str
    pattern: str
    dialect: Dialect
    style: Style
    key: Key
    cells: tuple[Cell, ...]
    place: Place
    parts: tuple[PartPlan, ...]
    validations: tuple[Validation, ...]
    columns: tuple[str, ...]

    @property
    def referred_domains(self) -> frozenset[str]:
        """Domains in which a row of this feed may leave a stub."""
        cells = (*self.cells, *(cell for part in self.parts for cell in part.cells))
        return frozenset(cell.reference.domain for cell in cells if cell.reference and cell.reference.by_name)
