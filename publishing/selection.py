"""Which records an endpoint is told about, beyond its domains: ``Endpoint.selection`` read, judged and asked.

::

    {"states": ["active"], "types": ["created", "changed"],
     "legal_entities": ["FAC-0000001"], "facilities": ["FAC-0000017"],
     "attributes": {"supplier": [{"attribute": "addresses.country", "is": ["US"]}]}}

Every member narrows; within a list any will do. A legal entity is the facility of level *group* and everything below
it. A facility is of a subtree where it lies in it; any other record where a facility it refers to does. Domains that
refer to no facility (suppliers, items) pass, as does a contract that names no eligible facility: it is open to all.
A record whose own facility is unknown (a cost center without one) does not pass: nobody can say whose it is.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import connection

from mdm.domains import BY_NAME, DOMAINS
from mdm.domains.facilities import FACILITY, LEVELS
from mdm.models import EventVerb, GoldenRecord, GoldenState
from mdm.spec import Domain, Kind
from publishing.conditions import NOTHING, Condition, Problem, attributes_of, read_conditions, values_at
from publishing.models import Endpoint

LEFT = "left"
TYPES = (*EventVerb.values, LEFT)
MEMBERS = ("states", "types", "legal_entities", "facilities", "attributes")
GROUP = LEVELS[0][0]

# The tree as it is now, and every record that was merged into one of it: older events still name those.
SUBTREE = """
WITH RECURSIVE below(id) AS (
    SELECT unnest(%s::uuid[])
    UNION
    SELECT next.id FROM below JOIN LATERAL (
        SELECT record_id AS id FROM mdm_facility WHERE parent_id = below.id
        UNION ALL
        SELECT id FROM mdm_goldenrecord WHERE merged_into_id = below.id
    ) next ON true
)
SELECT id FROM below
"""


@dataclass(frozen=True)
class Selection:
    """A selection as read. Empty members narrow nothing."""

    states: frozenset[str] = frozenset()
    types: frozenset[str] = frozenset()
    legal_entities: tuple[str, ...] = ()
    facilities: tuple[str, ...] = ()
    conditions: Mapping[str, tuple[Condition, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Chosen:
    """A selection with everything loaded it asks for. ``places`` holds one set of facility ids for each member."""

    domains: frozenset[str] = frozenset()
    selection: Selection = Selection()
    places: tuple[frozenset[str], ...] = ()

    @property
    def reads_bodies(self) -> bool:
        """Whether the columns of an event are not enough to decide."""
        return bool(self.places or self.selection.conditions)

    def subscribed(self, domain: str) -> bool:
        """Whether the endpoint hears of this kind of record at all."""
        return not self.domains or domain in self.domains

    def tells(self, verb: str) -> bool:
        """Whether messages of this type are sent."""
        return not self.selection.types or verb in self.selection.types

    def holds_state(self, state: str) -> bool:
        """Whether records in this state are meant."""
        return not self.selection.states or state in self.selection.states

    def covers(self, body: Mapping[str, Any]) -> bool:
        """Whether the record, as this event left it, is meant for the endpoint. Pure."""
        domain = body["domain"]
        return (
            self.subscribed(domain)
            and self.holds_state(body["state"])
            and all(_lies_in(place, body) for place in self.places)
            and all(condition.holds(body) for condition in self.selection.conditions.get(domain, ()))
        )

    def wants(self, body: Mapping[str, Any]) -> bool:
        """Whether this very event is sent to an endpoint that holds nothing yet. Pure and fast: asked of each event."""
        return self.tells(body["verb"]) and self.covers(body)


def _lies_in(place: frozenset[str], body: Mapping[str, Any]) -> bool:
    if body["domain"] == FACILITY.name:
        return body["record"] in place
    own, listed = PATHS[body["domain"]]
    referred = [value for path in own for value in values_at(body, path)]
    if own and not _any_in(place, referred):
        return False
    rows = [value for path in listed for value in values_at(body, path)]
    return not rows or _any_in(place, rows)


def _any_in(place: frozenset[str], values: Iterable[Any]) -> bool:
    return any(isinstance(value, dict) and value.get("record") in place for value in values)


def _paths(domain: Domain) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Where the domain refers to facilities: in its own attributes, and in rows of its parts."""
    own = tuple(a.name for a in domain.attributes if a.kind is Kind.REFERENCE and a.references == FACILITY.name)
    listed = tuple(
        f"{part.name}.{attribute.name}"
        for part in domain.parts
        for attribute in part.attributes
        if attribute.kind is Kind.REFERENCE and attribute.references == FACILITY.name
    )
    return own, listed


PATHS = {domain.name: _paths(domain) for domain in DOMAINS}


def chosen(endpoint: Endpoint) -> Chosen:
    """What the endpoint wants, loaded once for many events: at most two queries. Raises nothing for what is stored:
    a condition whose attribute is gone meanwhile lets nothing of its domain pass until somebody mends it."""
    selection, _ = read(endpoint.selection, judge=False)
    roots = (selection.legal_entities, selection.facilities)
    places = tuple(subtree(codes) for codes in roots if codes)
    return Chosen(frozenset(endpoint.domains), selection, places)


def subtree(codes: Sequence[str]) -> frozenset[str]:
    """Ids, as text, of these facilities (given by code or id) and of all below them. One that merged counts as the
    facility that answers for it now. Two queries."""
    found = list(_find(codes).values())
    roots = {record.pk for record in found}
    while moved := {record.merged_into_id for record in found if record.merged_into_id} - roots:
        roots |= moved
        found = list(GoldenRecord.objects.filter(pk__in=moved))
    with connection.cursor() as cursor:
        cursor.execute(SUBTREE, [sorted(roots)])
        return frozenset(str(row[0]) for row in cursor.fetchall())


def _find(codes: Sequence[str]) -> dict[str, GoldenRecord]:
    ids = {code: _uuid(code) for code in codes}
    facilities = GoldenRecord.objects.filter(domain=FACILITY.name)
    by_id = {str(r.pk): r for r in facilities.filter(pk__in=[pk for pk in ids.values() if pk])}
    by_code = {r.code: r for r in facilities.filter(code__in=[code.upper() for code in codes])}
    found = {code: by_id.get(str(ids[code])) or by_code.get(code.upper()) for code in codes}
    return {code: record for code, record in found.items() if record}


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def problems_of(selection: Any) -> list[Problem]:
    """Every (field, sentence) that speaks against a selection, all at once, in words for whoever wrote it."""
    return read(selection, judge=True)[1]


def read(selection: Any, *, judge: bool) -> tuple[Selection, list[Problem]]:
    """The selection and what speaks against it; looking facilities up only where it is to be ``judged``."""
    if not isinstance(selection, dict):
        return Selection(), [("selection", "A selection has members: " + ", ".join(MEMBERS) + ".")]
    problems: list[Problem] = []
    if unknown := sorted(str(name) for name in set(selection) - set(MEMBERS)):
        problems.append(("selection", f"A selection knows no {', '.join(unknown)}: only {', '.join(MEMBERS)}."))
    states = _words(selection, "states", GoldenState.values, problems)
    types = _words(selection, "types", TYPES, problems)
    entities, facilities = (_texts(selection, name, problems) for name in ("legal_entities", "facilities"))
    if judge:
        _judge_facilities(entities, facilities, problems)
    conditions = _conditions(selection, problems, judge=judge)
    return Selection(states, types, entities, facilities, conditions), problems


def _texts(selection: Mapping[str, Any], name: str, problems: list[Problem]) -> tuple[str, ...]:
    given = selection.get(name, [])
    if not isinstance(given, list) or not all(isinstance(word, str) and word.strip() for word in given):
        problems.append((f"selection.{name}", f"The {name.replace('_', ' ')} are not a list of words."))
        return ()
    return tuple(dict.fromkeys(word.strip() for word in given))


def _words(selection: Mapping[str, Any], name: str, known: Sequence[str], problems: list[Problem]) -> frozenset[str]:
    given = _texts(selection, name, problems)
    if unknown := [word for word in given if word not in known]:
        one = name.removesuffix("s")
        problems.append((f"selection.{name}", f"There is no {one} {', '.join(unknown)}: only {', '.join(known)}."))
    return frozenset(given)


def _judge_facilities(entities: Sequence[str], facilities: Sequence[str], problems: list[Problem]) -> None:
    found = _find([*entities, *facilities])
    for name, codes in (("legal_entities", entities), ("facilities", facilities)):
        if missing := [code for code in codes if code not in found]:
            problems.append((f"selection.{name}", f"There is no facility {', '.join(missing)}."))
    ids = [found[code].pk for code in entities if code in found]
    groups = set(FACILITY.model._default_manager.filter(pk__in=ids, level=GROUP).values_list("pk", flat=True))
    if others := [code for code in entities if code in found and found[code].pk not in groups]:
        words = f"{', '.join(others)} is no legal entity: that is a facility of the level Group."
        problems.append(("selection.legal_entities", words))


def _conditions(
    selection: Mapping[str, Any], problems: list[Problem], *, judge: bool
) -> dict[str, tuple[Condition, ...]]:
    given = selection.get("attributes", {})
    if not isinstance(given, dict):
        problems.append(("selection.attributes", "Conditions on attributes are given for each domain."))
        return {}
    made = {}
    for domain, entries in given.items():
        field_name = f"selection.attributes.{domain}"
        if domain not in BY_NAME:
            problems.append((field_name, f"There is no domain {domain}."))
            continue
        conditions, found = read_conditions(domain, entries, field_name, judge=judge)
        problems += found
        made[domain] = conditions + ((NOTHING,) if found else ())
    return {domain: conditions for domain, conditions in made.items() if conditions}


def choices() -> dict[str, dict[str, str]]:
    """{domain: {attribute path: label}} for whoever writes conditions on a page."""
    return {domain.name: {path: a.label for path, a in attributes_of(domain.name).items()} for domain in DOMAINS}
