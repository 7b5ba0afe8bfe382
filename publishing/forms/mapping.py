"""A mapping as rows of a form: target field, path, translation, required, and whatever else a field says as JSON."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict

from mdm.mastering.compose import extension_attributes
from mdm.spec import Attribute, Domain, Kind
from publishing import mapping
from publishing.forms.lists import read_json
from publishing.paths import OF_REFERENCE, PLAIN

IN_COLUMNS = ("to", "from", "translate", "required")
MOST = 300


@dataclass(frozen=True)
class Row:
    """One field of the target as the form shows it; ``more`` is JSON of the settings without a column."""

    to: str = ""
    origin: str = ""
    translate: str = ""
    required: bool = False
    more: str = ""
    problems: tuple[str, ...] = ()


def rows_of(fields: Sequence[Any], problems: Sequence[tuple[str, str]] = (), domain: str = "") -> list[Row]:
    """The rows of a stored list, each with what speaks against it. Loses nothing."""
    said: dict[str, list[str]] = {}
    for place, sentence in problems:
        said.setdefault(place, []).append(sentence)
    rows = []
    for number, field in enumerate(fields, 1):
        if not isinstance(field, dict):
            rows.append(Row(more=json.dumps(field, ensure_ascii=False)))
            continue
        rest = {name: value for name, value in field.items() if name not in IN_COLUMNS}
        to = str(field.get("to", ""))
        at = (f"{domain}.{to}", f"{domain}[{number}]", f"{domain}[{number}].to")
        rows.append(
            Row(
                to=to,
                origin=str(field.get("from", "")),
                translate=str(field.get("translate", "")),
                required=bool(field.get("required")),
                more=json.dumps(rest, ensure_ascii=False) if rest else "",
                problems=tuple(sentence for place in at for sentence in said.get(place, ())),
            )
        )
    return rows


def read(given: QueryDict, stored: Mapping[str, Any], domain: str) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """The mapping a request asks for: one domain out of rows, or all of it out of JSON; and what cannot be read."""
    if "json" in given:
        try:
            made = read_json(given.get("json") or "{}")
        except ValueError as error:
            return dict(stored), [("mapping", str(error))]
        return (made, []) if isinstance(made, dict) else (dict(stored), mapping.problems_of(made))
    fields, problems = _fields(given, domain)
    rest = {name: value for name, value in stored.items() if name != domain}
    return rest | ({domain: fields} if fields else {}), problems


def _fields(given: QueryDict, domain: str) -> tuple[list[dict[str, Any]], list[tuple[str, str]]]:
    fields: list[dict[str, Any]] = []
    problems: list[tuple[str, str]] = []
    names = ("to", "origin", "translate", "required", "more")
    for values in list(zip(*(given.getlist(name) for name in names), strict=False))[: MOST + 1]:
        to, origin, translate, required, more = (value.strip() for value in values)
        if not (to or origin or more):
            continue
        field: dict[str, Any] = {"to": to}
        if origin:
            field["from"] = origin
        if translate:
            field["translate"] = translate
        if required == "yes":
            field["required"] = True
        if more:
            field, problem = _with_more(field, more)
            problems += [(f"{domain}.{to}", problem)] if problem else []
        fields.append(field)
    return fields, problems


def _with_more(field: dict[str, Any], more: str) -> tuple[dict[str, Any], str]:
    try:
        rest = read_json(more)
    except ValueError as error:
        return field, f"More: {error}"
    return (field | rest, "") if isinstance(rest, dict) else (field, 'More: write a table, such as {"longest": 35}.')


def paths(domain: Domain) -> list[tuple[str, str]]:
    """(path, label) of everything a record of this domain can give, for the suggestions."""
    found = [(name, f"The record's {name.replace('_', ' ')}") for name in PLAIN]
    for attribute in domain.attributes:
        found += _ways(f"attributes.{attribute.name}", attribute, attribute.label)
    for part in domain.parts:
        for attribute in part.attributes:
            label = f"{part.label}: {attribute.label}"
            found += _ways(f"parts.{part.name}.{attribute.name}", attribute, label)
    for attribute in extension_attributes(domain):
        found.append((f"extension.{attribute.name.rpartition('.')[2]}", attribute.label))
    return [*found, ("crosswalk[system=erp].key", "The record's key in a source system")]


def _ways(path: str, attribute: Attribute, label: str) -> Iterator[tuple[str, str]]:
    if attribute.kind is not Kind.REFERENCE:
        yield path, label
        return
    for of in OF_REFERENCE:
        yield f"{path}.{of}", f"{label}, its {of}"
