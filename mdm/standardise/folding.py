"""Texts made comparable: what matching sees of names. Lossy on purpose, never shown and never stored as a value."""

import unicodedata
from collections.abc import Iterable
from functools import lru_cache

# Letters NFKD does not take apart.
_LETTERS = str.maketrans(
    {"\u00f8": "o", "\u0142": "l", "\u0111": "d", "\u00e6": "ae", "\u0153": "oe", "\u00fe": "th", "\u00f0": "d",
     "\u0131": "i"}
)  # fmt: skip
# Apostrophes vanish (MEN'S is MENS), & is a word, all other ASCII punctuation parts words.
_ASCII = str.maketrans({chr(c): " " for c in range(128) if not chr(c).isalnum()} | {"'": None, "`": None, "&": " and "})
_APOSTROPHES = frozenset("\u2018\u2019\u02bc\u00b4\u2032")
_VOWELS = str.maketrans(dict.fromkeys("aeiouyhw "))

STOP_WORDS = frozenset({"the", "of", "and", "for", "at", "in", "a", "an", "de", "la", "el"})

_ABBREVIATIONS = {
    "intl": "international", "internat": "international", "natl": "national", "amer": "american",
    "assoc": "association",
    "assn": "association", "assocs": "associates", "bros": "brothers", "mfg": "manufacturing", "mfr": "manufacturer",
    "mgmt": "management", "mgt": "management", "svc": "service", "svcs": "service", "services": "service",
    "tech": "technology", "techs": "technology", "technologies": "technology", "sys": "system", "systems": "system",
    "grp": "group", "hldg": "holding", "hldgs": "holding", "holdings": "holding", "ind": "industry",
    "inds": "industry", "industries": "industry", "prod": "product", "prods": "product", "products": "product",
    "lab": "laboratory", "labs": "laboratory", "laboratories": "laboratory", "pharm": "pharmaceutical",
    "pharma": "pharmaceutical", "pharmaceuticals": "pharmaceutical", "pharms": "pharmaceutical",
    "therapeutics": "therapeutic", "biosciences": "bioscience", "sciences": "science", "solutions": "solution",
    "instr": "instrument", "instruments": "instrument", "equip": "equipment", "elec": "electric",
    "dist": "distribution",
    "distr": "distribution", "univ": "university", "dept": "department", "govt": "government", "inst": "institute",
    "comm": "community", "cmnty": "community", "commty": "community", "cnty": "county",
    "ctr": "center", "cntr": "center", "cent": "center", "centre": "center", "centers": "center", "hosp": "hospital",
    "hsp": "hospital", "hospitals": "hospital", "med": "medical", "medcl": "medical", "mem": "memorial",
    "meml": "memorial", "reg": "regional", "regl": "regional", "rgnl": "regional", "gen": "general", "genl": "general",
    "hlth": "health", "healthcare": "health", "rehab": "rehabilitation", "psych": "psychiatric", "chld": "children",
    "childrens": "children", "st": "saint", "ste": "saint", "mt": "mount", "ft": "fort",
    "snf": "nursing", "surg": "surgical", "surgl": "surgical", "diag": "diagnostic", "diagnostics": "diagnostic",
    "amb": "ambulatory", "clin": "clinic", "clinics": "clinic", "vet": "veterans", "va": "veterans",
    "n": "north", "s": "south", "e": "east", "w": "west",
}  # fmt: skip


def fold(text: str) -> str:
    """Lower case, marks off, punctuation to single spaces, ``&`` to ``and``: ``Børge & Søn`` -> ``borge and son``."""
    return " ".join(text.lower().translate(_ASCII).split()) if text.isascii() else _fold_letters(text)


@lru_cache(maxsize=4096)
def _fold_letters(text: str) -> str:
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    letters = "".join(
        c if c.isalnum() or c in "&'`" else " " for c in apart if not unicodedata.combining(c) and c not in _APOSTROPHES
    )
    return " ".join(letters.translate(_LETTERS).translate(_ASCII).split())


def digits_only(text: str) -> str:
    """The ASCII digits of `text`, in order."""
    return "".join(c for c in text if "0" <= c <= "9")


def expand_abbreviations(tokens: Iterable[str]) -> tuple[str, ...]:
    """Folded words with usual abbreviations spelled out and a few plurals made singular, so that both sides meet."""
    return tuple([_ABBREVIATIONS.get(token, token) for token in tokens])


@lru_cache(maxsize=4096)
def name_tokens(text: str) -> tuple[str, ...]:
    """The telling words of a name, folded and expanded, in order; all of them where only stop words are left."""
    return telling_words(fold(text).split())


def telling_words(folded: Iterable[str]) -> tuple[str, ...]:
    """The same of the words of a name that is folded."""
    tokens = expand_abbreviations(folded)
    return tuple([t for t in tokens if t not in STOP_WORDS]) or tokens


def consonants(text: str) -> str:
    """The consonant skeleton: first letter, then no vowels, h, w or y, no doubles: ``Medtronic`` -> ``mdtrnc``."""
    folded = fold(text)
    if not folded:
        return ""
    kept = [folded[0]]
    for c in folded[1:].translate(_VOWELS):
        if c != kept[-1] or c.isdigit():
            kept.append(c)
    return "".join(kept)
