"""Names compared word by word: rare words count more, and a word may be misspelt, cut short or without its vowels.

A soft TF-IDF (Cohen, Ravikumar and Fienberg 2003) with words that resemble each other found once for the whole
vocabulary, so that each pair of names costs a few additions.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
from scipy import sparse

from matching.comparisons import spelling_shares
from matching.engine.columns import Numbers, Shares
from mdm.standardise.folding import consonants

SHORTEST = 4  # letters a word needs to be taken for a misspelt other
LONGEST_START = 6  # letters of a word that may be the beginning of a longer one: med, distrib
MOST_ALIKE = 60  # words under one key; more of them resemble nothing in particular
LEAST = 0.85  # of Jaro-Winkler
CHUNK = 200_000


class Words:
    """The words of distinct texts. ``bearers`` is how many records bear each text: what is common is light."""

    def __init__(self, texts: Sequence[str], bearers: Numbers) -> None:
        known: dict[str, int] = {}
        codes, starts = list[int](), [0]
        for text in texts:
            codes += [known.setdefault(word, len(known)) for word in dict.fromkeys(text.split())]
            starts.append(len(codes))
        self.words = list(known)
        self.codes, self.starts = np.array(codes, dtype=np.int64), np.array(starts, dtype=np.int64)
        of_text = np.repeat(bearers, np.diff(self.starts))
        self.counts = np.bincount(self.codes, weights=of_text, minlength=len(known)).astype(np.float32)
        total = max(float(bearers.sum()), 1.0)
        self.weights = np.log((1 + total) / np.maximum(self.counts, 1)).astype(np.float32)
        shape = (len(texts), max(len(known), 1))
        bare = sparse.csr_matrix((np.ones(len(codes), np.float32), self.codes, self.starts), shape=shape)
        weights = self.weights if len(known) else np.ones(1, np.float32)
        self._heavy = (bare @ sparse.diags(weights)).tocsr()
        self._reach = (bare @ self._alike(shape[1])).tocsr()
        self._reach.data = np.minimum(self._reach.data, 1)
        self._whole = np.asarray(self._heavy.sum(axis=1)).ravel() + 1e-6
        self._heaviest = float(np.log(1 + total))

    def shares(self, one: Numbers, other: Numbers) -> tuple[Shares, Shares]:
        """Of two texts each, by number: the share of their words' weight found in the other, of both and of the one
        it is larger for. 0 to 1."""
        both, most = np.empty(len(one), np.float32), np.empty(len(one), np.float32)
        for begin in range(0, len(one), CHUNK):
            part = slice(begin, begin + CHUNK)
            a, b = one[part], other[part]
            here = np.asarray(self._heavy[a].multiply(self._reach[b]).sum(axis=1)).ravel()
            there = np.asarray(self._heavy[b].multiply(self._reach[a]).sum(axis=1)).ravel()
            both[part] = (here + there) / (self._whole[a] + self._whole[b])
            most[part] = np.maximum(here / self._whole[a], there / self._whole[b])
        return both, most

    def rarity(self, one: Numbers, other: Numbers, both: Shares) -> Shares:
        """How much the words two texts share say, where ``both`` is their share: 1 for three words nobody else has."""
        told: Shares = both * (self._whole[one] + self._whole[other]) / (6 * self._heaviest)
        return np.minimum(told, np.float32(1))

    def left_over(self, one: Numbers, other: Numbers) -> tuple[Shares, Shares]:
        """The heaviest word of either text the other has nothing like: of the side where it is lighter, and of the
        one where it is heavier. 0 for none, 1 for a word nobody else has."""
        lesser, greater = np.empty(len(one), np.float32), np.empty(len(one), np.float32)
        for begin in range(0, len(one), CHUNK):
            part = slice(begin, begin + CHUNK)
            sides = []
            for a, b in ((one[part], other[part]), (other[part], one[part])):
                heavy = self._heavy[a]
                sides.append((heavy - heavy.multiply(self._reach[b])).max(axis=1).toarray().ravel() / self._heaviest)
            lesser[part], greater[part] = np.minimum(*sides), np.maximum(*sides)
        return lesser, greater

    def rarest(self, count: int) -> Iterator[list[str]]:
        """Of each text its rarest words of two letters or more, rarest first."""
        for begin, end in zip(self.starts[:-1], self.starts[1:], strict=True):
            codes = sorted(self.codes[begin:end], key=lambda code: self.counts[code])
            yield [self.words[code] for code in codes if len(self.words[code]) > 1][:count]

    def _alike(self, size: int) -> "sparse.csr_matrix":
        """Words by words: 1 for itself, less for one it resembles."""
        pairs = np.array(sorted(self._suspects()), dtype=np.int64).reshape(-1, 2)
        shares = spelling_shares([self.words[a] for a in pairs[:, 0]], [self.words[b] for b in pairs[:, 1]])
        like = shares > LEAST
        pairs, values = pairs[like], ((shares[like] - 0.6) / 0.4 * 0.9).astype(np.float32)
        rows, columns = np.r_[pairs[:, 0], pairs[:, 1]], np.r_[pairs[:, 1], pairs[:, 0]]
        table = sparse.csr_matrix((np.r_[values, values], (rows, columns)), shape=(size, size))
        return (table + sparse.identity(size, dtype=np.float32)).tocsr()

    def _suspects(self) -> set[tuple[int, int]]:
        """Two words with all letters but one each, with the same consonants, or one the beginning of the other."""
        keys: dict[str, list[int]] = defaultdict(list)
        for code, word in enumerate(self.words):
            if not word.isalpha():
                continue
            if len(word) >= SHORTEST:
                for at in range(len(word)):
                    keys[word[:at] + word[at + 1 :]].append(code)
                keys[word].append(code)
            if len(word) >= SHORTEST - 1:
                keys["=" + consonants(word)].append(code)
        found = {
            (min(a, b), max(a, b))
            for codes in keys.values()
            if 1 < len(codes) <= MOST_ALIKE
            for at, a in enumerate(codes)
            for b in codes[at + 1 :]
            if a != b
        }
        return found | set(self._beginnings())

    def _beginnings(self) -> Iterator[tuple[int, int]]:
        ordered = sorted((word, code) for code, word in enumerate(self.words) if word.isalpha())
        for at, (word, code) in enumerate(ordered):
            if SHORTEST - 1 <= len(word) <= LONGEST_START:
                end = min(bisect_left(ordered, (word + "\uffff", 0)), at + MOST_ALIKE)
                for _, longer in ordered[at + 1 : end]:
                    yield min(code, longer), max(code, longer)
