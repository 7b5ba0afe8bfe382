"""What a list of names says about its own words: which are glued together, which initials stand for which words.

Nothing is looked up: a word is known because the list uses it.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cache

from mdm.standardise.folding import STOP_WORDS

Words = tuple[str, ...]

SHORTEST_GLUED, LONGEST_GLUED = 5, 40
COMMONER = 8  # times a part is commoner than the whole it is glued into
MOST_PARTS = 4
LONGEST_INITIALS = 6
MOST_WORDS = 6  # initials stand for
WITNESSES = 2  # names that read the same with the words in the place of their initials


def apart(names: Sequence[Words]) -> dict[str, Words]:
    """Words of the list that are several of its commoner words written as one: ``andknowsley``."""
    counts = Counter(word for name in names for word in name)
    common = {word: count for word, count in counts.items() if count >= COMMONER and word.isalpha()}
    return {
        word: parts
        for word, count in counts.items()
        if SHORTEST_GLUED <= len(word) <= LONGEST_GLUED and word.isalpha() and (parts := _parted(word, count, common))
    }


def _parted(word: str, count: int, common: Mapping[str, int]) -> Words:
    """The commonest few words it is made of, or none. Parts of one letter never, of two and three only where common."""

    @cache
    def best(rest: str, parts: int) -> tuple[float, Words]:
        if not rest:
            return 1.0, ()
        if not parts:
            return 0.0, ()
        found: tuple[float, Words] = (0.0, ())
        for size in range(2, len(rest) + 1):
            head = rest[:size]
            times = common.get(head, 0)
            least = count * COMMONER if size > 3 else max(count * COMMONER, COMMONER**2)
            if times >= least and head != word:
                chance, tail = best(rest[size:], parts - 1)
                if chance:
                    found = max(found, (chance * times / 1e6, (head, *tail)))
        return found

    return best(word, MOST_PARTS)[1]


def spelled_out(names: Sequence[Words]) -> dict[str, Words]:
    """What initials in the list stand for: words that begin with those letters, and make of several names with the
    initials names the list has, or the beginning of one."""
    counts = Counter(word for name in names for word in name)
    phrases = _phrases(names, {w for w in counts if 2 <= len(w) <= LONGEST_INITIALS and w.isalpha()})
    beginnings = {name[:size] for name in names for size in range(1, len(name) + 1)}
    bearers: dict[str, list[Words]] = defaultdict(list)
    for name in names:
        for word in set(name) & phrases.keys():
            bearers[word].append(name)
    found = {}
    for word, meant in phrases.items():
        witnesses = {
            phrase: sum(_replaced(name, word, phrase) in beginnings for name in bearers[word]) for phrase in meant
        }
        best = max(witnesses, key=lambda phrase: (witnesses[phrase], phrase))
        if witnesses[best] >= max(WITNESSES, len(bearers[word]) // 10):
            found[word] = best
    return found


def _replaced(name: Words, word: str, phrase: Words) -> Words:
    at = name.index(word)
    return name[:at] + phrase + name[at + 1 :]


def _phrases(names: Sequence[Words], wanted: set[str]) -> dict[str, list[Words]]:
    """Words in a row more than one name has, by the initials they may be written as."""
    counts = Counter(phrase for name in set(names) for phrase in set(_rows(name)))
    found: dict[str, list[Words]] = defaultdict(list)
    for phrase, count in counts.items():
        if count < WITNESSES:
            continue
        told = [word for word in phrase if word not in STOP_WORDS]
        for initials in {"".join(w[0] for w in phrase), "".join(w[0] for w in told)} & wanted:
            if initials not in phrase and len(told) > 1:
                found[initials].append(phrase)
    return found


def _rows(name: Words) -> Iterator[Words]:
    for begin in range(len(name)):
        for size in range(2, min(MOST_WORDS, len(name) - begin) + 1):
            row = name[begin : begin + size]
            if row[-1] not in STOP_WORDS and row[0] not in STOP_WORDS:
                yield row
