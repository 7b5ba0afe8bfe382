"""Matching alone, without a database: read the demo folder, decide everything at once, score against its truth.

  python bench/matching_offline.py FOLDER [--domain supplier] [--clusters FILE] [--levels] [--show 10] [--seed 1]

Prints per domain: records, pairs compared, seconds, precision and recall of automatic groups, questions for people.
``--levels`` counts true and false pairs per comparison level, which is where the weights in the domain files come from;
``--show`` prints examples of wrong links, missed pairs and questions.
"""

import argparse
import csv
import os
import random
import sys
import time
from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import combinations
from math import log2
from pathlib import Path

import django

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mdm.settings")
os.environ.setdefault("SECRET_KEY", "offline")
django.setup()

from bench.demo_files import READERS, Row  # noqa: E402
from matching import blocking, scoring  # noqa: E402
from matching.deciding import Decisions, decide  # noqa: E402
from matching.evaluation import b_cubed, pairwise  # noqa: E402
from matching.features import make_features  # noqa: E402
from matching.known import Known, Pair, Scored, ordered  # noqa: E402
from mdm.domains import BY_NAME  # noqa: E402
from mdm.spec import Domain  # noqa: E402

Place = tuple[str, str]
QUIET = ("skeleton", "lead", "house")


class Truth:
    """Which rows are one thing, and the pairs that are not to be scored."""

    def __init__(self, folder: Path, domain: str) -> None:
        with (folder / "truth.csv").open(encoding="utf-8") as lines:
            rows = [row for row in csv.DictReader(lines) if row["domain"] == domain]
        self.entity: dict[Place, str] = {(r["source_file"], r["source_key"]): r["entity_id"] for r in rows}
        with (folder / "truth_pairs_unscored_or_negative.csv").open(encoding="utf-8") as lines:
            self.skip = {
                frozenset([(r["file_a"], r["key_a"]), (r["file_b"], r["key_b"])])
                for r in csv.DictReader(lines)
                if r["domain"] == domain and r["label"] == "U"
            }

    def verdict(self, a: Row, b: Row) -> bool | None:
        left, right = (a.file, a.key), (b.file, b.key)
        if left not in self.entity or right not in self.entity or frozenset([left, right]) in self.skip:
            return None
        return self.entity[left] == self.entity[right]


@dataclass
class Case:
    """One domain, blocked and ready to be decided."""

    domain: Domain
    rows: list[Row]
    truth: Truth
    scored: Scored
    pairs: set[Pair]


def block(domain: Domain, known: dict[int, Known]) -> tuple[set[Pair], dict[tuple[str, str], int]]:
    """The pairs that share a key, and how many records of one source share a text."""
    buckets: dict[int, list[int]] = defaultdict(list)
    singles = blocking.single_passes(domain.matching)
    counts: Counter[tuple[str, str, int]] = Counter()
    for one in known.values():
        for _, key in set(blocking.keys(domain, one.features)):
            buckets[key].append(one.id)
        for name in singles:
            counts.update((name, text, one.system) for text in one.features.get(name, ()))
    cap = domain.matching.block_cap
    pairs = {ordered(*pair) for ids in buckets.values() if len(ids) <= cap for pair in combinations(ids, 2)}
    most: dict[tuple[str, str], int] = {}
    for (name, text, _), count in counts.items():
        most[name, text] = max(count, most.get((name, text), 0))
    return pairs, most


def prepare(folder: Path, name: str) -> Case:
    domain = BY_NAME[name]
    rows = list(READERS[name](folder))
    systems = {system: n for n, system in enumerate(dict.fromkeys(row.system for row in rows))}
    known = {
        n: Known(n, systems[row.system], make_features(domain.matching, row.values, row.parts, lambda _: None))
        for n, row in enumerate(rows)
    }
    pairs, counts = block(domain, known)
    return Case(domain, rows, Truth(folder, name), Scored(domain.matching, known, scoring.shares(counts)), pairs)


def figures(case: Case, found: Decisions) -> None:
    """Precision and recall of the automatic groups, and what people are asked."""
    place = [(row.file, row.key) for row in case.rows]
    groups = {place[n]: number for number, joined in enumerate(found.joined) for n in joined.records}
    alone = {where: groups.get(where, ("alone", where)) for where in place}
    pairs = pairwise(alone, case.truth.entity, case.truth.skip)
    cubed = b_cubed(alone, case.truth.entity)
    blocked = sum(case.truth.verdict(case.rows[a], case.rows[b]) is True for a, b in case.pairs)
    asked = Counter(case.truth.verdict(*(case.rows[n] for n in r.pairs[0][:2])) for r in found.resemblances)
    print(
        f"  blocking recall {blocked / max(1, pairs.true):.3f}; automatic: precision {pairs.precision:.4f} recall "
        f"{pairs.recall:.4f} F1 {pairs.f1:.4f}; B-cubed {cubed[0]:.4f} / {cubed[1]:.4f}\n"
        f"  questions: {asked[True]} same, {asked[False]} different, {asked[None]} not known to the truth"
    )


def levels(case: Case) -> None:
    """How often each level occurs among true and false compared pairs, in bits."""
    table: dict[str, dict[float, list[int]]] = defaultdict(lambda: defaultdict(lambda: [0, 0]))
    for a, b in case.pairs:
        verdict = case.truth.verdict(case.rows[a], case.rows[b])
        if verdict is not None:
            for e in case.scored.score(a, b).evidence:
                level = next((lv.at_least for lv in e.comparison.levels if e.similarity >= lv.at_least), 0.0)
                table[e.comparison.feature][level][verdict] += 1
    for feature, found in table.items():
        true, false = (sum(count[side] for count in found.values()) for side in (True, False))
        for level, (u, m) in sorted(found.items(), reverse=True):
            bits = log2((m + 0.5) / (true + 1)) - log2((u + 0.5) / (false + 1))
            print(f"   {feature:12} {level:5} true {m:6} false {u:6} bits {bits:6.2f}")


def show(case: Case, found: Decisions, most: int, seed: int) -> None:
    """Examples to learn from."""
    together = {ordered(*p) for joined in found.joined for p in combinations(joined.records, 2)}
    verdicts = {pair: case.truth.verdict(case.rows[pair[0]], case.rows[pair[1]]) for pair in together | case.pairs}
    examples = {
        "WRONG": sorted(p for p in together if verdicts[p] is False),
        "MISSED": sorted(p for p in case.pairs - together if verdicts[p] is True),
        "ASKED": [ordered(*r.pairs[0][:2]) for r in found.resemblances],
    }
    for label, pairs in examples.items():
        for a, b in random.Random(seed).sample(pairs, min(most, len(pairs))):
            score = case.scored.score(a, b)
            print(f"  {label} {score.bits:.1f} bits, truth {case.truth.verdict(case.rows[a], case.rows[b])}: ", end="")
            print(scoring.sentence(score))
            for n in (a, b):
                texts = {k: v for k, v in case.scored.known[n].features.items() if k not in QUIET}
                print(f"      {case.rows[n].system} {case.rows[n].key} {texts}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--domain", choices=list(READERS))
    parser.add_argument("--clusters", type=Path, default=Path(os.devnull))
    parser.add_argument("--levels", action="store_true")
    parser.add_argument("--show", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    with args.clusters.open("w", newline="", encoding="utf-8") as lines:
        out = csv.writer(lines)
        out.writerow(["domain", "source_file", "source_key", "cluster_id"])
        for name in [args.domain] if args.domain else READERS:
            started = time.perf_counter()
            case = prepare(args.folder, name)
            ready = time.perf_counter()
            found = decide(case.scored, case.pairs)
            print(
                f"{name}: {len(case.rows)} records, {len(case.pairs)} pairs; prepared in {ready - started:.1f} s, "
                f"decided in {time.perf_counter() - ready:.1f} s; {len(found.joined)} golden records"
            )
            figures(case, found)
            if args.levels:
                levels(case)
            show(case, found, args.show, args.seed)
            for n, joined in enumerate(found.joined):
                out.writerows((name, case.rows[r].file, case.rows[r].key, f"{name}-{n}") for r in joined.records)


if __name__ == "__main__":
    main()
