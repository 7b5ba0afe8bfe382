"""Names compared word by word: rare words count more, and a word may be misspelt, cut short or without its vowels.

A soft TF-IDF (Cohen, Ravikumar and Fienberg 2003) with words that resemble each other found once for the whole
vocabulary, so that each pair of names costs a few additions.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import combinations, pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from matching.comparisons import spelling_shares
from matching.engine.candidates import Pairs, mixed, sharing, united
from matching.engine.columns import Column, Numbers, Shares
from mdm.standardise.folding import consonants

SHORTEST = 4  # letters a word needs to be taken for a misspelt other
LONGEST = 40  # and at most: nobody's word has more
LONGEST_START = 6  # letters of a word that may be the beginning of a longer one: med, distrib
MOST_ALIKE = 60  # words under one key; more of them resemble nothing in particular
LEAST = 0.85  # of Jaro-Winkler
CHUNK = 1_000_000  # pairs of words compared at once: what stays in the cache and heap is compared twice as fast
FEW = 64  # pairs of words two texts make; of more, what each text reaches is kept
BASE = np.uint64(0x9E3779B97F4A7C15)


class Told(NamedTuple):
    """What the words of two texts each say of them, 0 to 1.

    The share of their weight found in the other, ``both`` of both and ``most`` of the one it is larger for; ``rarity``,
    how much the shared ones say, 1 for three words nobody else has; the heaviest word the other has nothing like, of
    the side where it is lighter (``lesser``) and of the other (``greater``), 1 for a word nobody else has.
    """

    both: Shares
    most: Shares
    rarity: Shares
    lesser: Shares
    greater: Shares


class Words:
    """The words of distinct texts. ``bearers`` is how many records bear each text: what is common is light."""

    def __init__(self, texts: Sequence[str], bearers: Numbers) -> None:
        self._column = Column.of(dict.fromkeys(text.split()) for text in texts)
        self.words, self.codes, self.starts = self._column.texts, self._column.codes, self._column.starts
        self._bearers = bearers
        of_text = np.repeat(bearers, np.diff(self.starts))
        self.counts = np.bincount(self.codes, weights=of_text, minlength=len(self.words)).astype(np.float32)
        total = max(float(bearers.sum()), 1.0)
        self.weights = np.log((1 + total) / np.maximum(self.counts, 1)).astype(np.float32)
        shape = (len(texts), max(len(self.words), 1))
        bare = sparse.csr_matrix((np.ones(len(self.codes), np.float32), self.codes, self.starts), shape=shape)
        self._bare, self._like = bare, self._alike(shape[1])
        self._marks = _Marks(self._like)
        self._whole = np.bincount(self._column.owners, weights=self.weights[self.codes], minlength=len(texts)) + 1e-6
        self._heaviest = float(np.log(1 + total))

    def told(self, one: Numbers, other: Numbers) -> Told:
        """What the words of two texts each say, by their numbers."""
        work = np.cumsum(np.minimum(self._column.counts[one] * self._column.counts[other], FEW) + 1)
        count = int(work[-1]) // CHUNK + 1 if len(one) else 1
        found = [self._told(one[part], other[part]) for part in _parts(work, count)]
        return Told(*(np.concatenate(shares).astype(np.float32) for shares in zip(*found, strict=True)))

    def shares(self, one: Numbers, other: Numbers) -> tuple[Shares, Shares]:
        """``both`` and ``most`` alone."""
        told = self.told(one, other)
        return told.both, told.most

    def _told(self, one: Numbers, other: Numbers) -> tuple[NDArray[np.float64], ...]:
        few = float((self._column.counts[one] * self._column.counts[other]).sum()) <= FEW * len(one)
        both = self._word_by_word(one, other) if few else (self._by_reach(one, other), self._by_reach(other, one))
        here, left = self._weighed(one, both[0])
        there, right = self._weighed(other, both[1])
        ours, theirs = self._whole[one], self._whole[other]
        return (
            (here + there) / (ours + theirs),
            np.maximum(here / ours, there / theirs),
            np.minimum((here + there) / (6 * self._heaviest), 1),
            np.minimum(left, right) / self._heaviest,
            np.maximum(left, right) / self._heaviest,
        )

    def _word_by_word(self, one: Numbers, other: Numbers) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """How much of each word of either text the other has: every word of the one against every word of the other,
        for texts of few words. What all texts reach need not be kept then, which grows faster than they do."""
        ours, theirs = self._column.counts[one], self._column.counts[other]
        each = ours * theirs
        pair = np.repeat(np.arange(len(one), dtype=np.int32), each)
        within = np.arange(len(pair), dtype=np.int32) - np.repeat(_before(each), each)
        row, column = np.divmod(within, theirs[pair])
        found, at = self._marks.alike(
            self.codes[self.starts[one][pair] + row], self.codes[self.starts[other][pair] + column]
        )
        pair, row, column = pair[at], row[at], column[at]
        left = np.bincount(_before(ours)[pair] + row, found, minlength=int(ours.sum()))
        right = np.bincount(_before(theirs)[pair] + column, found, minlength=int(theirs.sum()))
        return np.minimum(left, 1), np.minimum(right, 1)

    @cached_property
    def _reach(self) -> "sparse.csr_matrix":
        """Texts by words: how much of each word a text has."""
        reach = (self._bare @ self._like).tocsr()
        reach.data = np.minimum(reach.data, 1)
        reach.sort_indices()
        return reach

    def _by_reach(self, one: Numbers, other: Numbers) -> NDArray[np.float64]:
        """How much of each word of the one text the other has, looked up: for texts of many words."""
        each = self._column.counts[one]
        return _looked_up(self._reach, np.repeat(other, each), self._words_of(one))

    def _words_of(self, texts: Numbers) -> Numbers:
        each = self._column.counts[texts]
        places = np.repeat(self.starts[texts] - _before(each), each) + np.arange(int(each.sum()), dtype=np.int32)
        found: Numbers = self.codes[places]
        return found

    def _weighed(self, texts: Numbers, shares: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The weight of the words of each text that the other has too, and of the heaviest it lacks."""
        each = self._column.counts[texts]
        weights = self.weights[self._words_of(texts)]
        there, left = np.zeros(len(texts)), np.zeros(len(texts))
        speak = np.flatnonzero(each)
        if len(speak):
            begins = _before(each)[speak]
            there[speak] = np.add.reduceat(weights * shares, begins)
            left[speak] = np.maximum.reduceat(weights * (1 - shares), begins)
        return there, left

    def rare(self, most: int) -> Column:
        """Of each text its rarest words of two letters or more, rarest first."""
        long = np.fromiter(map(len, self.words), np.int64, len(self.words)) > 1
        entries = np.flatnonzero(long[self.codes])
        owners = self._column.owners[entries]
        order = np.lexsort((self.counts[self.codes[entries]], owners))
        within = np.arange(len(owners)) - np.searchsorted(owners, owners)
        kept = order[within < most]
        return Column(self.words, self.codes[entries[kept]], _starts(owners[kept], len(self._column)))

    def rarest(self, count: int) -> Iterator[list[str]]:
        """Of each text its rarest words of two letters or more, rarest first."""
        rare = self.rare(count)
        for begin, end in pairwise(rare.starts.tolist()):
            yield rare.taken(rare.codes[begin:end])

    def rare_pairs(self, most: int) -> Column:
        """Of each text every two of its rarest words, where another record has the two among its rarest as well."""
        rare = self.rare(most)
        places = list(combinations(range(most), 2))
        sides = [np.flatnonzero(rare.counts > second) for _, second in places]
        owners = np.concatenate([np.zeros(0, np.int64), *sides])
        pairs = [
            (rare.codes[rare.starts[one] + first], rare.codes[rare.starts[one] + second])
            for one, (first, second) in zip(sides, places, strict=True)
        ]
        size = max(len(self.words), 1)
        made = [np.minimum(a, b).astype(np.int64) * size + np.maximum(a, b) for a, b in pairs]
        keys = np.concatenate([np.zeros(0, np.int64), *made])
        known, codes = np.unique(keys, return_inverse=True)
        shared = np.bincount(codes, weights=self._bearers[owners], minlength=len(known)) > 1
        kept = np.flatnonzero(shared[codes])
        kept = kept[np.argsort(owners[kept], kind="stable")]
        texts = [f"{self.words[key // size]} {self.words[key % size]}" for key in known[shared].tolist()]
        return Column(texts, (np.cumsum(shared) - 1)[codes[kept]], _starts(owners[kept], len(self._column)))

    def _alike(self, size: int) -> "sparse.csr_matrix":
        """Words by words: 1 for itself, less for one it resembles."""
        suspects = self._suspects()
        pairs = np.stack([suspects.left, suspects.right], axis=1)
        shares = spelling_shares(self._column.taken(suspects.left), self._column.taken(suspects.right))
        like = shares > LEAST
        pairs, values = pairs[like], ((shares[like] - 0.6) / 0.4 * 0.9).astype(np.float32)
        rows, columns = np.r_[pairs[:, 0], pairs[:, 1]], np.r_[pairs[:, 1], pairs[:, 0]]
        table = sparse.csr_matrix((np.r_[values, values], (rows, columns)), shape=(size, size))
        return (table + sparse.identity(size, dtype=np.float32)).tocsr()

    def _suspects(self) -> Pairs:
        """Two words with all letters but one each, with the same consonants, or one the beginning of the other."""
        lengths = np.fromiter(map(len, self.words), np.int64, len(self.words))
        lengths[~np.fromiter(map(str.isalpha, self.words), bool, len(self.words))] = 0
        told = np.flatnonzero((lengths >= SHORTEST - 1) & (lengths <= LONGEST))
        bare = Column.single(self._column.taken(told), consonants)
        found = [sharing(told[bare.owners], mixed(bare.codes.astype(np.uint64)), MOST_ALIKE)[0]]
        records, keys = [np.zeros(0, np.int64)], [np.zeros(0, np.uint64)]
        for length in range(SHORTEST, LONGEST + 1):
            some = np.flatnonzero(lengths == length)
            made = _without_each_letter(self._column.taken(some), length)
            records.append(np.repeat(some, made.shape[1]))
            keys.append(made.ravel())
        found.append(sharing(np.concatenate(records), np.concatenate(keys), MOST_ALIKE)[0])
        found.append(self._beginnings(np.flatnonzero(lengths)))
        return united(found, len(self.words))

    def _beginnings(self, some: Numbers) -> Pairs:
        ordered = sorted(zip(self._column.taken(some), some.tolist(), strict=True))
        texts = [text for text, _ in ordered]
        short = [at for at, text in enumerate(texts) if SHORTEST - 1 <= len(text) <= LONGEST_START]
        ends = [min(bisect_left(texts, texts[at] + "\uffff"), at + MOST_ALIKE) for at in short]
        begins = np.array(short, dtype=np.int64)
        each = np.array(ends, dtype=np.int64) - begins - 1
        within = np.arange(each.sum()) - np.repeat(np.cumsum(each) - each, each)
        codes = np.array([code for _, code in ordered], dtype=np.int64)
        return Pairs(codes[np.repeat(begins, each)], codes[np.repeat(begins, each) + 1 + within])


def _looked_up(table: "sparse.csr_matrix", rows: Numbers, columns: Numbers) -> NDArray[np.float64]:
    if not len(rows):
        return np.zeros(0)
    return np.asarray(table[rows, columns], dtype=np.float64).ravel()


class _Marks:
    """Words by words, with a mark for every two that are alike: nearly all are not, which a mark tells at once."""

    def __init__(self, table: "sparse.csr_matrix") -> None:
        table.sort_indices()
        self._table = table
        self._bits = np.zeros(1 << max((4 * table.nnz).bit_length(), 10), np.bool_)
        rows, columns = table.nonzero()
        self._bits[self._places(rows, columns)] = True

    def alike(self, one: Numbers, other: Numbers) -> tuple[NDArray[np.float64], Numbers]:
        """How alike two words each are, of those that are at all, and which these are."""
        at = np.flatnonzero(self._bits[self._places(one, other)])
        if not len(at):  # of no index at all scipy makes a matrix
            return np.zeros(0), at
        found = _looked_up(self._table, one[at], other[at])
        return found[found > 0], at[found > 0]

    def _places(self, one: Numbers, other: Numbers) -> NDArray[np.uint32]:
        low, high = np.minimum(one, other).astype(np.uint32), np.maximum(one, other).astype(np.uint32)
        found: NDArray[np.uint32] = low * np.uint32(0x9E3779B1) + high * np.uint32(0x85EBCA77)
        return found >> np.uint32(33 - len(self._bits).bit_length())


def _without_each_letter(words: Sequence[str], length: int) -> NDArray[np.uint64]:
    """A number for each word as it is and without one letter each: the same number for the same letters."""
    letters = np.frombuffer("".join(words).encode("utf-32-le"), np.uint32).reshape(-1, length)
    values = mixed(letters.astype(np.uint64))
    powers = BASE ** np.arange(length + 1, dtype=np.uint64)
    here = np.cumsum(values * powers[1:], axis=1)
    before = np.cumsum(values * powers[:-1], axis=1)
    without = here - values * powers[1:] + before[:, -1:] - before
    return mixed(np.concatenate([here[:, -1:], without], axis=1))


def _before(sizes: Numbers) -> NDArray[np.int32]:
    """Where each begins that lies behind the others."""
    return (np.cumsum(sizes) - sizes).astype(np.int32)


def _parts(work: Numbers, count: int) -> Iterator[slice]:
    """As many parts of like work; ``work`` adds up."""
    ends = np.searchsorted(work, work[-1] * np.arange(1, count) / count).tolist() if count > 1 else []
    return (slice(begin, end) for begin, end in pairwise([0, *ends, len(work)]))


def _starts(owners: Numbers, size: int) -> Numbers:
    found: Numbers = np.searchsorted(owners, np.arange(size + 1)).astype(np.int32)
    return found
