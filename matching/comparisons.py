"""How alike two lists of comparable texts are, 0 to 1, named by the words a domain declares. RapidFuzz lives here.

Every measure answers the best agreement between any text of the left and any of the right, and which two texts it was.
Both lists hold at least one text.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz
from rapidfuzz.distance import OSA, Indel, JaroWinkler, Prefix
from rapidfuzz.process import cdist, cpdist

Texts = tuple[str, ...]
Likeness = tuple[float, str, str]
Measure = Callable[[Texts, Texts], Likeness]
Shares = NDArray[np.float32]

# A pair is asked for again within its batch, by the look at all pairs and by the score; later hardly ever.
_KEPT = 8192
_SHORTEST_BEGINNING = 6
_LONGEST_ACRONYM = 5
_CONTAINED = 0.9
_NEAR_ROWS = 500  # compared at once: 500 times a few thousand numbers are some megabytes


def exact(left: Texts, right: Texts) -> Likeness:
    """1 when any text is on both sides, else 0."""
    for text in left:
        if text in right:
            return 1.0, text, text
    return 0.0, left[0], right[0]


def _best(one: Callable[[str, str], float]) -> Measure:
    def measure(left: Texts, right: Texts) -> Likeness:
        shared = exact(left, right)
        if shared[0]:
            return shared
        return max((one(a, b), a, b) for a in left for b in right)

    measure.__doc__ = one.__doc__
    return measure


@lru_cache(maxsize=_KEPT)
def _name(left: str, right: str) -> float:
    """Word order, spaces and small slips forgiven; .9 when one name only goes on where the other ends or stops."""
    short, long = sorted((left, right), key=len)
    if any(1 < len(word) <= _LONGEST_ACRONYM for word in short.split()):
        short = _spell_out(short, long)
    together = Indel.normalized_similarity(short.replace(" ", ""), long.replace(" ", ""))
    best = max(together, fuzz.token_sort_ratio(short, long) / 100)
    if best < _CONTAINED and (_cut_short(short, long) or _contained(short, long)):
        best = _CONTAINED
    return min(best, 0.99)


def _cut_short(short: str, long: str) -> bool:
    return len(short) >= _SHORTEST_BEGINNING and long.startswith(short)


def _contained(short: str, long: str) -> bool:
    words = set(short.split())
    return len(words) >= 2 and words <= set(long.split())


def _spell_out(short: str, long: str) -> str:
    """``kfh moreno valley`` against ``kaiser foundation hospital moreno valley``: initials become their words."""
    words = long.split()
    initials = "".join(word[0] for word in words)
    spelled = []
    for word in short.split():
        at = initials.find(word) if 1 < len(word) <= _LONGEST_ACRONYM and word not in words else -1
        spelled += words[at : at + len(word)] if at >= 0 else [word]
    return " ".join(spelled)


@lru_cache(maxsize=_KEPT)
def _street(left: str, right: str) -> float:
    """1 house and street; .9 house and nearly the street; .6 house only; .3 street only, another house."""
    house_a, _, name_a = left.partition("|")
    house_b, _, name_b = right.partition("|")
    alike = fuzz.token_set_ratio(name_a, name_b) / 100 if name_a and name_b else 0.0
    if house_a == house_b:
        return 0.9 if alike >= 0.75 else 0.6
    return 0.3 if alike >= 0.9 else 0.0


@lru_cache(maxsize=_KEPT)
def _postcode(left: str, right: str) -> float:
    """1 equal, .5 the same first three characters (one sorting centre)."""
    return 0.5 if left[:3] == right[:3] else 0.0


@lru_cache(maxsize=_KEPT)
def _digits(left: str, right: str) -> float:
    """One digit wrong or two swapped .8; the same exchange .6."""
    if len(left) == len(right) and OSA.distance(left, right, score_cutoff=1) <= 1:
        return 0.8
    return 0.6 if len(left) >= 10 and left[:-4] == right[:-4] else 0.0


@lru_cache(maxsize=_KEPT)
def _words(left: str, right: str) -> float:
    """Share of common words; a number that is on one side only counts as a conflict of the whole."""
    a, b = set(left.split()), set(right.split())
    if {w for w in a if w[0].isdigit()} != {w for w in b if w[0].isdigit()}:
        return 0.0
    return min(len(a & b) / len(a | b), 0.99)


@lru_cache(maxsize=65536)
def _amounts(left: str, right: str) -> float:
    """.9 what is measured in both ways agrees; .5 nothing is measured in both; 0 any such measure differs."""
    ours, theirs = _by_unit(left), _by_unit(right)
    both = ours.keys() & theirs.keys()
    if not both:
        return 0.5
    return 0.9 if all(ours[unit] <= theirs[unit] or theirs[unit] <= ours[unit] for unit in both) else 0.0


def _by_unit(amounts: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for amount in amounts.split():
        found.setdefault(amount.lstrip("0123456789."), set()).add(amount)
    return found


def _maker(left: Texts, right: Texts) -> Likeness:
    """``name`` of names, and golden records (``=id``) among themselves; .5 where one names and the other points."""
    shared = exact(left, right)
    if shared[0]:
        return shared
    ours, theirs = ([text for text in side if not text.startswith("=")] for side in (left, right))
    if ours and theirs:
        return max((_name(a, b), a, b) for a in ours for b in theirs)
    both_point = any(text.startswith("=") for text in left) and any(text.startswith("=") for text in right)
    return (0.0 if both_point else 0.5), left[0], right[0]


@lru_cache(maxsize=65536)
def _part_number(left: str, right: str) -> float:
    """.5 one within the other or a slip apart, 0 another."""
    short, long = sorted((left, right), key=len)
    return 0.5 if short in long or OSA.distance(left, right, score_cutoff=1) <= 1 else 0.0


MEASURES: Mapping[str, Measure] = {
    "exact": exact,
    "name": _best(_name),
    "street": _best(_street),
    "postcode": _best(_postcode),
    "digits": _best(_digits),
    "words": _best(_words),
    "amounts": _best(_amounts),
    "maker": _maker,
    "part_number": _best(_part_number),
}


# ---- many pairs at once: two equally long lists of texts, one similarity of 0..1 for each two ------------------------


def spelling_shares(left: Sequence[str], right: Sequence[str]) -> Shares:
    """Jaro-Winkler: letters in common and in place, a common beginning counting more."""
    return _at_once(left, right, JaroWinkler.normalized_similarity)


def text_shares(left: Sequence[str], right: Sequence[str]) -> Shares:
    """Letters in common in order (Indel): 1 for the same text."""
    return _at_once(left, right, Indel.normalized_similarity)


def beginning_shares(left: Sequence[str], right: Sequence[str]) -> Shares:
    """How much of the shorter text the two begin with alike: 1 where the longer one goes on."""
    shortest = [min(len(a), len(b)) for a, b in zip(left, right, strict=True)]
    alike = _at_once(left, right, Prefix.similarity) / np.maximum(np.array(shortest, dtype=np.float32), 1)
    return alike.astype(np.float32)


def sorted_words(text: str) -> str:
    """The words in alphabetical order."""
    return " ".join(sorted(text.split()))


def sorted_word_shares(left: Sequence[str], right: Sequence[str]) -> Shares:
    """Indel of the words in alphabetical order."""
    return text_shares([*map(sorted_words, left)], [*map(sorted_words, right)])


def slip_shares(left: Sequence[str], right: Sequence[str]) -> Shares:
    """1 the same, .6 one character wrong or two neighbours swapped, 0 else: for numbers and codes."""
    slips = np.asarray(cpdist(left, right, scorer=OSA.distance, score_cutoff=1), dtype=np.float32)
    return np.select([slips == 0, slips == 1], [np.float32(1), np.float32(0.6)], np.float32(0)).astype(np.float32)


def _at_once(left: Sequence[str], right: Sequence[str], scorer: Callable[..., float]) -> Shares:
    if not left:
        return np.zeros(0, dtype=np.float32)
    return np.asarray(cpdist(left, right, scorer=scorer), dtype=np.float32)


def near_texts(texts: Sequence[str], at_least: float) -> list[tuple[str, str]]:
    """Pairs of different texts whose letters are at least so alike (0 to 1). Compares all with all: a few thousand."""
    found = []
    for start in range(0, len(texts), _NEAR_ROWS):
        some = texts[start : start + _NEAR_ROWS]
        shares = cdist(some, texts, scorer=Indel.normalized_similarity, score_cutoff=at_least, dtype=np.float32)
        for row, column in zip(*np.nonzero(shares), strict=True):
            if start + row < column:
                found.append((some[row], texts[column]))
    return found
