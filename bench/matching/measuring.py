"""One set matched by `manage.py dedupe` in a process of its own, and by a peer, and what came out of it."""

import csv
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.matching.sets import Floors, Labelled
from matching.evaluation import Ranked, b_cubed, harmonic

ROOT = Path(__file__).parents[2]
SURE = 0.95


@dataclass(frozen=True)
class Spent:
    """What a process and its children took."""

    seconds: float  # CPU
    megabytes: float  # peak


@dataclass(frozen=True)
class Measured:
    """The figures of one run; those a peer does not tell are NaN."""

    best: float
    precision: float
    recall: float
    groups: float
    spent: Spent
    blocking: float = float("nan")
    each: float = float("nan")  # pairs a record
    joined: int = 0  # pairs of the automatic band

    def missed(self, floors: Floors, peer: "Measured | None") -> list[str]:
        """The floors this run does not reach, and where the peer finds more with its automatic band."""
        said = {
            f"F1 {floors.best:g}": self.best < floors.best,
            f"B-cubed {floors.groups:g}": self.groups < floors.groups,
            f"precision {floors.precision:g} at {SURE}": self.precision < floors.precision,
            f"{floors.seconds:g} CPU s": self.spent.seconds > floors.seconds,
            f"{floors.megabytes:g} MB": self.spent.megabytes > floors.megabytes,
        }
        if peer:
            said[f"the peer's recall at {SURE}"] = self.recall < peer.recall
        return [floor for floor, is_missed in said.items() if is_missed]


def run(command: Sequence[str], environment: Mapping[str, str]) -> Spent:
    """A process to its end. Raises RuntimeError with what it said where it fails."""
    with subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, **environment}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        said = process.stdout.read() if process.stdout else b""
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(said.decode(errors="replace")[-2000:])
    return Spent(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def ours(one: Labelled, out: Path) -> Measured:
    """`manage.py dedupe` on the set; the files are left in ``out``."""
    pairs, groups = out / "pairs.csv", out / "groups.csv"
    written = ["--out", str(pairs), "--clusters", str(groups)]
    command = [sys.executable, "manage.py", "dedupe", str(one.folder / "records.csv"), *one.arguments, *written]
    spent = run(command, {"SECRET_KEY": os.environ.get("SECRET_KEY", "bench")})
    truth = {row[0]: row[1] for row in _rows(one.folder / "truth.csv", "record_id", "cluster_id")}
    sources = dict(_rows(one.folder / "records.csv", "record_id", "source"))
    ranked = _ranked(pairs, truth, sources, across=one.across)
    found = {row[0]: row[1] for row in _rows(groups, "record_id", "cluster_id")}
    sure = ranked.at(SURE)
    return Measured(
        best=ranked.best()[1].f1, precision=sure.precision, recall=sure.recall, groups=harmonic(*b_cubed(found, truth)),
        spent=spent, blocking=ranked.blocking().recall, each=len(ranked.hits) / max(len(truth), 1), joined=sure.joined,
    )  # fmt: skip


def theirs(one: Labelled, out: Path, peer: Path, python: Path) -> Measured:
    """A peer's own run on the set: a program that takes its folder and writes its figures below $RESULTS."""
    spent = run([str(python), str(peer), str(one.folder)], {"RESULTS": str(out)})
    told = json.loads(next(out.rglob(f"{one.folder.name}.json")).read_text(encoding="utf-8"))
    sure = told[f"at_{SURE}_p"]
    groups = told.get(f"clusters_{SURE}_p", {}).get("b3_f1", float("nan"))
    return Measured(told["best"]["f1"], sure["p"], sure["r"], groups, spent, told["blocking_recall"])


def _ranked(pairs: Path, truth: Mapping[str, str], sources: Mapping[str, str], *, across: bool) -> Ranked:
    sizes = Counter(truth.values())
    true = sum(size * (size - 1) // 2 for size in sizes.values())
    if across:
        within = Counter((group, sources[record]) for record, group in truth.items())
        true -= sum(size * (size - 1) // 2 for size in within.values())
    scores, hits = list[float](), list[bool]()
    for left, right, score in _rows(pairs, "left_id", "right_id", "score"):
        if not across or sources[left] != sources[right]:
            scores.append(float(score))
            hits.append(truth[left] == truth[right])
    return Ranked.of(np.array(scores, dtype=np.float64), np.array(hits, dtype=np.bool_), true)


def _rows(file: Path, *columns: str) -> Iterator[tuple[str, ...]]:
    with file.open(newline="", encoding="utf-8") as lines:
        rows = csv.reader(lines)
        header = next(rows)
        at = [header.index(column) for column in columns]
        for row in rows:
            yield tuple(row[place] for place in at)
