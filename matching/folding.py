"""Stand-in for mdm.standardise.folding."""

import re
import unicodedata
from functools import lru_cache

_NOT_WORD = re.compile(r"[^0-9A-Z]+")
_LEGAL = {
    "INC", "INCORPORATED", "CORP", "CORPORATION", "CO", "COMPANY", "COMPANIES", "LLC", "LTD", "LIMITED", "PLC", "LP", "LLP", "GP",
    "NV", "BV", "SA", "AG", "GMBH", "AB", "ASA", "AS", "SPA", "SE", "PTY", "PTE", "PC", "PA", "PLLC", "KG", "OYJ", "SAS",
    "SARL", "SRL", "KK", "THE", "TRUST", "HOLDINGS", "HOLDING", "GROUP",
}  # fmt: skip
_SOFT = {"HOLDINGS", "HOLDING", "GROUP", "TRUST", "COMPANIES"}
_TAIL = re.compile(r"\s*[/\\]\s*[A-Z]{2,3}\s*[/\\]?\s*$|\s*\\[A-Z]{2}\\")
_WORDS = {
    "CTR": "CENTER", "MED": "MEDICAL", "HOSP": "HOSPITAL", "REG": "REGIONAL", "REHAB": "REHABILITATION", "SAINT": "ST",
    "MT": "MOUNT", "CMNTY": "COMMUNITY", "COMM": "COMMUNITY", "MEM": "MEMORIAL", "MEML": "MEMORIAL", "CNTY": "COUNTY", "SVCS": "SERVICES", "SRVCS": "SERVICES",
    "HLTH": "HEALTH", "UNIV": "UNIVERSITY", "DIST": "DISTRICT", "PHARM": "PHARMACEUTICALS", "PHARMA": "PHARMACEUTICALS", "PHARMACEUTICAL": "PHARMACEUTICALS",
    "INTL": "INTERNATIONAL", "TECH": "TECHNOLOGIES", "TECHNOLOGY": "TECHNOLOGIES", "LABS": "LABORATORIES", "LABORATORY": "LABORATORIES", "CENTRE": "CENTER",
}  # fmt: skip
_STREET = {
    "STREET": "ST", "AVENUE": "AVE", "AV": "AVE", "BOULEVARD": "BLVD", "ROAD": "RD", "DRIVE": "DR", "LANE": "LN", "COURT": "CT", "PLACE": "PL",
    "HIGHWAY": "HWY", "PARKWAY": "PKWY", "SQUARE": "SQ", "CIRCLE": "CIR", "TERRACE": "TER", "TRAIL": "TRL", "NORTH": "N", "SOUTH": "S",
    "EAST": "E", "WEST": "W", "NORTHEAST": "NE", "NORTHWEST": "NW", "SOUTHEAST": "SE", "SOUTHWEST": "SW", "FIRST": "1", "SECOND": "2", "THIRD": "3",
    "FOURTH": "4", "FIFTH": "5", "SIXTH": "6", "SEVENTH": "7", "EIGHTH": "8", "NINTH": "9", "TENTH": "10", "ONE": "1", "TWO": "2", "THREE": "3",
    "SAINT": "ST", "MOUNT": "MT", "FORT": "FT", "CENTER": "CTR",
}  # fmt: skip
_SUFFIX = {"ST", "AVE", "BLVD", "RD", "DR", "LN", "CT", "PL", "HWY", "PKWY", "SQ", "CIR", "TER", "TRL", "WAY"}
_UNIT = re.compile(r"\b(SUITE|STE|UNIT|FLOOR|FL|ROOM|RM|BLDG|BUILDING|APT|LEVEL|MAIL STOP|MS|BOX)\b.*$")
_ORD = re.compile(r"\b(\d+)(ST|ND|RD|TH)\b")


@lru_cache(maxsize=65536)
def fold(text: str) -> str:
    flat = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().upper()
    flat = flat.replace("&", " AND ").replace("'", "").replace(".", "")
    return _NOT_WORD.sub(" ", flat).strip()


@lru_cache(maxsize=65536)
def company_core(text: str) -> str:
    upper = _TAIL.sub("", text.upper())
    words = [_WORDS.get(w, w) for w in fold(upper).split()]
    words = _join_letters(words)
    kept = list(words)
    while len(kept) > 1 and kept[-1] in _LEGAL - _SOFT:
        kept.pop()
    if len(kept) > 1 and kept[0] == "THE":
        kept = kept[1:]
    kept = [w for w in kept if w != "AND"] or kept
    return " ".join(kept)


def _join_letters(words: list[str]) -> list[str]:
    out: list[str] = []
    run = ""
    for word in words:
        if len(word) == 1 and word.isalpha():
            run += word
            continue
        if run:
            out.append(run)
            run = ""
        out.append(word)
    if run:
        out.append(run)
    return out


@lru_cache(maxsize=65536)
def place_core(text: str) -> str:
    folded = fold(text)
    words = [_WORDS.get(w, w) for w in folded.split()]
    if words and words[0] in {"KFH", "KFHP"}:
        words[0:1] = ["KAISER", "FOUNDATION", "HOSPITAL"]
    if words and words[0] in {"SSH"}:
        words[0:1] = ["SELECT", "SPECIALTY", "HOSPITAL"]
    kept = [w for w in words if w not in {"INC", "LLC", "CORP", "LP", "LTD", "AND", "THE", "OF"}]
    return " ".join(kept or words)


@lru_cache(maxsize=65536)
def street(text: str) -> str:
    """"house|street words" or ""."""
    flat = _ORD.sub(r"\1", fold(text))
    box = re.search(r"\bP ?O ?BOX (\d+)", flat)
    if box:
        return f"BOX {box[1]}|"
    flat = _UNIT.sub("", flat)
    words = [_STREET.get(w, w) for w in flat.split()]
    for i, w in enumerate(words):
        if w[0].isdigit():
            rest = words[i + 1 :]
            return f"{w}|{' '.join(rest)}" if rest else ""
    return ""


@lru_cache(maxsize=65536)
def skeleton(text: str) -> str:
    joined = re.sub(r"[^A-Z0-9]", "", text)
    return joined[:1] + re.sub(r"(.)\1+", r"\1", re.sub(r"[AEIOUYHW]", "", joined[1:])) if joined else ""


@lru_cache(maxsize=65536)
def item_text(text: str) -> str:
    flat = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().upper()
    flat = re.sub(r"(?<=\d),(?=\d{3})", "", flat)
    flat = re.sub(r"(\d)([A-Z%])", r"\1 \2", re.sub(r"([A-Z])(\d)", r"\1 \2", flat))
    return " ".join(sorted(set(re.findall(r"\d+(?:\.\d+)?|[A-Z]+|%", flat))))
