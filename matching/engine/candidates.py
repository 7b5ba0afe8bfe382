"""Which records are worth comparing: shared keys of several passes, and names of like spelling. Each pair once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from matching.engine.columns import Column, Numbers

MOST_BEARERS = 200  # of one key, whatever the budget
MOST_KEYS = 24  # of one record in one pass: many names at many addresses would make thousands
_MIX = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))


@dataclass(frozen=True)
class Pairs:
    """Record numbers, ``left`` always the lower one."""

    left: Numbers
    right: Numbers

    def __len__(self) -> int:
        return len(self.left)

    @classmethod
    def of_keys(cls, keys: Numbers, records: int) -> "Pairs":
        """From the numbers ``keys`` gave them."""
        return cls((keys // max(records, 1)).astype(np.int32), (keys % max(records, 1)).astype(np.int32))

    def keys(self, records: int) -> Numbers:
        """One number each, in the order of left and right."""
        return self.left.astype(np.int64) * records + self.right

    def kept(self, which: NDArray[np.bool_] | Numbers) -> "Pairs":
        """Those the mask or the positions name."""
        return Pairs(self.left[which], self.right[which])


@dataclass
class Report:
    """What blocking did: pairs a pass found, and keys it left out because too many records share them."""

    records: int
    pairs: int = 0
    by_pass: dict[str, int] = field(default_factory=dict)
    left_out: dict[str, tuple[int, int]] = field(default_factory=dict)  # keys, and the records that share the largest
    notes: Sequence[str] = ()  # what of the values was left out, in sentences

    def sentences(self) -> Iterator[str]:
        """For people: how much is compared, and what is not, with the reason."""
        each = self.pairs / self.records if self.records else 0.0
        yield f"{self.pairs:,} pairs of {self.records:,} records are compared, {each:.1f} for each."
        yield from self.notes
        for name, (keys, most) in self.left_out.items():
            yield f"{keys:,} values of {name} say too little to compare by: up to {most:,} records share one."


def keys_of(columns: Sequence[Column], number: int) -> tuple[Numbers, NDArray[np.uint64]]:
    """(record, key) for every combination of one text of each column; a record silent in one of them has none."""
    records = np.arange(len(columns[0]), dtype=np.int64)
    keys = np.full(len(records), mixed(np.array([number + 1], dtype=np.uint64))[0])
    made = np.ones(len(records), dtype=np.int64)
    for position, column in enumerate(columns):
        each = np.minimum(column.counts[records], np.maximum(MOST_KEYS // np.maximum(made, 1), 1))
        again = np.repeat(np.arange(len(records)), each)
        within = np.arange(len(again)) - np.repeat(np.cumsum(each) - each, each)
        codes = column.codes[column.starts[records[again]] + within]
        records, made = records[again], (made * each)[again]
        keys = mixed(keys[again] ^ mixed(codes.astype(np.uint64) + np.uint64(position << 40)))
    return records, keys


def mixed(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """SplitMix64's finaliser (Steele, Lea and Flood 2014): nearby numbers become far ones."""
    with np.errstate(over="ignore"):
        found = numbers + _MIX[0]
        found = (found ^ (found >> np.uint64(30))) * _MIX[1]
        found = (found ^ (found >> np.uint64(27))) * _MIX[2]
    return found ^ (found >> np.uint64(31))


def sharing(records: Numbers, keys: NDArray[np.uint64], cap: int, *, budget: int = 0) -> tuple[Pairs, int, int]:
    """Pairs of records that share a key borne by at most ``cap``, or by more while all of them are no more than
    ``budget`` pairs; how many keys are borne by more, and by how many the most common one. A record that bears one
    key twice counts once."""
    # One number is sorted many times faster than two side by side. Of the key 44 bits are left for a million records:
    # in one file out of ten a single pair is compared for no reason.
    bits = np.uint64(int(records.max(initial=1)).bit_length())
    packed = (keys >> bits << bits) | records.astype(np.uint64)
    packed.sort()
    packed = packed[np.r_[True, packed[1:] != packed[:-1]][: len(packed)]]
    keys, records = packed >> bits, (packed & ((np.uint64(1) << bits) - np.uint64(1))).astype(np.int32)
    bounds = np.flatnonzero(np.r_[True, keys[1:] != keys[:-1], True][-len(keys) - 1 :])
    sizes = np.diff(bounds)
    cap = max(cap, _affordable(sizes, budget))
    lefts, rights = [np.zeros(0, np.int32)], [np.zeros(0, np.int32)]
    for size in np.unique(sizes[(sizes > 1) & (sizes <= cap)]):
        members = records[bounds[:-1][sizes == size][:, None] + np.arange(size)]
        one, other = np.triu_indices(int(size), 1)
        lefts.append(members[:, one].ravel())
        rights.append(members[:, other].ravel())
    over = sizes[sizes > cap]
    return Pairs(np.concatenate(lefts), np.concatenate(rights)), len(over), int(over.max(initial=0))


def _affordable(sizes: Numbers, budget: int) -> int:
    """The largest size of key up to which all keys together make no more pairs than that."""
    there, count = np.unique(sizes[sizes > 1], return_counts=True)
    fits = there[np.cumsum(count * (there * (there - 1) // 2)) <= budget]
    return min(int(fits.max(initial=0)), MOST_BEARERS)


def united(found: Sequence[Pairs], records: int) -> Pairs:
    """Every pair once."""
    keys = np.concatenate([np.zeros(0, np.int64), *(_ascending(one).keys(records) for one in found)])
    keys.sort()
    pairs = Pairs.of_keys(keys[np.r_[True, keys[1:] != keys[:-1]][: len(keys)]], records)
    return pairs.kept(pairs.left != pairs.right)


def _ascending(pairs: Pairs) -> Pairs:
    return Pairs(np.minimum(pairs.left, pairs.right), np.maximum(pairs.left, pairs.right))
