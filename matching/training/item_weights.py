"""Learn the shipped defaults of items from synthetic records: ``python -m matching.training.item_weights``."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from matching.engine import goods
from matching.engine.additive import Additive, fit, learnable
from matching.engine.columns import Shares
from matching.engine.evidence import HELD
from matching.engine.shipped import ship
from matching.training.items import Record, generate

RECORDS = 1_600  # of each file
PAIRS = 60_000  # learnt from, of all files together
PULL = 5.0  # towards no weight at all
# Kinds of files, what they list, and how many of each are made.
FILES = (
    ("shops", ("electronics",), 3), ("shops", ("electronics", "parts"), 2), ("shops", ("software",), 2),
    ("shops", ("supplies", "electronics"), 1), ("parts", ("parts", "electronics"), 4),
    ("parts", ("supplies", "parts"), 2), ("masters", ("supplies", "drugs"), 5), ("masters", ("supplies", "parts"), 2),
    ("titles", ("electronics", "software"), 1), ("titles", ("parts", "supplies"), 1),
)  # fmt: skip
ATTRIBUTES = {
    "maker": "manufacturer", "part_number": "manufacturer_part_number", "gtin": "gtin", "trade": "vendor_item_no",
    "price": "price",
}  # fmt: skip

Table = dict[str, Shares]
Plan = Sequence[tuple[str, tuple[str, ...], int]]


def train(files: Plan = FILES, *, records: int = RECORDS) -> Additive:
    """Weights that part what is one from what only looks like it in synthetic items."""
    made = list(_files(files, records))
    parts = sorted({name for table, _ in made for name in table})
    together = {
        name: np.concatenate([table.get(name, np.full(len(same), np.nan, np.float32)) for table, same in made])
        for name in parts
    }
    learnt = [name for name in learnable(together) if name != HELD]
    return fit(together, np.concatenate([same for _, same in made]), learnt, pull=PULL, most=PAIRS)


def _files(files: Plan, records: int) -> Iterator[tuple[Table, NDArray[np.bool_]]]:
    for kind, sectors, count in files:
        for seed in range(1, count + 1):
            yield compared(kind, sectors, records, seed)


def compared(kind: str, sectors: Sequence[str], records: int, seed: int) -> tuple[Table, NDArray[np.bool_]]:
    """The evidence of every pair worth comparing of one file, and whether the two are one."""
    made, truth, sources = generate(kind, sectors, records, seed)
    prepared = goods.prepare(columns(kind, made, prices=kind != "masters" or seed % 2 == 0))
    pairs, _ = prepared.pairs()
    number, source = np.array(truth), np.array(sources)
    if kind == "shops":
        pairs = pairs.kept(source[pairs.left] != source[pairs.right])
    return prepared.evidence(pairs), number[pairs.left] == number[pairs.right]


def columns(kind: str, made: Sequence[Record], *, prices: bool) -> dict[str, list[str]]:
    """Records as attributes of an item, as a person would map them."""
    there = {name for record in made for name in record}
    texts = {"name": "text", "description": "long"} if "long" in there else {"description": "text"}
    told = texts | {
        attribute: name for name, attribute in ATTRIBUTES.items() if name in there and (prices or name != "price")
    }
    return {attribute: [record.get(name, "") for record in made] for attribute, name in told.items()}


def main() -> None:
    """Train and write."""
    files = sum(count for _, _, count in FILES)
    facts = {
        "domain": "item",
        "trained_on": f"{files} files of {RECORDS:,} synthetic items each (matching/training/items.py)",
        "trained_at": datetime.now(tz=UTC).date().isoformat(),
    }
    print(ship("item", train(), facts))


if __name__ == "__main__":
    main()
