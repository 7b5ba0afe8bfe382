"""Pure text -> value functions, named by the words a domain is declared with.

A standardiser never guesses: it reads a value, or answers `Doubt` (the row goes on without the value and keeps the
warning), or raises `Unreadable` (the row goes to quarantine). Blank is always None.
"""

from collections.abc import Mapping
from typing import Any

from mdm.standardise.style import Answer, Doubt, Standardiser, Style, Unreadable, Value

__all__ = ["STANDARDISERS", "Answer", "Doubt", "Standardiser", "Style", "Unreadable", "Value", "standardise"]


def _todo(raw: str, style: Style, options: dict[str, Any]) -> Answer:
    return raw


STANDARDISERS: Mapping[str, Standardiser] = dict.fromkeys(
    (
        "text name choice code cost_center_code email url phone state country currency postcode "
        "tax_id vat duns uei lei npi ccn gln gtin ndc hcpcs unspsc iban bank_account "
        "uom strength dosage_form date decimal integer boolean"
    ).split(),
    _todo,
)


def standardise(word: str, raw: str, style: Style = Style(), **options: Any) -> Answer:
    """The standard form of `raw` as attribute kind `word`.

    Returns None for blank, a JSON-safe value, or a `Doubt`. Raises `Unreadable` and nothing else for any text;
    an unknown `word` is a KeyError (a programming mistake, caught by the system checks).
    """
    text = raw.strip()
    return STANDARDISERS[word](text, style, options) if text else None
