"""What the texts of an organisation tell: its country and region, which part of a place it is."""

import re
from collections.abc import Sequence
from functools import lru_cache

from mdm.standardise.folding import name_tokens
from mdm.standardise.tables import COUNTRY_CODES, SUBDIVISION_CODES, plain

# What clerks write around a name: account numbers before it, remarks behind it.
_ACCOUNT = re.compile(r"^\W*(?:[A-Z]{0,2}\d{4,}\W+|ZZ\W+)(?=\w)", re.IGNORECASE)
_REMARK = re.compile(
    r"[\s\-(*#]+(?:do not use|dont use|dnu|use other|inactive|obsolete|closed|old|dup(?:licate)?|remit(?: to)?|eft|ach|"
    r"acc(?:oun)?ts? payable|a/p|main(?: campus)?|c/o\b.*|attn\b.*|#?\d)\W*$|\*+\w*\W*$",
    re.IGNORECASE,
)
# One of these words is in every name of letters alone that a pattern here or of trading and former names finds
# something in.
_MARKS = frozenset({
    "zz", "use", "dnu", "other", "inactive", "obsolete", "closed", "old", "dup", "duplicate", "remit", "to", "eft",
    "ach", "payable", "main", "campus", "attn", "dba", "aka", "as", "formerly", "previously", "fka", "nka",
})  # fmt: skip
# Which part of a place a name speaks of: a pharmacy is not the hospital around it.
_UNITS = {
    "pharmacy": "pharmacy apothecary drugstore pharmaceutical", "laboratory": "laboratory pathology",
    "imaging": "imaging radiology mri", "outpatient": "outpatient ambulatory", "emergency": "emergency",
    "surgery": "surgery", "therapy": "therapy", "dialysis": "dialysis renal", "cancer": "cancer oncology",
    "wound": "wound", "sleep": "sleep", "birth": "birth birthing", "heart": "heart", "women": "women womens",
    "warehouse": "warehouse storage", "dock": "dock", "supply": "supply", "receiving": "receiving", "office": "office",
    "cafeteria": "cafeteria", "shop": "shop", "blood": "blood", "occupational": "occupational",
}  # fmt: skip
_UNIT_OF = {word: unit for unit, words in _UNITS.items() for word in words.split()}
NONE = "-"
NUMBERED = "#"
_NUMBER = re.compile(r"(?<![^\W_])0*(\d{1,9})(?![^\W_])")
_CUT = 4  # letters at least of a last word that may go on
_LONG = 28  # letters of a name from which on three are enough: many fields end at 30, 35 or 40
_MEANT = {
    word[:size]: frozenset(_UNIT_OF[other] for other in _UNIT_OF if other.startswith(word[:size]))
    for word in _UNIT_OF
    for size in range(_CUT - 1, len(word) + 1)
}


def plainly(raw: str) -> list[str] | None:
    """The folded words of a name of letters alone, in which no account, remark, trading or former name can be; None of
    any other."""
    if not raw.isascii() or not raw.replace(" ", "").isalpha():
        return None
    words = raw.lower().split()
    return words if _MARKS.isdisjoint(words) else None


def bare(raw: str) -> str:
    """A name without the account number before it and the remark behind it, or as it is where nothing else is left."""
    kept = _REMARK.sub("", _ACCOUNT.sub("", raw)).strip()
    return kept if len(kept) > 2 else raw


@lru_cache(maxsize=4096)
def country(raw: str) -> str:
    """The code of a country, or the text itself where it names none."""
    return COUNTRY_CODES.get(plain(raw), plain(raw))


@lru_cache(maxsize=4096)
def region(raw: str) -> str:
    """The code of a state or province of the US or Canada, else the text itself."""
    word = plain(raw)
    return SUBDIVISION_CODES.get(("US", word)) or SUBDIVISION_CODES.get(("CA", word)) or word


def units(raw: str) -> str:
    """Which parts of a place a name speaks of, ``NONE`` where it means the whole, and the numbers it bears, as houses
    of a chain do: ``pharmacy #1024``."""
    return units_of(name_tokens(raw), raw)


def units_of(words: Sequence[str], raw: str) -> str:
    """The same, its telling words being known."""
    found = {_UNIT_OF[word] for word in words if word in _UNIT_OF}
    if len(words) > 1 and len(last := words[-1]) >= _CUT - (len(raw) >= _LONG) and last not in _UNIT_OF:
        meant = _MEANT.get(last, frozenset())
        found |= meant if len(meant) == 1 else frozenset()
    numbers = {NUMBERED + number for number in _NUMBER.findall(bare(raw))}
    return " ".join([*(sorted(found) or [NONE]), *sorted(numbers)])
