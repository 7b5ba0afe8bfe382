"""Pure text -> value functions, named by the words a domain is declared with.

A standardiser never guesses: it reads a value, or answers `Doubt` (the row goes on without the value and keeps the
warning), or raises `Unreadable` (the row goes to quarantine). Blank is always None.
"""

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from mdm.standardise import (
    addresses,
    codes,
    dates,
    drugs,
    identifiers,
    items,
    names,
    numbers,
    phones,
    text,
)
from mdm.standardise.digits import mask_tail
from mdm.standardise.style import Answer, Doubt, Standardiser, Style, Unreadable, Value
from mdm.standardise.translations import Translations

__all__ = [
    "STANDARDISERS",
    "Answer",
    "Doubt",
    "Standardiser",
    "Style",
    "Unreadable",
    "Value",
    "is_blank",
    "mask_tail",
    "standardise",
]

PLAIN = Style()

STANDARDISERS: Mapping[str, Standardiser] = MappingProxyType(
    {
        "account_tail": identifiers.account_tail,
        "bank_account": identifiers.bank_account,
        "boolean": numbers.boolean,
        "ccn": identifiers.ccn,
        "choice": codes.choice,
        "code": codes.code,
        "cost_center_code": codes.cost_center_code,
        "country": addresses.country,
        "currency": codes.currency,
        "date": dates.to_date,
        "decimal": numbers.decimal,
        "dosage_form": drugs.dosage_form,
        "duns": identifiers.duns,
        "email": text.email,
        "gln": items.gln,
        "gtin": items.gtin,
        "hcpcs": items.hcpcs,
        "iban": identifiers.iban,
        "integer": numbers.integer,
        "lei": identifiers.lei,
        "name": names.name,
        "ndc": items.ndc,
        "npi": identifiers.npi,
        "phone": phones.phone,
        "postcode": addresses.postcode,
        "reference": codes.reference,
        "region": addresses.region,
        "strength": drugs.strength,
        "tax_id": identifiers.tax_id,
        "text": text.text,
        "uei": identifiers.uei,
        "unspsc": items.unspsc,
        "uom": items.uom,
        "url": text.url,
        "vat": identifiers.vat,
    }
)


@lru_cache(maxsize=64)
def _folded(blanks: tuple[str, ...]) -> frozenset[str]:
    return frozenset(blank.strip().casefold() for blank in blanks)


def is_blank(raw: str, style: Style = PLAIN) -> bool:
    """Whether `raw` says nothing: white space, or one of the feed's placeholders."""
    value = raw.strip()
    return not value or (bool(style.blanks) and value.casefold() in _folded(style.blanks))


def _translated(raw: str, translations: Mapping[str, str]) -> str:
    """The feed's own translation of `raw`, looked up as written and then without regard to case."""
    if isinstance(translations, Translations):
        return translations.find(raw)
    if raw in translations:
        return translations[raw]
    wanted = raw.casefold()
    return next((to for written, to in translations.items() if written.casefold() == wanted), raw)


def standardise(word: str, raw: str, style: Style = PLAIN, **options: Any) -> Answer:
    """The standard form of `raw` as attribute kind `word`.

    Returns None for blank, a JSON-safe value, or a `Doubt`. Raises `Unreadable` and nothing else for any text;
    an unknown `word` is a KeyError (a programming mistake, caught by the system checks).

    Options every word knows: ``map`` translates written texts before they are read, ``strict`` refuses doubts.
    Options of one word are named in its docstring; those a word does not know are ignored, so a whole row's
    ``country`` and ``region`` may be offered to all.
    """
    standardiser = STANDARDISERS[word]
    if is_blank(raw, style):
        return None
    value = raw.strip()
    if "map" in options and is_blank(value := _translated(value, options["map"]).strip(), style):
        return None
    answer = standardiser(value, style, options)
    if isinstance(answer, Doubt) and options.get("strict"):
        raise Unreadable(answer.message, "Correct it at its source, or in quarantine.")
    return answer
