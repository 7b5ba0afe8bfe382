"""Learn what odds mean from synthetic files that taught no weights: ``python -m matching.training.calibration``.

The files are of many kinds, as those people bring are: with hard identifiers and without, with few attributes or a
name alone, of a few hundred records and of thousands, of careful clerks and of careless ones. Each counts alike.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import product

import numpy as np
from numpy.typing import NDArray

from matching.engine.additive import Additive, fit
from matching.engine.calibrating import FLOOR, PARTS, Signs
from matching.engine.company import KNOTS
from matching.engine.decisions import nothing
from matching.engine.deduping import File, compared
from matching.engine.shipped import ship
from matching.training import items, organisations
from matching.training.item_weights import columns
from matching.training.names import ledger, register

BEGIN = 200  # first seed: those below teach weights
EACH = 6_000  # pairs of a file, some of them more than once where it has fewer
PULL = 5.0
AUTOMATIC = np.log(0.95 / 0.05)
RIGHT = 0.98  # precision of the automatic band
MOST = 0.85
STEPS = np.arange(0, 1.05, 0.05)  # log-odds by which a scale may be lowered
IDENTIFIERS = ("tax_id", "duns", "identifier")
FEW = (*IDENTIFIERS, "phone", "website", "country", "region", "postcode")
# What the files of organisations lack, and how many records they have.
SILENT = (
    (), (), IDENTIFIERS, IDENTIFIERS, FEW, (*IDENTIFIERS, "phone", "website"),
    (*IDENTIFIERS, "street", "postcode", "website", "country", "region"),
    (*IDENTIFIERS, "website", "country", "region"),
)  # fmt: skip
SIZES = (400, 1_000, 2_500)
LARGE = 6_000  # records of a file that has everything
ITEMS = (
    ("shops", ("electronics",)), ("shops", ("software",)), ("shops", ("electronics", "parts")),
    ("shops", ("supplies",)),
    ("parts", ("parts", "electronics")), ("parts", ("supplies", "parts")), ("masters", ("supplies", "drugs")),
    ("masters", ("supplies", "parts")), ("masters", ("drugs",)), ("titles", ("electronics", "software")),
)  # fmt: skip
LISTS = ((ledger, "public"), (ledger, "trade"), (register, "listed"), (register, "trade"))
LIST_SIZES = (1_000, 3_000, 6_000)

Made = tuple[File, list[int], bool]
Labelled = tuple[Signs, NDArray[np.bool_]]


def of_organisations(kind: str) -> Iterator[Made]:
    """Suppliers or facilities."""
    for seed, (silent, size) in enumerate([*product(SILENT, SIZES), ((), LARGE)], BEGIN):
        records, truth = organisations.generate(kind, size, seed)
        there = sorted({attribute for record in records for attribute in record}.difference(silent))
        yield _file({name: [record.get(name, "") for record in records] for name in there}), truth, False


def of_items() -> Iterator[Made]:
    """Those of shops are compared across them."""
    for seed, ((kind, sectors), size) in enumerate(product(ITEMS, SIZES), BEGIN):
        records, truth, sources = items.generate(kind, sectors, size, seed)
        yield _file(columns(kind, records, prices=seed % 2 == 0), sources), truth, kind == "shops"


def of_names() -> Iterator[Made]:
    """Lists in which each name is there once."""
    for seed, ((make, kinds), size) in enumerate(product(LISTS, LIST_SIZES), BEGIN):
        names, owners = make(kinds, size, seed)
        yield _file({"name": names}), owners, False


FILES: dict[str, tuple[str, Callable[[], Iterator[Made]]]] = {
    "supplier": ("supplier", lambda: of_organisations("supplier")),
    "facility": ("facility", lambda: of_organisations("facility")),
    "item": ("item", of_items),
    "names": ("supplier", of_names),
}


def _file(values: dict[str, list[str]], sources: Sequence[int] | None = None) -> File:
    size = len(next(iter(values.values())))
    keys = [str(number) for number in range(size)]
    return File(keys, [str(source) for source in sources] if sources else [""] * size, values)


def labelled(domain: str, made: Made) -> Labelled:
    """What is said of the pairs of one file that are not left to a person, and which are one; ``EACH`` of them."""
    file, truth, across = made
    found = compared(file, domain, across=across, decisions=nothing(len(file.keys)), hold=False)
    number, at = np.array(truth), np.flatnonzero(found.odds > FLOOR)
    same = number[found.pairs.left[at]] == number[found.pairs.right[at]]
    some = np.random.default_rng(len(same)).choice(np.flatnonzero(~found.wary[at]), EACH)
    return {name: part[some] for name, part in found.signs.items()}, same[some]


def train(files: Sequence[Labelled]) -> Additive:
    """The scale that makes the answers likeliest; lowered until, in ``MOST`` of the files, the automatic band is right:
    files differ by more than what is said of them."""
    signs = {name: np.concatenate([one[name] for one, _ in files]) for name in PARTS}
    told = [name for name in PARTS if not np.isnan(signs[name]).all()]
    same = np.concatenate([one for _, one in files])
    found = fit(signs, same, told, begin=Additive(0.0, {}, KNOTS), pull=PULL, most=len(same))
    odds = [(found.odds(one), answers) for one, answers in files]
    for lower in STEPS:
        right = [answers[band].mean() >= RIGHT for sure, answers in odds if (band := sure - lower >= AUTOMATIC).any()]
        if not right or np.mean(right) >= MOST:
            break
    return replace(found, start=found.start - lower)


def main() -> None:
    """Train and write."""
    for kind, (domain, made) in FILES.items():
        files = [labelled(domain, one) for one in made()]
        facts = {
            "scale": kind,
            "trained_on": f"{len(files)} synthetic files that taught no weights (matching/training/calibration.py)",
            "trained_at": datetime.now(tz=UTC).date().isoformat(),
        }
        print(ship(f"scale_{kind}", train(files), facts))


if __name__ == "__main__":
    main()
