"""What a domain compares: prepared columns, the passes that find pairs, the groups of evidence."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matching.comparisons import slip_shares, sorted_words, text_shares
from matching.engine.candidates import Pairs, Report, keys_of, sharing, united
from matching.engine.columns import Column, Measure, Numbers, Shares, compare
from matching.engine.spelling import Spelling
from matching.engine.words import Words

Compare = Callable[[Pairs], Shares]
Doubt = Callable[[Pairs, Mapping[str, Shares]], NDArray[np.bool_]]
HELD = "held back"  # names the evidence that a pair is left to a person, however alike: 0 there, NaN else
ENDS = 3  # letters at either end of an identifier
CHUNK = 100_000  # pairs compared at once: bounds memory
MANY = 3_000_000  # pairs whose evidence is held exactly


@dataclass(frozen=True)
class Group:
    """Evidence of attributes that do not speak independently, as one similarity of 0 to 1, NaN where silent.

    Before anything is learnt it is worth ``weight * (similarity - centre)`` of log-odds. ``hard`` identifiers that
    differ forbid a link; equal ones are proof enough to learn from. ``parts`` names what ``compare`` tells beside that
    similarity, one column each: the components weights may be learnt for.
    """

    label: str
    weight: float
    centre: float
    compare: Compare
    hard: bool = False
    parts: tuple[str, ...] = ()

    def worth(self, shares: Shares) -> NDArray[np.float64]:
        """The log-odds declared for each similarity."""
        return np.nan_to_num(self.weight * (shares.astype(np.float64) - self.centre))


@dataclass(frozen=True)
class Pass:
    """Records that share a text of each of these columns are compared, unless more than ``cap`` share it and the
    pass would make more than ``budget`` pairs a record."""

    columns: tuple[str, ...]
    cap: int = 20
    budget: float = 2.0


@dataclass(frozen=True)
class Prepared:
    """Records ready to be compared. ``spelt`` are columns whose texts of like spelling are compared too; ``trust`` is
    how far the shipped weights hold as they are, 0 where something better is learnt from the records; ``settles``
    whether EM, which begins with the shipped weights, is heard beside them. Pairs that ``doubt`` names are left to
    a person, however alike they are; so, but in their scores alone, are those of which what ``must`` names is less
    than that."""

    size: int
    columns: Mapping[str, Column]
    passes: Sequence[Pass]
    groups: Mapping[str, Group]
    spelt: Sequence[tuple[str, int, float]] = ()  # column, how many of the nearest, least cosine
    spellings: Mapping[str, Spelling] = field(default_factory=dict)
    prior: float = -1.0
    trust: float = 0.0
    settles: bool = False
    doubt: Doubt | None = None
    must: tuple[str, float] | None = None

    def pairs(self) -> tuple[Pairs, Report]:
        """Every pair worth comparing once, and what was left out."""
        report, found = Report(self.size), list[Pairs]()
        for number, one in enumerate(self.passes):
            name = " and ".join(one.columns)
            records, keys = keys_of([self.columns[column] for column in one.columns], number)
            pairs, over, most = sharing(records, keys, one.cap, budget=int(one.budget * self.size))
            report.by_pass[name] = len(pairs)
            if over:
                report.left_out[name] = (over, most)
            found.append(pairs)
        for column, count, least in self.spelt:
            near = self.spellings[column].nearest(count, least=least)
            found.append(_borne(self.columns[column], near))
            report.by_pass[f"{column} of like spelling"] = len(found[-1])
        pairs = united(found, self.size)
        report.pairs = len(pairs)
        return pairs, report

    def parts(self, pairs: Pairs) -> Iterator[tuple[slice, dict[str, Shares]]]:
        """The evidence of many pairs a part at a time: which, and each group's similarity by the group's name, its
        parts by ``name:part``."""
        for begin in range(0, max(len(pairs), 1), CHUNK):
            part = slice(begin, begin + CHUNK)
            yield part, self._evidence(Pairs(pairs.left[part], pairs.right[part]))

    def evidence(self, pairs: Pairs) -> dict[str, Shares]:
        """The evidence of all pairs at once. Of very many it is held in half as many bytes, exact to a thousandth."""
        kind = np.float16 if len(pairs) > MANY else np.float32
        found: dict[str, Shares] = {}
        for part, evidence in self.parts(pairs):
            for name, shares in evidence.items():
                if name not in found:
                    found[name] = np.empty(len(pairs), dtype=kind)
                found[name][part] = shares
        return found

    def hard(self, pairs: Pairs) -> dict[str, Shares]:
        """What hard identifiers alone say."""
        return {name: group.compare(pairs) for name, group in self.groups.items() if group.hard}

    def _evidence(self, pairs: Pairs) -> dict[str, Shares]:
        found: dict[str, Shares] = {}
        for name, group in self.groups.items():
            shares = group.compare(pairs)
            if group.parts:
                found |= {f"{name}:{part}": shares[:, 1 + n] for n, part in enumerate(group.parts)}
                shares = shares[:, 0]
            found[name] = shares
        if self.doubt:
            found[HELD] = np.where(self.doubt(pairs, found), 0, np.nan).astype(np.float32)
        return found

    def first_odds(self, evidence: Mapping[str, Shares]) -> NDArray[np.float64]:
        """Log-odds by the declared weights alone."""
        return np.asarray(sum(self.declared(evidence).values()), dtype=np.float64)

    def declared(self, evidence: Mapping[str, Shares]) -> dict[str, NDArray[np.float64]]:
        """What each group declares its similarity to be worth; under "" the prior. They add up."""
        begin = {"": np.full(len(next(iter(evidence.values()))), self.prior)}
        return begin | {name: group.worth(evidence[name]) for name, group in self.groups.items()}


def _borne(column: Column, near: Pairs) -> Pairs:
    """From pairs of texts to pairs of records, the first few bearers of each text."""
    order = np.argsort(column.codes, kind="stable")
    bounds = np.searchsorted(column.codes[order], np.arange(len(column.texts) + 1))
    lefts, rights = list[Numbers](), list[Numbers]()
    for one in range(2):
        for other in range(2):
            there = (bounds[near.left] + one < bounds[near.left + 1]) & (
                bounds[near.right] + other < bounds[near.right + 1]
            )
            lefts.append(column.owners[order[bounds[near.left[there]] + one]])
            rights.append(column.owners[order[bounds[near.right[there]] + other]])
    return Pairs(np.concatenate(lefts), np.concatenate(rights))


# ---- ready-made comparisons of one column ------------------------------------------------------------


def texts_by(
    column: Column, measure: Callable[[Sequence[str], Sequence[str]], Shares], form: Callable[[str], str] = str
) -> Compare:
    """A measure of two texts, each brought into that form before."""
    formed = column.formed(form)

    def of(pairs: Pairs) -> Shares:
        def by_number(one: Numbers, other: Numbers) -> Shares:
            return measure(formed(one), formed(other))

        return compare(column, pairs.left, pairs.right, by_number)

    return of


def identifiers(column: Column) -> Compare:
    """1 the same, .6 a slip of the pen, 0 another."""
    slips = slips_of(column)
    return lambda pairs: compare(column, pairs.left, pairs.right, slips)


def slips_of(column: Column) -> Measure:
    """``slip_shares`` of texts by their numbers. Only those with the same beginning or the same end are looked at: one
    slip spares the one or the other of all but the shortest."""
    heads, tails = (
        Column.single(column.texts, end).codes for end in (lambda text: text[:ENDS], lambda text: text[-ENDS:])
    )
    short = np.fromiter(map(len, column.texts), np.int64, len(column.texts)) < 2 * ENDS + 1

    def slips(one: Numbers, other: Numbers) -> Shares:
        may = (heads[one] == heads[other]) | (tails[one] == tails[other]) | short[one] | short[other]
        found = np.zeros(len(one), np.float32)
        found[may] = slip_shares(column.taken(one[may]), column.taken(other[may]))
        return found

    return slips


class Blend(NamedTuple):
    """What each way of comparing a text counts, 1 in all: words of both sides, of the better covered side, spelling,
    letters without spaces, words in order."""

    both: float
    most: float
    spelling: float
    compact: float
    ordered: float


WORDED = ("both", "most", "spelling", "compact", "ordered", "rarity")


def worded(column: Column, words: Words, spelling: Spelling, blend: Blend) -> Compare:
    """Words by rarity, spelling and letters together, so that each forgives what another does not; and, one column
    each, the parts that ``WORDED`` names."""

    bare, ordered = column.formed(without_spaces), column.formed(sorted_words)

    def by_number(one: Numbers, other: Numbers) -> Shares:
        told = words.told(one, other)
        compact = text_shares(bare(one), bare(other)) if blend.compact else np.zeros(len(one), np.float32)
        parts = [
            told.both, told.most, spelling.alike(one, other), compact, text_shares(ordered(one), ordered(other))
        ]  # fmt: skip
        whole = np.stack(parts, axis=1) @ np.array(blend, dtype=np.float32)
        return np.stack([whole, *parts, told.rarity], axis=1)

    return lambda pairs: compare(column, pairs.left, pairs.right, by_number)


def without_spaces(text: str) -> str:
    """The letters of all words in a row."""
    return text.replace(" ", "")


def through(column: Column, made: Iterable[Iterable[str]]) -> Column:
    """A column of what was made of each distinct text of another."""
    return column.made(Column.of(map(dict.fromkeys, made)))
