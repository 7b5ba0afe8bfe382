"""The real files whole: every row of each is read. Needs their folder in ASSAY_DEMO_DATA."""

import os
from pathlib import Path

import pytest

from mdm.intake.readers import read

FOLDER = os.environ.get("ASSAY_DEMO_DATA", "")
pytestmark = pytest.mark.skipif(not FOLDER, reason="ASSAY_DEMO_DATA names no folder of real files")


@pytest.mark.parametrize(
    ("file", "key", "count"),
    [
        ("erp_suppliers.csv", "VENDOR_NO", 2915),
        ("ap_suppliers.csv", "SupplierID", 1117),
        ("procurement_suppliers.csv", "Supplier ID", 1418),
        ("billing_facilities.csv", "BILL_FAC_ID", 1075),
        ("erp_facilities.csv", "ENTITY", 1238),
        ("legacy_facilities.txt", "SITE_ID", 1469),
        ("erp_items.csv", "ITEM_NO", 5000),
        ("procurement_items.csv", "Sku", 5000),
        ("inventory_items_pharmacy.csv", "Stock ID", 1659),
        ("billing_items.csv", "LINE_ID", 4324),
        ("inventory_items_supplies.csv", "Item Number", 5000),
        ("erp_cost_centers.csv", "CC_ID", 1019),
        ("billing_departments.csv", "DEPT_KEY", 278),
        ("contracts.csv", "Contract No", 322),
        ("contract_lines.csv", "Line ID", 4881),
    ],
)
def test_every_row_is_read(file: str, key: str, count: int) -> None:
    with read(Path(FOLDER) / file, expected_columns=[key]) as reading:
        rows = list(reading)
    assert len(rows) == count
    assert [row for row in rows if row.problems] == []
    assert len({row.cells[key] for row in rows}) == count
