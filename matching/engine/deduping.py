"""Duplicates among the records of one table: compare, learn, score, group."""

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matching.engine import goods, names, organisations
from matching.engine.answers import learnt, settled
from matching.engine.bounds import bounded
from matching.engine.calibrating import Signs, calibrated, signs
from matching.engine.candidates import Pairs, Report
from matching.engine.columns import Numbers, Shares
from matching.engine.company import heard, implied, rivalled
from matching.engine.decisions import Decisions, nothing, with_told
from matching.engine.evidence import Prepared
from matching.engine.grouping import Grouped, group
from matching.engine.judging import Judge
from matching.engine.learning import Odds
from matching.engine.questions import questions
from matching.engine.shipped import shipped

Mask = NDArray[np.bool_]
Prepare = Callable[[Mapping[str, Sequence[str]]], Prepared]


@dataclass(frozen=True)
class Matchable:
    """How a domain is matched: what prepares it, what may be mapped, and of which attributes one must be."""

    prepare: Prepare
    attributes: Mapping[str, str]
    needed: tuple[str, ...]
    default: str = ""  # the shipped weights, where there are any
    company: str = ""  # the shipped worth of what third records say, where it is heard
    scale: str = ""  # the shipped meaning of odds
    alone: "Matchable | None" = None  # where nothing but a name is mapped


_PLACE = {
    "name": "the name, also with legal form and trading names", "street": "house number and street, or a whole address",
    "city": "town", "region": "state or province", "postcode": "postcode or ZIP", "country": "country",
    "phone": "telephone", "website": "website or e-mail address",
}  # fmt: skip
_NAMES = Matchable(names.prepare, {"name": _PLACE["name"]}, ("name",), "names", scale="scale_names")


def _organisation(default: str) -> Matchable:
    attributes = _PLACE | organisations.IDENTIFIERS
    return Matchable(organisations.prepare, attributes, ("name",), default, "company", f"scale_{default}", _NAMES)


MATCHABLE = {
    "supplier": _organisation("supplier"),
    "facility": _organisation("facility"),
    "item": Matchable(
        goods.prepare,
        {
            "name": "a short name; without it the description", "description": "the description, or a longer text",
            "manufacturer": "maker or brand", "manufacturer_part_number": "the maker's number",
            "pack_quantity": "how many in a pack", "price": "price",
        } | goods.IDENTIFIERS,
        ("name", "description"),
        "item",
        scale="scale_item",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class File:
    """Keys, sources and mapped attributes of every record, equally long sequences of raw texts."""

    keys: Sequence[str]
    sources: Sequence[str]
    values: Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Compared:
    """Candidate pairs before any answer: their evidence if it is held, its worth, and which must not be joined; what
    is said of that worth, and what it is then."""

    pairs: Pairs
    evidence: Mapping[str, Shares]
    odds: Odds
    barred: Mask
    report: Report
    signs: Signs
    wary: Mask
    calibrated: Odds


@dataclass(frozen=True)
class Found:
    """Scored pairs, the group of each record, what was left out, and the pairs to ask people about, by position.

    ``odds`` are what is written of each pair; groups are made by what it was before it was calibrated.
    """

    pairs: Pairs
    odds: Odds
    grouped: Grouped
    report: Report
    asked: Sequence[int] = ()

    @property
    def scores(self) -> Odds:
        """Probability of each pair, 0 to 1."""
        scores: Odds = 1 / (1 + np.exp(-self.odds))
        return scores


@contextmanager
def uncollected() -> Iterator[None]:
    """Python's search for rings of references stands still: there are none, and it looks at every text each time."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()


@uncollected()
def find(file: File, domain: str, *, across: bool = False, decisions: Decisions | None = None, ask: int = 0) -> Found:
    """Compare the records of a file and group them. ``across``: only records of different sources are compared.

    ``decisions`` hold whatever the evidence says, and teach what it is worth; ``ask`` is how many pairs to choose
    whose answers would teach most.
    """
    decisions = decisions or nothing(len(file.keys))
    return judged(
        compared(file, domain, across=across, decisions=decisions, hold=bool(len(decisions) or ask)), decisions, ask=ask
    )


def compared(file: File, domain: str, *, across: bool, decisions: Decisions, hold: bool = True) -> Compared:
    """Candidate pairs, those people decided on among them, with their worth before any answer; and with their
    evidence, if that is to be held."""
    matchable = MATCHABLE[domain]
    if matchable.alone and list(file.values) == ["name"]:
        matchable = matchable.alone
    values, notes = bounded(file.values, matchable.needed)
    prepared = matchable.prepare(values)
    pairs, report = prepared.pairs()
    report.notes = notes
    sources = _numbers(file.sources) if across else np.zeros(0, np.int64)
    if across:
        pairs = pairs.kept(sources[pairs.left] != sources[pairs.right])
    pairs = with_told(pairs, decisions)
    judge = Judge.taught(prepared, pairs, shipped(matchable.default), hold=hold)
    found = judge.judged(pairs)
    company = shipped(matchable.company)
    if company and not across:
        found = found.joined(judge.judged(implied(found.pairs, found.odds, prepared.size)), prepared.size)
    told = heard(found.pairs, found.odds, prepared.size) if company else None
    odds = company.odds(told.evidence()) if company and told else found.odds
    if across:
        odds = rivalled(found.pairs, odds, sources)
    said = signs(odds, told=told)
    sure = calibrated(odds, said, found.wary, shipped(matchable.scale))
    return Compared(found.pairs, found.evidence, odds, found.barred, report, said, found.wary, sure)


def _numbers(texts: Sequence[str]) -> Numbers:
    """The same number for the same text."""
    number = {text: n for n, text in enumerate(dict.fromkeys(texts))}
    return np.fromiter(map(number.__getitem__, texts), np.int64, len(texts))


def judged(given: Compared, decisions: Decisions, *, ask: int = 0) -> Found:
    """What the answers make of it: odds, groups, and what to ask next."""
    pairs, evidence = given.pairs, given.evidence
    beliefs = learnt(evidence, given.odds, decisions.told(pairs))
    answers = decisions.verdicts(pairs)
    odds = settled(beliefs.odds(evidence, given.odds), answers)
    asked = questions(evidence, given.odds, odds, answers, pairs, beliefs, ask) if ask else ()
    written = odds if beliefs.taught else settled(given.calibrated, answers)
    return Found(pairs, written, group(pairs, odds, given.barred, decisions), given.report, asked)
