"""Labelled sets as folders: which domain a set is of, its field map by the names of its columns, and the floors."""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

# Attribute by attribute the column names such sets use. Nothing else is told of a set: who maps a file does no more.
COLUMNS: Mapping[str, Sequence[str]] = {
    "name": ("name", "title"), "street": ("address", "street"), "city": ("city",), "region": ("state", "region"),
    "postcode": ("zip", "postcode"), "country": ("country",), "phone": ("phone",), "website": ("website",),
    "tax_id": ("tax_id",), "duns": ("duns",), "identifier": ("facility_id",), "description": ("description",),
    "manufacturer": ("manufacturer", "brand"), "manufacturer_part_number": ("mfr_part_no", "part_number", "modelno"),
    "gtin": ("gtin",), "vendor_item_no": ("vendor_item_no",), "price": ("price",),
}  # fmt: skip
_OF_ITEMS = ("description", "manufacturer", "manufacturer_part_number", "gtin", "vendor_item_no", "price")
_OF_SUPPLIERS = ("tax_id", "duns")
_OF_PLACES = ("street", "city", "postcode", "phone", "identifier")


@dataclass(frozen=True)
class Floors:
    """What a run must reach; 0 asks nothing, and infinity allows everything."""

    best: float = 0.0  # pair F1 at the best threshold
    groups: float = 0.0  # B-cubed F1
    precision: float = 0.98  # of what is scored .95 or more
    seconds: float = float("inf")  # CPU
    megabytes: float = float("inf")  # peak


FLOORS = {
    "us_hospitals_west": Floors(best=0.960),
    "fodors_zagats": Floors(best=0.975),
    "nhs_suppliers": Floors(groups=0.890),
    "abt_buy": Floors(best=0.840),
    "wdc_parts": Floors(best=0.850),
    "supplier 10,000": Floors(best=0.82),
    "item 10,000": Floors(best=0.63),
    "facility 10,000": Floors(best=0.88),
    "supplier 100,000": Floors(seconds=12, megabytes=600),
    "supplier 1,000,000": Floors(seconds=150, megabytes=3_000),
}
NO_FLOORS = Floors()


@dataclass(frozen=True)
class Labelled:
    """One set: records.csv (record_id, source, attributes) and truth.csv (record_id, cluster_id) in a folder."""

    name: str
    folder: Path
    domain: str
    mapped: Mapping[str, str]
    across: bool  # only pairs of different sources count

    def size(self) -> int:
        """How many records it has."""
        with (self.folder / "truth.csv").open(newline="", encoding="utf-8") as lines:
            return sum(1 for _ in csv.reader(lines)) - 1

    @property
    def arguments(self) -> list[str]:
        """What `manage.py dedupe` is told of it."""
        mapped = ",".join(f"{attribute}={column}" for attribute, column in self.mapped.items())
        given = ["--domain", self.domain, "--map", mapped, "--key", "record_id", "--source", "source"]
        return [*given, "--across"] if self.across else given


def labelled(folder: Path, name: str = "") -> Labelled | None:
    """The set in a folder, nothing where it holds none that is matched: single pairs are labelled, or people."""
    facts = folder / "meta.json"
    task = json.loads(facts.read_text(encoding="utf-8")).get("task") if facts.exists() else "dedupe"
    if task not in {"dedupe", "link"} or not (folder / "truth.csv").exists():
        return None
    with (folder / "records.csv").open(newline="", encoding="utf-8") as lines:
        header = next(csv.reader(lines))
    there = {
        attribute: column
        for attribute, names in COLUMNS.items()
        if (column := next(filter(header.__contains__, names), ""))
    }
    if "name" not in there and "description" not in there:
        return None
    domain = _domain(there)
    unfit = _OF_ITEMS if domain != "item" else (*_OF_SUPPLIERS, *_OF_PLACES, "region", "country", "website")
    mapped = {attribute: column for attribute, column in there.items() if attribute not in unfit}
    return Labelled(name or folder.name, folder, domain, mapped, across=task == "link")


def _domain(there: Mapping[str, str]) -> str:
    if any(attribute in there for attribute in _OF_SUPPLIERS):
        return "supplier"
    if any(attribute in there for attribute in _OF_PLACES):
        return "facility"
    return "item" if any(attribute in there for attribute in _OF_ITEMS) else "supplier"


def found(folder: Path) -> Iterator[Labelled]:
    """Every set in the folders of a folder, in the order of their names."""
    for place in sorted(folder.iterdir()):
        if (place / "records.csv").exists() and (one := labelled(place)):
            yield one
