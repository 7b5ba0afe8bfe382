"""Contracts: what may be bought from whom, by which facilities, at which price, until when."""

from django.db import models

from mdm.models.golden import GoldenPart, GoldenRecord, GoldenValues, Versions, part_walls, values_walls
from mdm.spec import Attribute, Comparison, Domain, Expiry, Feature, Kind, Level, Matching, Part, Severity, Veto
from mdm.spec import Validation as Check


class Contract(GoldenValues):
    """The surviving values of one contract."""

    number = models.CharField(max_length=60, blank=True)
    name = models.CharField(max_length=200, blank=True)
    supplier = models.ForeignKey(GoldenRecord, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    contract_type = models.CharField(max_length=60, blank=True)
    valid_from = models.DateField(null=True, blank=True)
    valid_to = models.DateField(null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    history = Versions("contract")

    class Meta:
        constraints = [
            *values_walls("contract"),
            models.CheckConstraint(
                name="contract_ends_after_it_starts",
                condition=models.Q(valid_to__isnull=True)
                | models.Q(valid_from__isnull=True)
                | models.Q(valid_to__gte=models.F("valid_from")),
            ),
        ]


class ContractLine(GoldenPart):
    """One priced item of a contract, for one tier or price type, between two dates."""

    number = models.CharField(max_length=80)
    item = models.ForeignKey(GoldenRecord, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    description = models.CharField(max_length=300, blank=True)
    price = models.DecimalField(max_digits=16, decimal_places=4, null=True, blank=True)
    uom = models.CharField(max_length=3, blank=True)
    package = models.CharField(max_length=60, blank=True)
    tier = models.CharField(max_length=30, blank=True)
    valid_from = models.DateField(null=True, blank=True)
    valid_to = models.DateField(null=True, blank=True)

    class Meta:
        constraints = [
            *part_walls("contract_line"),
            models.CheckConstraint(
                name="contract_line_price_is_not_negative",
                condition=models.Q(price__isnull=True) | models.Q(price__gte=0),
            ),
        ]


class ContractFacility(GoldenPart):
    """A facility that may buy under the contract."""

    facility = models.ForeignKey(GoldenRecord, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = part_walls("contract_facility")


MATCHING = Matching(
    features=(
        Feature(name="number", make="identifier", attributes=("number",)),
        Feature(name="supplier", make="reference", attributes=("supplier",)),
        Feature(name="starts", make="identifier", attributes=("valid_from",)),
        Feature(name="ends", make="identifier", attributes=("valid_to",)),
        Feature(name="name", make="text", attributes=("name",)),
    ),
    blocking=(("number",), ("supplier", "starts", "ends")),
    comparisons=(
        # Only the same number links by itself; numbers a slip apart are asked about where everything else agrees.
        Comparison(
            feature="number",
            label="Number",
            measure="digits",
            otherwise=-20.0,
            veto=True,
            levels=(Level(1.0, 12.0), Level(0.8, -0.5), Level(0.6, -2.0)),
        ),
        Comparison(feature="supplier", label="Supplier", measure="exact", otherwise=-6.0, levels=(Level(1.0, 5.0),)),
        Comparison(feature="starts", label="Valid from", measure="exact", otherwise=-3.0, levels=(Level(1.0, 2.0),)),
        Comparison(feature="ends", label="Valid to", measure="exact", otherwise=-3.0, levels=(Level(1.0, 2.0),)),
        Comparison(
            feature="name", label="Name", measure="name", otherwise=-1.0, levels=(Level(1.0, 3.0), Level(0.85, 1.5))
        ),
    ),
    prior=-6.0,
    anchors=("number",),
    names="number",
)

CONTRACT = Domain(
    name="contract",
    label="Contract",
    plural="Contracts",
    slug="contracts",
    prefix="CON",
    icon="file-text",
    model=Contract,
    title="number",
    description="Agreements with suppliers: lines with price and tier, dates, eligible facilities.",
    vetoes=(Veto(check="differ", attributes=("number",), severity=Severity.HOLD, message="Their numbers differ"),),
    columns=("number", "supplier", "contract_type", "valid_from", "valid_to"),
    also_called=("contract", "agreement"),
    attributes=(
        Attribute(
            name="number",
            label="Number",
            also_called=("contract number", "agreement number"),
            standardise="code",
            kind=Kind.CODE,
            scheme="contract",
            searchable=True,
        ),
        Attribute(name="name", label="Name", standardise="text", searchable=True),
        Attribute(
            name="supplier",
            label="Supplier",
            also_called=("vendor",),
            standardise="reference",
            kind=Kind.REFERENCE,
            references="supplier",
        ),
        Attribute(name="contract_type", label="Type", also_called=("contract type",), standardise="text"),
        Attribute(
            name="valid_from",
            label="Valid from",
            also_called=("start", "effective date"),
            standardise="date",
            kind=Kind.DATE,
        ),
        Attribute(
            name="valid_to",
            label="Valid to",
            also_called=("end", "expiration date"),
            standardise="date",
            kind=Kind.DATE,
        ),
        Attribute(name="currency", label="Currency", standardise="currency", kind=Kind.CODE, code_set="currencies"),
    ),
    parts=(
        Part(
            name="lines",
            label="Lines",
            one="Line",
            model=ContractLine,
            key=("number",),
            attributes=(
                Attribute(
                    name="number",
                    label="Line",
                    also_called=("line number", "line id"),
                    standardise="code",
                    kind=Kind.CODE,
                ),
                Attribute(
                    name="item",
                    label="Item",
                    also_called=("item number", "sku"),
                    standardise="reference",
                    kind=Kind.REFERENCE,
                    references="item",
                ),
                Attribute(name="description", label="Description", standardise="text"),
                Attribute(
                    name="price",
                    label="Price",
                    also_called=("unit price", "cost"),
                    standardise="decimal",
                    kind=Kind.DECIMAL,
                ),
                Attribute(name="uom", label="Unit", standardise="uom", kind=Kind.CODE, code_set="units"),
                Attribute(name="package", label="Package", standardise="text"),
                Attribute(name="tier", label="Tier", also_called=("price type",), standardise="text"),
                Attribute(name="valid_from", label="Price from", standardise="date", kind=Kind.DATE),
                Attribute(name="valid_to", label="Price to", standardise="date", kind=Kind.DATE),
            ),
        ),
        Part(
            name="facilities",
            label="Eligible facilities",
            one="Eligible facility",
            model=ContractFacility,
            key=("facility", "name"),
            attributes=(
                Attribute(
                    name="facility",
                    label="Facility",
                    standardise="reference",
                    kind=Kind.REFERENCE,
                    references="facility",
                ),
                Attribute(name="name", label="As the source says", standardise="text"),
            ),
        ),
    ),
    validations=(
        Check(check="required", attributes=("number",), severity=Severity.REFUSE, message="A contract needs a number."),
        Check(
            check="required",
            attributes=("supplier",),
            severity=Severity.HOLD,
            message="The contract names no supplier the hub knows.",
        ),
        Check(
            check="dates_in_order",
            attributes=("valid_from", "valid_to"),
            severity=Severity.REFUSE,
            message="The contract ends before it starts.",
        ),
        Check(
            check="required",
            attributes=("lines.number",),
            severity=Severity.REFUSE,
            message="A contract line needs a number.",
        ),
        Check(
            check="not_negative",
            attributes=("lines.price",),
            severity=Severity.REFUSE,
            message="A price cannot be negative.",
        ),
        Check(
            check="dates_in_order",
            attributes=("lines.valid_from", "lines.valid_to"),
            severity=Severity.REFUSE,
            message="The price ends before it starts.",
        ),
    ),
    expiries=(
        Expiry(attribute="valid_to", label="The contract ends"),
        Expiry(attribute="lines.valid_to", label="Prices end", ahead=60),
    ),
    matching=MATCHING,
)
