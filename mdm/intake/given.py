"""Values a person types or a machine sends for one record, read as a row of a feed would be read.

What cannot be read is told, value by value, and never stands in the way of the rest.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any
from uuid import UUID

from mdm.errors import Invalid
from mdm.filters import typeable
from mdm.filters.fields import uuid_or_none
from mdm.intake.compiling import compile_feed
from mdm.intake.mapping import map_row
from mdm.intake.plan import Plan
from mdm.intake.readers import RawRow
from mdm.intake.reasons import Reasons
from mdm.intake.surroundings import Surroundings
from mdm.mastering.offers import follow_merges
from mdm.models import GoldenRecord, Link
from mdm.quality import failed, part_of
from mdm.spec import Attribute, Domain, Severity

MOST_ROWS, LONGEST = 20, 4000
_HERE = "given"  # stands for a source system until references are resolved
_KEY = "\x1fkey"  # a column no attribute can be given by

Problem = tuple[str, str]
Shape = tuple[tuple[str, ...], tuple[tuple[str, int, tuple[str, ...]], ...]]


@dataclass(frozen=True)
class Given:
    """What was understood, references as {"record": id} where they lead somewhere. The rest are (pointer, sentence):
    ``unread`` values are not what they should be, ``doubted`` ones were taken or dropped with a warning.
    """

    values: dict[str, Any] = field(default_factory=dict)
    parts: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    unread: tuple[Problem, ...] = ()
    doubted: tuple[Problem, ...] = ()


class _Reading:
    """The cells of one row in the making: every value by its pointer, and the systems references were given with."""

    def __init__(self, domain: Domain) -> None:
        self.domain = domain
        self.reasons = Reasons()
        self.cells: dict[str, str] = {_KEY: _KEY}
        self.systems: dict[tuple[str, str], str] = {}

    def row(self, place: str, given: Any, attributes: Sequence[Attribute]) -> tuple[str, ...]:
        """Take in one object of values; the names of those that say something."""
        known = {attribute.name: attribute for attribute in attributes}
        if not isinstance(given, Mapping):
            self.reasons.add(place, "Give an object of attributes and values.")
            return ()
        for name in given:
            if name not in known:
                self.reasons.unknown(f"{place}.{_plain(name)}"[:200], "attribute", _plain(name)[:100], known)
        texts = {name: self._text(f"{place}.{name}", known[name], given[name]) for name in known if name in given}
        self.cells |= {f"{place}.{name}": text for name, text in texts.items() if text}
        return tuple(name for name, text in texts.items() if text)

    def _text(self, place: str, attribute: Attribute, value: Any) -> str:
        if value is None:
            return ""
        if attribute.references and isinstance(value, Mapping):
            text = _plain(value.get("record") or value.get("key") or "")
            if not text or set(value) - {"record", "system", "key", "code", "title"}:
                self.reasons.add(place, 'A reference is an id, a code, {"record"}, or {"system", "key"}.')
            if system := value.get("system"):
                self.systems[attribute.references, text] = _plain(system)
            return text
        if not isinstance(value, str | int | float):
            self.reasons.add(place, f"{attribute.label} is a text or a number.")
            return ""
        text = str(value).lower() if isinstance(value, bool) else str(value)
        if len(text) > LONGEST:
            self.reasons.add(place, f"{len(text):,} characters are too many: at most {LONGEST:,} are read.")
            return ""
        return _plain(text)

    def rows(self, given: Any) -> Iterator[tuple[str, int, tuple[str, ...]]]:
        """Take in the rows of all parts: part, number of the row, names of its values."""
        known = {part.name: part for part in self.domain.parts}
        if not isinstance(given, Mapping):
            self.reasons.add("parts", "Give an object of parts, each a list of rows.")
            return
        for name, listed in given.items():
            place = f"parts.{_plain(name)}"[:200]
            if name not in known:
                self.reasons.unknown(place, f"part of {self.domain.label.lower()}", _plain(name)[:100], known)
            elif not isinstance(listed, list | tuple) or len(listed) > MOST_ROWS:
                self.reasons.add(place, f"Give a list of at most {MOST_ROWS} rows.")
            else:
                for number, row in enumerate(listed):
                    names = self.row(f"{place}[{number}]", row, known[name].attributes)
                    if names:
                        yield name, number, names


def _plain(value: Any) -> str:
    """The value as text PostgreSQL can hold: without NUL, and with halves of characters replaced."""
    return typeable(str(value)).encode("utf-8", "replace").decode()


def read_given(domain: Domain, attributes: Any, parts: Any = None) -> Given:
    """Standardise what was given for one record. Reads what references lead to, writes nothing.

    A reference is the id or code of a golden record, {"record": id}, {"system", "key"}, or a name or key as sources
    write it. Raises Invalid with every fault of the shape at once: unknown names, values that are none, too much.
    """
    reading = _Reading(domain)
    own = reading.row("attributes", {} if attributes is None else attributes, domain.attributes)
    rows = tuple(reading.rows({} if parts is None else parts))
    if reading.reasons.found:
        raise Invalid("What was given does not fit.", "Correct what is named and send it again.", reading.reasons.found)
    if not own and not rows:
        return Given()
    mapped = map_row(_plan(domain.name, (own, rows)), RawRow(1, "", reading.cells))
    _resolve(domain, mapped.values, mapped.parts, reading.systems)
    return Given(
        values=mapped.values,
        parts=mapped.parts,
        unread=tuple((one["column"], one["message"]) for one in mapped.problems),
        doubted=tuple((one["column"], one["message"]) for one in mapped.warnings),
    )


def broken(domain: Domain, given: Given, severity: Severity) -> list[Problem]:
    """(pointer, sentence) of every rule of the domain, of one severity, that what was given breaks."""
    rules = failed(domain.validations, given.values, severity, given.parts)
    return [
        (f"parts.{rule.attributes[0]}" if part_of(rule) else f"attributes.{rule.attributes[0]}", rule.message)
        for rule in rules
    ]


@lru_cache(maxsize=256)
def _plan(domain: str, shape: Shape) -> Plan:
    """The plan of a feed whose columns are the pointers of the values given; rules are asked for by ``broken``."""
    own, rows = shape
    parts: dict[str, list[dict[str, str]]] = {}
    for part, number, names in rows:
        parts.setdefault(part, []).append({name: f"parts.{part}[{number}].{name}" for name in names})
    document = {
        "feed": _HERE,
        "source": _HERE,
        "domain": domain,
        "attributes": {name: f"attributes.{name}" for name in own},
        "parts": parts,
        "key": {"columns": [_KEY]},
    }
    plan = compile_feed(document, Surroundings(systems=frozenset({_HERE})))
    return replace(plan, validations=())


def _resolve(
    domain: Domain,
    values: dict[str, Any],
    parts: Mapping[str, list[dict[str, Any]]],
    systems: Mapping[tuple[str, str], str],
) -> None:
    """References that lead to a golden record become {"record": id}; the others keep the key they were given."""
    rows = [values, *(row for listed in parts.values() for row in listed)]
    made = [(row, name, value) for row in rows for name, value in row.items() if isinstance(value, Mapping)]
    by_domain: dict[str, set[str]] = {}
    for _, _, value in made:
        by_domain.setdefault(value["domain"], set()).add(value["key"])
    found = {name: golden_of(name, texts, systems) for name, texts in by_domain.items()}
    for row, name, value in made:
        golden = found[value["domain"]].get(value["key"])
        system = systems.get((value["domain"], value["key"]), "")
        row[name] = {"record": str(golden)} if golden else {**value, "system": system}


def golden_of(domain: str, texts: set[str], systems: Mapping[tuple[str, str], str]) -> dict[str, UUID]:
    """{text: golden record} for ids, codes, and keys given with their system; merges followed. A few queries."""
    by_id = {text: known for text in texts if (known := uuid_or_none(text))}
    codes = {text: text.upper() for text in texts - by_id.keys()}
    records = GoldenRecord.objects.filter(domain=domain)
    by_code = dict(records.filter(code__in=set(codes.values())).values_list("code", "pk"))
    found = {text: by_code[code] for text, code in codes.items() if code in by_code}
    if by_id:
        there = set(records.filter(pk__in=by_id.values()).values_list("pk", flat=True))
        found |= {text: pk for text, pk in by_id.items() if pk in there}
    keyed = {text: system for (name, text), system in systems.items() if name == domain and text in texts}
    if keyed:
        links = Link.objects.filter(
            ended_at__isnull=True,
            source_record__system__code__in=set(keyed.values()),
            source_record__domain=domain,
            source_record__part="",
            source_record__key__in=list(keyed),
        ).values_list("source_record__key", "source_record__system__code", "record_id")
        found |= {key: record for key, system, record in links if keyed[key] == system}
    holders = follow_merges(found.values())
    return {text: holders[pk] for text, pk in found.items()}
