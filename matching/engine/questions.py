"""What to ask people next: the pairs whose answers teach most."""

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from matching.engine.answers import Beliefs, Odds
from matching.engine.candidates import Pairs
from matching.engine.columns import Shares

TOP, RANDOM = 0.15, 0.1  # shares of what is asked that are nearly sure, and that are anything
LIKELY = (1.0, 6.0)  # log-odds of the nearly sure
UNLIKELY = -7.0  # log-odds below which asking is a waste
POOL = 5  # pairs weighed against each other for each question


def questions(
    evidence: Mapping[str, Shares], first: Odds, odds: Odds, answers: Odds, pairs: Pairs, beliefs: Beliefs, count: int
) -> list[int]:
    """The ``count`` pairs whose answers teach most, by position.

    Most are drawn from the uncertain ones, and of those drawn each time the one least is known about, all chosen
    before it counted as answered, so that none is a copy of another. Some are nearly sure, so that the automatic band
    is judged; a few are taken at random. Nothing already answered, and no record twice while there are others. The
    same file and answers give the same questions.
    """
    random = np.random.default_rng(len(odds) + int(np.count_nonzero(~np.isnan(answers))))
    unanswered = np.isnan(answers)
    waiting = np.flatnonzero(unanswered & (odds > UNLIKELY))
    likely = waiting[(odds[waiting] > LIKELY[0]) & (odds[waiting] < LIKELY[1])]
    taken = _Taken(pairs)
    taken.add(random.permutation(likely), round(TOP * count))
    taken.add(random.permutation(waiting), round(RANDOM * count))
    drawn = _drawn(random, odds[waiting])[: POOL * count]
    pool = np.array([*taken.found, *(at for at in waiting[drawn].tolist() if at not in taken.found)], dtype=np.intp)
    telling = _telling(beliefs.seen(evidence, first, pool), odds[pool], beliefs.spread, len(taken.found))
    taken.add((int(pool[at]) for at in telling), count - len(taken.found))
    taken.add(waiting, count - len(taken.found))
    taken.add(np.flatnonzero(unanswered), count - len(taken.found), freely=True)
    return taken.found


def _drawn(random: np.random.Generator, odds: Odds) -> NDArray[np.intp]:
    """Everything in a random order, what is uncertain the sooner (Efraimidis and Spirakis 2006)."""
    return np.argsort(np.log(1 - random.random(len(odds))) / (expit(odds) * expit(-odds)))[::-1]


class _Taken:
    """Questions taken so far, each record once."""

    def __init__(self, pairs: Pairs) -> None:
        self.found: list[int] = []
        self._pairs = pairs
        self._records: set[int] = set()

    def add(self, order: Iterable[int], count: int, *, freely: bool = False) -> None:
        """The first ``count`` of these about records nobody is asked of yet; ``freely``, of any."""
        for at in order:
            if count <= 0:
                return
            records = {int(self._pairs.left[at]), int(self._pairs.right[at])}
            if at not in self.found if freely else not records & self._records:
                self._records |= records
                self.found.append(int(at))
                count -= 1


def _telling(table: NDArray[np.float64], odds: Odds, spread: NDArray[np.float64], given: int) -> Iterator[int]:
    """Rows of the table, each time the one least is known of where it matters; the first ``given`` are known first."""
    weight = np.maximum(expit(odds) * expit(-odds), 1e-4)
    spread = spread.copy()
    unknown = np.einsum("ij,ij->i", table @ spread, table)
    for turn in range(len(odds)):
        at = turn if turn < given else int(np.argmax(weight * unknown))
        toward = spread @ table[at]
        known = 1 / weight[at] + table[at] @ toward
        spread -= np.outer(toward, toward) / known
        unknown -= (table @ toward) ** 2 / known
        unknown[at] = -np.inf
        if turn >= given:
            yield at
