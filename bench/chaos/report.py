"""The table: promise, runs, faults injected, violations, figure."""

import json
import os
import platform
import time
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path

LOOP = 5_000_000  # rounds that the cores the absolute figures are promised for do in LOOP_SECONDS
LOOP_SECONDS = 0.5
COLUMNS = ("promise", "runs", "faults injected", "violations", "figure")


@dataclass
class Row:
    """What one scenario found about some promises. ``found`` says each violation in words."""

    promise: str
    runs: str
    faults: str
    figure: str = ""
    found: list[str] = field(default_factory=list)
    scenario: str = ""
    seed: int = 0

    @property
    def violations(self) -> int:
        """How many there are."""
        return len(self.found)


def table(rows: list[Row]) -> str:
    """The rows as aligned text."""
    cells = [COLUMNS] + [(row.promise, row.runs, row.faults, str(row.violations), row.figure) for row in rows]
    widths = [max(len(line[place]) for line in cells) for place in range(len(COLUMNS))]
    lines = [" | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells]
    lines.insert(1, "-+-".join("-" * width for width in widths))
    return "\n".join(lines)


def complaints(rows: list[Row], most: int = 12) -> str:
    """Every violation in words, some of each row."""
    lines = []
    for row in rows:
        lines += [f"VIOLATION [{row.scenario}, seed {row.seed}] {one[:500]}" for one in row.found[:most]]
        if row.violations > most:
            lines.append(f"          ... and {row.violations - most} more of {row.promise}")
    return "\n".join(lines)


@cache
def pace() -> float:
    """How fast one core of this machine is, at most 1 for the cores the absolute figures are promised for.

    Rates are judged by this share of what is promised and times by as much more; the table shows them as measured.
    """
    began, total = time.process_time(), 0
    for number in range(LOOP):
        total += number * number
    return min(1.0, LOOP_SECONDS / (time.process_time() - began))


def machine() -> dict[str, object]:
    """What the figures were measured on."""
    load = os.getloadavg()
    memory = Path("/proc/meminfo").read_text().split()[1] if Path("/proc/meminfo").exists() else "0"
    return {
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(int(memory) / 1024**2),
        "python": platform.python_version(),
        "system": platform.platform(),
        "load_average": [round(one, 1) for one in load],
        "pace": round(pace(), 2),
    }


def write_json(file: Path, rows: list[Row], seed: int) -> None:
    """The same, for programs."""
    content = {
        "seed": seed,
        "machine": machine(),
        "rows": [asdict(row) | {"violations": row.violations} for row in rows],
    }
    file.write_text(json.dumps(content, indent=2) + "\n")
