"""Telephone numbers in E.164."""

import re
from functools import lru_cache
from typing import Any

import phonenumbers

from mdm.standardise.style import Answer, Doubt, Style
from mdm.standardise.tables import COUNTRY_CODES, plain
from mdm.standardise.text import clean, show

# North America written in any usual way; the number plan starts neither area nor exchange with 0 or 1.
_NORTH_AMERICAN = re.compile(r"(?:\+?1[ .-]?)?\(?([2-9]\d{2})\)?[ .-]{0,2}([2-9]\d{2})[ .-]?(\d{4})", re.ASCII)
_PLAN_COUNTRIES = frozenset({"US", "CA"})
_LONGEST = 40


@lru_cache(maxsize=1024)
def _area_code_is_open(area: str) -> bool:
    """Whether every number of this area code is valid, as in the US and Canada; the islands open some exchanges."""
    sample = phonenumbers.PhoneNumber(country_code=1, national_number=int(area + "2345678"))
    return phonenumbers.region_code_for_number(sample) in _PLAN_COUNTRIES


@lru_cache(maxsize=16384)
def _parsed(value: str, country: str) -> str | None:
    try:
        number = phonenumbers.parse(value, country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    plain_number = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return f"{plain_number} ext. {number.extension}" if number.extension else plain_number


def phone(raw: str, style: Style, options: dict[str, Any]) -> Answer:
    """``+19255551234``, with `` ext. 45`` behind it where there is one; letters on the keys are read as digits.

    A number without ``+`` is read as dialled in option ``country`` (that of the row) and, where it is not valid there,
    as dialled in the feed's country: ``011`` in front of a German number is American dialling. Else it is doubted.
    """
    told = str(options.get("country") or "")
    country = (told if len(told) == 2 and told.isupper() else COUNTRY_CODES.get(plain(told))) or style.country
    found = _NORTH_AMERICAN.fullmatch(raw)
    if found and (country in _PLAN_COUNTRIES or raw.startswith("+1")) and _area_code_is_open(found[1]):
        return f"+1{found[1]}{found[2]}{found[3]}"
    value = clean(raw)
    number = None
    if len(value) <= _LONGEST:
        number = _parsed(value, country) or (_parsed(value, style.country) if country != style.country else None)
    return number if number else Doubt(f"{show(raw)} is not a valid telephone number of {country}.")
