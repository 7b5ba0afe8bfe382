"""Learn the shipped defaults of suppliers and facilities from synthetic records."""

from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from matching.engine import organisations
from matching.engine.additive import Additive, fit, learnable
from matching.engine.columns import Shares
from matching.engine.shipped import ship
from matching.training.organisations import Record, generate

FILES = 4  # of each kind, each generated anew
RECORDS = 6_000  # of each file
PULL = 2.0  # towards no weight at all

Table = dict[str, Shares]


def train(kind: str, *, files: int = FILES, records: int = RECORDS) -> Additive:
    """Weights that part what is one from what only looks like it in synthetic records."""
    evidence, same = list[Table](), list[NDArray[np.bool_]]()
    for seed in range(files):
        table, truth = compared(*generate(kind, records, seed))
        evidence.append(table)
        same.append(truth)
    parts = sorted({name for table in evidence for name in table})
    together = {
        name: np.concatenate(
            [table.get(name, np.full(len(y), np.nan, np.float32)) for table, y in zip(evidence, same, strict=True)]
        )
        for name in parts
    }
    return fit(together, np.concatenate(same), learnable(together), pull=PULL, most=files * 20_000)


def compared(records: list[Record], truth: list[int]) -> tuple[Table, NDArray[np.bool_]]:
    """The evidence of every pair worth comparing, and whether the two are one."""
    attributes = sorted({attribute for record in records for attribute in record})
    prepared = organisations.prepare({name: [record.get(name, "") for record in records] for name in attributes})
    pairs, _ = prepared.pairs()
    number = np.array(truth)
    return prepared.evidence(pairs), number[pairs.left] == number[pairs.right]


def main() -> None:
    """Train and write both."""
    for kind in ("supplier", "facility"):
        facts = {
            "domain": kind,
            "trained_on": f"{FILES} files of {RECORDS:,} synthetic records each (matching/training/organisations.py)",
            "trained_at": datetime.now(tz=UTC).date().isoformat(),
        }
        print(ship(kind, train(kind), facts))


if __name__ == "__main__":
    main()
