"""Learn the shipped defaults of suppliers and facilities from synthetic records."""

from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from matching.engine import organisations
from matching.engine.additive import Additive, fit, learnable
from matching.engine.columns import Shares
from matching.engine.company import KNOTS, PARTS, heard, implied
from matching.engine.evidence import Prepared
from matching.engine.judging import Judge
from matching.engine.shipped import ship, shipped
from matching.training.organisations import Record, generate

FILES = 6  # of each kind, each of another market
RECORDS = 3_000  # of each file
HEARD_FROM = 100  # first seed of the files that teach what third records say
KINDS = ("supplier", "facility")
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
    prepared = _prepared(records)
    pairs, _ = prepared.pairs()
    number = np.array(truth)
    return prepared.evidence(pairs), number[pairs.left] == number[pairs.right]


def _prepared(records: list[Record]) -> Prepared:
    attributes = sorted({attribute for record in records for attribute in record})
    return organisations.prepare({name: [record.get(name, "") for record in records] for name in attributes})


def train_company(*, files: int = FILES, records: int = RECORDS) -> Additive:
    """What third records are worth, learnt from suppliers and facilities alike."""
    tables, same = list[Table](), list[NDArray[np.bool_]]()
    for kind in KINDS:
        for seed in range(HEARD_FROM, HEARD_FROM + files):
            made, truth = generate(kind, records, seed)
            prepared = _prepared(made)
            pairs, _ = prepared.pairs()
            judge = Judge.taught(prepared, pairs, shipped(kind), hold=False)
            found = judge.judged(pairs)
            found = found.joined(judge.judged(implied(pairs, found.odds, prepared.size)), prepared.size)
            number = np.array(truth)
            tables.append(heard(found.pairs, found.odds, prepared.size).evidence())
            same.append(number[found.pairs.left] == number[found.pairs.right])
    together = {name: np.concatenate([table[name] for table in tables]) for name in PARTS}
    begin = Additive(0.0, {}, KNOTS)
    return fit(together, np.concatenate(same), PARTS, begin=begin, pull=PULL, most=files * 40_000)


def main() -> None:
    """Train and write them all; what others say is learnt when the weights of pairs are there."""
    for kind in KINDS:
        print(ship(kind, train(kind), _facts(kind)))
    shipped.cache_clear()
    print(ship("company", train_company(), _facts("company")))


def _facts(name: str) -> dict[str, str]:
    return {
        "name": name,
        "trained_on": f"{FILES} files of {RECORDS:,} synthetic records each (matching/training/organisations.py)",
        "trained_at": datetime.now(tz=UTC).date().isoformat(),
    }


if __name__ == "__main__":
    main()
