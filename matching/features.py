"""From a source record's standardised values to the comparable texts its domain declares. Pure."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from matching.engine.item_codes import part_numbers
from mdm.spec import Feature, Matching
from mdm.standardise.companies import company_name, split_legal_form
from mdm.standardise.equivalents import thing
from mdm.standardise.folding import consonants, expand_abbreviations, fold, name_tokens
from mdm.standardise.measures import measures
from mdm.standardise.streets import parse_street

Features = Mapping[str, tuple[str, ...]]
Row = Sequence[Any]
Resolve = Callable[[Mapping[str, Any]], str | None]

_NOT_ALNUM = re.compile(r"[^0-9A-Z]+")
# Units that buy, store or treat beside the main house. What whole hospitals are called too (rehabilitation, children)
# is not among them.
_UNITS = re.compile(
    r"\b(?:laboratory|warehouse|dock|supply|stores|receiving|pharmacy|cafeteria|outpatient|clinic|wound|urgent|imaging"
    r"|radiology|dialysis|infusion|oncology|ambulatory|surgery|physician|hospice|nursing|transplant|office|laundry)\b"
)
_NOTE = re.compile(r"\([^()]*\)")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3})")
_TELLING_NUMBER = 5  # characters
_ITEM_WORD = re.compile(r"\d+(?:\.\d+)?|[a-z]+|%")


def make_features(
    matching: Matching, values: Mapping[str, Any], parts: Mapping[str, Sequence[Mapping[str, Any]]], resolve: Resolve
) -> dict[str, tuple[str, ...]]:
    """Every declared feature that says something; ``resolve`` turns a reference into a golden record id or None."""
    made = {feature.name: make_feature(feature, values, parts, resolve) for feature in matching.features}
    return {name: texts for name, texts in made.items() if texts}


def make_feature(
    feature: Feature, values: Mapping[str, Any], parts: Mapping[str, Sequence[Mapping[str, Any]]], resolve: Resolve
) -> tuple[str, ...]:
    """The comparable texts of one feature, each once; empty when the record says nothing."""
    word = WORDS[feature.make]
    rows = _rows(feature.attributes, values, parts, resolve)
    return tuple(dict.fromkeys(text for row in rows for text in word(row) if text))


def _rows(
    attributes: tuple[str, ...],
    values: Mapping[str, Any],
    parts: Mapping[str, Sequence[Mapping[str, Any]]],
    resolve: Resolve,
) -> Iterable[Row]:
    """The values a feature reads, those of one row (the record itself, or one row of a part) side by side."""
    own, by_part = _places(attributes)
    if own:
        yield [_plain(values.get(name), resolve) for name in own]
    for part, names in by_part:
        for row in parts.get(part) or ():
            yield [_plain(row.get(name), resolve) for name in names]


@lru_cache(maxsize=1024)
def _places(attributes: tuple[str, ...]) -> tuple[Sequence[str], Sequence[tuple[str, Sequence[str]]]]:
    """Which attributes are the record's own, and which are of each part."""
    by_part: dict[str, list[str]] = {}
    for name in attributes:
        part, _, attribute = name.rpartition(".")
        by_part.setdefault(part, []).append(attribute)
    return by_part.pop("", ()), tuple(by_part.items())


def _plain(value: Any, resolve: Resolve) -> Any:
    if type(value) is str:  # as nearly all are
        return value
    if not isinstance(value, Mapping):
        return "" if value is None else str(value)
    return (resolve(value), str(value.get("key") or ""))


def _text(row: Row) -> Iterable[str]:
    yield fold(" ".join(filter(None, row)))


def _together(row: Row) -> Iterable[str]:
    """All the values side by side, and nothing where one of them is silent."""
    yield fold(" ".join(row)) if all(row) else ""


def _identifier(row: Row) -> Iterable[str]:
    for value in row:
        yield _NOT_ALNUM.sub("", value.upper())


def _spelled_out(folded: str) -> str:
    """Abbreviations long, and letters standing alone joined: ``u s steel`` is ``us steel``."""
    words: list[str] = []
    initials = ""
    for word in folded.split():
        if len(word) == 1 and word.isalpha():
            initials += word
            continue
        words += [initials, word]
        initials = ""
    words.append(initials)
    return " ".join(w for w in expand_abbreviations(filter(None, words)) if w != "and")


@lru_cache(maxsize=4096)
def _names(value: str) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """Of one name as written: the name it bears today, those it trades under, those it bore. Several features ask."""
    taken = company_name(value)
    return _spelled_out(taken.core), tuple(map(_spelled_out, taken.trading)), tuple(map(_spelled_out, taken.former))


def _company_core(row: Row) -> Iterable[str]:
    """The name without legal form, and the names it says it trades or traded under."""
    for value in filter(None, row):
        now, trading, former = _names(value)
        yield from (now, *trading, *former)


def _company_now(row: Row) -> Iterable[str]:
    """The name it bears today, without the others it mentions."""
    for value in filter(None, row):
        yield _names(value)[0]


def _company_former(row: Row) -> Iterable[str]:
    """Names it no longer bears: those it says so itself, and those of a row (kind, name) whose kind is former."""
    *kinds, value = row
    if "former" in kinds:
        yield _names(value)[0]
    yield from _names(value)[2] if value else ()


def _company_lead(row: Row) -> Iterable[str]:
    for core in _company_core(row):
        yield core.partition(" ")[0]


def _company_skeleton(row: Row) -> Iterable[str]:
    for core in _company_core(row):
        yield consonants(core)


def _legal_class(row: Row) -> Iterable[str]:
    """Corporation or partnership: the parent and its partnership share name, door and telephone."""
    for value in filter(None, row):
        forms = split_legal_form(value)[1].split()
        yield "partnership" if "lp" in forms or "llp" in forms or "lllp" in forms else "company" if forms else ""


def _place_name(row: Row) -> Iterable[str]:
    """The telling words; a note in brackets may be part of the name or not, so both ways count."""
    for value in filter(None, row):
        for name in (value, _NOTE.sub(" ", value)):
            yield " ".join(name_tokens(split_legal_form(name)[0])) if name.strip() else ""


def _place_unit(row: Row) -> Iterable[str]:
    """What part of a campus a name speaks of; ``main`` where it names none. One door serves many units."""
    for value in filter(None, row):
        found = _UNITS.findall(" ".join(name_tokens(value)))
        yield " ".join(sorted(set(found))) or "main"


def _place_former(row: Row) -> Iterable[str]:
    """The name of a row (kind, name) whose kind is former."""
    kind, name = row
    yield from _place_name([name]) if kind == "former" else ()


def _unit_door(row: Row) -> Iterable[str]:
    """The street of (name, street) where the name speaks of a unit."""
    name, street = row
    yield from () if "main" in _place_unit([name]) else _street([street])


def _main_door(row: Row) -> Iterable[str]:
    """The street of (name, street) where the name speaks of no unit."""
    name, street = row
    yield from _street([street]) if "main" in _place_unit([name]) else ()


def _street(row: Row) -> Iterable[str]:
    """``number|street``, and ``box N|`` for a post-office box."""
    street = parse_street(*row)
    yield f"{street.number}|{street.street}" if street.number else ""
    yield f"box {street.po_box}|" if street.po_box else ""


def _house(row: Row) -> Iterable[str]:
    yield parse_street(*row).number


def _postcode(row: Row) -> Iterable[str]:
    for value in row:
        compact = _NOT_ALNUM.sub("", value.upper())
        yield compact[:5] if compact.isdigit() and len(compact) == 9 else compact


def _reference(row: Row) -> Iterable[str]:
    """The golden record it resolves to, and its key as text: an unresolved reference still compares."""
    for value in row:
        if isinstance(value, tuple):
            golden, key = value
            yield f"={golden}" if golden else ""
            yield fold(key)


def _center_code(row: Row) -> Iterable[str]:
    """Spreadsheets eat the zeros behind a decimal point: 10.47100 and 10.471 are one code."""
    for value in row:
        code = value.strip().upper()
        whole, point, fraction = code.partition(".")
        yield f"{whole}{point}{fraction.rstrip('0')}".rstrip(".") if fraction.isdigit() else code


def _item_words(row: Row) -> Iterable[str]:
    """The distinct words and numbers of one description, sorted: order and punctuation are habits of a source."""
    for value in filter(None, row):
        yield " ".join(sorted(set(_ITEM_WORD.findall(_THOUSANDS.sub("", value.lower())))))


def _item_amounts(row: Row) -> Iterable[str]:
    """The measures of one description in base units, sorted: ``100mg 5ml``."""
    for value in filter(None, row):
        yield " ".join(sorted(measures(value).amounts))


def _part_number(row: Row) -> Iterable[str]:
    """Part numbers without signs and leading zeros, long enough that two makers seldom give the same."""
    return (number for number in _numbers(row) if _tells(number))


def _loose_number(row: Row) -> Iterable[str]:
    """Part numbers that tell less: short ones, and those with a pack behind a star, which sellers add as they like."""
    return (number for number in _numbers(row) if not _tells(number))


def _numbers(row: Row) -> Iterable[str]:
    return (number for value in row if value for number in part_numbers(value))


def _tells(number: str) -> bool:
    return len(number) >= _TELLING_NUMBER and "*" not in number


def _maker(row: Row) -> Iterable[str]:
    """The golden record it resolves to, and the telling words where the key a source gives is a name, not a code."""
    for value in row:
        if isinstance(value, tuple):
            golden, key = value
            yield f"={golden}" if golden else ""
            named = " " in key.strip() or not any(c.isdigit() for c in key)
            yield " ".join(name_tokens(split_legal_form(key)[0])) if key.strip() and named else ""


def _item_thing(row: Row) -> Iterable[str]:
    """What the item is, whoever makes it and however it is packed."""
    return map(thing, row)


WORDS: Mapping[str, Callable[[Row], Iterable[str]]] = {
    "text": _text,
    "words": _text,
    "together": _together,
    "identifier": _identifier,
    "company_core": _company_core,
    "company_now": _company_now,
    "company_former": _company_former,
    "company_lead": _company_lead,
    "company_skeleton": _company_skeleton,
    "legal_class": _legal_class,
    "place_name": _place_name,
    "place_former": _place_former,
    "place_unit": _place_unit,
    "unit_door": _unit_door,
    "main_door": _main_door,
    "street": _street,
    "house": _house,
    "postcode": _postcode,
    "reference": _reference,
    "center_code": _center_code,
    "item_words": _item_words,
    "item_thing": _item_thing,
    "item_amounts": _item_amounts,
    "part_number": _part_number,
    "loose_number": _loose_number,
    "maker": _maker,
}
