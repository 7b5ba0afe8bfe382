"""Records as columns: every distinct text once, and which records bear it. Numbers do the rest."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, count, islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

# 32 bits where they are kept, of records and of their texts; 64 where two of them are made one.
Numbers = NDArray[np.integer[Any]]
Shares = NDArray[np.float32]
# Two equally long lists of distinct texts, by number; how alike each two are, 0 to 1, NaN where that says nothing. A
# measure may tell several similarities of each two: one row each.
Measure = Callable[[Numbers, Numbers], Shares]

ROWS = 20_000  # lists of texts held at once
DENSE = 1 << 20  # pairs of distinct texts counted in a table rather than sorted
CHUNK = 1_000_000  # pairs of texts compared at once: bounds memory whatever the number of pairs


@dataclass(frozen=True)
class Column:
    """Texts of many records: record r bears ``texts[c]`` for c in ``codes[starts[r]:starts[r + 1]]``."""

    texts: list[str]
    codes: Numbers
    starts: Numbers

    @classmethod
    def of(cls, lists: Iterable[Collection[str]]) -> "Column":
        """One list a record, empty where it says nothing; an empty text says nothing either."""
        making, remaining = Making(), iter(lists)
        while some := list(islice(remaining, ROWS)):
            making.add(some)
        return making.column()

    @classmethod
    def single(cls, raws: Sequence[str], make: Callable[[str], str]) -> "Column":
        """At most one text a record: what ``make`` makes of the raw text, asked once for each that is different."""
        raw = _numbered()
        codes = np.fromiter(map(raw.__getitem__, raws), np.int32, len(raws))
        known = _numbered()
        made = np.fromiter(map(known.__getitem__, map(make, raw)), np.int32, len(raw))
        return cls.said(known, made[codes], np.ones(len(codes), np.int32))

    @classmethod
    def said(cls, known: Mapping[str, int], codes: Numbers, sizes: Numbers) -> "Column":
        """Without the empty text, which is number 0 of ``known``."""
        speaks = codes > 0
        ends = np.r_[0, np.cumsum(speaks)][np.r_[0, np.cumsum(sizes)]].astype(np.int32)
        return cls(list(known)[1:], codes[speaks] - 1, ends)

    def __len__(self) -> int:
        return len(self.starts) - 1

    @cached_property
    def counts(self) -> Numbers:
        """How many texts each record bears."""
        return np.diff(self.starts)

    @cached_property
    def bearers(self) -> Numbers:
        """How many times each distinct text is borne."""
        return np.bincount(self.codes, minlength=len(self.texts)).astype(np.int32)

    @cached_property
    def owners(self) -> Numbers:
        """The record of each entry of ``codes``."""
        return np.repeat(np.arange(len(self), dtype=np.int32), self.counts)

    @cached_property
    def is_single(self) -> bool:
        """Whether no record bears more than one text."""
        return bool(len(self) == 0 or self.counts.max() <= 1)

    @cached_property
    def first(self) -> Numbers:
        """The number of each record's first text, -1 where it has none."""
        found = np.full(len(self), -1, dtype=np.int32)
        has = self.counts > 0
        found[has] = self.codes[self.starts[:-1][has]]
        return found

    @cached_property
    def taken(self) -> Callable[[Numbers], list[str]]:
        """The texts of given numbers."""
        return self.formed(str)

    def formed(self, make: Callable[[str], str]) -> Callable[[Numbers], list[str]]:
        """What ``make`` makes of the texts of given numbers; it is asked once for each distinct text."""
        made = np.array([*map(make, self.texts), ""], dtype=np.object_)

        def taken(codes: Numbers) -> list[str]:
            found: list[str] = made[codes].tolist()
            return found

        return taken

    def made(self, of_text: "Column") -> "Column":
        """What was made of each distinct text, as a column of these records; of ``of_text`` each row is a text of
        this column. A record bears nothing twice."""
        each = of_text.counts[self.codes]
        entry = np.repeat(np.arange(len(self.codes)), each)
        within = np.arange(len(entry)) - np.repeat(np.cumsum(each) - each, each)
        codes = of_text.codes[of_text.starts[self.codes[entry]] + within]
        owners = self.owners[entry]
        if not self.is_single:
            _, first = np.unique(owners.astype(np.int64) * len(of_text.texts) + codes, return_index=True)
            first.sort()
            codes, owners = codes[first], owners[first]
        return Column(of_text.texts, codes, np.searchsorted(owners, np.arange(len(self) + 1)).astype(np.int32))

    def share_filled(self) -> float:
        """How many records say anything, 0 to 1."""
        return float((self.counts > 0).mean()) if len(self) else 0.0


def batched(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    """So many at a time that what is made of them may be held."""
    return (texts[begin : begin + ROWS] for begin in range(0, len(texts), ROWS))


class Making:
    """A column made of some records after others."""

    def __init__(self) -> None:
        self._known = _numbered()
        self._codes, self._sizes = [np.zeros(0, np.int32)], [np.zeros(0, np.int32)]

    def add(self, lists: Sequence[Collection[str]]) -> None:
        """The texts of the next records."""
        sizes = np.fromiter(map(len, lists), np.int32, len(lists))
        self._sizes.append(sizes)
        flat = chain.from_iterable(lists)
        self._codes.append(np.fromiter(map(self._known.__getitem__, flat), np.int32, int(sizes.sum())))

    def column(self) -> Column:
        """All of it."""
        return Column.said(self._known, np.concatenate(self._codes), np.concatenate(self._sizes))


def _numbered() -> dict[str, int]:
    """Texts by number in the order of their first look-up; the empty one is 0."""
    return defaultdict(count(1).__next__, {"": 0})


def compare(column: Column, left: Numbers, right: Numbers, measure: Measure) -> Shares:
    """The best agreement between any text of one record and any of the other, by pair; NaN where one says nothing.

    Each two distinct texts are measured once, however many records bear them.
    """
    if column.is_single or not len(left):
        ends = np.arange(CHUNK, len(left) + CHUNK, CHUNK)
    else:
        work = np.cumsum(np.maximum(column.counts[left] * column.counts[right], 1))
        ends = np.searchsorted(work, np.arange(CHUNK, work[-1] + CHUNK, CHUNK), side="right")
    ends = np.unique(np.r_[np.minimum(ends, len(left)), len(left)])
    parts = [slice(begin, end) for begin, end in zip([0, *ends[:-1].tolist()], ends.tolist(), strict=True)]
    return np.concatenate([_compare(column, left[part], right[part], measure) for part in parts])


def _compare(column: Column, left: Numbers, right: Numbers, measure: Measure) -> Shares:
    if column.is_single:
        return measured(column.first[left], column.first[right], column.bearers, measure)
    ours, theirs = column.counts[left], column.counts[right]
    each = ours * theirs
    pair = np.repeat(np.arange(len(left)), each)
    within = np.arange(len(pair)) - np.repeat(np.cumsum(each) - each, each)
    one = column.codes[column.starts[left][pair] + within // np.maximum(theirs[pair], 1)]
    other = column.codes[column.starts[right][pair] + within % np.maximum(theirs[pair], 1)]
    alike = measured(one, other, column.bearers, measure)
    found = np.full((len(left), *alike.shape[1:]), np.nan, dtype=np.float32)
    speak = np.flatnonzero(each)
    if len(speak):
        found[speak] = np.fmax.reduceat(alike, (np.cumsum(each) - each)[speak])
    return found


def measured(one: Numbers, other: Numbers, bearers: Numbers, measure: Measure) -> Shares:
    """``measure`` of each two texts, called once for each two that differ from all others; -1 says nothing.

    ``bearers`` is how many records bear each text: two that one record each bears meet once and need not be sought.
    """
    size = max(len(bearers), 1)
    pairs = len(one)
    speak = np.flatnonzero((one >= 0) & (other >= 0))
    one, other = one[speak], other[speak]
    keys = np.minimum(one, other).astype(np.int64) * size + np.maximum(one, other)
    if size * size <= max(len(keys), DENSE):
        there = np.bincount(keys, minlength=1) > 0
        keys, where = np.flatnonzero(there), (np.cumsum(there) - 1)[keys]
    else:
        often = (bearers[one] > 1) | (bearers[other] > 1)
        again, places = np.unique(keys[often], return_inverse=True)
        where = np.empty(len(keys), np.int64)
        where[often] = places
        where[~often] = np.arange(len(again), len(again) + len(keys) - len(places))
        keys = np.concatenate([again, keys[~often]])
    shares = measure(keys // size, keys % size)
    found = np.full((pairs, *shares.shape[1:]), np.nan, dtype=np.float32)
    found[speak] = shares[where]
    return found
