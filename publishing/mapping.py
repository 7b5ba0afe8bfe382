"""``Endpoint.mapping``: the record in the target's own fields and codes, declared, read and judged.

::

    {"supplier": [
        {"to": "VendorNumber", "from": "code"},
        {"to": "Name1", "from": "attributes.name", "longest": 35, "too_long": "cut", "required": true},
        {"to": "PaymentTerms", "from": "attributes.payment_terms", "translate": "payment_terms"},
        {"to": "Remit.City", "from": "parts.addresses[role=remit].city", "omit_blank": true},
        {"to": "Blocked", "from": "state", "words": {"active": "N", "retired": "Y"}},
        {"to": "Sites", "each": "parts.addresses", "fields": [{"to": "City", "from": "city"}]}
    ]}

A domain without a list of its own is given in the canonical form. docs/guides/endpoints.md explains every word.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import orjson

from mdm import canonical
from mdm.domains import BY_NAME
from mdm.models import CodeSet, ExtensionAttribute, GoldenState
from mdm.spec import Attribute, Domain, Kind
from publishing.paths import Faulty, Path, read_inner, read_path, read_rows, unknown
from publishing.shaping import Field, NoTranslation, Unfit, shape

__all__ = ["Field", "NoTranslation", "Problem", "Unfit", "code_sets", "fields_of", "parse", "problems_of", "shape"]

Problem = tuple[str, str]
ORIGINS = ("from", "join", "constant", "each")
WRITTEN = ("translate", "words", "date", "decimals")
OPTIONS = (
    "to", *ORIGINS, "by", "fields", *WRITTEN, "case", "longest", "too_long", "default", "required", "omit_blank",
)  # fmt: skip
NAME = re.compile(r"[^.\x00-\x1f]{1,80}(\.[^.\x00-\x1f]{1,80}){0,5}")
DATE = re.compile(r"(YYYY|YY|MM|DD|[-./ ])+")
STATES = (*GoldenState.values, "left")  # what is sent in `state`; *left* says it is not meant for the target any more
MOST_FIELDS = 300
LARGEST_NUMBER = 100_000
CHOICES = {"case": ("upper", "lower"), "too_long": ("refuse", "cut")}


@dataclass
class _Reading:
    """A mapping being read; every fault is kept with its place."""

    domain: Domain
    problems: list[Problem] = field(default_factory=list)

    def list(self, given: object, place: str, row: Sequence[Attribute] | None = None) -> tuple[Field, ...]:
        """The fields of one list; ``row`` is what a row holds, None for those of the record itself."""
        if not isinstance(given, list) or not given:
            self.problems.append((place, "Give a list of fields, each with `to` and `from`."))
            return ()
        if len(given) > MOST_FIELDS:
            self.problems.append((place, f"There are {len(given)} fields; a list has at most {MOST_FIELDS}."))
            return ()
        fields = [self.field(one, f"{place}[{number}]", row) for number, one in enumerate(given, 1)]
        made = tuple(one for one in fields if one is not None)
        self._meet(place, made)
        return made

    def _meet(self, place: str, fields: Sequence[Field]) -> None:
        """Two fields may neither have one name nor stand inside one another."""
        taken: set[tuple[str, ...]] = set()
        inner: set[tuple[str, ...]] = set()
        for one in fields:
            above = {one.to[:length] for length in range(1, len(one.to))}
            if one.to in taken | inner or above & taken:
                self.problems.append((f"{place}.{one.name}", "Another field of this list has the same place."))
            taken.add(one.to)
            inner |= above

    def field(self, given: object, place: str, row: Sequence[Attribute] | None) -> Field | None:
        """One field, or None with the reasons why not."""
        if not isinstance(given, dict):
            self.problems.append((place, "Describe a field by a table with `to` and `from`."))
            return None
        to = given.get("to")
        if not isinstance(to, str) or not NAME.fullmatch(to):
            self.problems.append((f"{place}.to", "Say how the target calls the field: names, nested by dots."))
            return None
        place = f"{place.partition('[')[0]}.{to}"
        before = len(self.problems)
        self.problems += [(place, unknown("setting", str(word), OPTIONS)) for word in given if word not in OPTIONS]
        origins = [word for word in ORIGINS if word in given]
        if len(origins) != 1:
            self.problems.append((place, "Give exactly one of from, join, constant and each."))
            return None
        self._settings(given, place)
        sources, rows, fields = self._origin(given, place, row, origins[0])
        self._fitting(given, sources, place)
        if len(self.problems) > before:
            return None
        return Field(
            to=tuple(to.split(".")), sources=sources, rows=rows, fields=fields, by=given.get("by", " "),
            constant=given.get("constant"), translate=given.get("translate", ""), words=given.get("words"),
            date=given.get("date", ""), decimals=given.get("decimals"), case=given.get("case", ""),
            longest=given.get("longest"), cut=given.get("too_long") == "cut", default=given.get("default"),
            required=given.get("required", False), omit_blank=given.get("omit_blank", False),
        )  # fmt: skip

    def _origin(
        self, given: Mapping[str, Any], place: str, row: Sequence[Attribute] | None, origin: str
    ) -> tuple[tuple[Path, ...], Path | None, tuple[Field, ...]]:
        if origin == "constant":
            if isinstance(given["constant"], dict | list):
                self.problems.append((place, "A constant is a text, a number, true or false."))
            return (), None, ()
        if origin == "each":
            return (), *self._rows(given, place, row)
        texts = given["join"] if origin == "join" else [given["from"]]
        if not isinstance(texts, list) or not texts:
            self.problems.append((place, "Name the paths to join in a list."))
            return (), None, ()
        read = [self._path(text, place, row) for text in texts]
        return tuple(path for path in read if path is not None), None, ()

    def _rows(
        self, given: Mapping[str, Any], place: str, row: Sequence[Attribute] | None
    ) -> tuple[Path | None, tuple[Field, ...]]:
        if row is not None:
            self.problems.append((place, "Rows have no rows of their own: give the list beside this one."))
            return None, ()
        try:
            path, attributes = read_rows(given["each"], self.domain)
        except Faulty as error:
            self.problems.append((place, str(error)))
            return None, ()
        return path, self.list(given.get("fields"), place, attributes)

    def _path(self, text: object, place: str, row: Sequence[Attribute] | None) -> Path | None:
        try:
            return read_path(text, self.domain) if row is None else read_inner(text, row, self.domain)
        except Faulty as error:
            self.problems.append((place, str(error)))
            return None

    def _settings(self, given: Mapping[str, Any], place: str) -> None:
        """Whether each setting is of its kind."""
        for name in ("required", "omit_blank"):
            if not isinstance(given.get(name, False), bool):
                self.problems.append((place, f"{name} is true or false."))
        for name, lowest in (("longest", 1), ("decimals", 0)):
            number = given.get(name, lowest)
            if type(number) is not int or not lowest <= number <= LARGEST_NUMBER:
                self.problems.append((place, f"{name} is a whole number from {lowest} on."))
        for name, choices in CHOICES.items():
            if given.get(name, choices[0]) not in choices:
                self.problems.append((place, f"{name} is {' or '.join(choices)}."))
        for name in ("by", "translate", "date"):
            if not isinstance(given.get(name, ""), str):
                self.problems.append((place, f"{name} is a text."))
        if "words" in given and not _is_words(given["words"]):
            self.problems.append((place, "words is a table of our values and the target's words, as texts."))
        self._together(given, place)

    def _together(self, given: Mapping[str, Any], place: str) -> None:
        """Whether the settings go with one another."""
        if not isinstance(given.get("default", ""), str | int | float | bool):
            self.problems.append((place, "default is a text, a number, true or false."))
        if given.get("too_long") and "longest" not in given:
            self.problems.append((place, "too_long says what happens beyond `longest`: give that as well."))
        if "fields" in given and "each" not in given:
            self.problems.append((place, "fields belong to each."))
        if len([name for name in WRITTEN if name in given]) > 1:
            self.problems.append((place, f"Give at most one of {', '.join(WRITTEN)}."))
        if "date" in given and not (isinstance(given["date"], str) and DATE.fullmatch(given["date"])):
            self.problems.append((place, "Write a date with YYYY, YY, MM, DD and - . / between them."))

    def _fitting(self, given: Mapping[str, Any], sources: Sequence[Path], place: str) -> None:
        """Whether what is done to the value fits what the value is."""
        attribute = sources[0].attribute if len(sources) == 1 else None
        words = given["words"] if _is_words(given.get("words")) else {}
        if words and [path.root for path in sources] == ["state"] and "default" not in given:
            silent = [state for state in STATES if state not in words]
            if silent:
                self.problems.append((place, f"Say a word for {', '.join(silent)} as well, or give a default."))
        if attribute is None:
            return
        if "date" in given and attribute.kind is not Kind.DATE:
            self.problems.append((place, f"{attribute.label} is no date."))
        if "decimals" in given and attribute.kind not in (Kind.DECIMAL, Kind.INTEGER):
            self.problems.append((place, f"{attribute.label} is no number."))
        asked = given.get("translate", "")
        if asked and attribute.code_set and asked != attribute.code_set:
            self.problems.append((place, f"{attribute.label} is a code of {attribute.code_set}, not of {asked}."))
        known = [value for value, _ in attribute.choices]
        if known:
            strange = [word for word in words if word not in known]
            self.problems += [(place, unknown(attribute.label.lower(), word, known)) for word in strange]


def _is_words(given: object) -> bool:
    return (
        isinstance(given, dict)
        and bool(given)
        and all(isinstance(key, str) and isinstance(word, str) for key, word in given.items())
    )


def problems_of(mapping: object) -> list[Problem]:
    """Every (place, sentence) that speaks against the mapping, all at once. Asks for code sets and added attributes."""
    if not isinstance(mapping, dict):
        return [("mapping", "A mapping is a table: for each domain a list of fields.")]
    problems = [(str(name), unknown("domain", str(name), BY_NAME)) for name in mapping if name not in BY_NAME]
    sets = {*CodeSet.objects.values_list("code", flat=True), *code_sets()}
    added = set(ExtensionAttribute.objects.values_list("domain", "name"))
    for name in (name for name in mapping if name in BY_NAME):
        reading = _Reading(BY_NAME[name])
        fields = reading.list(mapping[name], name)
        problems += reading.problems
        known = sorted(one for domain, one in added if domain == name)
        for one, place in _each(fields, name):
            if one.translate and one.translate not in sets:
                problems.append((place, unknown("code set", one.translate, sorted(sets))))
            problems += [
                (place, unknown("added attribute", path.leaf, known) if known else f"There is no {path.text}.")
                for path in one.sources
                if path.root == "extension" and path.leaf not in known
            ]
    return problems


def _each(fields: Sequence[Field], place: str) -> list[tuple[Field, str]]:
    found = [(one, f"{place}.{one.name}") for one in fields]
    return found + [inner for one, at in found for inner in _each(one.fields, at)]


def code_sets() -> set[str]:
    """The code sets declared by any attribute of any domain."""
    attributes = [a for domain in BY_NAME.values() for a in domain.attributes]
    attributes += [a for domain in BY_NAME.values() for part in domain.parts for a in part.attributes]
    return {attribute.code_set for attribute in attributes if attribute.code_set}


def fields_of(mapping: Mapping[str, Any], domain: str) -> list[tuple[str, Attribute | None]]:
    """The target's fields of a domain in their order, rows left out, each with the attribute it is given from.

    None where a field is no single attribute. Without a mapping of its own the domain has no fields here.
    """
    return [
        (one.name, one.sources[0].attribute if len(one.sources) == 1 else None)
        for one in parse(mapping).get(domain, ())
        if one.rows is None
    ]


def parse(mapping: Mapping[str, Any]) -> Mapping[str, tuple[Field, ...]]:
    """{domain: fields} of a stored mapping. Raises ValueError where it no longer fits today's declarations."""
    return _parsed(canonical.dumps(mapping)) if mapping else {}


@lru_cache(maxsize=256)
def _parsed(text: str) -> Mapping[str, tuple[Field, ...]]:
    """Reading costs more than shaping a record, and a mapping changes seldom: kept by its text."""
    made = {}
    for name, given in orjson.loads(text).items():
        if name not in BY_NAME:
            raise ValueError(f"there is no domain {name}")
        reading = _Reading(BY_NAME[name])
        made[name] = reading.list(given, name)
        if reading.problems:
            raise ValueError("; ".join(f"{place}: {sentence}" for place, sentence in reading.problems))
    return made
