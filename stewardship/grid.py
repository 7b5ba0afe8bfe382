"""The compare grid: one row per attribute and part, heaviest evidence first, what differs marked. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

from mdm.mastering import Survival
from mdm.spec import Attribute, Domain
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


@dataclass(frozen=True)
class Golden:
    """What survives: value, source system, rule; ``changes``: the winner had another value until now."""

    value: str
    source: str = ""
    rule: str = ""
    changes: bool = False
    before: str = ""


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
    domain: Domain, members: Sequence[Member], weighed: Mapping[str, float], surviving: Sequence[Survival] | None
) -> list[Row]:
    """Heaviest evidence first, then what differs, then as declared. The first member is the one compared with."""
    survivors = {one.name: one for one in surviving or ()}
    titles = {key: title for member in members for key, title in member.references.items()}
    systems = {known.system.code: known.system for member in members for known in member.sources}
    made = [
        _attribute_row(
            a, members, systems, weighed.get(a.name, 0.0), _golden(a, survivors.get(a.name), titles, systems)
        )
        for a in domain.attributes
    ]
    made += [_part_row(part.name, part.label, members, weighed.get(part.name, 0.0)) for part in domain.parts]
    made = [replace(row, weight=0.0) if row.state == EMPTY else row for row in made]
    order = (DIFFERS, EQUAL, EMPTY)
    return sorted(made, key=lambda row: (-abs(row.weight), order.index(row.state)))


def _golden(
    attribute: Attribute, one: Survival | None, titles: Mapping[str, str], systems: Mapping[str, Source]
) -> Golden:
    if one is None:
        return Golden("")
    after, before = (worded(attribute, titles.get(str(value), value)) for value in (one.after, one.before))
    source = systems[one.source].name if one.source in systems else one.source
    return Golden(after, source, one.rule, changes=one.changes, before=before)


def _attribute_row(
    attribute: Attribute, members: Sequence[Member], systems: Mapping[str, Source], weight: float, golden: Golden
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


def _part_row(name: str, label: str, members: Sequence[Member], weight: float) -> Row:
    lines = [list(member.lines.get(name, ())) for member in members]
    everything = {line.casefold() for said in lines for line in said}
    same = all({line.casefold() for line in said} == everything for said in lines)
    state = EMPTY if not everything else EQUAL if same else DIFFERS
    cells = []
    for number, said in enumerate(lines):
        theirs = [line for other, found in enumerate(lines) if other != number for line in found]
        cells.append(Cell(value="; ".join(said), lines=[_line(line, theirs) for line in said]))
    kept = Golden(f"{len(everything)} in all" if everything else "")
    return Row(name, label, state, weight, cells, kept, is_part=True)


def _line(text: str, others: Sequence[str]) -> Line:
    if any(text.casefold() == other.casefold() for other in others):
        return Line(text, own=False)
    alike = get_close_matches(text, others[:CLOSE_AMONG], n=1, cutoff=0.6)
    return Line(text, own=True, reference=alike[0] if alike else "")
