"""Names alone, as purchase ledgers and registers list them: cut short, glued together, with departments and remarks.

With nothing else to go by, several ways of comparing two names are kept apart and weighed by a model of their own.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from matching.comparisons import beginning_shares, sorted_words, text_shares
from matching.engine.candidates import Pairs
from matching.engine.columns import Column, Numbers, Shares, compare
from matching.engine.evidence import Compare, Doubt, Group, Pass, Prepared, through, without_spaces
from matching.engine.spelling import Spelling
from matching.engine.vocabulary import apart, spelled_out
from matching.engine.words import Words
from mdm.standardise.companies import FORMS
from mdm.standardise.folding import STOP_WORDS, expand_abbreviations, fold

NEAREST = 12
LONGEST = 300  # characters of a name that are read
TRUST = 0.75  # in what synthetic lists taught: real ones hold more namesakes, and log-odds are to be probabilities
SAME_WORDS, NEVER = 0.99, 2.0  # least share of their words of two names that may be joined without a person
DISTINCT = 0.98  # share of names up to which a list is one of records, among them namesakes
NAMED = ("both", "most", "spelling", "letters", "ordered", "rarity", "beginning", "lesser", "greater", "numbers")

# What clerks write into the field of a name; a name that is nothing else keeps it.
_REMARKS = re.compile(
    r"\b(?:do not use|dont use|dnu|not in use|no longer used|duplicate|inactive|closed|obsolete|on hold"
    r"|(?:please )?(?:use|see)(?: supplier| vendor| account| instead)?(?: \w*\d\w*)"
    r"|direct debit|pay by|bacs|chaps(?: payment)?)\b"
)
_SEAM = re.compile(r"(?<=\d{3})(?=[^\W\d_]{3})|(?<=[^\W\d_]{3})(?=\d{3})")
_CODE = re.compile(r"\d{4,}|(?=\w*[^\W\d_])(?=\w*\d)\w{4,}")
_NUMBER = re.compile(r"\b(?:\d{1,3}|i{2,3}|iv|vi{1,3}|ix|xi{1,3})\b")
_LONGEST_FORM = 4  # words


@lru_cache(maxsize=65536)
def plain(raw: str) -> tuple[str, ...]:
    """The folded words of a name without remarks, codes and legal forms at either end; all of them where none are
    left."""
    folded = fold(raw[:LONGEST])
    words = _SEAM.sub(" ", _REMARKS.sub(" ", folded)).split()
    kept = _without_forms([*_joined(word for word in words if not _CODE.fullmatch(word))])
    return tuple(kept) or tuple(folded.split())


def codes(raw: str) -> set[str]:
    """What clerks write beside a name to tell accounts, or branches, apart; ``plain`` leaves it out."""
    return {word for word in _SEAM.sub(" ", fold(raw[:LONGEST])).split() if _CODE.fullmatch(word)}


def _joined(words: Iterable[str]) -> Iterator[str]:
    """Single letters in a row as one word: ``n h s trust`` is ``nhs trust``."""
    for alone, some in groupby(words, lambda word: len(word) == 1 and word.isalpha()):
        letters = list(some)
        yield from ["".join(letters)] if alone else letters


def _without_forms(words: list[str]) -> list[str]:
    for size in range(min(_LONGEST_FORM, len(words) - 1), 0, -1):
        if tuple(words[-size:]) in FORMS:
            return _without_forms(words[:-size])
        if tuple(words[:size]) in FORMS:
            return _without_forms(words[size:])
    return words


def cleaned(raws: Sequence[str]) -> list[str]:
    """Each name with glued words parted, initials spelled out and abbreviations expanded, without stop words."""
    names = [plain(raw) for raw in raws]
    parted = apart(names)
    names = [_with(parted, name) for name in names]
    meant = spelled_out(names)
    return [" ".join(_telling(expand_abbreviations(_with(meant, name)))) for name in names]


def _with(instead: Mapping[str, tuple[str, ...]], name: Iterable[str]) -> tuple[str, ...]:
    return tuple(word for one in name for word in instead.get(one, (one,)))


def _telling(words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(word for word in words if word not in STOP_WORDS) or words


def prepare(rows: Mapping[str, Sequence[str]]) -> Prepared:
    """Columns, passes and evidence of names alone."""
    name = Column.of([text] if text else [] for text in cleaned(rows["name"]))
    words, spelling = Words(name.texts, name.bearers), Spelling(name.texts)
    distinct = len(set(rows["name"])) / max(len(rows["name"]), 1)
    columns = {
        "name": name,
        "rare words": name.made(words.rare(3)),
        "word pairs": name.made(words.rare_pairs(4)),
        "beginning": through(name, [[without_spaces(text)[:10]] for text in name.texts]),
        "end": through(name, [[without_spaces(text)[-10:]] for text in name.texts]),
    }
    return Prepared(
        size=len(name),
        columns=columns,
        passes=_PASSES,
        groups={"name": Group("Name", 14, 0.75, _named(name, words, spelling), parts=NAMED)},
        spelt=[("name", NEAREST, 0.3)],
        spellings={"name": spelling},
        trust=TRUST,
        doubt=_numbered_apart(Column.of(codes(raw) for raw in rows["name"])),
        must=("name:both", SAME_WORDS if distinct > DISTINCT else NEVER),
    )


_PASSES = (
    Pass(("name",), 60),
    Pass(("rare words",), 20, budget=12),
    Pass(("word pairs",), 20, budget=12),
    Pass(("beginning",), 20, budget=6),
    Pass(("end",), 20, budget=3),
)


def _named(column: Column, words: Words, spelling: Spelling) -> Compare:
    """The parts ``NAMED`` lists, behind their mean."""
    numbers = [frozenset(_NUMBER.findall(text)) for text in column.texts]
    letters, ordered = column.formed(without_spaces), column.formed(sorted_words)

    def by_number(one: Numbers, other: Numbers) -> Shares:
        said = words.told(one, other)
        bare = letters(one), letters(other)
        told = [
            said.both,
            said.most,
            spelling.alike(one, other),
            text_shares(*bare),
            text_shares(ordered(one), ordered(other)),
            said.rarity,
            beginning_shares(*bare),
            1 - said.lesser,
            1 - said.greater,
            _numbers_agree(numbers, one, other),
        ]
        whole = np.mean(told[:5], axis=0)
        return np.stack([whole, *told], axis=1).astype(np.float32)

    return lambda pairs: compare(column, pairs.left, pairs.right, by_number)


def _numbered_apart(codes: Column) -> Doubt:
    """Whether two names bear other numbers or codes: accounts of one organisation, or branches of a chain."""

    def equal(one: Numbers, other: Numbers) -> Shares:
        return np.asarray(one == other, dtype=np.float32)

    def doubted(pairs: Pairs, evidence: Mapping[str, Shares]) -> NDArray[np.bool_]:
        other_codes = compare(codes, pairs.left, pairs.right, equal) == 0
        return np.asarray(other_codes | (evidence["name:numbers"] == 0))

    return doubted


def _numbers_agree(numbers: Sequence[frozenset[str]], one: Numbers, other: Numbers) -> Shares:
    """1 the same numbers, 0 others, .5 where only one name has any, silent where neither has."""
    found = np.full(len(one), np.nan, dtype=np.float32)
    for at, (a, b) in enumerate(zip(one.tolist(), other.tolist(), strict=True)):
        ours, theirs = numbers[a], numbers[b]
        if ours or theirs:
            found[at] = 1.0 if ours == theirs else 0.5 if not (ours and theirs) else 0.0
    return found
