"""Duplicates of one file, without the hub: read, compare, learn, score, group, write."""

import csv
import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from matching.engine import goods, names, organisations
from matching.engine.answers import learnt, settled
from matching.engine.bounds import bounded
from matching.engine.candidates import Pairs, Report
from matching.engine.columns import Shares
from matching.engine.company import listened, rivalled
from matching.engine.decisions import Decisions, nothing, with_told
from matching.engine.evidence import Prepared
from matching.engine.grouping import Grouped, group
from matching.engine.learning import Odds
from matching.engine.questions import questions
from matching.engine.shipped import shipped
from matching.engine.weighing import barred, weights
from mdm.errors import Refused
from mdm.intake import readers
from mdm.intake.quarantine import harmless

WRITTEN = 100_000  # pairs written at once

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
    alone: "Matchable | None" = None  # where nothing but a name is mapped


_PLACE = {
    "name": "the name, also with legal form and trading names", "street": "house number and street, or a whole address",
    "city": "town", "region": "state or province", "postcode": "postcode or ZIP", "country": "country",
    "phone": "telephone", "website": "website or e-mail address",
}  # fmt: skip
_NAMES = Matchable(names.prepare, {"name": _PLACE["name"]}, ("name",), "names")


def _organisation(default: str) -> Matchable:
    attributes = _PLACE | organisations.IDENTIFIERS
    return Matchable(organisations.prepare, attributes, ("name",), default, "company", _NAMES)


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
    ),
}  # fmt: skip


@dataclass(frozen=True)
class File:
    """Keys, sources and mapped attributes of every record, equally long lists of raw texts."""

    keys: list[str]
    sources: list[str]
    values: dict[str, list[str]]


@dataclass(frozen=True)
class Compared:
    """Candidate pairs before any answer: their evidence, its worth, and which of them must not be joined."""

    pairs: Pairs
    evidence: Mapping[str, Shares]
    odds: Odds
    barred: Mask
    report: Report


@dataclass(frozen=True)
class Found:
    """Scored pairs, the group of each record, what was left out, and the pairs to ask people about, by position."""

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
def _uncollected() -> Iterator[None]:
    """Python's search for rings of references stands still: there are none, and it looks at every text each time."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()


@_uncollected()
def load(file: Path, domain: str, mapped: Mapping[str, str], *, key: str, source: str = "") -> File:
    """The records of a file. Raises Refused with every fault of the question at once, or where a row cannot be read."""
    faults = list(_faults(domain, mapped))
    if faults:
        raise Refused(" ".join(faults), _ways_out(domain))
    wanted = [key, *mapped.values(), *([source] if source else [])]
    keys, sources = list[str](), list[str]()
    values: dict[str, list[str]] = {attribute: [] for attribute in mapped}
    try:
        with readers.read(file, expected_columns=list(dict.fromkeys(wanted))) as reading:
            for row in reading:
                if row.problems:
                    raise Refused(f"Line {row.line}: {' '.join(row.problems)}", "Mend the line, then try again.")
                keys.append(row.cells.get(key, "").strip())
                sources.append(row.cells.get(source, "").strip() if source else "")
                for attribute, column in mapped.items():
                    values[attribute].append(row.cells.get(column, ""))
    except (readers.UnreadableFile, OSError) as error:
        raise Refused(f"{file.name} cannot be read: {error}", "Name a CSV, XLSX or JSON-lines file.") from error
    if twice := len(keys) - len(set(keys)):
        raise Refused(f"{twice:,} records share a key in {key}.", "Name a column that is different in each record.")
    return File(keys, sources, values)


def _faults(domain: str, mapped: Mapping[str, str]) -> Iterator[str]:
    matchable = MATCHABLE.get(domain)
    if matchable is None:
        yield f"{domain} is not matched from a file."
        return
    for attribute in mapped:
        if attribute not in matchable.attributes:
            yield f"A {domain} has no {attribute} to match by."
    if not any(attribute in mapped for attribute in matchable.needed):
        yield f"A {domain} is matched by its {' or '.join(matchable.needed)}: map it."


def _ways_out(domain: str) -> str:
    matchable = MATCHABLE.get(domain)
    if matchable is None:
        return f"Choose one of {', '.join(MATCHABLE)}."
    return f"You can map {', '.join(matchable.attributes)}."


@_uncollected()
def find(file: File, domain: str, *, across: bool = False, decisions: Decisions | None = None, ask: int = 0) -> Found:
    """Compare the records of a file and group them. ``across``: only records of different sources are compared.

    ``decisions`` hold whatever the evidence says, and teach what it is worth; ``ask`` is how many pairs to choose
    whose answers would teach most.
    """
    decisions = decisions or nothing(len(file.keys))
    return judged(compared(file, domain, across=across, decisions=decisions), decisions, ask=ask)


def compared(file: File, domain: str, *, across: bool, decisions: Decisions) -> Compared:
    """Candidate pairs, those people decided on among them, with their evidence and its worth before any answer."""
    matchable = MATCHABLE[domain]
    if matchable.alone and list(file.values) == ["name"]:
        matchable = matchable.alone
    values, notes = bounded(file.values, matchable.needed)
    prepared = matchable.prepare(values)
    pairs, report = prepared.pairs()
    report.notes = notes
    number = {source: n for n, source in enumerate(dict.fromkeys(file.sources))}
    sources = np.array([number[source] for source in file.sources], dtype=np.int64)
    if across:
        pairs = pairs.kept(sources[pairs.left] != sources[pairs.right])
    pairs = with_told(pairs, decisions)
    evidence = prepared.evidence(pairs)
    weighed = weights(prepared, evidence, shipped(matchable.default))
    company = shipped(matchable.company)
    if company:
        pairs, evidence, told = listened(prepared, pairs, evidence, weighed, implied=not across)
        odds = company.odds(told.evidence())
    else:
        odds = weighed.odds(evidence)
    if across:
        odds = rivalled(pairs, odds, sources)
    return Compared(pairs, evidence, odds, barred(prepared, evidence), report)


def judged(given: Compared, decisions: Decisions, *, ask: int = 0) -> Found:
    """What the answers make of it: odds, groups, and what to ask next."""
    pairs, evidence = given.pairs, given.evidence
    beliefs = learnt(evidence, given.odds, decisions.told(pairs))
    answers = decisions.verdicts(pairs)
    odds = settled(beliefs.odds(evidence, given.odds), answers)
    asked = questions(evidence, given.odds, odds, answers, pairs, beliefs, ask) if ask else ()
    return Found(pairs, odds, group(pairs, odds, given.barred, decisions), given.report, asked)


def write_pairs(found: Found, file: File, out: Path) -> None:
    """left_id, right_id, score; the most likely first."""
    order = np.argsort(-found.odds, kind="stable")
    scores = found.scores
    keys = np.array([*map(_cell, file.keys), ""], dtype=np.object_)
    with out.open("w", newline="", encoding="utf-8") as lines:
        lines.write("left_id,right_id,score\r\n")
        for begin in range(0, len(order), WRITTEN):
            some = order[begin : begin + WRITTEN]
            left, right = keys[found.pairs.left[some]].tolist(), keys[found.pairs.right[some]].tolist()
            lines.writelines(map("%s,%s,%.6f\r\n".__mod__, zip(left, right, scores[some].tolist(), strict=True)))


def _cell(text: str) -> str:
    """As a CSV file holds it; a writer's row for each of millions of pairs takes longer than comparing them."""
    return '"' + text.replace('"', '""') + '"' if any(c in text for c in ',"\r\n') else text


def write_groups(found: Found, file: File, out: Path) -> None:
    """record_id, cluster_id in the order of the file."""
    with out.open("w", newline="", encoding="utf-8") as lines:
        writer = csv.writer(lines)
        writer.writerow(["record_id", "cluster_id"])
        writer.writerows(zip(file.keys, found.grouped.groups, strict=True))


def write_questions(found: Found, file: File, out: Path) -> None:
    """left_id, right_id, an empty ``same`` to be filled in with yes or no, the score, and both records side by side."""
    with out.open("w", newline="", encoding="utf-8") as lines:
        writer = csv.writer(lines)
        shown = [f"{side}_{attribute}" for attribute in file.values for side in ("left", "right")]
        writer.writerow(["left_id", "right_id", "same", "score", *shown])
        for at in found.asked:
            records = int(found.pairs.left[at]), int(found.pairs.right[at])
            texts = [harmless(values[record]) for values in file.values.values() for record in records]
            writer.writerow([*(file.keys[record] for record in records), "", f"{found.scores[at]:.4f}", *texts])
