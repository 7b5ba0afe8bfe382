"""Matching alone, without a database: read the demo folder, decide everything at once, score against its truth.

  python bench/matching_offline.py FOLDER [--domain supplier] [--clusters FILE] [--levels] [--wrong N] [--missed N]

Prints per domain: records, pairs compared, seconds, automatic groups with precision and recall, questions for people.
"""

import argparse
import csv
import os
import random
import sys
import time
from collections import Counter, defaultdict
from itertools import combinations
from pathlib import Path

import django

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mdm.settings")
os.environ.setdefault("SECRET_KEY", "offline")
django.setup()

from bench.demo_files import READERS, Row  # noqa: E402
from matching import blocking, scoring  # noqa: E402
from matching.deciding import Decisions, decide  # noqa: E402
from matching.features import make_features  # noqa: E402
from matching.known import Known, Scored  # noqa: E402
from mdm.domains import BY_NAME  # noqa: E402
from mdm.spec import Domain  # noqa: E402


class Truth:
    def __init__(self, folder: Path, domain: str) -> None:
        with (folder / "truth.csv").open(encoding="utf-8") as lines:
            self.entity = {
                (r["source_file"], r["source_key"]): r["entity_id"]
                for r in csv.DictReader(lines)
                if r["domain"] == domain
            }
        self.skip = set()
        with (folder / "truth_pairs_unscored_or_negative.csv").open(encoding="utf-8") as lines:
            for r in csv.DictReader(lines):
                if r["domain"] == domain and r["label"] == "U":
                    self.skip.add(frozenset([(r["file_a"], r["key_a"]), (r["file_b"], r["key_b"])]))

    def verdict(self, a: Row, b: Row) -> bool | None:
        left, right = self.entity.get((a.file, a.key)), self.entity.get((b.file, b.key))
        if left is None or right is None or frozenset([(a.file, a.key), (b.file, b.key)]) in self.skip:
            return None
        return left == right


def block(domain: Domain, known: dict[int, Known]) -> tuple[set[tuple[int, int]], dict[tuple[str, str], int]]:
    buckets: dict[int, list[int]] = defaultdict(list)
    singles = {number: name for name, number in blocking.single_passes(domain.matching).items()}
    for one in known.values():
        for _, key in set(blocking.keys(domain, one.features)):
            buckets[key].append(one.id)
    pairs = {
        pair for ids in buckets.values() if 1 < len(ids) <= domain.matching.block_cap for pair in combinations(ids, 2)
    }
    counts: Counter[tuple[str, str, int]] = Counter()
    for one in known.values():
        for name in singles.values():
            counts.update((name, text, one.system) for text in one.features.get(name, ()))
    most: dict[tuple[str, str], int] = {}
    for (name, text, _), count in counts.items():
        most[name, text] = max(count, most.get((name, text), 0))
    return pairs, most


def report(
    rows: list[Row],
    truth: Truth,
    groups: list[tuple[int, ...]],
    args: argparse.Namespace,
    pairs,
    known,
    shared,
    matching,
) -> None:  # type: ignore[no-untyped-def]
    hit = joined = 0
    together = set()
    wrong = []
    for group in groups:
        for a, b in combinations(sorted(group), 2):
            together.add((a, b))
            verdict = truth.verdict(rows[a], rows[b])
            joined += verdict is not None
            hit += verdict is True
            if verdict is False:
                wrong.append((a, b))
    ids = {(r.file, r.key): n for n, r in enumerate(rows)}
    by_entity = defaultdict(list)
    for place, entity in truth.entity.items():
        by_entity[entity].append(ids[place])
    true = [
        (a, b)
        for members in by_entity.values()
        for a, b in combinations(sorted(members), 2)
        if truth.verdict(rows[a], rows[b])
    ]
    missed = [p for p in true if p not in together]
    blocked = sum(p in pairs for p in true)
    print(
        f"  blocking recall {blocked / max(1, len(true)):.3f}  precision {hit / max(1, joined):.4f}  recall {hit / max(1, len(true)):.4f}  ({hit}/{len(true)})"
    )
    random.seed(args.seed)
    for label, found, most in (("WRONG", wrong, args.wrong), ("MISSED", missed, args.missed)):
        for a, b in random.sample(found, min(most, len(found))):
            s = scoring.score(matching, known[a].features, known[b].features, rows[a].system == rows[b].system, shared)
            print(f"  {label} {s.bits:.1f} blocked={(a, b) in pairs} veto={s.vetoes} anchored={s.anchored}")
            for n in (a, b):
                print(
                    "     ",
                    rows[n].system,
                    rows[n].key,
                    {k: v for k, v in known[n].features.items() if k not in ("skeleton", "lead", "house")},
                )
            print("     ", [(e.comparison.feature, round(e.similarity, 2), round(e.weight, 1)) for e in s.evidence])


def levels(rows, truth, known, pairs, shared, matching) -> None:  # type: ignore[no-untyped-def]
    """m and u of every level among the compared pairs: what the weights in the domain file should look like."""
    from math import log2

    table: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(lambda: [0, 0]))
    total = [0, 0]
    for a, b in pairs:
        verdict = truth.verdict(rows[a], rows[b])
        if verdict is None:
            continue
        s = scoring.score(matching, known[a].features, known[b].features, rows[a].system == rows[b].system, shared)
        total[verdict] += 1
        same = "same source" if rows[a].system == rows[b].system else "other source"
        table["source"][same][verdict] += 1
        for e in s.evidence:
            level = next((str(l.at_least) for l in e.comparison.levels if e.similarity >= l.at_least), "else")
            table[e.comparison.feature][level][verdict] += 1
    print("  compared pairs: true", total[1], "false", total[0])
    for feature, found in table.items():
        m_all, u_all = sum(v[1] for v in found.values()), sum(v[0] for v in found.values())
        for level, (u, m) in sorted(found.items(), reverse=True):
            print(
                f"   {feature:12} {level:12} m={m:6} u={u:6}  bits {log2((m + 0.5) / (m_all + 1)) - log2((u + 0.5) / (u_all + 1)):6.2f}"
            )


def run(folder: Path, name: str, args: argparse.Namespace, out) -> None:  # type: ignore[no-untyped-def]
    domain = BY_NAME[name]
    rows = list(READERS[name](folder))
    started = time.perf_counter()
    systems = {s: n for n, s in enumerate(dict.fromkeys(r.system for r in rows))}
    known = {
        n: Known(n, systems[r.system], make_features(domain.matching, r.values, r.parts, lambda _: None))
        for n, r in enumerate(rows)
    }
    made = time.perf_counter()
    pairs, counts = block(domain, known)
    shared = scoring.shares(counts)
    blocked = time.perf_counter()
    found: Decisions = decide(Scored(domain.matching, known, shared), pairs)
    done = time.perf_counter()
    print(
        f"{name}: {len(rows)} records, {len(pairs)} pairs; features {made - started:.1f}s blocking {blocked - made:.1f}s "
        f"deciding {done - blocked:.1f}s; {len(found.joined)} golden, {len(found.resemblances)} questions"
    )
    truth = Truth(folder, name)
    groups = [j.records for j in found.joined]
    report(rows, truth, groups, args, pairs, known, shared, domain.matching)
    asked = Counter(truth.verdict(rows[r.pairs[0][0]], rows[r.pairs[0][1]]) for r in found.resemblances)
    print("  questions: same", asked[True], "different", asked[False], "unknown", asked[None])
    random.seed(args.seed)
    for r in random.sample(list(found.resemblances), min(args.asked, len(found.resemblances))):
        a, b, s = r.pairs[0]
        print(
            f"  ASK {r.bits:.1f} {s.bits:.1f} truth={truth.verdict(rows[a], rows[b])} {s.vetoes} {scoring.sentence(s)}"
        )
        for n in (a, b):
            print(
                "     ",
                rows[n].system,
                rows[n].key,
                {k: v for k, v in known[n].features.items() if k not in ("skeleton", "lead", "house")},
            )
    if args.levels:
        levels(rows, truth, known, pairs, shared, domain.matching)
    for n, group in enumerate(groups):
        for record in group:
            out.writerow([name, rows[record].file, rows[record].key, f"{name}-{n}"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--domain")
    parser.add_argument("--clusters", type=Path, default=Path(os.devnull))
    parser.add_argument("--levels", action="store_true")
    parser.add_argument("--wrong", type=int, default=0)
    parser.add_argument("--missed", type=int, default=0)
    parser.add_argument("--asked", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    with args.clusters.open("w", newline="", encoding="utf-8") as lines:
        out = csv.writer(lines)
        out.writerow(["domain", "source_file", "source_key", "cluster_id"])
        for name in [args.domain] if args.domain else READERS:
            run(args.folder, name, args, out)


if __name__ == "__main__":
    main()
