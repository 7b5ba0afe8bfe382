"""What is asked of the queue of all work: the same filters for the list and for the review of a question."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from mdm.domains import BY_NAME
from mdm.work import kinds

# Name in the address -> (label, lowest score, score it stays below).
BANDS: Mapping[str, tuple[str, float, float]] = {
    "likely": ("Likely", 0.9, 1.01),
    "possible": ("Possible", 0.7, 0.9),
    "unsure": ("Unsure", 0.0, 0.7),
}
# Name in the address -> (label, at least so many days old, fewer than so many).
AGES: Mapping[str, tuple[str, int, int]] = {
    "today": ("Today", 0, 1),
    "week": ("1 to 7 days", 1, 7),
    "older": ("Over a week", 7, 100_000),
}
# How the clock stands: late, in the last quarter of its time, before that.
CLOCKS: Mapping[str, str] = {"late": "Overdue", "soon": "Due soon", "fine": "In time"}
# What comes first; without a word the surest of one kind of question, else what is due first.
ORDERS: Mapping[str, str] = {
    "due": "Due first",
    "oldest": "Waiting longest",
    "newest": "Newest first",
    "teaches": "What teaches most first",
}
ME, NOBODY = "me", "nobody"
QUESTIONS = ("duplicates", "conflicts", "misfits")


@dataclass(frozen=True)
class Filters:
    """What is asked of the queue; every part is optional, all are joined by *and*."""

    kind: str = ""
    domain: str = ""
    band: str = ""
    source: str = ""
    age: str = ""
    due: str = ""
    mine: str = ""
    assignee: str = ""
    legal: str = ""
    facility: str = ""
    reason: str = ""
    parked: str = ""
    order: str = ""

    @classmethod
    def read(cls, asked: Mapping[str, Any]) -> "Filters":
        """From a query string; what is not known there is not asked."""
        chosen = {name: str(asked.get(name, "")).replace("\x00", "")[:300] for name in cls.__dataclass_fields__}
        known = {
            "kind": kinds(), "domain": BY_NAME, "band": BANDS, "age": AGES, "due": CLOCKS, "mine": ("yes",),
            "parked": ("yes",), "order": ORDERS,
        }  # fmt: skip
        return cls(**{name: value for name, value in chosen.items() if value in known.get(name, (value,))})

    def query(self, **changed: str) -> str:
        """The query string that asks this, with some parts changed; "" where nothing is asked."""
        parts = {name: getattr(self, name) for name in self.__dataclass_fields__} | changed
        asked = {name: value for name, value in parts.items() if value}
        return f"?{urlencode(asked)}" if asked else ""

    def without(self, name: str) -> "Filters":
        """The same with one part left out: what its counts are taken over."""
        return replace(self, **{name: ""})

    @property
    def narrowed(self) -> bool:
        """Whether anything but an order is asked."""
        return replace(self, order="") != Filters()

    @property
    def of_questions(self) -> bool:
        """Whether only questions of matching are asked for, which have a score."""
        return self.kind in QUESTIONS or bool(self.band) or self.order == "teaches"
