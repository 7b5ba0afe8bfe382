"""Strengths and dosage forms of drugs as item lists write them."""

import re
from functools import lru_cache
from typing import Any

from mdm.standardise.style import Answer, Style
from mdm.standardise.text import clean

_UNITS = {
    "mg": "mg", "mgs": "mg", "milligram": "mg", "milligrams": "mg", "g": "g", "gm": "g", "gms": "g", "gram": "g",
    "grams": "g", "mcg": "mcg", "ug": "mcg", "\u00b5g": "mcg", "\u03bcg": "mcg", "microgram": "mcg",
    "micrograms": "mcg", "ng": "ng", "kg": "kg", "ml": "mL", "mls": "mL", "milliliter": "mL", "milliliters": "mL",
    "l": "L", "liter": "L", "liters": "L", "meq": "mEq", "mmol": "mmol", "unit": "unit", "units": "unit", "unt": "unit",
    "iu": "IU", "mci": "mCi", "hr": "h", "hrs": "h", "hour": "h", "hours": "h", "h": "h", "%": "%", "percent": "%",
    "act": "actuation", "actuation": "actuation", "dose": "dose", "puff": "actuation", "spray": "actuation",
}  # fmt: skip
# Not inside words (D5W) nor inside numbers written in ways of their own (1.2.3, 12,34).
_AMOUNT = re.compile(
    r"(?<![\w.,])(?=[.\d])(\d{1,3}(?:,\d{3})+|\d*)(\.\d+)?(?![\d.])(?!,\d)\s*(%|[^\W\d_]+(?![\d_.]))?", re.ASCII
)
_SLASH = re.compile(r"\s*/\s*")
_DASH = re.compile(r"\s*-\s*")
FORM_WORDS = {
    "tab": "tablet", "tabs": "tablet", "tablets": "tablet", "cap": "capsule", "caps": "capsule",
    "capsules": "capsule", "soln": "solution", "sol": "solution", "solp": "parenteral solution", "susp": "suspension",
    "inj": "injection", "oint": "ointment", "crm": "cream", "supp": "suppository", "suppos": "suppository",
    "syr": "syringe", "pwd": "powder", "pwdr": "powder", "recon": "reconstituted", "ampul": "ampule",
    "ampoule": "ampule", "btl": "bottle", "loz": "lozenge", "gtt": "drops", "drop": "drops", "pkt": "packet",
    "inhal": "inhalation", "aero": "aerosol", "elix": "elixir", "emul": "emulsion", "lot": "lotion", "ext": "extended",
    "rel": "release", "sust": "sustained", "powdr": "powder", "effervesc": "effervescent", "misc": "miscellaneous",
    "er": "extended release", "xr": "extended release", "sr": "sustained release",
    "dr": "delayed release", "ec": "enteric coated", "odt": "orally disintegrating tablet", "chew": "chewable",
    "oral": "oral", "opth": "ophthalmic", "ophth": "ophthalmic", "top": "topical", "solr": "reconstituted solution",
    "susr": "reconstituted suspension", "ptch": "patch", "pt24": "24 h patch", "iv": "intravenous",
}  # fmt: skip


def _amount(found: re.Match[str]) -> str:
    whole, fraction, unit = found.groups()
    if not whole and not fraction:
        return found[0]
    number = (whole or "0").replace(",", "").lstrip("0") or "0"
    part = (fraction or "").rstrip("0").rstrip(".")
    name = _UNITS.get(unit.lower(), unit) if unit else ""
    return f"{number}{part}{' ' + name if name else ''}"


@lru_cache(maxsize=16384)
def _strength(raw: str) -> str:
    pieces = []
    for side in _SLASH.split(clean(raw)):
        doses = [_AMOUNT.sub(_amount, dose) for dose in _DASH.split(side)]
        # "50 MG/ML": below the line a unit may stand alone.
        pieces.append("-".join(_UNITS.get(dose.lower(), dose) for dose in doses))
    return clean("/".join(pieces))


def strength(raw: str, _style: Style, _options: dict[str, Any]) -> Answer:
    """Amounts and units spelled one way: ``250MG / 5 ml`` and ``250 mg/5 mL`` are both ``250 mg/5 mL``."""
    return _strength(raw) or None


@lru_cache(maxsize=4096)
def _form(raw: str) -> str:
    words = re.sub(r"[^\w%]+", " ", clean(raw).lower()).split()
    return " ".join(FORM_WORDS.get(word, word) for word in words)


def dosage_form(raw: str, _style: Style, _options: dict[str, Any]) -> Answer:
    """The form in lower case with its abbreviations spelled out: ``TABS,EXT REL`` is ``tablet extended release``."""
    return _form(raw) or None
