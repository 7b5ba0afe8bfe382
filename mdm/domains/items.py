"""Items: supplies, devices and drugs, with their packs and identifiers."""

from django.db import models

from mdm.models.golden import GoldenPart, GoldenRecord, GoldenValues, Versions, part_walls, values_walls
from mdm.spec import Attribute, Comparison, Domain, Feature, Kind, Level, Matching, Part, Relating, Rule, Severity, Veto
from mdm.spec import Validation as Check


class Item(GoldenValues):
    """The surviving values of one item."""

    description = models.CharField(max_length=300, blank=True)
    manufacturer = models.ForeignKey(GoldenRecord, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    manufacturer_part_number = models.CharField(max_length=60, blank=True)
    gtin = models.CharField(max_length=14, blank=True)
    ndc = models.CharField(max_length=11, blank=True)
    hcpcs = models.CharField(max_length=5, blank=True)
    unspsc = models.CharField(max_length=8, blank=True)
    item_class = models.CharField(max_length=60, blank=True)
    generic_name = models.CharField(max_length=300, blank=True)
    trade_name = models.CharField(max_length=300, blank=True)
    strength = models.CharField(max_length=80, blank=True)
    dosage_form = models.CharField(max_length=80, blank=True)
    base_uom = models.CharField(max_length=3, blank=True)
    hazardous = models.BooleanField(null=True, blank=True)
    implant = models.BooleanField(null=True, blank=True)
    history = Versions("item")

    class Meta:
        constraints = values_walls("item")


class ItemPackLevel(GoldenPart):
    """How the item is packed: each, box, case; with the quantity of base units and a GTIN of its own."""

    uom = models.CharField(max_length=3, blank=True)
    quantity = models.DecimalField(max_digits=14, decimal_places=4, null=True, blank=True)
    gtin = models.CharField(max_length=14, blank=True)
    text = models.CharField(max_length=80, blank=True)

    class Meta:
        constraints = [
            *part_walls("item_pack_level"),
            models.CheckConstraint(
                name="item_pack_level_quantity_is_positive",
                condition=models.Q(quantity__isnull=True) | models.Q(quantity__gt=0),
            ),
        ]


class ItemIdentifier(GoldenPart):
    """Any identifier a source knows the item by: charge codes, vendor part numbers, other NDCs."""

    scheme = models.CharField(max_length=30)
    value = models.CharField(max_length=60)

    class Meta:
        constraints = part_walls("item_identifier")


MATCHING = Matching(
    features=(
        Feature(name="ndc", make="identifier", attributes=("ndc",)),
        Feature(name="gtin", make="identifier", attributes=("gtin", "packs.gtin")),
        Feature(name="maker", make="maker", attributes=("manufacturer",)),
        Feature(name="part_number", make="part_number", attributes=("manufacturer_part_number",)),
        Feature(name="loose_number", make="loose_number", attributes=("manufacturer_part_number",)),
        Feature(name="text", make="item_words", attributes=("description",)),
        Feature(name="amounts", make="item_amounts", attributes=("description",)),
    ),
    blocking=(("ndc",), ("gtin",), ("part_number",), ("maker", "loose_number"), ("text",)),
    comparisons=(
        # Worth more than everything else may take away: what an equal code of the labeler says, no text unsays.
        Comparison(feature="ndc", label="NDC", measure="exact", otherwise=-20.0, veto=True, levels=(Level(1.0, 48.0),)),
        Comparison(
            feature="gtin", label="GTIN", measure="exact", otherwise=-8.0, veto=True, levels=(Level(1.0, 32.0),)
        ),
        Comparison(
            feature="part_number",
            label="Part number",
            measure="part_number",
            otherwise=-4.0,
            rarity=1.0,
            levels=(Level(1.0, 17.0), Level(0.5, 0.0)),
        ),
        Comparison(
            feature="loose_number",
            label="Short or packed part number",
            measure="exact",
            otherwise=-2.0,
            levels=(Level(1.0, 9.0),),
        ),
        Comparison(
            feature="maker",
            label="Manufacturer",
            measure="maker",
            otherwise=-5.0,
            levels=(Level(1.0, 4.0), Level(0.85, 2.0), Level(0.5, 0.0)),
        ),
        Comparison(
            feature="text",
            label="Description",
            measure="words",
            otherwise=-1.0,
            rarity=8.0,
            levels=(Level(1.0, 13.5), Level(0.8, 2.0), Level(0.4, 0.0)),
        ),
        Comparison(
            feature="amounts",
            label="Measures",
            measure="amounts",
            otherwise=-6.0,
            levels=(Level(0.9, 1.5), Level(0.5, 0.0)),
        ),
    ),
    prior=-12.0,
    same_source=-2.0,
    anchors=("ndc", "gtin", "part_number"),
    names="text",
    relations=(
        Relating(
            kind="equivalent",
            one=Feature(name="drug", make="together", attributes=("generic_name", "strength", "dosage_form")),
            other=Feature(name="drug", make="together", attributes=("generic_name", "strength", "dosage_form")),
            because="they are one drug in one strength and form, of another maker or in another pack",
            unless=Feature(name="ndc", make="identifier", attributes=("ndc",)),
        ),
        Relating(
            kind="equivalent",
            one=Feature(name="thing", make="item_thing", attributes=("description",)),
            other=Feature(name="thing", make="item_thing", attributes=("description",)),
            because="they are described as one thing, of another maker or in another pack",
            unless=Feature(name="ndc", make="identifier", attributes=("ndc",)),
        ),
    ),
)

ITEM = Domain(
    name="item",
    label="Item",
    plural="Items",
    slug="items",
    prefix="ITM",
    icon="package",
    model=Item,
    title="description",
    description="What is bought, stored, used and charged: supplies, devices, drugs.",
    vetoes=(
        Veto(check="differ", attributes=("gtin",), severity=Severity.WARN, message="Their GTINs differ"),
        Veto(check="differ", attributes=("ndc",), severity=Severity.HOLD, message="Their NDCs differ"),
    ),
    columns=("description", "ndc", "item_class", "manufacturer"),
    also_called=("item", "product", "material", "drug", "sku", "stock"),
    attributes=(
        Attribute(
            name="description",
            label="Description",
            also_called=("item name", "product name", "product", "medication", "drug"),
            standardise="text",
            searchable=True,
        ),
        Attribute(
            name="manufacturer",
            label="Manufacturer",
            standardise="reference",
            kind=Kind.REFERENCE,
            references="supplier",
        ),
        Attribute(
            name="manufacturer_part_number",
            label="Manufacturer part number",
            also_called=("part number", "mfr item number", "catalog number", "mfg part number"),
            standardise="code",
            kind=Kind.CODE,
            scheme="mpn",
        ),
        Attribute(
            name="gtin",
            label="GTIN",
            standardise="gtin",
            kind=Kind.CODE,
            scheme="gtin",
            also_called=("UPC", "EAN", "barcode", "UDI"),
        ),
        Attribute(
            name="ndc",
            label="NDC",
            also_called=("national drug code", "manufacturer item number NDC"),
            standardise="ndc",
            kind=Kind.CODE,
            scheme="ndc",
            help="National drug code, eleven digits (5-4-2)",
        ),
        Attribute(name="hcpcs", label="HCPCS", standardise="hcpcs", kind=Kind.CODE, scheme="hcpcs"),
        Attribute(name="unspsc", label="UNSPSC", standardise="unspsc", kind=Kind.CODE),
        Attribute(
            name="item_class",
            label="Item class",
            also_called=("class", "commodity"),
            standardise="text",
            rule=Rule.MOST_FREQUENT,
        ),
        Attribute(name="generic_name", label="Generic name", standardise="text", searchable=True),
        Attribute(name="trade_name", label="Trade name", standardise="text", searchable=True),
        Attribute(name="strength", label="Strength", standardise="strength"),
        Attribute(name="dosage_form", label="Form", also_called=("dosage form",), standardise="dosage_form"),
        Attribute(
            name="base_uom",
            label="Base unit",
            also_called=("UOM", "unit of measure", "issue unit", "stock unit"),
            standardise="uom",
            kind=Kind.CODE,
            code_set="units",
        ),
        Attribute(name="hazardous", label="Hazardous", standardise="boolean", kind=Kind.BOOLEAN),
        Attribute(name="implant", label="Implant", standardise="boolean", kind=Kind.BOOLEAN),
    ),
    parts=(
        Part(
            name="packs",
            label="Pack levels",
            one="Pack level",
            model=ItemPackLevel,
            key=("uom", "quantity", "gtin"),
            attributes=(
                Attribute(name="uom", label="Unit", standardise="uom", kind=Kind.CODE, code_set="units"),
                Attribute(name="quantity", label="Quantity", standardise="decimal", kind=Kind.DECIMAL),
                Attribute(name="gtin", label="GTIN", standardise="gtin", kind=Kind.CODE, scheme="gtin"),
                Attribute(name="text", label="As the source says", standardise="text"),
            ),
        ),
        Part(
            name="identifiers",
            label="Identifiers",
            one="Identifier",
            model=ItemIdentifier,
            key=("scheme", "value"),
            attributes=(
                Attribute(name="scheme", label="Scheme", standardise="text"),
                Attribute(name="value", label="Value", standardise="code", kind=Kind.CODE),
            ),
        ),
    ),
    validations=(
        Check(
            check="positive",
            attributes=("packs.quantity",),
            severity=Severity.REFUSE,
            message="A pack level holds more than zero base units.",
        ),
        Check(
            check="required",
            attributes=("description",),
            severity=Severity.HOLD,
            message="The item has no description; people cannot choose it.",
        ),
    ),
    matching=MATCHING,
)
