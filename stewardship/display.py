"""How values are worded and drawn for people: pure functions behind the template tags, no HTML here.

Everything in this file takes plain values and returns plain values, so it is tested without Django's templates.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zlib import crc32

SOURCE_CLASSES = 10
# Any word would do; this one gives the usual systems (erp, ap, procurement, billing, legacy, inventory, contracts,
# stewardship) eight different colours of the ten.
SOURCE_SALT = "assay43"

ACRONYMS = {
    word.lower(): word
    for word in (
        "NDC", "GTIN", "HCPCS", "UNSPSC", "DUNS", "UEI", "LEI", "NPI", "CCN", "GLN", "UOM", "GL", "ZIP", "IBAN", "BIC",
        "ID", "URL", "ERP", "AP", "EIN", "UDI", "HIN", "API", "CSV", "JSON", "VA", "VAT", "DEA", "SKU", "MPN", "SIC",
    )
}  # fmt: skip

TONES = {
    # golden records
    "active": "ok",
    "pending": "warn",
    "retired": "plain",
    "merged": "violet",
    # match candidates, decisions, change requests
    "open": "info",
    "review": "warn",
    "auto": "ok",
    "new": "info",
    "claimed": "info",
    "decided": "plain",
    "linked": "ok",
    "unlinked": "plain",
    "confirmed": "ok",
    "rejected": "danger",
    "approved": "ok",
    "scheduled": "info",
    "refused": "danger",
    "proposed": "warn",
    "waiting": "warn",
    "parked": "violet",
    "withdrawn": "plain",
    "superseded": "plain",
    "stale": "warn",
    "skipped": "plain",
    # batches, deliveries, endpoints
    "received": "info",
    "reading": "busy",
    "running": "busy",
    "sending": "busy",
    "matching": "busy",
    "mastering": "busy",
    "queued": "info",
    "due": "info",
    "done": "ok",
    "sent": "ok",
    "delivered": "ok",
    "accepted": "ok",
    "retrying": "warn",
    "paused": "warn",
    "quarantine": "warn",
    "quarantined": "warn",
    # lists to check
    "asked": "info",
    "checked": "ok",
    "cancelled": "plain",
    "known": "ok",
    "unsure": "warn",
    "changed": "info",
    "beside": "warn",
    "same": "plain",
    "wrong": "danger",
    "proposing": "busy",
    "withdrawing": "busy",
    # links
    "verified": "ok",
    "automatic": "info",
    "system": "plain",
    # rule sets and re-matches
    "draft": "warn",
    "reverting": "busy",
    "reverted": "plain",
    "join": "ok",
    "split": "warn",
    "question": "info",
    "failed": "danger",
    "dead": "danger",
    "down": "danger",
    "mended": "ok",
    "unchanged": "plain",
    "disabled": "plain",
}


def source_class(code: str) -> str:
    """The colour class of a source system: the same code always has the same colour, on every machine."""
    return f"source-{crc32((SOURCE_SALT + code).encode()) % SOURCE_CLASSES}"


def tone(state: str) -> str:
    """The badge tone of a state: ok, warn, danger, info, violet, busy, or plain for states not known here."""
    return TONES.get(state.lower().replace("-", "_"), "plain")


def wording(name: str) -> str:
    """A name from code as people read it: ``tax_id`` becomes ``Tax ID``, ``remit-to`` becomes ``Remit to``."""
    words = name.replace("_", " ").replace("-", " ").split()
    shown = [ACRONYMS.get(word.lower(), word) for word in words]
    if shown and shown[0].islower():
        shown[0] = shown[0].capitalize()
    return " ".join(shown)


def relative_time(moment: datetime, now: datetime) -> str:
    """How long ago or ahead ``moment`` is, in the largest unit that says enough: ``3 hours ago``, ``in 2 days``."""
    seconds = (now - moment).total_seconds()
    size = abs(seconds)
    if size < 45:
        return "just now"
    for limit, unit, length in (
        (3600, "minute", 60),
        (86400, "hour", 3600),
        (30 * 86400, "day", 86400),
        (365 * 86400, "month", 30 * 86400),
        (float("inf"), "year", 365 * 86400),
    ):
        if size < limit:
            number = max(1, round(size / length))
            words = f"{number} {unit}" if number == 1 else f"{number} {unit}s"
            return f"{words} ago" if seconds > 0 else f"in {words}"
    return "just now"


def spark_points(values: Sequence[float], width: int, height: int) -> list[tuple[float, float]]:
    """Points of a line through ``values`` in a box of that size, first left, largest on top, one pixel of air."""
    if not values:
        return []
    low, high = min(values), max(values)
    span = (high - low) or 1.0
    step = width / max(1, len(values) - 1)
    return [
        (round(index * step, 2), round(1 + (height - 2) * (1 - (value - low) / span), 2))
        for index, value in enumerate(values)
    ]


@dataclass(frozen=True)
class ReasonLine:
    """One comparison as drawn: ``x`` and ``width`` on an axis from -50 to 50, ``side`` is for, against or empty."""

    label: str
    note: str
    shown: str
    side: str
    x: float
    width: float


def reason_lines(weights: Sequence[tuple[str, float, str]]) -> list[ReasonLine]:
    """Lines for (label, match weight, note), strongest first; the longest bar fills its half.

    A scale never finer than five bits keeps weak evidence looking weak.
    """
    scale = max([5.0, *(abs(weight) for _, weight, _ in weights)])
    lines = []
    for label, weight, note in sorted(weights, key=lambda line: -abs(line[1])):
        width = round(50 * abs(weight) / scale, 2)
        side = "for" if weight > 0 else "against" if weight < 0 else ""
        shown = f"{weight:+.1f}".replace("-", "\N{MINUS SIGN}") if side else "0"
        lines.append(ReasonLine(label, note, shown, side, 0.0 if weight > 0 else -width, width))
    return lines


def initials(name: str) -> str:
    """One or two capitals for a person's round badge; a question mark for nobody."""
    words = name.replace(".", " ").replace("_", " ").replace("-", " ").split()
    if not words:
        return "?"
    return (words[0][0] + (words[-1][0] if len(words) > 1 else "")).upper()
