"""Identifiers and numbers as people write them. For pages only: what is stored, exported and sent stays plain.

What does not look as expected (masked, foreign, from before a rule) is shown as it is.
"""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache

import phonenumbers

from mdm.spec import Attribute
from stewardship.display import wording

_NDC = re.compile(r"(\d{5})(\d{4})(\d{2})", re.ASCII)
_EMPLOYER = re.compile(r"(\d{2})(\d{7})", re.ASCII)


def readable(attribute: Attribute, value: str) -> str:
    """The standardised value with the separators its readers expect."""
    if attribute.name == "scheme":
        return wording(value)
    return by_word(attribute.standardise, value)


def by_word(word: str, value: str) -> str:
    """The same where only the word of ``mdm.standardise``, or the identifier scheme named like it, is known."""
    written = WRITTEN.get(word)
    return written(value) if written else value


@lru_cache(maxsize=4096)
def _phone(value: str) -> str:
    number, extension, digits = value.partition(" ext. ")
    if not number.startswith("+"):
        return value
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return value
    written = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    return f"{written}{extension}{digits}"


def _parted(pattern: re.Pattern[str]) -> Callable[[str], str]:
    def written(value: str) -> str:
        found = pattern.fullmatch(value)
        return "-".join(found.groups()) if found else value

    return written


WRITTEN: Mapping[str, Callable[[str], str]] = {
    "phone": _phone,
    "ndc": _parted(_NDC),
    "tax_id": _parted(_EMPLOYER),
}
