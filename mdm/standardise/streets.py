"""Street addresses taken apart for comparison: house number, street, unit, post-office box."""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from mdm.standardise.folding import fold


class Street(NamedTuple):
    """Folded parts, each empty where the address has none. `street` has directionals and suffixes in short form."""

    number: str = ""
    street: str = ""
    unit: str = ""
    po_box: str = ""


_WAYS = {
    "street": "st", "str": "st", "saint": "st", "avenue": "ave", "av": "ave", "aven": "ave", "boulevard": "blvd",
    "boul": "blvd", "blv": "blvd", "road": "rd", "drive": "dr", "drv": "dr", "lane": "ln", "court": "ct", "crt": "ct",
    "place": "pl", "square": "sq", "circle": "cir", "circ": "cir", "terrace": "ter", "terr": "ter", "trail": "trl",
    "parkway": "pkwy", "pky": "pkwy", "pkway": "pkwy", "pwky": "pkwy", "highway": "hwy", "hiway": "hwy",
    "hway": "hwy", "freeway": "fwy", "expressway": "expy", "turnpike": "tpke", "tpk": "tpke", "plaza": "plz",
    "center": "ctr", "centre": "ctr", "cntr": "ctr", "crossing": "xing", "heights": "hts", "point": "pt",
    "route": "rte", "rt": "rte", "mount": "mt", "fort": "ft", "mountain": "mtn", "valley": "vly", "ridge": "rdg",
    "creek": "crk", "canyon": "cyn", "alley": "aly", "extension": "ext", "loop": "loop", "way": "way", "wy": "way",
    "first": "1st", "second": "2nd", "third": "3rd", "fourth": "4th", "fifth": "5th", "sixth": "6th",
    "seventh": "7th", "eighth": "8th", "ninth": "9th", "tenth": "10th", "eleventh": "11th", "twelfth": "12th",
    "north": "n", "south": "s", "east": "e", "west": "w", "northeast": "ne", "northwest": "nw", "southeast": "se",
    "southwest": "sw", "united states": "us", "county": "cnty", "state": "state",
}  # fmt: skip
_NUMBER_WORDS = {
    "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8",
    "nine": "9", "ten": "10",
}  # fmt: skip
_COMPASS = {"n": "ns", "s": "ns", "e": "ew", "w": "ew"}
_SUFFIXES = frozenset({"st", "ave", "blvd", "rd", "dr", "ln", "ct", "pl", "sq", "cir", "ter", "pkwy", "hwy", "way"})
_BOX = re.compile(
    r"\b(?:p\.?\s?o\.?\s?b(?:ox|\.|\b)|post office box|postal box|drawer|box)\.?\s*"
    r"(?:no\.?\s*)?#?\s*([a-z]?\d[\d-]*|[a-z]\b)",
    re.I,
)
_CARE_OF = re.compile(r"(?:\bc/o|\battn:?|\battention:?)[^,;|]*", re.I)
_ORDINAL_FLOOR = re.compile(r"\b(\d+(?:st|nd|rd|th)|[a-z]+(?:th|st|nd|rd))\s+(?:floor|flr|fl)\b\.?", re.I)
_UNIT = re.compile(
    r"\b(?:suites?|ste|unit|apartment|apt|room|rm|building|bldg|floor|flr|fl|mail\s?stop|ms|dept|trailer|lot|no)\b"
    r"[.:#\s]*([a-z]?-?\d[\w-]*|[a-z](?:-?\d[\w-]*)?)\b|(?<=[\s,])#\s?([\w-]+)",
    re.I,
)
_PARTS = re.compile(r"[,;|]+")
# What a text must have for one of these patterns to be worth a look: most have none of it.
_BOX_SIGN = re.compile(r"box|drawer|o\.?\s?b")
_FLOOR_SIGN = re.compile(r"fl(?:oo)?r?\b")
_UNIT_SIGNS = frozenset({
    "suite", "suites", "ste", "unit", "apt", "apartment", "room", "rm", "building", "bldg", "floor", "flr", "fl",
    "mailstop", "stop", "ms", "dept", "trailer", "lot", "no",
})  # fmt: skip
_APART = str.maketrans({chr(c): " " for c in range(128) if not chr(c).isalnum() and c != ord("_")})
_HOUSE = re.compile(
    r"#?(\d+(?:-\d+)?(?:-?[a-z](?![a-z]))?)(?:\s*(?:-|&|/|and|to)\s*\d+)?\s+(?:(\d/\d)\s+)?(?=\S)", re.I
)
_HYPHEN = re.compile(r"(?<=\d)-(?=\d)")
_HYPHEN_LETTER = re.compile(r"-(?=[a-z])")


def has_care(text: str) -> bool:
    """Whether there may be a care-of note. These four answer no only where their pattern finds nothing; letters that
    have no other case in ASCII (long s, the Kelvin sign) leave it to the pattern."""
    low = text.lower()
    return "c/o" in low or "attn" in low or "attention" in low or not low.isascii()


def has_box(text: str) -> bool:
    """Whether there may be a post-office box."""
    return _BOX_SIGN.search(text.lower()) is not None or not text.isascii()


def has_floor(text: str) -> bool:
    """Whether there may be a floor by its ordinal."""
    return _FLOOR_SIGN.search(text.lower()) is not None or not text.isascii()


def has_unit(text: str) -> bool:
    """Whether there may be a suite, room, building or floor."""
    return "#" in text or not text.isascii() or not _UNIT_SIGNS.isdisjoint(text.lower().translate(_APART).split())


def _take(pattern: re.Pattern[str], may: Callable[[str], bool], text: str) -> tuple[list[str], str]:
    if not may(text):
        return [], text
    found = [next((g for g in m.groups() if g), "") for m in pattern.finditer(text)]
    return found, (pattern.sub(" , ", text) if found else text)


def _joined_compass(words: list[str]) -> list[str]:
    """``s e 8th`` -> ``se 8th``; ``n s`` is no direction and stays."""
    joined: list[str] = []
    for word in words:
        if joined and _COMPASS.get(joined[-1]) == "ns" and _COMPASS.get(word) == "ew":
            joined[-1] += word
        else:
            joined.append(word)
    return joined


@lru_cache(maxsize=8192)
def fold_street(text: str) -> str:
    """A street's name folded, directionals, suffixes and ordinals short: ``N. Sixth Street`` -> ``n 6th st``."""
    return " ".join(_joined_compass([_WAYS.get(word, word) for word in fold(text).split()]))


def street_words(folded: str) -> tuple[str, ...]:
    """The telling words of a folded street: without direction and suffix, all of them where nothing else is left."""
    words = tuple(folded.split())
    return tuple(w for w in words if w not in _SUFFIXES and not (len(w) <= 2 and w.strip("nsew") == "")) or words


def _house(part: str) -> tuple[str, str] | None:
    """House number and rest of a part that begins with one; a number word counts where two words follow."""
    found = _HOUSE.match(part)
    if found:
        return _HYPHEN_LETTER.sub("", found[1].lower()), part[found.end() :]
    first, _, rest = part.partition(" ")
    number = _NUMBER_WORDS.get(first.lower())
    return (number, rest) if number and len(fold_street(rest).split()) > 1 else None


@lru_cache(maxsize=8192)
def parse_street(*lines: str) -> Street:
    """Address lines (street and its continuation) taken apart.

    The first part that begins with a house number is the street; without any, the first part that has letters is,
    and `number` stays empty. A care-of or attention note is left out.
    """
    text = " , ".join([line.strip() for line in lines if line.strip()])
    if has_care(text):
        text = _CARE_OF.sub(" ", text)
    boxes, text = _take(_BOX, has_box, text)
    floors, text = _take(_ORDINAL_FLOOR, has_floor, text)
    units, text = _take(_UNIT, has_unit, text)
    parts = [part.strip(" .-") for part in _PARTS.split(text) if part.strip(" .-#")]
    number, street = next(filter(None, map(_house, parts)), ("", ""))
    if not number:
        street = next((part for part in parts if any(c.isalpha() for c in part)), "")
    unit = " ".join([fold_street(_HYPHEN.sub("", u)) for u in (*units, *floors)])
    return Street(number, fold_street(street), unit, fold(boxes[0]) if boxes else "")
