"""Company names taken apart: core, legal form, trading and former names."""

import re
from functools import lru_cache
from typing import NamedTuple

from cleanco import termdata

from mdm.standardise.folding import fold
from mdm.standardise.tables import SUBDIVISION_CODES


class CompanyName(NamedTuple):
    """`core` and the others are folded; `legal_form` is the usual short form (``inc``, ``llc``), or empty."""

    core: str
    legal_form: str
    trading: tuple[str, ...] = ()
    former: tuple[str, ...] = ()


# Words that are legal forms to us though cleanco lists them otherwise or not at all, and what they are short for.
_OWN = {
    "incorporated": "inc", "inc": "inc", "incorp": "inc", "corporation": "corp", "corp": "corp", "corps": "corp",
    "limited": "ltd", "ltd": "ltd", "ltda": "ltda", "company": "co", "co": "co", "llc": "llc", "lc": "llc",
    "limited liability company": "llc", "lp": "lp", "limited partnership": "lp", "llp": "llp", "lllp": "lllp",
    "limited liability partnership": "llp", "pllc": "pllc", "pc": "pc", "professional corporation": "pc", "pa": "pa",
    "plc": "plc", "public limited company": "plc", "na": "na", "nv": "nv", "bv": "bv", "sa": "sa", "sab": "sab",
    "sas": "sas", "sarl": "sarl", "spa": "spa", "srl": "srl", "ag": "ag", "gmbh": "gmbh", "kgaa": "kgaa", "kg": "kg",
    "se": "se", "asa": "asa", "as": "as", "ab": "ab", "oyj": "oyj", "oy": "oy", "kk": "kk", "pte": "pte",
    "pty": "pty", "ulc": "ulc", "bhd": "bhd", "sdn": "sdn", "aps": "aps", "pbc": "pbc",
    "pjsc": "pjsc", "ltee": "ltd", "sl": "sl", "sa de cv": "sadecv", "s de rl": "srl", "s de rl de cv": "srl",
    "and co": "co", "and company": "co",
}  # fmt: skip
# cleanco's longer forms that are also plain words of names; those of two letters (KY, OK, SD) are ours to choose.
_NOT_FORMS = frozenset({
    "as is", "co op", "cooperative", "dat", "ent", "etat", "fie", "fop", "group", "holding", "holdings",
    "international", "private", "sem", "sep", "ses", "stg", "teo", "tls", "tov", "trust", "the", "unlimited", "vat",
})  # fmt: skip
_LONGEST_FORM = 5
# SEC registrants carry the state or a note in slashes: /DE/, /NEW/, INC/VA/, CORP\WA\, CO /MA.
_TAG = re.compile(r"\s*[/\\]\s?(?:[A-Za-z]{2}|NEW|OLD|ADV|ADR|CAN|new)\.?\s?[/\\]?\s*$|(?<=\w)[/\\]\s*$")
_TRADING = re.compile(
    r"[\s,;(\-]+(?:d\s?/\s?b\s?/\s?a|d\.b\.a|dba|doing business as|t/a|trading as|a/k/a|aka|also known as)\b[.:]?\s*",
    re.IGNORECASE,
)
_FORMER = re.compile(
    r"[\s,;(\-]+(?:f/k/a|fka|n/k/a|formerly(?: known as)?|previously(?: known as)?)\b[.:]?\s*", re.IGNORECASE
)
_INITIALS = re.compile(
    r"(?<![^\s,;(/])(?:[A-Za-z]\.\s?){2,}(?![^\s,;)/])|(?<![^\s,;(/])(?:[A-Za-z]\.){1,}[A-Za-z](?![\w.])"
)


def _forms() -> dict[tuple[str, ...], str]:
    listed = {fold(t) for terms in termdata.terms_by_type.values() for t in terms}
    listed |= {fold(t) for terms in termdata.terms_by_country.values() for t in terms}
    forms = {tuple(t.split()): t.replace(" ", "") for t in listed if t not in _NOT_FORMS and len(t) > 2 and t.isascii()}
    forms |= {tuple(word.split()): short for word, short in _OWN.items()}
    # S A and L L C, as fold leaves them of dotted forms.
    return {tuple(short): short for short in set(_OWN.values()) if len(short) <= 4} | forms


FORMS = _forms()
_LAST_WORDS = frozenset(form[-1] for form in FORMS)
# "INC DE": the tag without its slashes, believed only behind one of these forms.
_TAGGED = frozenset({"inc", "corp", "co", "ltd", "lp", "llc", "plc"})
_BARE_TAGS = frozenset({code.lower() for land, code in SUBDIVISION_CODES.items() if land[0] == "US"} | {"new", "uk"})


def _joined_initials(name: str) -> str:
    """``L.P.`` -> ``LP``, ``U.S.`` -> ``US``: dots within initials do not part words."""
    return _INITIALS.sub(lambda m: re.sub(r"[.\s]", "", m[0]) + " ", name) if "." in name[:-1] else name


def has_trading(name: str) -> bool:
    """Whether a trading name may follow. No is said only where the pattern finds nothing; letters that have no other
    case in ASCII (long s, the Kelvin sign) leave it to the pattern."""
    low = name.lower()
    # Spelled out: a loop over the signs takes three times as long, a pattern five times.
    return (
        "/" in low or "dba" in low or "d.b.a" in low or "aka" in low or "business as" in low or "trading as" in low
        or "known as" in low or not low.isascii()
    )  # fmt: skip


def has_former(name: str) -> bool:
    """Whether a former name may follow, as above."""
    low = name.lower()
    return "k/a" in low or "fka" in low or "formerly" in low or "previously" in low or not low.isascii()


def _without_tags(name: str) -> str:
    if "/" not in name and "\\" not in name:
        return name
    while (shorter := _TAG.sub("", name)) != name and shorter.strip():
        name = shorter
    return name


def _strip_forms(tokens: list[str]) -> tuple[list[str], list[str]]:
    found: list[str] = []
    while len(tokens) > 1 and tokens[-1] in _LAST_WORDS:
        for size in range(min(_LONGEST_FORM, len(tokens) - 1), 0, -1):
            short = FORMS.get(tuple(tokens[-size:]))
            if short:
                found.insert(0, short)
                tokens = tokens[:-size]
                break
        else:
            break
    # "Johnson and Co" leaves "johnson and".
    return (tokens[:-1] if len(tokens) > 1 and tokens[-1] == "and" else tokens), found


@lru_cache(maxsize=8192)
def split_legal_form(name: str) -> tuple[str, str]:
    """The folded core of a company name and its legal form: ``ABM CORP /DE/`` -> (``abm``, ``corp``).

    Several forms are joined (``co ltd``). Registrant tags in slashes and a leading or trailing ``the`` are dropped.
    A name that is nothing but a form keeps it as its core.
    """
    tokens, found = without_form(fold(_joined_initials(_without_tags(name.strip()))).split())
    return " ".join(tokens), " ".join(found)


def without_form(tokens: list[str]) -> tuple[list[str], list[str]]:
    """The same of the words of a name that is folded, which are used up."""
    if len(tokens) > 1 and tokens[-1] == "the":
        tokens.pop()
    if len(tokens) > 2 and tokens[-1] in _BARE_TAGS and tokens[-2] in _TAGGED:
        tokens.pop()
    tokens, found = _strip_forms(tokens)
    if len(tokens) > 1 and tokens[0] == "the":
        tokens = tokens[1:]
    return tokens, found


@lru_cache(maxsize=8192)
def company_name(name: str) -> CompanyName:
    """`name` taken apart, with the cores of the names that follow ``d/b/a`` (trading) and ``f/k/a`` (former)."""
    rest, *former = _FORMER.split(name) if has_former(name) else (name,)
    legal, *trading = _TRADING.split(rest) if has_trading(rest) else (rest,)
    if not legal.strip():
        legal, trading = rest, []
    core, form = split_legal_form(legal)
    if not former and not trading:
        return CompanyName(core, form)
    others = [[split_legal_form(n.rstrip(" )"))[0] for n in names if n.strip(" )")] for names in (trading, former)]
    return CompanyName(core, form, tuple(others[0]), tuple(others[1]))
