"""The records one decision looks at, and every pair of them scored once. Pure."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np

from matching.at_once import weigh
from matching.features import Features
from matching.scoring import Score, Shared, bits_of, same_name, score
from mdm.spec import Matching

Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Known:
    """One source record as matching sees it. ``golden`` is None for a newcomer.

    ``probe``: it is linked, its content changed, and what it resembles now is worth a question.
    """

    id: int
    system: int
    features: Features
    golden: UUID | None = None
    stub: bool = False
    probe: bool = False


def ordered(a: int, b: int) -> Pair:
    """The pair, smaller id first: how pairs are kept everywhere."""
    return (a, b) if a < b else (b, a)


class Scored:
    """Known records with what a person ruled out (``apart``, pairs smaller id first)."""

    def __init__(
        self, matching: Matching, known: Mapping[int, Known], shared: Shared, apart: Collection[Pair] = frozenset()
    ) -> None:
        self.matching, self.known, self.shared, self.apart = matching, known, shared, apart
        self._scores: dict[Pair, Score] = {}

    def score(self, a: int, b: int) -> Score:
        """How alike the two are, the smaller id on the left; a record known by name only is as good as its name."""
        pair = ordered(a, b)
        found = self._scores.get(pair)
        if found is None:
            found = self._scores[pair] = self._score(*pair)
        return found

    def _score(self, a: int, b: int) -> Score:
        left, right = self.known[a], self.known[b]
        if left.stub or right.stub:
            return same_name(self.matching, left.features, right.features, self.shared)
        return score(self.matching, left.features, right.features, left.system == right.system, self.shared)

    def near(self, pairs: Iterable[Pair]) -> set[Pair]:
        """Those worth another look: their scores reach ``review``, were no text commonplace. All judged at once."""
        asked = list(pairs)
        places = {pk: place for place, pk in enumerate(dict.fromkeys(pk for pair in asked for pk in pair))}
        records = [self.known[pk] for pk in places]
        left, right = (np.array([places[pair[side]] for pair in asked], dtype=np.int64) for side in (0, 1))
        systems = np.array([one.system for one in records], dtype=np.int64)
        bits = weigh(self.matching, [one.features for one in records], left, right, systems[left] == systems[right])
        stub = np.array([one.stub for one in records], dtype=bool)
        by_name = stub[left] | stub[right]
        bits[by_name] = [self.score(*asked[at]).bits for at in np.flatnonzero(by_name)]
        return {asked[at] for at in np.flatnonzero(bits >= bits_of(self.matching.review))}

    def barred(self, a: int, b: int) -> bool:
        """Whether a person says that these two are not the same, or their source, which lists each thing once."""
        left, right = self.known[a], self.known[b]
        if ordered(a, b) in self.apart:
            return True
        return self.matching.one_per_source and left.system == right.system and not (left.stub or right.stub)

    def contradicts(self, ours: Sequence[int], theirs: Sequence[int]) -> bool:
        """Whether a hard identifier of one group differs from the other's and none of the pairs agrees on it.

        A group a person merged may hold two of a kind: agreeing with either is enough.
        """
        scores = [self.score(a, b) for a in ours for b in theirs]
        return any(label not in agreed(scores) for score in scores for label in score.vetoes)

    def members(self) -> dict[UUID, tuple[int, ...]]:
        """Golden record -> its known records. Those known by name only speak where nobody else does."""
        telling: dict[UUID, list[int]] = defaultdict(list)
        everyone: dict[UUID, list[int]] = defaultdict(list)
        for one in self.known.values():
            if one.golden:
                everyone[one.golden].append(one.id)
                if not one.stub:
                    telling[one.golden].append(one.id)
        return {golden: tuple(sorted(telling.get(golden) or ids)) for golden, ids in everyone.items()}

    def names_of(self, record: int) -> tuple[str, ...]:
        """The names a stub goes by; one without a comparable name answers for itself."""
        return self.known[record].features.get(self.matching.names) or (f"#{record}",)

    def waits_for_name(self, record: int) -> bool:
        """Whether it is a stub not placed yet."""
        return self.known[record].stub and self.known[record].golden is None


def agreed(scores: Iterable[Score]) -> set[str]:
    """Labels of the comparisons that are equal in any of these scores."""
    return {e.comparison.label for score in scores for e in score.evidence if e.level == "equal"}
