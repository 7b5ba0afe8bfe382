"""Names of like spelling: character 3-grams weighted by rarity (TF-IDF), the nearest few of each text."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import sparse

from matching.engine.candidates import Pairs
from matching.engine.columns import Numbers, Shares

SIZE = 3
ROWS = 4096  # texts looked up at once, at most
BLOCK = 5_000_000  # and steps: bounds memory
ALIKE = 30_000  # pairs compared at once: their 3-grams stay in the cache
WORK = 5_000  # steps a text: bounds time
MOST_BEARERS = 600  # a 3-gram borne by more texts finds nobody: what it costs grows with the square
DENSE = 1 << 22  # 3-grams an alphabet may make to be counted in a table instead of being sorted


class Spelling:
    """The 3-grams of distinct texts, each text's weights of length 1."""

    def __init__(self, texts: Sequence[str]) -> None:
        grams, starts = _grams(texts)
        codes, size = _numbered(grams)
        table = sparse.csr_matrix((np.ones(len(codes), np.float32), codes, starts), shape=(len(texts), max(size, 1)))
        table.sum_duplicates()
        self._bearers = np.bincount(table.indices, minlength=table.shape[1])
        rarity = np.log((1 + len(texts)) / (1 + self._bearers)).astype(np.float32)
        table.data = rarity[table.indices]
        self.table = _unit(table)

    def alike(self, one: Numbers, other: Numbers) -> Shares:
        """Cosine of two texts each, by their numbers, 0 to 1."""
        found = np.empty(len(one), dtype=np.float32)
        for begin in range(0, len(one), ALIKE):
            part = slice(begin, begin + ALIKE)
            found[part] = np.asarray(self.table[one[part]].multiply(self.table[other[part]]).sum(axis=1)).ravel()
        return found

    def nearest(self, count: int, *, least: float) -> Pairs:
        """Numbers of texts, and of the up to ``count`` others whose cosine over rarer 3-grams is highest."""
        most = _affordable(self._bearers, WORK * max(self.table.shape[0], ROWS))
        keep = (self._bearers <= most).astype(np.float32)
        rare = _unit(self.table @ sparse.diags(keep))
        rare.eliminate_zeros()
        turned = rare.T.tocsr()
        work = np.cumsum(_of_rows(rare, self._bearers))
        lefts, rights = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
        begin = 0
        while begin < rare.shape[0]:
            enough = int(np.searchsorted(work, (work[begin - 1] if begin else 0) + BLOCK, side="right"))
            end = min(max(enough, begin + 1), begin + ROWS, rare.shape[0])
            row, other = _highest(rare[begin:end] @ turned, count + 1, least)
            lefts.append((row + begin)[other != row + begin])
            rights.append(other[other != row + begin])
            begin = end
        return Pairs(np.concatenate(lefts), np.concatenate(rights))


def _affordable(bearers: Numbers, most: int) -> int:
    """How many texts may bear a 3-gram for all of those to be followed within so many steps."""
    sizes = np.sort(bearers[bearers <= MOST_BEARERS])
    fits = np.searchsorted(np.cumsum(sizes * sizes), most, side="right")
    return int(sizes[fits]) - 1 if fits < len(sizes) else MOST_BEARERS


def _of_rows(table: "sparse.csr_matrix", worth: Numbers) -> Numbers:
    """What the columns of each row are worth together."""
    found: Numbers = np.diff(np.r_[0, np.cumsum(worth[table.indices])][table.indptr])
    return found


def _highest(near: "sparse.csr_matrix", count: int, least: float) -> tuple[Numbers, Numbers]:
    """Row and column of the ``count`` highest of each row; of equal ones those that come first."""
    like = np.flatnonzero(near.data >= least)
    rows = np.repeat(np.arange(near.shape[0], dtype=np.uint64), np.diff(near.indptr))[like]
    # One number is sorted many times faster than three: row, how far from 1 in millionths, column.
    apart = (np.maximum(1 - near.data[like], 0) * 1e6).astype(np.uint64)
    packed = (rows << np.uint64(52)) | (apart << np.uint64(32)) | near.indices[like].astype(np.uint64)
    packed.sort()
    rows = packed >> np.uint64(52)
    begins = np.searchsorted(rows, np.arange(near.shape[0] + 1, dtype=np.uint64))
    at = (begins[:-1, None] + np.arange(count))[np.arange(count) < np.diff(begins)[:, None]]
    return rows[at].astype(np.int64), (packed[at] & np.uint64(0xFFFFFFFF)).astype(np.int64)


def _grams(texts: Sequence[str]) -> tuple[Numbers, Numbers]:
    """Every 3-gram of every text in order, letters packed into a number, and where the grams of each text begin."""
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    starts = np.r_[0, np.cumsum(lengths)]
    if not starts[-1]:
        return np.zeros(0, np.int64), starts
    letters = np.frombuffer("".join([f" {text} " for text in texts if text]).encode("utf-32-le"), np.uint32)
    there = np.bincount(letters) > 0
    size = int(there.sum())
    kind: type[np.signedinteger[Any]] = np.int32 if size**SIZE < 1 << 31 else np.int64
    numbers = (np.cumsum(there) - 1).astype(kind)[letters]
    packed = (numbers[:-2] * size + numbers[1:-1]) * size + numbers[2:]
    # Two grams between each two texts mix the end of one with the beginning of the next.
    ends = np.cumsum(lengths[lengths > 0] + 2)[:-1]
    mixed = np.zeros(len(packed), bool)
    mixed[ends - 2] = mixed[ends - 1] = True
    return packed[~mixed], starts


def _numbered(grams: Numbers) -> tuple[Numbers, int]:
    """The grams by consecutive numbers, and how many different ones there are."""
    if int(grams.max(initial=0)) < DENSE:
        there = np.bincount(grams) > 0
        numbers: Numbers = np.cumsum(there) - 1
        return numbers[grams], int(there.sum())
    known, codes = np.unique(grams, return_inverse=True)
    return codes, len(known)


def _unit(table: "sparse.csr_matrix") -> "sparse.csr_matrix":
    lengths = np.sqrt(np.asarray(table.multiply(table).sum(axis=1)).ravel())
    lengths[lengths == 0] = 1
    return (sparse.diags((1 / lengths).astype(np.float32)) @ table).tocsr()
