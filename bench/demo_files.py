"""The demo folder read with simple column maps and standardised as intake does it, for benches of matching alone."""

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mdm.standardise import Doubt, Style, standardise
from mdm.standardise.style import Unreadable

US = Style()
BLANK = {"", "NOT AVAILABLE", "-999"}


@dataclass
class Row:
    domain: str
    system: str
    file: str
    key: str
    values: dict[str, Any]
    parts: dict[str, list[dict[str, Any]]] = field(default_factory=dict)


def std(word: str, raw: str | None, **options: Any) -> Any:
    raw = (raw or "").strip()
    if raw in BLANK:
        return None
    try:
        answer = standardise(word, raw, US, **options)
    except Unreadable:
        return None
    return None if isinstance(answer, Doubt) else answer


def table(folder: Path, name: str, encoding: str, delimiter: str, skip: int = 0) -> Iterator[Mapping[str, str]]:
    text = (folder / name).read_bytes().decode(encoding)
    lines = io.StringIO(text, newline="")
    for _ in range(skip):
        lines.readline()
    yield from csv.DictReader(lines, delimiter=delimiter)


def address(role: str, one: str, two: str, city: str, region: str, code: str, country: str) -> dict[str, Any]:
    land = std("country", country) or "US"
    told = {"country": country, "region": region}
    return {
        "role": role, "line1": std("text", one), "line2": std("text", two), "city": std("text", city),
        "region": std("region", region, country=country), "postcode": std("postcode", code, **told), "country": land,
    }  # fmt: skip


def suppliers(folder: Path) -> Iterator[Row]:
    for r in table(folder, "erp_suppliers.csv", "utf-8", ","):
        place = address("order", r["ADDR1"], r["ADDR2"], r["CITY"], r["STATE_PROV"], r["POSTAL_CD"], r["COUNTRY"])
        yield Row("supplier", "erp", "erp_suppliers.csv", r["VENDOR_NO"], {
            "name": std("name", r["VENDOR_NAME"]), "tax_id": std("tax_id", r["TAX_ID"]),
            "phone": std("phone", r["PHONE"], country=r["COUNTRY"]),
        }, {"addresses": [place]})  # fmt: skip
    for r in table(folder, "ap_suppliers.csv", "cp1252", ";"):
        place = address("remit", r["RemitTo1"], r["RemitTo2"], r["RemitCity"], r["RemitRegion"], r["RemitZip"],
                        r["RemitCountry"])  # fmt: skip
        yield Row("supplier", "ap", "ap_suppliers.csv", r["SupplierID"], {
            "name": std("name", r["Supplier"]), "tax_id": std("tax_id", r["FEIN"]),
            "phone": std("phone", r["Tel"], country=r["RemitCountry"]),
        }, {"addresses": [place]})  # fmt: skip
    for r in table(folder, "procurement_suppliers.csv", "utf-8-sig", ",", skip=3):
        place = address("order", "", "", r["City"], r["State"], r["Zip"], "")
        yield Row("supplier", "procurement", "procurement_suppliers.csv", r["Supplier ID"], {
            "name": std("name", r["Supplier Name"]), "tax_id": std("tax_id", r["Federal Tax ID"]),
            "phone": std("phone", r["Phone"]),
        }, {"addresses": [place]})  # fmt: skip


def facilities(folder: Path) -> Iterator[Row]:
    def row(system: str, file: str, key: str, name: str, street: str, city: str, state: str, code: str,
            phone: str = "", ccn: str = "", other: str = "") -> Row:  # fmt: skip
        names = [{"kind": "other", "name": std("name", other)}] if std("name", other) else []
        return Row("facility", system, file, key, {
            "name": std("name", name), "street": std("text", street), "city": std("text", city),
            "region": std("region", state), "postcode": std("postcode", code, region=state),
            "phone": std("phone", phone), "ccn": std("ccn", ccn),
        }, {"names": names})  # fmt: skip

    for r in table(folder, "billing_facilities.csv", "utf-8", ","):
        yield row("billing", "billing_facilities.csv", r["BILL_FAC_ID"], r["FACILITY_NAME"], r["ADDRESS"], r["CITY"],
                  r["STATE"], r["ZIP"], r["PHONE"], r["CCN"])  # fmt: skip
    for r in table(folder, "erp_facilities.csv", "cp1252", ";"):
        yield row("erp", "erp_facilities.csv", r["ENTITY"], r["DESCRIPTION"], r["STREET"], r["CITY"], r["ST"],
                  r["POSTCODE"], "", r["MEDICARE_NO"])  # fmt: skip
    for r in table(folder, "legacy_facilities.txt", "cp1252", "|"):
        yield row("legacy", "legacy_facilities.txt", r["SITE_ID"], r["NAME"], r["ADDRESS"], r["CITY"], r["STATE"],
                  r["ZIP"], r["TELEPHONE"], "", r["ALT_NAME"])  # fmt: skip


def items(folder: Path) -> Iterator[Row]:
    def row(system: str, file: str, key: str, description: str, ndc: str, generic: str = "") -> Row:
        return Row("item", system, file, key, {
            "description": std("text", description), "ndc": std("ndc", ndc, pad=11),
            "generic_name": std("text", generic),
        })  # fmt: skip

    for r in table(folder, "erp_items.csv", "utf-8", ","):
        yield row("erp", "erp_items.csv", r["ITEM_NO"], r["ITEM_DESC"], r["NDC"])
    for r in table(folder, "procurement_items.csv", "cp1252", ";"):
        yield row("procurement", "procurement_items.csv", r["Sku"], r["Product Description"],
                  r["Manufacturer Item No (NDC)"])  # fmt: skip
    for r in table(folder, "inventory_items_pharmacy.csv", "cp1252", ","):
        yield row("inventory", "inventory_items_pharmacy.csv", r["Stock ID"], r["Medication"], r["NDC"])
    for r in table(folder, "billing_items.csv", "utf-8", ","):
        yield row("billing", "billing_items.csv", r["LINE_ID"], r["DESCRIPTION"], r["NDC"])
    for r in table(folder, "contract_lines.csv", "utf-8", ","):
        yield row("contracts", "contract_lines.csv", r["Line ID"], r["Trade Name"], r["NDC"], r["Generic Name"])
    for r in table(folder, "inventory_items_supplies.csv", "utf-16", "\t"):
        yield row("inventory", "inventory_items_supplies.csv", r["Item Number"], r["Item Description"], "")


def cost_centers(folder: Path) -> Iterator[Row]:
    files = (("erp", "erp_cost_centers.csv", ",", "CC_ID", "FACILITY", "CC_CODE", "CC_NAME"),
             ("billing", "billing_departments.csv", "\t", "DEPT_KEY", "HOSPITAL", "DEPT", "DEPT_DESC"))  # fmt: skip
    for system, file, delimiter, key, facility, code, name in files:
        for r in table(folder, file, "utf-8", delimiter):
            place = {"system": system, "domain": "facility", "key": r[facility]}
            yield Row("cost_center", system, file, r[key], {
                "code": std("code", r[code]), "name": std("text", r[name]), "facility": place,
            })  # fmt: skip


READERS = {"supplier": suppliers, "facility": facilities, "item": items, "cost_center": cost_centers}
