"""Where two values differ, for the eye: words first, then the characters of words that are alike. Pure."""

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from functools import lru_cache

# Beyond this many characters a comparison costs more than it tells.
LIMIT = 400
# Words less alike than this are different words; marking the letters they happen to share would only confuse.
ALIKE = 0.6

Run = tuple[str, bool]


@lru_cache(maxsize=5000)  # of a large group most members say one of few things
def differing_runs(value: str, other: str) -> Sequence[Run]:
    """Cut ``value`` into runs, each with whether it differs from ``other``; joined, the runs are ``value`` again.

    An empty differing run stands where ``other`` has something that ``value`` lacks. Case and white space are
    ignored: two sources rarely agree on them and they never decide a match. Long values come back as one run.
    """
    if not value:
        return []
    words, others = _words(value), _words(other)
    if _folded(words) == _folded(others):
        return [(value, False)]
    if not others or max(len(value), len(other)) > LIMIT:
        return [(value, True)]
    runs: list[Run] = []
    for tag, start, end, other_start, other_end in _steps(_folded(words), _folded(others)):
        mine, theirs = words[start:end], others[other_start:other_end]
        if tag == "equal":
            runs.append(("".join(mine), False))
        elif len(mine) == len(theirs):  # word by word: letters of two neighbours would find each other by chance
            for word, other in zip(mine, theirs, strict=True):
                runs += _within(word, other.strip())
        else:
            runs += _within("".join(mine), "".join(theirs).strip())
    return _joined(runs)


def _within(mine: str, theirs: str) -> list[Run]:
    text = mine.rstrip()
    tail = mine[len(text) :]
    return [*_letters(text, theirs), (tail, False)]


def _letters(mine: str, theirs: str) -> list[Run]:
    left, right = mine.casefold(), theirs.casefold()
    # Folding may lengthen a text; then positions no longer agree and the letters are compared as they are.
    if len(left) != len(mine):
        left, right = mine, theirs
    if SequenceMatcher(None, left, right, autojunk=False).ratio() < ALIKE:
        return [(mine, True)]
    steps = _steps(left, right)
    sizes = [max(end - start, other_end - other_start) for _, start, end, other_start, other_end in steps]
    runs: list[Run] = []
    for index, (tag, start, end, _, _) in enumerate(steps):
        # Equal letters no longer than the differences on both sides are chance: a transposition reads as one mark.
        inside = 0 < index < len(steps) - 1
        chance = inside and sizes[index] <= min(sizes[index - 1], sizes[index + 1])
        runs.append((mine[start:end], tag != "equal" or chance))
    return runs


def _steps(left: list[str] | str, right: list[str] | str) -> Sequence[tuple[str, int, int, int, int]]:
    return SequenceMatcher(None, left, right, autojunk=False).get_opcodes()


def _words(text: str) -> list[str]:
    return re.findall(r"\s*\S+\s*$|\s*\S+\s+|\s+", text) or ([text] if text.strip() else [])


def _folded(words: list[str]) -> list[str]:
    return [word.strip().casefold() for word in words]


def _joined(runs: list[Run]) -> list[Run]:
    joined: list[Run] = []
    for run, differs in runs:
        if not run and not differs:
            continue
        if joined and joined[-1][1] == differs:
            joined[-1] = (joined[-1][0] + run, differs)
        else:
            joined.append((run, differs))
    return joined
