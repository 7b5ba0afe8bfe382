"""What the demo's ERP is sent: vendor and material masters in its own fields and codes."""

from collections.abc import Iterator
from typing import Any

from mdm.models import CodeValue

KNOWN = [
    {"to": "HubId", "from": "id"},
    {"to": "HubVersion", "from": "version"},
    {"to": "HubState", "from": "state"},
    {"to": "ReplacedBy", "from": "merged_into", "omit_blank": True},
]
ERP: dict[str, Any] = {
    "supplier": [
        *KNOWN,
        {"to": "VendorNumber", "from": "code"},
        {"to": "OldVendorNumber", "from": "crosswalk[system=erp].key", "omit_blank": True},
        {"to": "Name1", "from": "title", "longest": 35, "too_long": "cut"},
        {"to": "SearchTerm", "from": "title", "longest": 20, "too_long": "cut", "case": "upper"},
        {"to": "TaxNumber", "from": "attributes.tax_id", "omit_blank": True},
        {"to": "PaymentTerms", "from": "attributes.payment_terms", "translate": "payment_terms", "default": "0001"},
        {"to": "Currency", "from": "attributes.currency", "default": "USD"},
        {"to": "PurchasingBlock", "from": "state", "words": {"active": "N"}, "default": "Y"},
        {"to": "Address.Street", "from": "parts.addresses.line1"},
        {"to": "Address.City", "from": "parts.addresses.city"},
        {"to": "Address.PostalCode", "from": "parts.addresses.postcode"},
        {"to": "Address.Country", "from": "parts.addresses.country", "translate": "countries"},
        {"to": "Telephone", "from": "attributes.phone", "omit_blank": True},
        {"to": "ParentVendor", "from": "attributes.parent.code", "omit_blank": True},
    ],
    "item": [
        *KNOWN,
        {"to": "MaterialNumber", "from": "code"},
        {"to": "OldMaterialNumber", "from": "crosswalk[system=erp].key", "omit_blank": True},
        {"to": "Description", "from": "title", "longest": 40, "too_long": "cut"},
        {"to": "LongText", "from": "attributes.description"},
        {"to": "BaseUnit", "from": "attributes.base_uom", "translate": "units", "default": "EA"},
        {"to": "ManufacturerPartNumber", "from": "attributes.manufacturer_part_number", "omit_blank": True},
        {"to": "Manufacturer", "from": "attributes.manufacturer.code", "omit_blank": True},
        {"to": "GTIN", "from": "attributes.gtin", "omit_blank": True},
        {"to": "NDC", "from": "attributes.ndc", "omit_blank": True},
        {"to": "Hazardous", "from": "attributes.hazardous", "words": {"true": "X", "false": ""}, "default": ""},
        {
            "to": "AlternativeUnits",
            "each": "parts.packs",
            "fields": [
                {"to": "Unit", "from": "uom", "translate": "units"},
                {"to": "Numerator", "from": "quantity"},
                {"to": "GTIN", "from": "gtin", "omit_blank": True},
            ],
        },
    ],
}
TERMS = {
    "IMM": "0001", "EOM": "ZEOM", "PPD": "ZPRE", "COD": "ZCOD", "CIA": "ZCIA",
    "1D10N30": "Y130", "2D10N30": "Y230", "2D10N45": "Y245", "2D15N45": "Y255",
}  # fmt: skip
UNITS = {
    "EA": "PC",
    "BX": "BOX",
    "CA": "CS",
    "CT": "CTN",
    "PK": "PAK",
    "MLT": "ML",
    "LTR": "L",
    "GRM": "G",
    "KGM": "KG",
}


def erp_words() -> Iterator[tuple[str, str, str]]:
    """(code set, code, the ERP's word): terms as Z and days, countries by three letters, units by ISO or its own."""
    values = CodeValue.objects.select_related("code_set")
    for value in values.filter(code_set__code="payment_terms"):
        yield "payment_terms", value.code, TERMS.get(value.code, f"Z{value.code.removeprefix('N').zfill(3)}")
    for value in values.filter(code_set__code="countries"):
        yield "countries", value.code, str(value.detail["alpha3"])
    for value in values.filter(code_set__code="units", detail__package=True):
        yield "units", value.code, UNITS.get(value.code, value.code)
