"""Free text: what people wrote, without what machines left in it."""

import re
import unicodedata
from typing import Any

from mdm.standardise.style import Answer, Doubt, Style

_SPACE = re.compile(r"\s+")
_EMAIL = re.compile(r"[^\s@,;:<>()\[\]\"]+@(?:[^\s@.,;:<>()\[\]\"/]+\.)+[^\W\d_]{2,}")
_URL = re.compile(r"(?:(?P<scheme>https?)://)?(?P<host>(?:[a-z0-9_-]+\.)+[a-z]{2,})(?P<rest>[:/?#].*)?", re.I)


def show(raw: str, longest: int = 60) -> str:
    """`raw` in quotes, cut to a length fit for a message."""
    return f'"{raw if len(raw) <= longest else raw[: longest - 3] + "..."}"'


def clean(raw: str) -> str:
    """`raw` trimmed, white space collapsed, without control, zero-width or direction marks, in Unicode form NFC."""
    if raw.isascii() and raw.isprintable():
        return raw.strip() if "  " not in raw else " ".join(raw.split())
    spaced = _SPACE.sub(" ", raw)
    kept = "".join(c for c in spaced if unicodedata.category(c) not in {"Cc", "Cf", "Cs"})
    # Composing comes last but may meet spaces a removed mark left side by side.
    return " ".join(unicodedata.normalize("NFC", kept).split())


def text(raw: str, style: Style, options: dict[str, Any]) -> Answer:
    """Free text, cleaned; ``casing`` (option, else the feed's) may ask for upper or lower case."""
    value = clean(raw)
    casing = options.get("casing", style.casing)
    if casing == "upper":
        value = clean(value.upper())
    elif casing == "lower":
        value = clean(value.lower())
    return value or None


def email(raw: str, _style: Style, _options: dict[str, Any]) -> Answer:
    """One mail address in lower case, or a doubt."""
    value = clean(raw).lower().removeprefix("mailto:").strip(" <>")
    if _EMAIL.fullmatch(value):
        return value
    return Doubt(f"{show(raw)} is not one e-mail address.")


def url(raw: str, _style: Style, _options: dict[str, Any]) -> Answer:
    """A web address with scheme, host in lower case, no empty path or query; ``http`` where none is written."""
    found = _URL.fullmatch(clean(raw))
    if not found or " " in found[0]:
        return Doubt(f"{show(raw)} is not a web address.")
    scheme = (found["scheme"] or "http").lower()
    return f"{scheme}://{found['host'].lower()}{(found['rest'] or '').rstrip('/?#')}"
