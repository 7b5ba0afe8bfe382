"""The links of a domain held against a known truth: a file that says which rows of which source are one thing."""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from matching.evaluation import Figures, b_cubed
from mdm.errors import Invalid
from mdm.models import Link
from mdm.spec import Domain

COLUMNS = ("source", "key", "cluster")
FAULTS_TOLD = 20
CHUNK = 5_000

Row = tuple[str, str]


@dataclass(frozen=True)
class Held:
    """Links against the truth. ``unknown`` rows of the truth are linked to nothing in this hub."""

    figures: Figures
    precision: float
    recall: float
    rows: int
    unknown: int

    def lines(self) -> Iterator[str]:
        """One fact a line."""
        yield f"truth: {self.rows:,} rows, {self.unknown:,} of them not in this hub"
        found = self.figures
        yield f"pairs linked: {found.joined:,}, right {found.hit:,}; true pairs {found.true:,}"
        yield f"precision {found.precision:.4f}, recall {found.recall:.4f}, F1 {found.f1:.4f}"
        yield f"B-cubed precision {self.precision:.4f}, recall {self.recall:.4f}"


def read_truth(path: Path) -> dict[Row, str]:
    """{(source, key): cluster}. Raises Invalid with every fault of the file at once."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return _read(csv.DictReader(file))
    except OSError as error:
        raise Invalid(f"{path} cannot be read: {error.strerror}.", "Name another file.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise Invalid(f"{path} is not a CSV file in UTF-8.", "Save it as one.") from error


def _read(rows: "csv.DictReader[str]") -> dict[Row, str]:
    missing = [name for name in COLUMNS if name not in (rows.fieldnames or ())]
    if missing:
        raise Invalid(f"The truth lacks the column {', '.join(missing)}.", f"Its columns are {', '.join(COLUMNS)}.")
    truth: dict[Row, str] = {}
    faults: list[tuple[str, str]] = []
    for number, row in enumerate(rows, start=2):
        source, key, cluster = ((row[name] or "").strip() for name in COLUMNS)
        if not (source and key and cluster):
            faults.append((f"line {number}", f"Line {number}: source, key and cluster are needed."))
        elif truth.setdefault((source, key), cluster) != cluster:
            faults.append((f"line {number}", f"Line {number}: {source} {key} was in another cluster before."))
    if faults:
        more = [("", f"and {len(faults) - FAULTS_TOLD:,} more")] if len(faults) > FAULTS_TOLD else []
        raise Invalid("The truth has faults.", "Mend them and try again.", faults[:FAULTS_TOLD] + more)
    if not truth:
        raise Invalid("The truth is empty.", "Give it at least one row.")
    return truth


def against(domain: Domain, truth: Mapping[Row, str]) -> Held:
    """The crosswalk of a domain held against the truth; rows it does not know count as records of their own."""
    found: dict[Row, str] = {}
    wanted = list(truth)
    for start in range(0, len(wanted), CHUNK):
        chunk = wanted[start : start + CHUNK]
        links = Link.objects.filter(
            ended_at__isnull=True,
            source_record__domain=domain.name,
            source_record__part="",
            source_record__system__code__in={source for source, _ in chunk},
            source_record__key__in=[key for _, key in chunk],
        )
        for source, key, record in links.values_list("source_record__system__code", "source_record__key", "record_id"):
            found[source, key] = str(record)
    groups = {row: found.get(row, f"alone {number}") for number, row in enumerate(truth)}
    precision, recall = b_cubed(groups, truth)
    unknown = sum(row not in found for row in truth)
    return Held(_pairs(groups, truth), precision, recall, len(truth), unknown)


def _pairs(found: Mapping[Row, str], truth: Mapping[Row, str]) -> Figures:
    """Pairs are counted, not made: a group of many thousand rows has more of them than fit in memory."""
    both = Counter((found[row], truth[row]) for row in truth)
    joined, true = Counter(found.values()), Counter(truth.values())
    return Figures(_within(both.values()), _within(joined.values()), _within(true.values()))


def _within(sizes: Iterable[int]) -> int:
    return sum(size * (size - 1) // 2 for size in sizes)
