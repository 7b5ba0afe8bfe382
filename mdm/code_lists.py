"""The governed code lists Assay ships: units, currencies, countries, subdivisions, payment terms."""

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path

from django.db import transaction

from mdm.models import CodeSet, CodeValue
from mdm.standardise.tables import UOM_CODES

FOLDER = Path(__file__).parent / "reference_files"
SETS = (
    ("units", "Units of measure", "UNECE Recommendation 20, revision 17, and package codes in use"),
    ("currencies", "Currencies", "ISO 4217"),
    ("countries", "Countries", "ISO 3166-1"),
    ("subdivisions", "States and provinces", "ISO 3166-2 of US, GB, CA and FR"),
    ("payment_terms", "Payment terms", "Terms in common use; targets call them their own way"),
)


def load_code_lists() -> dict[str, int]:
    """Load or renew the lists: {code set: number of codes}. Repeating it changes nothing; codes are never removed."""
    rows = {
        "units": _units, "currencies": _currencies, "countries": _countries, "subdivisions": _subdivisions,
        "payment_terms": _payment_terms,
    }  # fmt: skip
    counts = {}
    with transaction.atomic():
        for code, title, origin in SETS:
            code_set, _made = CodeSet.objects.update_or_create(code=code, defaults={"title": title, "origin": origin})
            values = _first_of_each(rows[code](), code_set)
            CodeValue.objects.bulk_create(
                values,
                batch_size=1000,
                update_conflicts=True,
                unique_fields=["code_set", "code"],
                update_fields=["label", "detail", "withdrawn"],
            )
            counts[code] = len(values)
    return counts


def _first_of_each(values: Iterable[CodeValue], code_set: CodeSet) -> list[CodeValue]:
    """One value a code: a list may name a currency once for each country that uses it, current ones coming first."""
    kept: dict[str, CodeValue] = {}
    for value in sorted(values, key=lambda value: value.withdrawn):
        value.code_set = code_set
        kept.setdefault(value.code, value)
    return list(kept.values())


def _rows(file: str) -> Iterator[dict[str, str]]:
    with (FOLDER / file).open(encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(lines)


def _units() -> Iterator[CodeValue]:
    labels: dict[str, str] = {}
    for alias, code in UOM_CODES.items():
        if len(alias) > len(labels.get(code, "")):
            labels[code] = alias
    for code, label in labels.items():
        yield CodeValue(code=code, label=label.capitalize(), detail={"package": True})
    for row in _rows("unece_rec20_units.csv"):
        if row["CommonCode"] not in labels:
            detail = {"symbol": row["Symbol"], "conversion": row["ConversionFactor"]}
            yield CodeValue(
                code=row["CommonCode"],
                label=row["Name"][:200],
                detail={name: value for name, value in detail.items() if value},
                withdrawn=row["Status"] in {"X", "D"},
            )


def _currencies() -> Iterator[CodeValue]:
    for row in _rows("iso4217_currencies.csv"):
        if row["AlphabeticCode"]:
            yield CodeValue(
                code=row["AlphabeticCode"],
                label=row["Currency"],
                detail={"number": row["NumericCode"], "decimals": row["MinorUnit"]},
                withdrawn=bool(row["WithdrawalDate"]),
            )


def _countries() -> Iterator[CodeValue]:
    for row in _rows("iso3166_countries.csv"):
        yield CodeValue(code=row["alpha2"], label=row["name"], detail={"alpha3": row["alpha3"]})


def _subdivisions() -> Iterator[CodeValue]:
    for row in _rows("iso3166_2_subdivisions_us_gb_ca_fr.csv"):
        yield CodeValue(code=row["code"], label=row["name"], detail={"type": row["type"], "parent": row["parent"]})


def _payment_terms() -> Iterator[CodeValue]:
    for row in _rows("payment_terms.csv"):
        yield CodeValue(code=row["code"], label=row["label"], detail={"days": int(row["days"])} if row["days"] else {})
