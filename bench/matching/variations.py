"""What a score of .95 is worth on files nobody looked at: each labelled set again with columns left out, or cut down.

    python -m bench.matching.variations --sets DIR [--only NAME ...]

A hospital's list rarely has all columns of a set: without identifiers, without addresses, with names alone, with some
hundred records only. One line a variation; exits 1 where the automatic band is right less often than promised, beyond
what chance explains (the upper end of Wilson's interval of 95 % lies below the promise).
"""

import argparse
import csv
import math
import random
import sys
import tempfile
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from bench.matching.measuring import ours
from bench.matching.sets import Labelled, found

PROMISED = 0.98
FEWER = (300, 1_000, 3_000)  # records
# What is left out together, by the names of attributes.
LACKING: dict[str, frozenset[str]] = {
    "identifiers": frozenset({"tax_id", "duns", "identifier", "gtin", "vendor_item_no"}),
    "phones": frozenset({"phone", "website"}),
    "addresses": frozenset({"street", "postcode"}),
    "all but names and places": frozenset(
        {"tax_id", "duns", "identifier", "phone", "website", "street", "postcode", "gtin", "vendor_item_no", "price"}
    ),
    "part numbers": frozenset({"manufacturer_part_number", "vendor_item_no", "gtin"}),
    "makers": frozenset({"manufacturer"}),
}


def main(given: Sequence[str] | None = None) -> int:
    """One line a variation."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", type=Path, required=True)
    parser.add_argument("--only", nargs="*")
    options = parser.parse_args(given)
    missed = False
    print(f"{'set':24}{'variation':32}{'records':>9}{'F1':>8}{'P .95':>8}{'R .95':>8}{'pairs':>8}")
    with tempfile.TemporaryDirectory() as place:
        out = Path(place)
        for whole in found(options.sets):
            if options.only and whole.name not in options.only:
                continue
            for told, one in variations(whole, out):
                measured = ours(one, out)
                pairs = measured.joined
                low = pairs and upper(measured.precision, pairs) < PROMISED
                missed |= bool(low)
                print(
                    f"{whole.name:24}{told:32}{one.size():>9,}{measured.best:>8.3f}{measured.precision:>8.3f}"
                    f"{measured.recall:>8.3f}{pairs:>8,}{'  too low' if low else ''}",
                    flush=True,
                )
    return int(missed)


def variations(whole: Labelled, out: Path) -> Iterator[tuple[str, Labelled]]:
    """The set without some of its columns, where it has them and a name is left; and parts of it drawn at random."""
    for told, lacking in LACKING.items():
        kept = {attribute: column for attribute, column in whole.mapped.items() if attribute not in lacking}
        if len(kept) < len(whole.mapped):
            yield f"without {told}" if not told.startswith("all") else told, replace(whole, mapped=kept)
    for number in FEWER:
        if number < whole.size():
            yield f"{number} records", replace(whole, folder=_cut(whole.folder, number, out / f"{whole.name}-{number}"))


def upper(share: float, count: int) -> float:
    """The upper end of Wilson's interval of 95 % (Wilson 1927)."""
    z = 1.96
    middle = share + z * z / (2 * count)
    return (middle + z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))) / (1 + z * z / count)


def _cut(folder: Path, number: int, place: Path) -> Path:
    """So many records, whole clusters of them, drawn by a fixed seed."""
    place.mkdir(exist_ok=True)
    with (folder / "truth.csv").open(newline="", encoding="utf-8") as lines:
        truth = {row["record_id"]: row["cluster_id"] for row in csv.DictReader(lines)}
    clusters = sorted(set(truth.values()))
    random.Random(number).shuffle(clusters)
    members: dict[str, list[str]] = {}
    for record, cluster in truth.items():
        members.setdefault(cluster, []).append(record)
    kept = set[str]()
    for cluster in clusters:
        if len(kept) >= number:
            break
        kept.update(members[cluster])
    for name in ("records.csv", "truth.csv"):
        _copy(folder / name, place / name, kept)
    return place


def _copy(there: Path, here: Path, kept: Collection[str]) -> None:
    with there.open(newline="", encoding="utf-8") as lines, here.open("w", newline="", encoding="utf-8") as written:
        rows = csv.reader(lines)
        header = next(rows)
        writer = csv.writer(written)
        writer.writerow(header)
        at = header.index("record_id")
        writer.writerows(row for row in rows if row[at] in kept)


if __name__ == "__main__":
    sys.exit(main())
