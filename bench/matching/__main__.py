"""Matching measured against labelled sets, floors and a peer, side by side in one table.

    python -m bench.matching [--sets DIR] [--quick] [--only NAME ...]
        [--generator "python synth.py" [--seed 1] [--large]] [--peer splink_run.py --peer-python PYTHON]

DIR holds a folder a set (records.csv, truth.csv, meta.json); without --sets, $ASSAY_MATCHING_DATA. A generator is
called with --kind, --n, --seed and --out and makes such a folder. A peer is called with the folder of a set and writes
its figures as JSON below $RESULTS. Every run is a process of its own: CPU seconds and peak memory are its, and below a
larger synthetic set is told how they grew. Exits 1 where a floor of matching is missed.
"""

import argparse
import math
import os
import shlex
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.matching.measuring import Measured, Spent, ours, run, theirs
from bench.matching.sets import FLOORS, NO_FLOORS, Labelled, found, labelled

QUICK = 3_000  # records of a set at most
MADE = (("supplier", 10_000), ("item", 10_000), ("facility", 10_000), ("supplier", 100_000), ("item", 100_000))
MADE_QUICK = (("supplier", 1_000), ("item", 1_000), ("facility", 1_000))
LARGE = (("supplier", 1_000_000),)
CHAIN = {f"{kind} {size:,}" for kind, size in (*MADE, *LARGE)}
HEAD = ("set", "records", "", "F1", "P .95", "R .95", "B-cubed", "blocking", "pairs each", "CPU s", "MB", "missed")
WIDTHS = (22, 10, 8, 8, 8, 8, 9, 10, 12, 9, 8, 0)


def main(given: Sequence[str] | None = None) -> int:
    """One line a set, and one below it for the peer."""
    options = _options(given)
    missed = False
    grown: dict[str, tuple[int, Spent]] = {}
    with tempfile.TemporaryDirectory() as place:
        out = Path(place)
        _line(HEAD)
        for one in _sets(options, out):
            records = one.size()
            if (options.quick and records > QUICK) or (options.only and one.name not in options.only):
                continue
            peer = theirs(one, out, options.peer, options.peer_python) if options.peer else None
            measured = ours(one, out)
            faults = measured.missed(FLOORS.get(one.name, NO_FLOORS), peer)
            missed |= bool(faults)
            _line((one.name, f"{records:,}", "ours", *_figures(measured), ", ".join(faults)))
            if peer:
                _line(("", "", "peer", *_figures(peer), ""))
            kind = one.name.partition(" ")[0]
            if one.name in CHAIN and kind in grown:
                print(growth(*grown[kind], records, measured.spent), flush=True)
            grown[kind] = records, measured.spent
    return int(missed)


def growth(before: int, then: Spent, records: int, now: Spent) -> str:
    """How cost grew with the records, in a sentence: below as many times the seconds is less than linear."""
    times, seconds = records / before, now.seconds / max(then.seconds, 1e-9)
    return (
        f"    {times:.1f} times the records of {before:,}: {seconds:.1f} times the CPU seconds, "
        f"{now.megabytes / max(then.megabytes, 1e-9):.1f} times the memory"
    )


def _options(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    folder = os.environ.get("ASSAY_MATCHING_DATA")
    parser.add_argument("--sets", type=Path, default=Path(folder) if folder else None)
    parser.add_argument("--quick", action="store_true", help=f"sets of up to {QUICK:,} records only")
    parser.add_argument("--only", nargs="*", help="names of sets")
    parser.add_argument("--generator", type=shlex.split, help="the command that makes synthetic sets")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--large", action="store_true", help="a million synthetic suppliers too")
    parser.add_argument("--peer", type=Path)
    parser.add_argument("--peer-python", type=Path, default=Path(sys.executable))
    return parser.parse_args(given)


def _sets(options: argparse.Namespace, out: Path) -> Iterator[Labelled]:
    if options.sets and options.sets.is_dir():
        yield from found(options.sets)
    else:
        print("No folder of labelled sets: name one by --sets or ASSAY_MATCHING_DATA.")
    if not options.generator:
        print("No synthetic sets: name a command that makes them by --generator.")
        return
    for kind, size in MADE_QUICK if options.quick else (*MADE, *(LARGE if options.large else ())):
        name = f"{kind} {size:,}"
        if options.only and name not in options.only:
            continue
        folder = out / f"{kind}{size}"
        asked = ["--kind", kind, "--n", str(size), "--seed", options.seed, "--out", str(folder)]
        run([*options.generator, *asked], {})
        if one := labelled(folder, name):
            yield one


def _figures(one: Measured) -> list[str]:
    shares = (one.best, one.precision, one.recall, one.groups, one.blocking)
    said = ["-" if math.isnan(share) else f"{share:.4f}" for share in shares]
    each = "-" if math.isnan(one.each) else f"{one.each:.1f}"
    return [*said, each, f"{one.spent.seconds:.1f}", f"{one.spent.megabytes:,.0f}"]


def _line(cells: Sequence[str]) -> None:
    first, *others = zip(cells, WIDTHS, strict=True)
    told = [f"{first[0]:{first[1]}}", *(f"{cell:>{width}}" if width else f"  {cell}" for cell, width in others)]
    print("".join(told).rstrip(), flush=True)


if __name__ == "__main__":
    sys.exit(main())
