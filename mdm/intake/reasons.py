"""Why a feed document is no feed: all reasons at once, each with its place in the document."""

from collections.abc import Collection
from dataclasses import dataclass
from difflib import get_close_matches

from mdm.intake.surroundings import Surroundings
from mdm.standardise import Style


class Reasons:
    """Collects (place in the document, message) pairs; a feed is refused with all of them at once."""

    def __init__(self) -> None:
        self.found: list[tuple[str, str]] = []

    def add(self, place: str, message: str) -> None:
        self.found.append((place, message))

    def unknown(self, place: str, what: str, word: str, known: Collection[str]) -> None:
        """`word` is none of the known ones; the nearest is offered, else all are."""
        near = get_close_matches(word, list(known), n=1)
        hint = f'Did you mean "{near[0]}"?' if near else f"Known: {', '.join(sorted(known)) or 'none'}."
        self.add(place, f'There is no {what} "{word}". {hint}')


@dataclass(frozen=True)
class Ground:
    """What every line of one document is read against."""

    reasons: Reasons
    style: Style
    source: str
    around: Surroundings
