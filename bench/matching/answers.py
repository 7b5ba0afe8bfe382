"""What a hundred answers are worth: questions of `manage.py dedupe --ask`, answered by the truth, in rounds.

    python -m bench.matching.answers --sets DIR [--sets DIR] [--only NAME ...]

Each set is a folder with records.csv and truth.csv (record_id, cluster_id). Everything runs through the command, so
that what is measured is what a steward gets. Exits 1 where a floor of the issue is missed.
"""

import argparse
import csv
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage

import numpy as np

from matching.evaluation import b_cubed

ROUNDS, EACH = 5, 20
MANAGE = Path(__file__).parents[2] / "manage.py"
_PLACE = "name=name,street=address,city=city"


@dataclass(frozen=True)
class Task:
    """A labelled set: its domain and field map, whether only pairs across sources count, and the floor after answers:
    of the best pair F1, or of the B-cubed F1 of the groups."""

    name: str
    arguments: Sequence[str]
    floor: float
    across: bool = False
    groups: bool = False


def _task(name: str, domain: str, mapped: str, floor: float, *, across: bool = False, groups: bool = False) -> Task:
    given = ["--domain", domain, "--map", mapped, "--key", "record_id", "--source", "source"]
    return Task(name, [*given, "--across"] if across else given, floor, across, groups)


_ITEM = "description=description,manufacturer=manufacturer,manufacturer_part_number=mfr_part_no,gtin=gtin"
TASKS = (
    _task("us_hospitals_west", "facility", f"{_PLACE},region=state,postcode=zip,phone=phone", 0.965),
    _task("fodors_zagats", "facility", f"{_PLACE},phone=phone", 0.985, across=True),
    _task(
        "supplier10k", "supplier", f"{_PLACE},region=state,postcode=postcode,country=country,phone=phone,"
        "website=website,tax_id=tax_id,duns=duns", 0.83,
    ),
    _task(
        "facility10k", "facility", f"{_PLACE},region=state,postcode=postcode,phone=phone,identifier=facility_id", 0.89
    ),
    _task("item10k", "item", f"{_ITEM},vendor_item_no=vendor_item_no", 0.74),
    _task("abt_buy", "item", "name=name,description=description,price=price", 0.87, across=True),
    _task(
        "wdc_parts", "item",
        "name=name,manufacturer=brand,manufacturer_part_number=part_number,description=description,price=price", 0.895,
    ),
    _task("nhs_suppliers", "supplier", "name=name", 0.905, groups=True),
)  # fmt: skip


def main(given: Sequence[str] | None = None) -> int:
    """One line a set: without answers, with them, and the CPU seconds of one run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--sets", type=Path, action="append", required=True, help="a folder of labelled sets; repeatable"
    )
    parser.add_argument("--only", nargs="+", action="extend", help="names of sets")
    options = parser.parse_args(given)
    missed = False
    print(
        f"{'set':20}{'measured by':>14}{'0 answers':>11}{f'{ROUNDS * EACH} answers':>13}{'floor':>8}{'CPU s a run':>13}"
    )
    for task in TASKS:
        folder = next((sets / task.name for sets in options.sets if (sets / task.name / "truth.csv").exists()), None)
        if options.only and task.name not in options.only:
            continue
        if folder is None:
            print(f"{task.name:20}is in none of these folders.")
            continue
        begun = getrusage(RUSAGE_CHILDREN)
        before, after = _measured(task, folder)
        ended = getrusage(RUSAGE_CHILDREN)
        spent = (ended.ru_utime + ended.ru_stime - begun.ru_utime - begun.ru_stime) / (ROUNDS + 1)
        missed |= after < task.floor
        by = "B-cubed" if task.groups else "pair F1"
        told = "" if after >= task.floor else "  missed"
        print(f"{task.name:20}{by:>14}{before:11.4f}{after:13.4f}{task.floor:8.3f}{spent:13.1f}{told}", flush=True)
    return int(missed)


def _measured(task: Task, folder: Path) -> tuple[float, float]:
    """The figure without answers, and after all rounds."""
    truth = {row["record_id"]: row["cluster_id"] for row in _rows(folder / "truth.csv")}
    sources = {row["record_id"]: row["source"] for row in _rows(folder / "records.csv")}
    figures, decided = list[float](), list[tuple[str, str, str]]()
    with tempfile.TemporaryDirectory() as place:
        out = Path(place)
        for _ in range(ROUNDS + 1):
            with (out / "decisions.csv").open("w", newline="", encoding="utf-8") as lines:
                csv.writer(lines).writerows([("left_id", "right_id", "same"), *decided])
            _dedupe(task, folder, out)
            figures.append(_grouped(out, truth) if task.groups else _best(out, truth, sources, task.across))
            for row in _rows(out / "questions.csv"):
                left, right = row["left_id"], row["right_id"]
                decided.append((left, right, "yes" if truth[left] == truth[right] else "no"))
    return figures[0], figures[-1]


def _dedupe(task: Task, folder: Path, out: Path) -> None:
    files = {name: str(out / f"{name}.csv") for name in ("out", "clusters", "decisions", "questions")}
    given = [part for name, file in files.items() for part in (f"--{name}", file)]
    command = [sys.executable, str(MANAGE), "dedupe", str(folder / "records.csv"), *task.arguments, *given]
    subprocess.run([*command, "--ask", str(EACH)], check=True, stdout=subprocess.DEVNULL)


def _best(out: Path, truth: dict[str, str], sources: dict[str, str], across: bool) -> float:
    """The best F1 of pairs over all thresholds."""
    sizes = Counter(truth.values())
    true = sum(size * (size - 1) // 2 for size in sizes.values())
    if across:
        alike = Counter((group, sources[record]) for record, group in truth.items())
        true -= sum(size * (size - 1) // 2 for size in alike.values())
    found = [(float(row["score"]), truth[row["left_id"]] == truth[row["right_id"]]) for row in _rows(out / "out.csv")]
    scores, hits = np.array([score for score, _ in found]), np.array([hit for _, hit in found])
    order = np.argsort(-scores, kind="stable")
    last = np.r_[np.diff(scores[order]) != 0, True]
    right = np.cumsum(hits[order])
    return float((2 * right / (np.arange(len(right)) + 1 + true))[last].max())


def _grouped(out: Path, truth: dict[str, str]) -> float:
    found = {row["record_id"]: row["cluster_id"] for row in _rows(out / "clusters.csv")}
    precision, recall = b_cubed(found, truth)
    return 2 * precision * recall / (precision + recall)


def _rows(file: Path) -> Iterator[dict[str, str]]:
    with file.open(newline="", encoding="utf-8") as lines:
        yield from csv.DictReader(lines)


if __name__ == "__main__":
    sys.exit(main())
