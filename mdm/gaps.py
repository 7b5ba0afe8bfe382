"""Which ids may still appear below those numbered already: what the sequencer remembers between two batches.

A transaction held open keeps every number given meanwhile as a dead entry of the index of unnumbered events. Reading
that index from its beginning took 157 ms a batch after 200,000 events, and 30 ms from where the last batch ended. So
the sequencer goes on from ``mark`` and asks besides for the gaps below it: ids taken by transactions that had not
ended, until a snapshot shows that all of them have.

Which transactions could have taken an id is bounded by the sequencer's own transaction of the *next* batch: it began
after the gap was seen, so whoever took a number in the gap has a lower one, given that writers begin to write before
they take one (``mdm.log.emit`` sees to it). The upper end of the snapshot that showed the gap is no such bound: it
lies one above the newest transaction that had *ended*, below others that were already running.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

MOST_GAPS = 20_000


@dataclass(frozen=True, slots=True)
class Gap:
    """Ids ``low`` to ``high`` had not appeared yet, and only transactions below ``before`` can fill them.

    0 is not known yet: the gap was seen in the newest batch.
    """

    low: int
    high: int
    before: int = 0


@dataclass
class Gaps:
    """Nothing above ``mark`` was seen, and below it only what lies in ``open`` can still appear."""

    mark: int = 0
    open: list[Gap] = field(default_factory=list)

    def saw(self, ids: Sequence[int], *, oldest: int, own: int) -> None:
        """A batch of ascending ids was read with a snapshot in which ``oldest`` was the first transaction still
        running, by transaction ``own``, which began after the batch before. Gaps nobody can fill any more are
        forgotten."""
        known = [gap if gap.before else Gap(gap.low, gap.high, own) for gap in self.open]
        self.open = [gap for gap in known if gap.before > oldest]
        filled = [number for number in ids if number <= self.mark]
        if filled:
            self._fill(filled)
        for number in ids:
            if number > self.mark:
                if number > self.mark + 1:
                    self.open.append(Gap(self.mark + 1, number - 1))
                self.mark = number
        if len(self.open) > MOST_GAPS:
            half = len(self.open) // 2
            bounds = [gap.before for gap in self.open[:half]]
            wide = Gap(self.open[0].low, self.open[half - 1].high, max(bounds) if all(bounds) else 0)
            self.open = [wide, *self.open[half:]]

    def _fill(self, filled: Sequence[int]) -> None:
        """Take these ids out of the gaps they lie in."""
        rest: list[Gap] = []
        numbers = iter(filled)
        number = next(numbers, None)
        for gap in self.open:
            low = gap.low
            while number is not None and number <= gap.high:
                if number > low:
                    rest.append(Gap(low, number - 1, gap.before))
                low = max(low, number + 1)
                number = next(numbers, None)
            if low <= gap.high:
                rest.append(Gap(low, gap.high, gap.before))
        self.open = rest
