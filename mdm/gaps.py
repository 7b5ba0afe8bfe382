"""Which ids may still appear below those numbered already: what the sequencer remembers between two batches.

A transaction held open keeps every number given meanwhile as a dead entry of the index of unnumbered events. Reading
that index from its beginning took 157 ms a batch after 200,000 events, and 30 ms from where the last batch ended. So
the sequencer goes on from ``mark`` and asks besides for gaps below it: ids taken by transactions that had not ended.
A gap is read again only when one of those that may fill it has ended: of thousands of gaps left by rollbacks while
one transaction is held open, none is.

Whoever may fill a gap has a lower number than the sequencer's own transaction of the *next* batch: it began after the
gap was seen, and writers begin to write before they take an id (``mdm.log.emit`` sees to it). The upper end of the
snapshot that showed the gap is no such bound: it lies one above the newest transaction that had *ended*, below others
that were running already.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from heapq import nlargest
from itertools import pairwise
from typing import Any

MOST_GAPS = 1_000  # of one kind; more become fewer and wider
MOST_KEPT = 200  # in the head's row, for who takes over

Gap = tuple[int, int]  # the lowest and the highest id
Running = frozenset[int]


def running(snapshot: str, own: int) -> Running:
    """Transactions below ``own`` that had not ended in a snapshot written ``oldest:following:listed``."""
    _, following, listed = snapshot.split(":")
    return frozenset(number for number in map(int, filter(None, listed.split(","))) if number < own) | frozenset(
        range(int(following), own)
    )


@dataclass
class Gaps:
    """Nothing above ``mark`` was seen, and below it only what lies in a gap can still appear.

    ``fresh`` gaps were seen in the newest batch or by a sequencer before; the others are kept by the transactions that
    may fill them.
    """

    mark: int = 0
    fresh: list[Gap] = field(default_factory=list)
    by_running: dict[Running, list[Gap]] = field(default_factory=dict)

    def remember(self, mark: int, kept: Iterable[Sequence[Any]]) -> None:
        """Begin where another sequencer left off."""
        self.mark, self.fresh, self.by_running = mark, [], {}
        for low, high, *may in kept:
            gaps = self.by_running.setdefault(frozenset(may[0]), []) if may else self.fresh
            gaps.append((low, high))

    def kept(self) -> list[list[Any]]:
        """All of them as ``[low, high]`` and ``[low, high, transactions that may fill it]``, few enough for a row.

        What only a transaction held open may fill becomes wide, and that costs nothing: it is not read before that
        one has ended. Without those who may fill it, who takes over would read thousands of dead entries.
        """
        groups = {may: gaps for may, gaps in self.by_running.items() if gaps}
        if len(groups) >= MOST_KEPT:  # then a gap waits for any of all transactions
            groups = {frozenset().union(*groups): [gap for gaps in groups.values() for gap in gaps]}
        share = MOST_KEPT // (len(groups) + 1)
        found: list[list[Any]] = [[low, high] for low, high in fewer(self.fresh, share)]
        for may, gaps in groups.items():
            found += [[low, high, sorted(may)] for low, high in fewer(gaps, share)]
        return found

    def due(self, now: Running) -> list[Gap]:
        """Gaps to read again, in ascending order: those in which something may have appeared."""
        ended = [gap for may, gaps in self.by_running.items() if not may <= now for gap in gaps]
        return sorted([*self.fresh, *ended])

    def saw(self, ids: Sequence[int], now: Running, *, whole: bool) -> None:
        """A batch of ascending ids was read: what is due, and what lies above the mark.

        ``whole`` says that nothing due was left unread. Gaps that nobody can fill any more are forgotten.
        """
        filled = [number for number in ids if number <= self.mark]
        self.fresh = without(self.fresh, filled)
        by_running: dict[Running, list[Gap]] = {}
        for may, gaps in self.by_running.items():
            rest = gaps if may <= now else without(gaps, filled)
            by_running.setdefault(may & now if whole else may, []).extend(rest)
        if whole:
            by_running.setdefault(now, []).extend(self.fresh)
            self.fresh = []
        self.by_running = {may: fewer(gaps, MOST_GAPS) for may, gaps in by_running.items() if may and gaps}
        for number in ids:
            if number > self.mark:
                if number > self.mark + 1:
                    self.fresh.append((self.mark + 1, number - 1))
                self.mark = number


def without(gaps: Iterable[Gap], filled: Sequence[int]) -> list[Gap]:
    """The gaps without these ascending ids."""
    rest: list[Gap] = []
    for low, high in gaps:
        for number in filled[bisect_left(filled, low) : bisect_right(filled, high)]:
            if number > low:
                rest.append((low, number - 1))
            low = number + 1
        if low <= high:
            rest.append((low, high))
    return rest


def fewer(gaps: Iterable[Gap], most: int) -> list[Gap]:
    """At most so many ascending gaps that cover all of these: the nearest ones become one, with what lies between."""
    ordered = sorted(gaps)
    if len(ordered) <= most:
        return ordered
    kept_apart = set(nlargest(most - 1, range(1, len(ordered)), key=lambda at: ordered[at][0] - ordered[at - 1][1]))
    bounds = [0, *sorted(kept_apart), len(ordered)]
    return [(ordered[begin][0], max(high for _, high in ordered[begin:end])) for begin, end in pairwise(bounds)]
