"""Rules of quality: pure, and without an opinion on what follows from a failure.

A declaration names a rule by a word of ``CHECKS``; intake quarantines on severity *refuse*, mastering keeps a record
pending on *hold*, everybody shows *warn*. What a column of the database can hold is checked by ``misfit``.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from itertools import pairwise
from types import MappingProxyType
from typing import Any

from mdm.spec import Severity, Validation

Values = Mapping[str, Any]
Check = Callable[[Values, Validation], bool]

# fmt: off
PLACEHOLDERS = frozenset({
    "TEST", "TESTING", "DUMMY", "SAMPLE", "UNKNOWN", "UNSPECIFIED", "NONE", "NULL", "NIL", "N/A", "NA", "NOT AVAILABLE",
    "NOT APPLICABLE", "TBD", "TBA", "TO BE DEFINED", "DO NOT USE", "DONT USE", "INACTIVE", "DUPLICATE", "DELETE",
    "DELETED", "BLANK", "EMPTY", "MISC", "MISCELLANEOUS", "VARIOUS", "OTHER", "VENDOR", "SUPPLIER", "ONE TIME VENDOR",
    "ONE-TIME VENDOR", "CASH", "NEW VENDOR", "XX", "XXX", "XXXX",
})
# fmt: on


def _blank(value: Any) -> bool:
    return value is None or value == "" or value == [] or value == {}


def _required(values: Values, rule: Validation) -> bool:
    return all(not _blank(values.get(name)) for name in rule.attributes)


def _at_least_one(values: Values, rule: Validation) -> bool:
    return any(not _blank(values.get(name)) for name in rule.attributes)


def _not_a_placeholder(values: Values, rule: Validation) -> bool:
    given = (str(values[name]).strip().upper() for name in rule.attributes if not _blank(values.get(name)))
    # one sign repeated (000, ***) only fills a field; letters may be a name (AAA)
    return not any(value in PLACEHOLDERS or (len(set(value)) == 1 and not value.isalpha()) for value in given)


def _dates_in_order(values: Values, rule: Validation) -> bool:
    days = [date.fromisoformat(str(values[name])) for name in rule.attributes if not _blank(values.get(name))]
    return all(earlier <= later for earlier, later in pairwise(days))


def _not_negative(values: Values, rule: Validation) -> bool:
    return all(Decimal(str(values[name])) >= 0 for name in rule.attributes if not _blank(values.get(name)))


def _positive(values: Values, rule: Validation) -> bool:
    return all(Decimal(str(values[name])) > 0 for name in rule.attributes if not _blank(values.get(name)))


CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        "required": _required,
        "at_least_one": _at_least_one,
        "not_a_placeholder": _not_a_placeholder,
        "dates_in_order": _dates_in_order,
        "not_negative": _not_negative,
        "positive": _positive,
    }
)


def failed(
    validations: Sequence[Validation],
    values: Values,
    severity: Severity | None = None,
    parts: Mapping[str, Sequence[Values]] = MappingProxyType({}),
) -> tuple[Validation, ...]:
    """Every rule these values break, in declared order; only those of one severity where it is given.

    ``values`` is {attribute: JSON value}; what a rule does not find counts as blank, and only the rules about being
    filled in mind that. A rule about ``part.attribute`` is asked of every row of that part. An unknown word is a
    KeyError: a mistake in a declaration, found by the system checks.
    """
    return tuple(
        rule
        for rule in validations
        if (severity is None or rule.severity is severity) and not _holds(rule, values, parts)
    )


def part_of(rule: Validation) -> str:
    """The part whose rows the rule is about; blank for a rule about the record itself."""
    part, dot, _name = rule.attributes[0].partition(".")
    return part if dot else ""


def of_rows(rule: Validation) -> Validation:
    """The rule as asked of one row of its part: its attributes without the part's name."""
    return replace(rule, attributes=tuple(name.partition(".")[2] for name in rule.attributes))


def _holds(rule: Validation, values: Values, parts: Mapping[str, Sequence[Values]]) -> bool:
    check = CHECKS[rule.check]
    part = part_of(rule)
    if not part:
        return check(values, rule)
    rows = parts.get(part, ())
    asked = of_rows(rule) if rows else rule
    return all(check(row, asked) for row in rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """What the column behind an attribute can hold; None means that it does not say."""

    characters: int | None = None
    lowest: int | None = None
    highest: int | None = None
    whole_digits: int | None = None
    places: int | None = None
    codes: Collection[str] | None = None


def misfit(value: Any, limit: Limit) -> str:
    """Why the value cannot be held, in words for people; blank where it can."""
    if limit.characters is not None and isinstance(value, str) and len(value) > limit.characters:
        return f"{len(value)} characters are too many: at most {limit.characters} are kept."
    if isinstance(value, int) and not (limit.lowest or value) <= value <= (limit.highest or value):
        return f"{value} is out of range: {limit.lowest} to {limit.highest}."
    if limit.whole_digits is not None and abs(Decimal(str(value))) >= Decimal(10) ** limit.whole_digits:
        return f"{value} is too large: at most {limit.whole_digits} digits before the decimal mark."
    return ""


def unlisted(value: Any, limit: Limit) -> bool:
    """Whether the value is a code the governed list does not know; without a list every code is known."""
    return limit.codes is not None and len(limit.codes) > 0 and value not in limit.codes


def rounded(value: str, limit: Limit) -> str:
    """A decimal as text with no more places than its column keeps, half to even; unchanged where it fits."""
    if limit.places is None or len(value.partition(".")[2]) <= limit.places:
        return value
    number = Decimal(value).quantize(Decimal(1).scaleb(-limit.places), ROUND_HALF_EVEN)
    text = format(number, "f").rstrip("0").rstrip(".") if limit.places else format(number, "f")
    return "0" if text in {"-0", ""} else text
