"""The compare grid: one row per attribute and part, heaviest evidence first, what differs marked. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from difflib import get_close_matches
from typing import Any
from uuid import UUID

from mdm.mastering import Survival
from mdm.spec import Attribute, Domain
from stewardship.choosing import Choice
from stewardship.members import Member, worded
from stewardship.showing import Source

# Looking for the likest line costs as much as there are lines.
CLOSE_AMONG = 50
DIFFERS, EQUAL, EMPTY = "differs", "equal", "empty"


@dataclass(frozen=True)
class Line:
    """One row of a part within a cell. ``own``: no other member has it; ``reference`` is the likest they have."""

    text: str
    own: bool
    reference: str = ""


@dataclass(frozen=True)
class Cell:
    """What one member says. ``reference`` is what its value is compared with, letter by letter."""

    value: str
    source: Source | None = None
    reference: str = ""
    survives: bool = False
    lines: Sequence[Line] = ()
    record: UUID | None = None
    rule: str = ""
    date: datetime | None = None
    taken: bool = False


@dataclass(frozen=True)
class Kept:
    """One row of the union of a part; ``key`` is how the form names it, ``out``: a person ticked it out."""

    key: str
    text: str
    source: str
    out: bool


@dataclass(frozen=True)
class Golden:
    """What survives: value, source system, rule; ``changes``: the winner had another value until now; ``edited``: a
    person chose it here, ``typed`` as this text. ``rows`` are the union of a part."""

    value: str
    source: str = ""
    rule: str = ""
    changes: bool = False
    before: str = ""
    edited: bool = False
    typed: str = ""
    problem: str = ""
    rows: Sequence[Kept] = ()


@dataclass(frozen=True)
class Row:
    """One attribute or part over all members."""

    name: str
    label: str
    state: str
    weight: float
    cells: Sequence[Cell]
    golden: Golden
    is_part: bool = False

    @property
    def signed(self) -> str:
        """The weight with its sign, as the reasons show it."""
        return f"{self.weight:+.1f}".replace("-", "\N{MINUS SIGN}")


@dataclass(frozen=True)
class Chosen:
    """What a person chose, as the golden column shows it: what does not fit, and the rows of the parts."""

    choice: Choice = field(default_factory=Choice)
    edited: frozenset[str] = frozenset()
    problems: Mapping[str, str] = field(default_factory=dict)
    rows: Mapping[str, Sequence[Kept]] = field(default_factory=dict)


def weights(domain: Domain, explanations: Iterable[Sequence[Mapping[str, Any]]]) -> dict[str, float]:
    """{attribute or part: the strongest match weight any comparison of it had}."""
    reads = {feature.name: feature.attributes for feature in domain.matching.features}
    found: dict[str, float] = {}
    for explanation in explanations:
        for evidence in explanation:
            for attribute in reads.get(evidence["feature"], ()):
                name = attribute.partition(".")[0]
                if abs(evidence["weight"]) > abs(found.get(name, 0.0)):
                    found[name] = evidence["weight"]
    return found


def rows(
    domain: Domain,
    members: Sequence[Member],
    weighed: Mapping[str, float],
    surviving: Sequence[Survival] | None,
    chosen: Chosen | None = None,
    places: Sequence[int] | None = None,
) -> list[Row]:
    """Heaviest evidence first, then what differs, then as declared. The first member is the one compared with.

    ``places``: cells are those of these members alone, as everybody says them; None for all.
    """
    survivors = {one.name: one for one in surviving or ()}
    chosen = chosen or Chosen()
    titles = {key: title for member in members for key, title in member.references.items()}
    systems = {known.system.code: known.system for member in members for known in member.sources}
    made = [
        _attribute_row(
            a,
            members,
            systems,
            weighed.get(a.name, 0.0),
            _golden(a, survivors.get(a.name), titles, systems, chosen),
            chosen.choice.taken.get(a.name),
        )
        for a in domain.attributes
    ]
    made += [
        _part_row(part.name, part.label, members, weighed.get(part.name, 0.0), chosen.rows.get(part.name, ()))
        for part in domain.parts
    ]
    made = [replace(row, weight=0.0) if row.state == EMPTY else row for row in made]
    if places is not None:
        made = [replace(row, cells=[row.cells[place] for place in places]) for row in made]
    order = (DIFFERS, EQUAL, EMPTY)
    return sorted(made, key=lambda row: (-abs(row.weight), order.index(row.state)))


def _golden(
    attribute: Attribute,
    one: Survival | None,
    titles: Mapping[str, str],
    systems: Mapping[str, Source],
    chosen: Chosen,
) -> Golden:
    own = Golden(
        "",
        edited=attribute.name in chosen.edited,
        typed=chosen.choice.typed.get(attribute.name, ""),
        problem=chosen.problems.get(attribute.name, ""),
    )
    if one is None:
        return own
    after, before = (worded(attribute, titles.get(str(value), value)) for value in (one.after, one.before))
    source = systems[one.source].name if one.source in systems else one.source
    if own.edited:
        source = "you, with this merge"
    return replace(own, value=after, source=source, rule=one.rule, changes=one.changes, before=before)


def _attribute_row(
    attribute: Attribute,
    members: Sequence[Member],
    systems: Mapping[str, Source],
    weight: float,
    golden: Golden,
    taken: UUID | None,
) -> Row:
    values = [member.values.get(attribute.name, "") for member in members]
    said = [value for value in values if value]
    state = _state(said, len(values))
    cells = []
    for number, (member, value) in enumerate(zip(members, values, strict=True)):
        code = member.origins.get(attribute.name, "") if value else ""
        cells.append(
            Cell(
                value=value,
                source=systems.get(code, Source(code, code)) if code else None,
                reference=_reference(number, values) if state == DIFFERS else value,
                survives=bool(value and value == golden.value),
                record=member.record.pk,
                rule=member.rules.get(attribute.name, ""),
                date=member.dates.get(attribute.name) if value else None,
                taken=member.record.pk == taken,
            )
        )
    return Row(attribute.name, attribute.label, state, weight, cells, golden)


def _state(said: Sequence[str], members: int) -> str:
    if not said:
        return EMPTY
    same = len({value.casefold() for value in said}) == 1
    return EQUAL if same and len(said) == members else DIFFERS


def _reference(number: int, values: Sequence[str]) -> str:
    """What a cell is compared with: the first value said; that one itself with the other of two, else with nothing."""
    first = next(index for index, value in enumerate(values) if value)
    if number != first:
        return values[first]
    others = [value for index, value in enumerate(values) if value and index != first]
    return others[0] if len(others) == 1 else values[first]


def _part_row(name: str, label: str, members: Sequence[Member], weight: float, union: Sequence[Kept]) -> Row:
    lines = [list(member.lines.get(name, ())) for member in members]
    everything = {line.casefold() for said in lines for line in said}
    same = all({line.casefold() for line in said} == everything for said in lines)
    state = EMPTY if not everything else EQUAL if same else DIFFERS
    cells = []
    for number, said in enumerate(lines):
        theirs = [line for other, found in enumerate(lines) if other != number for line in found]
        cells.append(Cell(value="; ".join(said), lines=[_line(line, theirs) for line in said]))
    number = sum(not row.out for row in union) if union else len(everything)
    kept = Golden(f"{number} in all" if everything else "", rows=union, edited=any(row.out for row in union))
    return Row(name, label, state, weight, cells, kept, is_part=True)


def _line(text: str, others: Sequence[str]) -> Line:
    if any(text.casefold() == other.casefold() for other in others):
        return Line(text, own=False)
    alike = get_close_matches(text, others[:CLOSE_AMONG], n=1, cutoff=0.6)
    return Line(text, own=True, reference=alike[0] if alike else "")
