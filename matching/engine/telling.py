"""What the texts of an organisation tell: its legal form, its country and region, what kind of place it is."""

import re
from functools import lru_cache

from mdm.standardise.companies import split_legal_form
from mdm.standardise.folding import fold, name_tokens
from mdm.standardise.tables import COUNTRY_CODES, SUBDIVISION_CODES, plain

# What clerks write around a name: account numbers before it, remarks behind it.
_ACCOUNT = re.compile(r"^\W*(?:[A-Z]{0,2}\d{4,}\W+|ZZ\W+)(?=\w)", re.IGNORECASE)
_REMARK = re.compile(
    r"[\s\-(*#]+(?:do not use|dont use|dnu|use other|inactive|obsolete|closed|old|dup(?:licate)?|remit(?: to)?|eft|ach|"
    r"acc(?:oun)?ts? payable|a/p|main(?: campus)?|c/o\b.*|attn\b.*|#?\d)\W*$|\*+\w*\W*$",
    re.IGNORECASE,
)
_KINDS = {
    "pharmacy": "pharmacy", "apothecary": "pharmacy", "drugstore": "pharmacy", "laboratory": "laboratory",
    "pathology": "laboratory", "imaging": "imaging", "radiology": "imaging", "mri": "imaging",
    "outpatient": "outpatient", "ambulatory": "outpatient", "emergency": "emergency", "urgent": "urgent",
    "surgery": "surgery", "surgical": "surgery", "surgicenter": "surgery", "therapy": "therapy",
    "rehabilitation": "rehabilitation", "nursing": "nursing", "hospice": "hospice", "home": "home",
    "dialysis": "dialysis", "renal": "dialysis", "warehouse": "warehouse", "storage": "warehouse", "dock": "dock",
    "supply": "supply", "psychiatric": "mental", "behavioral": "mental", "mental": "mental", "children": "children",
    "pediatric": "children", "women": "women", "maternity": "women", "birth": "women", "dental": "dental",
    "eye": "eye", "vision": "eye", "heart": "heart", "cardiac": "heart", "cancer": "cancer", "oncology": "cancer",
    "wound": "wound", "sleep": "sleep", "clinic": "clinic", "hospital": "hospital", "infirmary": "hospital",
    "office": "office", "cafeteria": "food", "gift": "shop", "shop": "shop", "school": "school",
    "physician": "physician", "physicians": "physician", "veterans": "veterans", "foundation": "foundation", "hospitals": "hospital",
    "university": "university", "department": "department", "unit": "department", "center": "center",
}  # fmt: skip


def bare(raw: str) -> str:
    """A name without the account number before it and the remark behind it, or as it is where nothing else is left."""
    kept = _REMARK.sub("", _ACCOUNT.sub("", raw)).strip()
    return kept if len(kept) > 2 else raw


@lru_cache(maxsize=65536)
def legal_form(raw: str) -> str:
    """``llc``, ``gmbh``; empty where the name has none."""
    return split_legal_form(bare(raw))[1]


@lru_cache(maxsize=4096)
def country(raw: str) -> str:
    """The code of a country, or the text itself where it names none."""
    return COUNTRY_CODES.get(plain(raw), plain(raw))


@lru_cache(maxsize=4096)
def region(raw: str) -> str:
    """The code of a state or province of the US or Canada, else the text itself."""
    word = plain(raw)
    return SUBDIVISION_CODES.get(("US", word)) or SUBDIVISION_CODES.get(("CA", word)) or word


@lru_cache(maxsize=65536)
def kinds(raw: str) -> str:
    """What kinds of place a name says it is, in alphabetical order: ``hospital pharmacy``."""
    return " ".join(sorted({_KINDS[word] for word in name_tokens(fold(raw)) if word in _KINDS}))
