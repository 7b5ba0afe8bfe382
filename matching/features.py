"""From a source record's standardised values to the comparable texts its domain declares. Pure."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from matching import folding
from mdm.spec import Feature, Matching

Features = Mapping[str, tuple[str, ...]]
Row = Sequence[Any]
Resolve = Callable[[Mapping[str, Any]], str | None]

_NOT_ALNUM = re.compile(r"[^0-9A-Z]+")


def make_features(
    matching: Matching, values: Mapping[str, Any], parts: Mapping[str, Sequence[Mapping[str, Any]]], resolve: Resolve
) -> dict[str, tuple[str, ...]]:
    """Every declared feature that says something; ``resolve`` turns a reference into a golden record id or None."""
    found = {}
    for feature in matching.features:
        word = WORDS[feature.make]
        texts = dict.fromkeys(
            text for row in _rows(feature, values, parts) for text in word([_plain(v, resolve) for v in row]) if text
        )
        if texts:
            found[feature.name] = tuple(texts)
    return found


def _rows(
    feature: Feature, values: Mapping[str, Any], parts: Mapping[str, Sequence[Mapping[str, Any]]]
) -> Iterable[Row]:
    """The values a feature reads, those of one row (the record itself, or one row of a part) side by side."""
    own = [name for name in feature.attributes if "." not in name]
    if own:
        yield [values.get(name) for name in own]
    by_part: dict[str, list[str]] = {}
    for name in feature.attributes:
        part, _, attribute = name.rpartition(".")
        if part:
            by_part.setdefault(part, []).append(attribute)
    for part, attributes in by_part.items():
        for row in parts.get(part) or ():
            yield [row.get(attribute) for attribute in attributes]


def _plain(value: Any, resolve: Resolve) -> Any:
    if not isinstance(value, Mapping):
        return "" if value is None else str(value)
    return (resolve(value), str(value.get("key") or ""))


def _text(row: Row) -> Iterable[str]:
    yield folding.fold(" ".join(filter(None, row)))


def _identifier(row: Row) -> Iterable[str]:
    for value in row:
        yield _NOT_ALNUM.sub("", value.upper())


def _company_core(row: Row) -> Iterable[str]:
    for value in row:
        yield folding.company_core(value) if value else ""


def _company_lead(row: Row) -> Iterable[str]:
    for value in row:
        yield folding.company_core(value).split(" ")[0] if value else ""


def _company_skeleton(row: Row) -> Iterable[str]:
    for value in row:
        yield folding.skeleton(folding.company_core(value)) if value else ""


def _place_name(row: Row) -> Iterable[str]:
    for value in row:
        yield folding.place_core(value) if value else ""


def _street(row: Row) -> Iterable[str]:
    for value in row:
        yield folding.street(value) if value else ""


def _house(row: Row) -> Iterable[str]:
    for text in _street(row):
        yield text.partition("|")[0]


def _postcode(row: Row) -> Iterable[str]:
    for value in row:
        compact = _NOT_ALNUM.sub("", value.upper())
        yield compact[:5] if compact[:5].isdigit() and len(compact) in (5, 9) else compact


def _reference(row: Row) -> Iterable[str]:
    for value in row:
        if isinstance(value, tuple):
            golden, key = value
            yield f"={golden}" if golden else ""
            yield folding.fold(key)


def _center_code(row: Row) -> Iterable[str]:
    """Spreadsheets eat the zeros behind a decimal point: 10.47100 and 10.471 are one code."""
    for value in row:
        code = value.strip().upper()
        whole, point, fraction = code.partition(".")
        yield whole + point + fraction.rstrip("0") if fraction.isdigit() else code


def _item_text(row: Row) -> Iterable[str]:
    for value in row:
        yield folding.item_text(value) if value else ""


WORDS: Mapping[str, Callable[[Row], Iterable[str]]] = {
    "text": _text,
    "words": _text,
    "identifier": _identifier,
    "company_core": _company_core,
    "company_lead": _company_lead,
    "company_skeleton": _company_skeleton,
    "place_name": _place_name,
    "street": _street,
    "house": _house,
    "postcode": _postcode,
    "reference": _reference,
    "center_code": _center_code,
    "item_text": _item_text,
}
