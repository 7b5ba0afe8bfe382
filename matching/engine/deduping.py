"""Duplicates of one file, without the hub: read, compare, learn, score, group, write."""

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from matching.clustering import cluster
from matching.engine import goods, organisations
from matching.engine.candidates import Pairs, Report
from matching.engine.evidence import Prepared
from matching.engine.learning import Odds, learn
from mdm.errors import Refused
from mdm.intake import readers

ABSENT = -4.0  # log-odds of a pair nobody compared, where groups are weighed
LARGEST = 200  # of a group; more are never one thing without a person
ENOUGH = 50  # pairs that hard identifiers prove, below which nothing is learnt from them

Mask = NDArray[np.bool_]
Prepare = Callable[[Mapping[str, Sequence[str]]], Prepared]


@dataclass(frozen=True)
class Matchable:
    """How a domain is matched: what prepares it, what may be mapped, and of which attributes one must be."""

    prepare: Prepare
    attributes: Mapping[str, str]
    needed: tuple[str, ...]


_PLACE = {
    "name": "the name, also with legal form and trading names", "street": "house number and street, or a whole address",
    "city": "town", "region": "state or province", "postcode": "postcode or ZIP", "country": "country",
    "phone": "telephone", "website": "website or e-mail address",
}  # fmt: skip
MATCHABLE = {
    "supplier": Matchable(organisations.prepare, _PLACE | organisations.IDENTIFIERS, ("name",)),
    "facility": Matchable(organisations.prepare, _PLACE | organisations.IDENTIFIERS, ("name",)),
    "item": Matchable(
        goods.prepare,
        {
            "name": "a short name; without it the description", "description": "the description, or a longer text",
            "manufacturer": "maker or brand", "manufacturer_part_number": "the maker's number",
            "pack_quantity": "how many in a pack", "price": "price",
        } | goods.IDENTIFIERS,
        ("name", "description"),
    ),
}  # fmt: skip


UNUSED = ("region", "country")  # may be mapped, are not compared yet: said when the work is done


@dataclass(frozen=True)
class File:
    """Keys, sources and mapped attributes of every record, equally long lists of raw texts."""

    keys: list[str]
    sources: list[str]
    values: dict[str, list[str]]


@dataclass(frozen=True)
class Found:
    """Scored pairs, the group of each record, and what was left out."""

    pairs: Pairs
    odds: Odds
    groups: list[int]
    report: Report

    @property
    def scores(self) -> Odds:
        """Probability of each pair, 0 to 1."""
        scores: Odds = 1 / (1 + np.exp(-self.odds))
        return scores


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


def find(file: File, domain: str, *, across: bool = False) -> Found:
    """Compare the records of a file and group them. ``across``: only records of different sources are compared."""
    prepared = MATCHABLE[domain].prepare(file.values)
    pairs, report = prepared.pairs()
    if across:
        number = {source: n for n, source in enumerate(dict.fromkeys(file.sources))}
        of = np.array([number[source] for source in file.sources], dtype=np.int64)
        pairs = pairs.kept(of[pairs.left] != of[pairs.right])
    odds, vetoes = _weighed(prepared, pairs)
    return Found(pairs, odds, _groups(prepared.size, pairs, odds, vetoes), report)


def _weighed(prepared: Prepared, pairs: Pairs) -> tuple[Odds, Mask]:
    """Log-odds, declared and learnt weights by halves, as each errs where the other does not; and who is barred."""
    evidence = prepared.evidence(pairs)
    first = prepared.first_odds(evidence)
    known = np.full(len(pairs), np.nan)
    barred = np.zeros(len(pairs), dtype=bool)
    for name, group in prepared.groups.items():
        if group.hard:
            known[evidence[name] == 1] = 1
            differ = evidence[name] == 0
            known[differ & np.isnan(known)] = 0
            barred |= differ
    enough = np.count_nonzero(known == 1) >= ENOUGH
    whole = {name: evidence[name] for name in prepared.groups}
    learnt = learn(whole, first, known=known if enough else None).odds(whole)
    return (first + learnt) / 2, barred & ~(known == 1)


def _groups(size: int, pairs: Pairs, odds: Odds, barred: Mask) -> list[int]:
    """Average linkage within what hangs together at even odds or better."""
    strong = odds > 0
    graph = sparse.coo_matrix((strong[strong], (pairs.left[strong], pairs.right[strong])), shape=(size, size))
    _, part = connected_components(graph, directed=False)
    inside = part[pairs.left] == part[pairs.right]
    weights: dict[int, dict[tuple[int, int], float]] = {}
    vetoes: dict[int, list[tuple[int, int]]] = {}
    for left, right, own, veto in zip(
        pairs.left[inside].tolist(), pairs.right[inside].tolist(), odds[inside].tolist(), barred[inside].tolist(),
        strict=True,
    ):  # fmt: skip
        weights.setdefault(int(part[left]), {})[left, right] = own
        if veto:
            vetoes.setdefault(int(part[left]), []).append((left, right))
    groups = list(range(size))
    for number, within in weights.items():
        members = sorted({record for pair in within for record in pair})
        found = cluster(
            [[member] for member in members], within, threshold=0.0, floor=ABSENT, vetoes=vetoes.get(number, ()),
            largest=LARGEST,
        )  # fmt: skip
        for together in found.members.values():
            for record in together:
                groups[record] = min(together)
    return groups


def write_pairs(found: Found, file: File, out: Path) -> None:
    """left_id, right_id, score; the most likely first."""
    order = np.argsort(-found.odds, kind="stable")
    with out.open("w", newline="", encoding="utf-8") as lines:
        writer = csv.writer(lines)
        writer.writerow(["left_id", "right_id", "score"])
        columns = found.pairs.left[order].tolist(), found.pairs.right[order].tolist(), found.scores[order].tolist()
        for left, right, score in zip(*columns, strict=True):
            writer.writerow([file.keys[left], file.keys[right], f"{score:.6f}"])


def write_groups(found: Found, file: File, out: Path) -> None:
    """record_id, cluster_id in the order of the file."""
    with out.open("w", newline="", encoding="utf-8") as lines:
        writer = csv.writer(lines)
        writer.writerow(["record_id", "cluster_id"])
        writer.writerows(zip(file.keys, found.groups, strict=True))
