"""Where a value of the canonical record lies: `attributes.name`, `parts.addresses[role=remit].city`, read and judged.

A path names a value of the record itself (`code`), of an attribute, of the first row of a part that fits its
`[attribute=value]` filters, of the record's key in another system (`crosswalk[system=erp].key`) or of an attribute
an administrator added (`extension.name`). A reference is followed by `.code`, `.title` or `.record`.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from mdm.spec import Attribute, Domain, Kind, Part

PLAIN = ("id", "code", "domain", "title", "version", "state", "merged_into", "digest")
ROOTS = (*PLAIN, "attributes", "parts", "crosswalk", "extension")
KEYS = (Attribute(name="system", label="System"), Attribute(name="key", label="Key"))
OF_REFERENCE = ("code", "title", "record")
WITHOUT_VALUES = (*PLAIN, "crosswalk")  # what is known of a record that is only named
SEGMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)((?:\[[^\[\]=]+=[^\[\]]*\])*)(?:\.(?=.)|$)")
FILTER = re.compile(r"\[([^\[\]=]+)=([^\[\]]*)\]")

Segment = tuple[str, tuple[tuple[str, str], ...]]


class Faulty(Exception):
    """Why a path leads nowhere, with what may have been meant."""


@dataclass(frozen=True)
class Path:
    """A path as read. ``attribute`` is what it ends in, None for values of the record itself.

    ``root`` is one of ``ROOTS``, or ``row`` for a value of the row that is being given.
    """

    text: str
    root: str
    name: str = ""
    filters: tuple[tuple[str, str], ...] = ()
    leaf: str = ""
    of: str = ""
    attribute: Attribute | None = None

    def rows(self, record: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """The rows of a part, or of the crosswalk, that fit the filters."""
        rows = record["crosswalk"] if self.root == "crosswalk" else record["parts"].get(self.name, ())
        return [row for row in rows if all(_text(row.get(name)) == wanted for name, wanted in self.filters)]

    def read(self, record: Mapping[str, Any], row: Mapping[str, Any] | None = None) -> Any:
        """The value in a canonical record, or in the row of it that is being given; None where there is none."""
        if self.root in PLAIN:
            return record[self.root]
        if self.root in ("parts", "crosswalk"):
            row = next(iter(self.rows(record)), None)
        elif self.root != "row":
            row = record[self.root]
        value = row.get(self.leaf) if row else None
        return value.get(self.of) if self.of and isinstance(value, Mapping) else value


def read_path(text: object, domain: Domain) -> Path:
    """The path to one value of a record of this domain. Raises Faulty."""
    first, *rest = _segments(text)
    root, filters = first
    if root in PLAIN and not rest and not filters:
        return Path(str(text), root)
    if root == "attributes" and rest and not filters:
        return _ending(Path(str(text), root), rest, domain.attributes, f"attribute of a {domain.label.lower()}")
    if root == "extension" and len(rest) == 1 and not filters and not rest[0][1]:
        return Path(str(text), root, leaf=rest[0][0])
    if root in ("parts", "crosswalk"):
        rows, attributes, ends = _rows(first, rest, domain, str(text))
        return _ending(rows, ends, attributes, f"value of {rows.name or 'the crosswalk'}")
    if root in ROOTS:
        raise Faulty(f"{text} is not complete: {_shape_of(root)}.")
    raise Faulty(unknown("path", root, ROOTS))


def read_rows(text: object, domain: Domain) -> tuple[Path, Sequence[Attribute]]:
    """The path to rows of a part, or of the crosswalk, and what a row holds. Raises Faulty."""
    first, *rest = _segments(text)
    if first[0] not in ("parts", "crosswalk"):
        raise Faulty(f"{text} has no rows: name a part, such as parts.{_names(domain.parts)[0]}, or crosswalk.")
    path, attributes, ends = _rows(first, rest, domain, str(text))
    if ends:
        raise Faulty(f"{text} leads to one value: name the rows alone and their values under `fields`.")
    return path, attributes


def read_inner(text: object, attributes: Sequence[Attribute], domain: Domain) -> Path:
    """The path to a value of the row that is being given; `record.` in front leads to the record. Raises Faulty."""
    if isinstance(text, str) and text.startswith("record."):
        return read_path(text.removeprefix("record."), domain)
    return _ending(Path(str(text), "row"), _segments(text), attributes, "value of a row")


def unknown(noun: str, word: str, known: Iterable[str]) -> str:
    """One sentence about a word nobody knows, with what may have been meant."""
    near = get_close_matches(word, list(known), n=1, cutoff=0.5)
    meant = f"Did you mean {near[0]}?" if near else f"There are {', '.join(known)}."
    return f"There is no {noun} {word}. {meant}"


def _rows(
    first: Segment, rest: Sequence[Segment], domain: Domain, text: str
) -> tuple[Path, Sequence[Attribute], Sequence[Segment]]:
    root, filters = first
    name, ends = "", rest
    attributes: Sequence[Attribute] = KEYS
    if root == "parts":
        if not rest or filters:
            raise Faulty(f"{text} is not complete: {_shape_of(root)}.")
        name, filters = rest[0]
        part = next((part for part in domain.parts if part.name == name), None)
        if part is None:
            raise Faulty(unknown(f"part of a {domain.label.lower()}", name, _names(domain.parts)))
        attributes, ends = part.attributes, rest[1:]
    for asked, wanted in filters:
        _judge_filter(asked, wanted, attributes)
    return Path(text, root, name=name, filters=filters), attributes, ends


def _judge_filter(asked: str, wanted: str, attributes: Sequence[Attribute]) -> None:
    attribute = next((one for one in attributes if one.name == asked), None)
    if attribute is None:
        raise Faulty(unknown("value to ask for", asked, _names(attributes)))
    choices = [value for value, _ in attribute.choices]
    if choices and wanted not in choices:
        raise Faulty(unknown(f"{attribute.label.lower()}", wanted, choices))


def _ending(path: Path, ends: Sequence[Segment], attributes: Sequence[Attribute], noun: str) -> Path:
    """The path with what it ends in: a value, or one of a reference."""
    names = [name for name, filters in ends if not filters]
    if len(names) != len(ends) or not 1 <= len(names) <= 2:
        raise Faulty(f"{path.text} does not end in one value.")
    attribute = next((one for one in attributes if one.name == names[0]), None)
    if attribute is None:
        raise Faulty(unknown(noun, names[0], _names(attributes)))
    of = names[1] if len(names) == 2 else ""
    if attribute.kind is Kind.REFERENCE and of not in OF_REFERENCE:
        raise Faulty(f"{path.text} refers to another record: end it with .code, .title or .record.")
    if of and attribute.kind is not Kind.REFERENCE:
        raise Faulty(f"{attribute.label} is one value: leave out .{of}.")
    return Path(path.text, path.root, path.name, path.filters, names[0], of, attribute)


def _segments(text: object) -> list[Segment]:
    if not isinstance(text, str) or not text:
        raise Faulty("Name a path, such as attributes.name.")
    found, at = [], 0
    while at < len(text):
        match = SEGMENT.match(text, at)
        if match is None:
            raise Faulty(f"{text} cannot be read from {text[at:]} on.")
        found.append((match[1], tuple((one[1], one[2]) for one in FILTER.finditer(match[2]))))
        at = match.end()
    return found


def _shape_of(root: str) -> str:
    return {
        "attributes": "write attributes. and a name",
        "extension": "write extension. and a name",
        "parts": "write parts.addresses[role=remit].city",
    }.get(root, f"write {root} alone")


def _names(known: Iterable[Attribute] | Iterable[Part]) -> list[str]:
    return [one.name for one in known]


def _text(value: Any) -> str:
    return "" if value is None else str(value)
