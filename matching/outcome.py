"""What a run of matching did."""

from dataclasses import dataclass


@dataclass
class Outcome:
    """What a run did: source records decided, how many of them joined others, golden records made, questions asked,
    linked source records whose changes were taken over, records turned back because nothing could be made of them, and
    pairs that resemble each other and were left apart because a person said so."""

    decided: int = 0
    linked: int = 0
    created: int = 0
    asked: int = 0
    refreshed: int = 0
    turned_back: int = 0
    respected: int = 0

    def add(self, other: "Outcome") -> None:
        """Sum up, batch after batch."""
        self.decided += other.decided
        self.linked += other.linked
        self.created += other.created
        self.asked += other.asked
        self.refreshed += other.refreshed
        self.turned_back += other.turned_back
        self.respected += other.respected

    @property
    def nothing(self) -> bool:
        """Whether there was no work."""
        return not (self.decided or self.refreshed or self.turned_back)
