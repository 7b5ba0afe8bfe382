"""The real files: how much of them is read. Needs their folder in ASSAY_DEMO_DATA."""

import csv
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from mdm.standardise import Doubt, Style, standardise

FOLDER = os.environ.get("ASSAY_DEMO_DATA", "")
pytestmark = pytest.mark.skipif(not FOLDER, reason="ASSAY_DEMO_DATA names no folder of real files")


def rows(file: str, encoding: str, delimiter: str, skip: int = 0) -> list[dict[str, str]]:
    with (Path(FOLDER) / file).open(encoding=encoding, newline="") as lines:
        for _ in range(skip):
            next(lines)
        return list(csv.DictReader(lines, delimiter=delimiter))


def tally(word: str, cells: list[tuple[str, dict[str, Any]]], style: Style) -> Counter[str]:
    answers = [standardise(word, raw, style, **options) for raw, options in cells]
    return Counter("blank" if a is None else "doubt" if isinstance(a, Doubt) else "read" for a in answers)


def column(table: list[dict[str, str]], name: str, **options: str) -> list[tuple[str, dict[str, Any]]]:
    return [(row[name], {word: row[of] for word, of in options.items()}) for row in table]


def test_suppliers() -> None:
    erp = rows("erp_suppliers.csv", "utf-8", ",")
    assert tally("tax_id", column(erp, "TAX_ID"), Style()) == {"read": 1769, "doubt": 1, "blank": 1145}
    assert tally("country", column(erp, "COUNTRY"), Style())["doubt"] == 0
    assert tally("date", column(erp, "LAST_UPD"), Style()) == {"read": 2915}
    phones = tally("phone", column(erp, "PHONE", country="COUNTRY"), Style())
    assert phones["doubt"] < 0.02 * len(erp)
    postcodes = tally("postcode", column(erp, "POSTAL_CD", country="COUNTRY"), Style())
    assert postcodes["doubt"] < 0.02 * len(erp)

    payable = rows("ap_suppliers.csv", "cp1252", ";")
    assert tally("tax_id", column(payable, "FEIN"), Style()) == {"read": 621, "blank": 496}

    procurement = rows("procurement_suppliers.csv", "utf-8-sig", ",", skip=3)
    assert tally("tax_id", column(procurement, "Federal Tax ID"), Style()) == {"read": 323, "doubt": 124, "blank": 971}


def test_facilities() -> None:
    erp = rows("erp_facilities.csv", "cp1252", ";")
    dated = Style(date_formats=("DD-MON-YY",))
    assert tally("date", column(erp, "FY_END"), dated) == {"read": 1238}
    assert tally("ccn", column(erp, "MEDICARE_NO"), dated) == {"read": 494, "blank": 744}
    legacy = rows("legacy_facilities.txt", "cp1252", "|")
    style = Style(blanks=("NOT AVAILABLE", "-999"))
    assert tally("integer", column(legacy, "BEDS"), style) == {"read": 1305, "blank": 164}
    assert tally("phone", column(legacy, "TELEPHONE"), style)["blank"] == 616
    assert tally("url", column(legacy, "WEBSITE"), style)["doubt"] < 30


def test_items() -> None:
    procurement = rows("procurement_items.csv", "cp1252", ";")
    comma = Style(decimal=",")
    assert tally("decimal", column(procurement, "Unit Cost"), comma) == {"read": 5000}
    assert tally("ndc", column(procurement, "Manufacturer Item No (NDC)"), comma) == {"read": 3569, "blank": 1431}
    assert tally("uom", column(procurement, "UoM"), comma) == {"read": 5000}
    supplies = rows("inventory_items_supplies.csv", "utf-16", "\t")
    assert tally("uom", column(supplies, "UOM"), Style())["doubt"] == 4
    assert tally("decimal", column(supplies, "Patient Charge"), Style())["doubt"] == 0


def test_ndc_of_the_real_lists_meets_the_truth() -> None:
    with (Path(FOLDER) / "truth.csv").open(encoding="utf-8", newline="") as lines:
        truth = {(row["source_file"], row["source_key"]): row["entity_id"] for row in csv.DictReader(lines)}
    billing = rows("billing_items.csv", "utf-8", ",")
    stock = rows("inventory_items_pharmacy.csv", "cp1252", ",")
    wrong = []
    for file, table, key, options in (
        ("billing_items.csv", billing, "LINE_ID", {"pad": 11}),
        ("inventory_items_pharmacy.csv", stock, "Stock ID", {}),
    ):
        for row in table:
            known = truth.get((file, row[key]), "")
            answer = standardise("ndc", row["NDC"], **options)
            if known.startswith("NDC") and isinstance(answer, str) and f"NDC{answer}" != known:
                wrong.append((row["NDC"], known))
    # A device code with its hyphen elsewhere; the truth reads it as 8283-000696.
    assert wrong == [("82830-00696", "NDC08283000696")]
