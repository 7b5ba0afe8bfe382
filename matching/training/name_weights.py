"""Learn the shipped default of names alone from synthetic lists."""

from datetime import UTC, datetime

import numpy as np

from matching.engine import names
from matching.engine.additive import Additive, fit
from matching.engine.columns import Shares
from matching.engine.shipped import ship
from matching.training.names import ledger, register

LISTS = ((ledger, "public", 8_000), (ledger, "trade", 6_000), (register, "listed", 4_000), (register, "trade", 4_000))
PARTS = [f"name:{part}" for part in names.NAMED]
PAIRS = 120_000  # learnt from


def train(*, share: float = 1.0) -> Additive:
    """Weights that part one organisation's names from another's; ``share`` of each list is enough for a test."""
    tables, same = list[dict[str, Shares]](), list["np.ndarray[tuple[int], np.dtype[np.bool_]]"]()
    for seed, (make, kinds, size) in enumerate(LISTS):
        texts, owners = make(kinds, int(size * share), seed)
        prepared = names.prepare({"name": texts})
        pairs, _ = prepared.pairs()
        number = np.array(owners)
        tables.append(prepared.evidence(pairs))
        same.append(number[pairs.left] == number[pairs.right])
    together = {part: np.concatenate([table[part] for table in tables]) for part in PARTS}
    return fit(together, np.concatenate(same), PARTS, most=int(PAIRS * share))


def main() -> None:
    """Train and write."""
    told = ", ".join(f"{size:,} names of a {make.__name__} ({kinds})" for make, kinds, size in LISTS)
    facts = {
        "domain": "names",
        "trained_on": f"synthetic lists of names alone (matching/training/names.py): {told}",
        "trained_at": datetime.now(tz=UTC).date().isoformat(),
    }
    print(ship("names", train(), facts))


if __name__ == "__main__":
    main()
