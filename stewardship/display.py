"""How values are worded and drawn for people: pure functions behind the template tags, no HTML here.

Everything in this file takes plain values and returns plain values, so it is tested without Django's templates.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import SequenceMatcher
from zlib import crc32

SOURCE_CLASSES = 10
# Any word would do; this one gives the usual systems (erp, ap, procurement, billing, legacy, inventory, contracts,
# stewardship) eight different colours of the ten.
SOURCE_SALT = "assay43"
# Beyond this many characters a character-wise comparison costs more than it tells.
DIFFER_LIMIT = 400
# Equal characters this few, between two longer differences, are chance and not likeness.
CHANCE = 3

ACRONYMS = {
    word.lower(): word
    for word in (
        "NDC", "GTIN", "HCPCS", "UNSPSC", "DUNS", "UEI", "LEI", "NPI", "CCN", "GLN", "UOM", "GL", "ZIP", "IBAN", "BIC",
        "ID", "URL", "ERP", "AP", "EIN", "UDI", "HIN", "API", "CSV", "JSON",
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


def differing_runs(value: str, other: str) -> list[tuple[str, bool]]:
    """Cut ``value`` into runs, each with whether it differs from ``other``; joined, the runs are ``value`` again.

    An empty differing run stands where ``other`` has something that ``value`` lacks. Case is ignored: two sources
    rarely agree on it and it never decides a match. Long values come back as one run.
    """
    if not value:
        return []
    if value.casefold() == other.casefold():
        return [(value, False)]
    if not other or max(len(value), len(other)) > DIFFER_LIMIT:
        return [(value, True)]
    left, right = value.lower(), other.lower()
    if len(left) != len(value):
        left, right = value, other
    steps = SequenceMatcher(None, left, right, autojunk=False).get_opcodes()
    runs = [(value[start:end], tag != "equal") for tag, start, end, _, _ in steps]
    return _joined(_without_chance(runs))


def _without_chance(runs: list[tuple[str, bool]]) -> list[tuple[str, bool]]:
    kept = []
    for index, (run, differs) in enumerate(runs):
        inside = 0 < index < len(runs) - 1
        chance = inside and len(run) <= CHANCE and all(len(runs[near][0]) > len(run) for near in (index - 1, index + 1))
        kept.append((run, differs or chance))
    return kept


def _joined(runs: list[tuple[str, bool]]) -> list[tuple[str, bool]]:
    joined: list[tuple[str, bool]] = []
    for run, differs in runs:
        if joined and joined[-1][1] == differs:
            joined[-1] = (joined[-1][0] + run, differs)
        else:
            joined.append((run, differs))
    return joined


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
