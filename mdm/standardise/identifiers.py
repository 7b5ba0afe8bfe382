"""Identifiers of companies, providers and places."""

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from stdnum import iban as stdnum_iban
from stdnum import lei as stdnum_lei
from stdnum import luhn
from stdnum.us import ein
from stdnum.util import get_cc_module

from mdm.standardise.digits import all_alike, compact, identifier, mask_tail
from mdm.standardise.style import Answer, Doubt, Style

if TYPE_CHECKING:
    from stdnum.util import NumberValidationModule

_EIN = re.compile(r"\d{2}-?\d{7}", re.ASCII)
_SSN = re.compile(r"\d{3}-\d{2}-\d{4}", re.ASCII)
_UEI = re.compile(r"[A-HJ-NP-Z1-9][A-HJ-NP-Z0-9]{11}", re.ASCII)
_CCN = re.compile(r"\d{6}|\d{2}[A-Z]\d{3}|\d{5}[A-Z]", re.ASCII)
_DOTS = "\u2022" * 4
_TAIL = re.compile(_DOTS + r"[A-Z0-9]{0,4}", re.ASCII)
_ALNUM = re.compile(r"[A-Z0-9]+", re.ASCII)


def _ein(value: str) -> str | None:
    """An EIN of an issued prefix as 9 digits; 8 digits are one that lost its leading zero in a spreadsheet."""
    if re.fullmatch(r"\d{8}", value, re.ASCII):
        value = "0" + value
    if not _EIN.fullmatch(value):
        return None
    digits = value.replace("-", "")
    return digits if ein.is_valid(digits) and not all_alike(digits[2:]) else None


@identifier("tax number")
def tax_id(value: str, options: dict[str, Any]) -> str | None:
    """A US employer number as 9 digits, whatever the country; abroad also letters and digits, unseparated.

    A number written like a social security number (3-2-4) is not taken: it names a person.
    """
    if _SSN.fullmatch(value):
        return None
    found = _ein(value.replace(" ", ""))
    if found or options["country"] == "US":
        return found
    foreign = compact(value)
    plausible = _ALNUM.fullmatch(foreign) and 5 <= len(foreign) <= 20 and any(c.isdigit() for c in foreign)
    return foreign if plausible and not all_alike(foreign) else None


@lru_cache(maxsize=256)
def _vat_rules(country: str) -> "NumberValidationModule | None":
    return get_cc_module(country.lower(), "vat") if country.isascii() and country.isalpha() else None


@identifier("VAT number")
def vat(value: str, options: dict[str, Any]) -> str | None:
    """A VAT number with its country prefix, its check digits verified; the country option fills a missing prefix."""
    plain = compact(value)
    for country, number in ((plain[:2], plain), (str(options["country"]), plain)):
        rules = _vat_rules("GR" if country == "EL" else country)
        prefix = "EL" if country == "GR" else country
        if rules and (bare := number.removeprefix(prefix)) and rules.is_valid(bare):
            return prefix + str(rules.compact(bare)).removeprefix(prefix)
    return None


@identifier("D-U-N-S number")
def duns(value: str, options: dict[str, Any]) -> str | None:
    """9 digits. Option ``pad`` = 9 restores leading zeros for a feed known to have lost them."""
    digits = compact(value).zfill(int(options.get("pad", 0)))
    return digits if re.fullmatch(r"\d{9}", digits, re.ASCII) and not all_alike(digits) else None


@identifier("unique entity identifier of SAM.gov")
def uei(value: str, _options: dict[str, Any]) -> str | None:
    """12 letters and digits without O, I, a leading zero or nine digits in a row (those are tax numbers)."""
    plain = compact(value)
    return plain if _UEI.fullmatch(plain) and not re.search(r"\d{9}", plain) else None


@identifier("legal entity identifier (LEI)")
def lei(value: str, _options: dict[str, Any]) -> str | None:
    """20 characters with valid check digits."""
    plain = compact(value)
    return plain if plain.isascii() and stdnum_lei.is_valid(plain) else None


@identifier("national provider identifier (NPI)")
def npi(value: str, _options: dict[str, Any]) -> str | None:
    """10 digits starting with 1 or 2, whose check digit holds with the prefix 80840."""
    plain = compact(value)
    if re.fullmatch(r"[12]\d{9}", plain, re.ASCII) and luhn.is_valid("80840" + plain):
        return plain
    return None


@identifier("Medicare provider number (CCN)")
def ccn(value: str, _options: dict[str, Any]) -> str | None:
    """6 characters: state code and number, or with a letter in place 3 or 6; 5 digits lost their leading zero."""
    plain = compact(value)
    if re.fullmatch(r"\d{5}", plain, re.ASCII):
        plain = "0" + plain
    return plain if _CCN.fullmatch(plain) and not all_alike(plain) else None


def iban(raw: str, _style: Style, _options: dict[str, Any]) -> Answer:
    """An account number of ISO 13616, check digits verified. Doubts show only its tail."""
    plain = compact(raw)
    if plain.isascii() and stdnum_iban.is_valid(plain):
        return plain
    return Doubt(f"{mask_tail(plain)} is not an IBAN.")


def bank_account(raw: str, style: Style, options: dict[str, Any]) -> Answer:
    """An account number: an IBAN, or 4 to 34 letters and digits unseparated. Doubts show only its tail."""
    plain = compact(raw)
    if re.match(r"[A-Z]{2}\d{2}", plain) and len(plain) >= 15:
        return iban(raw, style, options)
    if _ALNUM.fullmatch(plain) and 4 <= len(plain) <= 34 and any(c.isdigit() for c in plain):
        return plain
    return Doubt(f"{mask_tail(plain)} is not an account number.")


def account_tail(raw: str, style: Style, options: dict[str, Any]) -> Answer:
    """As `bank_account`, but all that is given back is four dots and the tail, for attributes that hold no more."""
    if _TAIL.fullmatch(raw):
        return raw
    answer = bank_account(raw, style, options)
    return _DOTS + mask_tail(answer).lstrip("\u2022") if isinstance(answer, str) else answer
