"""Records as columns: every distinct text once, and which records bear it. Numbers do the rest."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]
Shares = NDArray[np.float32]
# Two equally long lists of distinct texts, by number; how alike each two are, 0 to 1, NaN where that says nothing.
Measure = Callable[[Numbers, Numbers], Shares]

CHUNK = 1_000_000  # pairs compared at once: bounds memory whatever the number of pairs


@dataclass(frozen=True)
class Column:
    """Texts of many records: record r bears ``texts[c]`` for c in ``codes[starts[r]:starts[r + 1]]``."""

    texts: list[str]
    codes: Numbers
    starts: Numbers

    @classmethod
    def of(cls, lists: Iterable[Sequence[str]]) -> "Column":
        """One list a record, empty where it says nothing."""
        known: dict[str, int] = {}
        codes, starts = list[int](), [0]
        for texts in lists:
            codes += [known.setdefault(text, len(known)) for text in texts if text]
            starts.append(len(codes))
        return cls(list(known), np.array(codes, dtype=np.int64), np.array(starts, dtype=np.int64))

    def __len__(self) -> int:
        return len(self.starts) - 1

    @cached_property
    def counts(self) -> Numbers:
        """How many texts each record bears."""
        return np.diff(self.starts)

    @cached_property
    def bearers(self) -> Numbers:
        """How many times each distinct text is borne."""
        return np.bincount(self.codes, minlength=len(self.texts))

    @cached_property
    def owners(self) -> Numbers:
        """The record of each entry of ``codes``."""
        return np.repeat(np.arange(len(self), dtype=np.int64), self.counts)

    @cached_property
    def is_single(self) -> bool:
        """Whether no record bears more than one text."""
        return bool(len(self) == 0 or self.counts.max() <= 1)

    @cached_property
    def first(self) -> Numbers:
        """The number of each record's first text, -1 where it has none."""
        found = np.full(len(self), -1, dtype=np.int64)
        has = self.counts > 0
        found[has] = self.codes[self.starts[:-1][has]]
        return found

    def share_filled(self) -> float:
        """How many records say anything, 0 to 1."""
        return float((self.counts > 0).mean()) if len(self) else 0.0


def compare(column: Column, left: Numbers, right: Numbers, measure: Measure) -> Shares:
    """The best agreement between any text of one record and any of the other, by pair; NaN where one says nothing.

    Each two distinct texts are measured once, however many records bear them.
    """
    found = np.full(len(left), np.nan, dtype=np.float32)
    for begin in range(0, len(left), CHUNK):
        part = slice(begin, begin + CHUNK)
        found[part] = _compare(column, left[part], right[part], measure)
    return found


def _compare(column: Column, left: Numbers, right: Numbers, measure: Measure) -> Shares:
    if column.is_single:
        return measured(column.first[left], column.first[right], len(column.texts), measure)
    ours, theirs = column.counts[left], column.counts[right]
    each = ours * theirs
    pair = np.repeat(np.arange(len(left)), each)
    within = np.arange(len(pair)) - np.repeat(np.cumsum(each) - each, each)
    one = column.codes[column.starts[left][pair] + within // np.maximum(theirs[pair], 1)]
    other = column.codes[column.starts[right][pair] + within % np.maximum(theirs[pair], 1)]
    alike = measured(one, other, len(column.texts), measure)
    found = np.full(len(left), np.nan, dtype=np.float32)
    speak = np.flatnonzero(each)
    if len(speak):
        found[speak] = np.fmax.reduceat(alike, (np.cumsum(each) - each)[speak])
    return found


def measured(one: Numbers, other: Numbers, distinct: int, measure: Measure) -> Shares:
    """``measure`` of each two texts, called once for each two that differ from all others; -1 says nothing."""
    found = np.full(len(one), np.nan, dtype=np.float32)
    speak = np.flatnonzero((one >= 0) & (other >= 0))
    if not len(speak):
        return found
    low, high = np.minimum(one[speak], other[speak]), np.maximum(one[speak], other[speak])
    keys, where = np.unique(low * distinct + high, return_inverse=True)
    found[speak] = measure(keys // distinct, keys % distinct)[where]
    return found
