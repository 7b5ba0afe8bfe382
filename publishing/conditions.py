"""Conditions on attributes: `{"attribute": "addresses.country", "is": ["US"]}` read, judged, and asked of a body.

``part.attribute`` asks the rows of a part, ``ext.name`` an attribute an administrator added. A condition holds where
any of the values fits; `is not` holds where none does; whatever is blank fits nothing.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

from mdm.domains import BY_NAME
from mdm.filters.terms import standard_forms
from mdm.mastering.compose import EXTENSION_PREFIX, extension_attributes
from mdm.models import CodeValue
from mdm.spec import Attribute, Kind

Problem = tuple[str, str]
MOST = 500  # values of one condition


class Operator(StrEnum):
    """How a value is asked."""

    IS = "is"
    IS_NOT = "is not"
    PRESENT = "present"
    BEGINS_WITH = "begins with"
    AT_LEAST = "at least"
    AT_MOST = "at most"


LISTS = (Operator.IS, Operator.IS_NOT, Operator.BEGINS_WITH)
ORDERED: Mapping[Kind, Callable[[str], Any]] = {
    Kind.DATE: date.fromisoformat,
    Kind.DECIMAL: Decimal,
    Kind.INTEGER: Decimal,
}
BY_KIND: Mapping[Kind, tuple[Operator, ...]] = {
    kind: (Operator.IS, Operator.IS_NOT, Operator.PRESENT)
    + ((Operator.BEGINS_WITH,) if kind in (Kind.TEXT, Kind.CODE) else ())
    + ((Operator.AT_LEAST, Operator.AT_MOST) if kind in ORDERED else ())
    for kind in Kind
}


class _Faulty(Exception):
    """Why a condition cannot be asked, in words for whoever wrote it."""


@dataclass(frozen=True)
class Condition:
    """One question to a record: where the value lies, how it is asked, and what with."""

    path: str
    kind: Kind
    operator: Operator
    wanted: Any  # texts, a limit, or yes and no

    def holds(self, body: Mapping[str, Any]) -> bool:
        """Whether the record of this event answers yes. Pure."""
        values = [value for value in values_at(body, self.path) if value not in (None, "", [], {})]
        if self.operator is Operator.PRESENT:
            return bool(values) is self.wanted
        if self.operator is Operator.IS_NOT:
            return not any(_texts(value) & self.wanted for value in values)
        if self.operator is Operator.IS:
            return any(_texts(value) & self.wanted for value in values)
        if self.operator is Operator.BEGINS_WITH:
            return any(str(value).casefold().startswith(self.wanted) for value in values)
        return any(self._within(value) for value in values)

    def _within(self, value: Any) -> bool:
        try:
            given = ORDERED[self.kind](str(value))
        except (ValueError, InvalidOperation):
            return False
        return bool(given >= self.wanted if self.operator is Operator.AT_LEAST else given <= self.wanted)


NOTHING = Condition("", Kind.TEXT, Operator.IS, frozenset())  # holds for no record


def values_at(body: Mapping[str, Any], path: str) -> Iterator[Any]:
    """Every value of an attribute of the record, or of a part's rows, as the event holds it."""
    if path.startswith(EXTENSION_PREFIX):
        yield (body.get("extension") or {}).get(path.removeprefix(EXTENSION_PREFIX))
        return
    part, dot, name = path.partition(".")
    if not dot:
        yield body["attributes"].get(path)
        return
    for row in body["parts"].get(part, ()):
        yield row.get(name)


def _texts(value: Any) -> set[str]:
    """How a value may be called: a reference by the id or the code of its record."""
    if isinstance(value, dict):
        return {str(value.get(name, "")).casefold() for name in ("record", "code")}
    return {_plain(value)}


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).casefold()


def attributes_of(domain: str) -> dict[str, Attribute]:
    """{path: attribute} of everything that can be asked of a domain's records, parts and extension included."""
    declared = BY_NAME[domain]
    found = {attribute.name: attribute for attribute in declared.attributes}
    for part in declared.parts:
        found |= {f"{part.name}.{attribute.name}": attribute for attribute in part.attributes}
    return found | {attribute.name: attribute for attribute in extension_attributes(declared)}


def read_conditions(domain: str, given: Any, field: str, *, judge: bool) -> tuple[tuple[Condition, ...], list[Problem]]:
    """The conditions on one domain, and everything that speaks against them as (field, sentence).

    Whether anybody can have the values at all is asked only where they are to be ``judged``.
    """
    if not isinstance(given, list):
        return (), [(field, f"The conditions on {BY_NAME[domain].plural.lower()} are not a list.")]
    known = attributes_of(domain)
    made: list[Condition] = []
    problems: list[Problem] = []
    for entry in given:
        try:
            made.append(_condition(domain, entry, known))
            if judge:
                _refuse_unknown(known[made[-1].path], made[-1], entry)
        except _Faulty as error:
            problems.append((field, str(error)))
    return tuple(made), problems


def _condition(domain: str, entry: Any, known: Mapping[str, Attribute]) -> Condition:
    if not isinstance(entry, dict) or not isinstance(entry.get("attribute"), str):
        raise _Faulty("A condition names an attribute and what is asked of it.")
    path = entry["attribute"]
    if path not in known:
        raise _Faulty(f"{BY_NAME[domain].plural} have no attribute {path}.")
    asked = [name for name in entry if name != "attribute"]
    words = ", ".join(Operator)
    if len(asked) != 1:
        raise _Faulty(f"The condition on {path} asks one thing: {words}.")
    if asked[0] not in tuple(Operator):
        raise _Faulty(f"{path} cannot be asked {asked[0]!r}: it is one of {words}.")
    attribute, operator = known[path], Operator(asked[0])
    if operator not in BY_KIND[attribute.kind]:
        raise _Faulty(f"{attribute.label} is no {_called(operator)}: {operator} cannot be asked of it.")
    return Condition(path, attribute.kind, operator, _wanted(path, attribute, operator, entry[asked[0]]))


def _called(operator: Operator) -> str:
    return "text" if operator is Operator.BEGINS_WITH else "number or date"


def _wanted(path: str, attribute: Attribute, operator: Operator, given: Any) -> Any:
    if operator is Operator.PRESENT:
        if not isinstance(given, bool):
            raise _Faulty(f"{path} is present or not: write true or false.")
        return given
    if operator not in LISTS:
        return _limit(path, attribute, given)
    values = given if isinstance(given, list) else [given]
    if not values or any(isinstance(value, dict | list) or value in (None, "") for value in values):
        raise _Faulty(f"The condition on {path} names no value.")
    if len(values) > MOST:
        raise _Faulty(f"The condition on {path} names {len(values):,} values; {MOST} are the most.")
    if operator is Operator.BEGINS_WITH:
        return tuple(_plain(value) for value in values)
    return frozenset(form for value in values for form in FORMS.get(attribute.kind, _forms)(attribute, value))


def _limit(path: str, attribute: Attribute, given: Any) -> Any:
    try:
        limit = ORDERED[attribute.kind](str(given))
    except (ValueError, InvalidOperation):
        limit = None
    if limit is None or (isinstance(limit, Decimal) and not limit.is_finite()):
        kind = "a date as 2026-12-31" if attribute.kind is Kind.DATE else "a number"
        raise _Faulty(f"{path} is compared with {kind}, not with {given!r}.")
    return limit


def _refuse_unknown(attribute: Attribute, condition: Condition, entry: Mapping[str, Any]) -> None:
    """Values nobody can have are slips of the pen: choices of the declaration, codes of a loaded code set."""
    if condition.operator not in (Operator.IS, Operator.IS_NOT):
        return
    allowed: set[str] = set()
    if attribute.choices:
        allowed = {name.casefold() for name, _ in attribute.choices}
    elif attribute.code_set:
        codes = CodeValue.objects.filter(code_set__code=attribute.code_set).values_list("code", flat=True)
        allowed = {code.casefold() for code in codes}
    given = entry[condition.operator]
    values = given if isinstance(given, list) else [given]
    unknown = [str(value) for value in values if allowed and not allowed & _forms(attribute, value)]
    if unknown:
        raise _Faulty(f"{condition.path} is never {', '.join(unknown)}.")


def _spelled(attribute: Attribute, value: str) -> set[str]:
    return {form.casefold() for form in standard_forms(attribute.standardise, value)}


def _forms(attribute: Attribute, value: Any) -> set[str]:
    return {_plain(value)} | _spelled(attribute, str(value))


def _as_is(attribute: Attribute, value: Any) -> set[str]:
    return {_plain(value)}


FORMS: Mapping[Kind, Callable[[Attribute, Any], set[str]]] = {Kind.BOOLEAN: _as_is, Kind.REFERENCE: _as_is}
