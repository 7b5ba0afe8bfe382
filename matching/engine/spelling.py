"""Names of like spelling: character 3-grams weighted by rarity (TF-IDF), the nearest few of each text."""

from collections.abc import Sequence

import numpy as np
from scipy import sparse

from matching.engine.candidates import Pairs
from matching.engine.columns import Numbers, Shares

SIZE = 3
ROWS = 500  # texts looked up at once: bounds memory
MOST_BEARERS = 600  # a 3-gram borne by more texts finds nobody: what it costs grows with the square


class Spelling:
    """The 3-grams of distinct texts, each text's weights of length 1."""

    def __init__(self, texts: Sequence[str]) -> None:
        known: dict[str, int] = {}
        codes, starts = list[int](), [0]
        for text in texts:
            padded = f" {text} "
            grams = {padded[at : at + SIZE] for at in range(len(padded) - SIZE + 1)} if text else ()
            codes += [known.setdefault(gram, len(known)) for gram in grams]
            starts.append(len(codes))
        shape = (len(texts), max(len(known), 1))
        counts = np.bincount(np.array(codes, dtype=np.int64), minlength=shape[1])
        rarity = np.log((1 + len(texts)) / (1 + counts)).astype(np.float32)
        table = sparse.csr_matrix((rarity[codes] if codes else np.zeros(0, np.float32), codes, starts), shape=shape)
        self.table = _unit(table)
        self._bearers = counts

    def alike(self, one: Numbers, other: Numbers) -> Shares:
        """Cosine of two texts each, by their numbers, 0 to 1."""
        found = np.empty(len(one), dtype=np.float32)
        for begin in range(0, len(one), 200_000):
            part = slice(begin, begin + 200_000)
            found[part] = np.asarray(self.table[one[part]].multiply(self.table[other[part]]).sum(axis=1)).ravel()
        return found

    def nearest(self, count: int, *, least: float) -> Pairs:
        """Numbers of texts, and of the up to ``count`` others whose cosine over rarer 3-grams is highest."""
        keep = self._bearers <= MOST_BEARERS
        rare = _unit(self.table @ sparse.diags(keep.astype(np.float32)))
        rare.eliminate_zeros()
        turned = rare.T.tocsr()
        lefts, rights = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
        for begin in range(0, rare.shape[0], ROWS):
            near = (rare[begin : begin + ROWS] @ turned).tocsr()
            near.data[near.data < least] = 0
            near.eliminate_zeros()
            for row in range(near.shape[0]):
                low, high = near.indptr[row], near.indptr[row + 1]
                found, strength = near.indices[low:high], near.data[low:high]
                if len(found) > count + 1:
                    found = found[np.argpartition(-strength, count)[: count + 1]]
                found = found[found != begin + row]
                lefts.append(np.full(len(found), begin + row, dtype=np.int64))
                rights.append(found.astype(np.int64))
        return Pairs(np.concatenate(lefts), np.concatenate(rights))


def _unit(table: "sparse.csr_matrix") -> "sparse.csr_matrix":
    lengths = np.sqrt(np.asarray(table.multiply(table).sum(axis=1)).ravel())
    lengths[lengths == 0] = 1
    return (sparse.diags((1 / lengths).astype(np.float32)) @ table).tocsr()
